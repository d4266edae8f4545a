/** Everything that stator knows about the program of an agent, as one value in one file. */
import type { AgentProfile } from '../../../base/config/config.ts';
import type { JsonObject } from '../reports/json-line.ts';
import type { ProgramReport, Quota, Reader } from '../reports/report.ts';
import type { End } from '../reports/spoilt-lines.ts';
import type { Step } from '../reports/steps.ts';
import type { Starter } from '../run-brief.ts';
import type { PlacesOf, PresetPlaces } from './places.ts';
import type { Json } from './renewal.ts';

export interface AgentProgram {
  /** Its command for a run. */
  readonly start: Starter;
  /** Its documented variables: keys, endpoints, models, paths of settings. A name that ends in `_` means all names with that prefix. */
  readonly variables: readonly string[];
  /** The documented variables that determine its account. */
  readonly account: AccountVariables;
  /** true: its service is that of its model, which is a part of the account. */
  readonly hasServiceOfModel?: true;
  /** Hosts that the vendor documents for it, without statistics and crash reports. */
  readonly hosts: readonly string[];
  /** Files and folders that it loads automatically, by their paths from the root of a worktree. */
  readonly settings: readonly string[];
  /** Whether it has an option to load none of them. Without one it does not start if they changed since they were trusted. */
  readonly leavesSettingsOut: boolean;
  readonly flags: Flags;
  /** Its files in the user's home: absolute paths, there or not. */
  places(of: PlacesOf): PresetPlaces;
  /** true: we choose the id of a new conversation. */
  readonly choosesConversation?: true;
  /** Whether a changed login is the same one, renewed; missing: it is not known to renew its login. */
  isRenewed?(before: Json, after: Json, nowMs: number): boolean;
  /** Why it would not start in that environment outside walls, with the remedy; null: it would. */
  startProblem?(
    profile: Pick<AgentProfile, 'permissions' | 'role'>,
    env: Readonly<Record<string, string | undefined>>,
  ): { readonly message: string; readonly hint: string } | null;
  createReader(): Reader;
  /**
   * The used part of its account's limits, from the file of a conversation in that folder (`PresetPlaces.conversations`); missing: only its output
   * reports it.
   */
  quotasIn?(
    conversations: string,
    about: { readonly conversation: string; readonly sinceMs: number },
  ): readonly Quota[];
  stepsOf(event: JsonObject): readonly Step[];
  readonly end: End;
  /** The messages of its argument parser, printed as plain text before its first event. */
  readonly refusedArgument: RegExp;
  /** The reason, if that message has none. */
  readonly refusalText?: string;
  /** Its messages about a conversation that has reached the model's limit, and about a model that the service does not offer. */
  readonly fullContext: readonly RegExp[];
  readonly refusedModel: readonly RegExp[];
  /** A rate limit in a line of plain text, from a program that had no event; missing: it prints none. */
  limitIn?(line: string, writtenAtMs: number): ProgramReport['rateLimit'];
}

export interface AccountVariables {
  readonly address: readonly string[];
  /** With one of these variables the program uses no stored login. */
  readonly keys: readonly string[];
  /** The folder of its login and its conversations: the first variable that is set, otherwise HOME. */
  readonly places: readonly string[];
}

/** How its own help shows whether it still knows the flags that its preset gives it. */
export interface Flags {
  /** The arguments that print the help of the command that a preset starts. */
  readonly help: readonly string[];
  /** All flags that its preset may use and that its help lists in each tested version; without a profile's own flags. */
  readonly flags: readonly string[];
}
