/** Hooks that a program brings as functions: what they receive, and how they join the hooks of a repo. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import {
  type HookDetails,
  hookEvents,
  isNotifiedEvent,
  machineEventOf,
  type NotifiedEvent,
} from '../../../machines/vocabulary/hook-event.ts';
import { type FunctionHookConfig, type HookConfig, renamed } from './hooks.ts';
import { didYouMean } from './nearest.ts';

/** The event as every hook receives it, with its further fields (`reason`, `wave`, `blocked_reason`, …): docs/hooks.md. */
export interface HookMessage {
  readonly event: NotifiedEvent;
  readonly project: string;
  /** The plan's name; null: it is about the repo. */
  readonly plan_file: string | null;
  readonly from_status: string | null;
  readonly to_status: string | null;
  /** ISO 8601, in UTC. */
  readonly timestamp: string;
  /** The same at each try. */
  readonly delivery_id: string;
  /** Counts the deliveries of this plan to this hook, from 1 and without gaps. */
  readonly sequence: number;
  readonly hook: string;
  readonly [detail: string]: HookDetails[string];
}

/** A hook as a function of the program that embeds the engine, of all of its repos. */
export interface OwnHook {
  /** `<machine>.<tag>`: a tree of a user-defined machine entered a state of that tag. Default: all of plans and repos but the notifications. */
  readonly on?: readonly NotifiedEvent[];
  /**
   * Delivered when it resolves. What it throws is tried again, eight times over about eight hours; a `FatalError` is not, and a `RetryAtError` not before then. At
   * least once for each event, in order for each plan, also over restarts. `signal` is aborted at the end of its time, and when the engine stops: then it is
   * called again by the next one.
   */
  readonly run: (message: HookMessage, context: { readonly signal: AbortSignal }) => Promise<void> | void;
  /** Milliseconds of one try, from 100 to 600,000. Default 30,000. */
  readonly timeoutMs?: number;
}

/** Hooks by name; the name connects their deliveries over restarts. */
export type OwnHooks = Readonly<Record<string, OwnHook>>;

const timeoutMs = 30_000;
const least = 100;
const most = 600_000;
const nameLimit = 100;
const keys: readonly (keyof OwnHook)[] = ['on', 'run', 'timeoutMs'];

/** Throws `bad_request` with the hook, what is wrong with it and what is accepted. */
export function checkOwnHooks(hooks: OwnHooks): void {
  if (typeof hooks !== 'object' || hooks === null || Array.isArray(hooks))
    throw new EngineError(
      'bad_request',
      'createEngine: hooks is no object',
      'give { name: { on: [event], run: async (message) => { … } } }',
    );
  for (const [name, hook] of Object.entries(hooks)) checkOwnHook(`createEngine: hooks.${name}`, name, hook);
}

function checkOwnHook(where: string, name: string, hook: OwnHook): void {
  const refused = (why: string, hint: string) => new EngineError('bad_request', `${where}${why}`, hint);
  if (name === '' || name.length > nameLimit)
    throw refused(': its name cannot be used', `give it one of 1 to ${nameLimit} characters`);
  if (typeof hook !== 'object' || hook === null)
    throw refused(' is no hook', 'give { on: [event], run: async (message) => { … } }');
  const odd = Object.keys(hook).find((key) => !(keys as readonly string[]).includes(key));
  if (odd !== undefined) throw refused(` has no option "${odd}"`, `it takes ${keys.join(', ')}`);
  if (typeof hook.run !== 'function')
    throw refused('.run is no function', 'give a function: run: async (message) => { … }');
  const { on = [], timeoutMs: given = timeoutMs } = hook;
  if (!Array.isArray(on)) throw refused('.on is no list', `give a list of events: ${hookEvents.join(', ')}`);
  const unknown = on.find((event) => !isNotifiedEvent(event));
  if (unknown !== undefined)
    throw refused(
      `.on: there is no event "${unknown}"`,
      `${didYouMean(String(unknown), hookEvents)}the events: ${hookEvents.join(', ')}`,
    );
  if (!Number.isInteger(given) || given < least || given > most)
    throw refused(`.timeoutMs is ${given}`, `give a whole number of milliseconds, from ${least} to ${most}`);
}

/** The hooks that name an event of a user-defined machine: it belongs to no repo, so they receive it once. */
export function machineHooks(hooks: OwnHooks): FunctionHookConfig[] {
  return functionHooks(hooks, []).filter(({ events }) => events.some((event) => machineEventOf(event) !== null));
}

/** Under names that none of the repo's own has. */
export function functionHooks(hooks: OwnHooks, taken: readonly HookConfig[]): FunctionHookConfig[] {
  const own = Object.entries(hooks).map(([name, { on = [], timeoutMs: limit = timeoutMs }]): FunctionHookConfig => {
    return { type: 'function', name, given: name, events: [...new Set(on)], enabled: true, timeoutMs: limit };
  });
  return renamed(own, taken);
}
