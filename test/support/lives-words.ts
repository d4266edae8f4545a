/** What a plan's whole life is as data: who plays, what each of their turns does, what the person does, and how it must end. */

/** A turn of `test/support/fixtures/agents/scenario.mjs`: steps in order. */
type Step = Readonly<Record<string, unknown>>;
export type Turn = readonly Step[];
/** By title, one turn for each run that there is to be. */
export type Script = Readonly<Record<string, readonly Turn[]>>;

/** What the person waits for, and then says; each once, in this order. */
export interface Act {
  /** The source of a block, a title that stands still in its turn, a phase, or that it is paused and nothing of it runs any more. */
  readonly at:
    | { readonly blocked: string }
    | { readonly waits: string }
    | { readonly phase: string }
    | { readonly isPaused: true };
  readonly type: string;
  readonly payload?: unknown;
  /** What the person is told of why, and of what there is to do, has these words. */
  readonly says?: readonly string[];
  /** A file that turns wait for, made when it was said. */
  readonly opens?: string;
}

export interface Ending {
  /** Each status that the plan came to, in order. */
  readonly statuses: readonly string[];
  /** How each run of each title ended, in order: a reason, or `done`. */
  readonly runs: Readonly<Record<string, readonly string[]>>;
  readonly reviewCycle: number;
  /** On the plan's branch, beside README.md. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Life {
  readonly name: string;
  readonly plan: string;
  /** What is registered, and the signal that sets it going. */
  readonly document: string;
  readonly start: 'plan_start' | 'implement_start';
  /** Lines of daemon.toml: flags, then the tables of agents. */
  readonly daemon: string;
  /** Lines of the repo's own config; none where it has no file. */
  readonly repo?: string;
  readonly script: Script;
  readonly person: readonly Act[];
  /** Words that a title's prompt has in that turn. */
  readonly told: readonly (readonly [title: string, turn: number, text: string])[];
  /** Titles that begin a new conversation with each run. */
  readonly anew?: readonly string[];
  readonly end: Ending;
}

export const plan = 'paint';
export const write = (file: string): Step => ({ write: { [file]: `${file}\n` } });
export const paint = (...files: string[]): Turn => files.map(write);
export const say = (type: string, payload?: string): Turn => [
  { signal: payload === undefined ? [type] : [type, payload] },
];
export const rounds = (...statuses: string[]) => ['implementing', ...statuses];

export function filesOf(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [`${name}.txt`, `${name}.txt`]));
}

export function turnsOf({ script }: Life): number {
  return Object.values(script).reduce((count, turns) => count + turns.length, 0);
}
