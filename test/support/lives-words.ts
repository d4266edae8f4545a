/** A plan's complete life as data: the agents, the script of each turn, the person's actions, and the expected end. */

/** A turn of `test/support/fixtures/agents/scenario.mjs`: steps in order. */
type Step = Readonly<Record<string, unknown>>;
export type Turn = readonly Step[];
/** By title, one turn for each expected run. */
export type Script = Readonly<Record<string, readonly Turn[]>>;

/** A state that the person waits for, and their signal then; each once, in this order. */
export interface Act {
  /** The source of a block, a title that waits in its turn, a phase, or that it is paused and none of its agents runs any more. */
  readonly at:
    | { readonly blocked: string }
    | { readonly waits: string }
    | { readonly phase: string }
    | { readonly isPaused: true };
  readonly type: string;
  readonly payload?: unknown;
  /** Texts that must be in the reason or the advice that the person reads. */
  readonly says?: readonly string[];
  /** A file that turns wait for, made after the signal. */
  readonly opens?: string;
}

export interface Ending {
  /** Each status of the plan, in order. */
  readonly statuses: readonly string[];
  /** The end of each run by title, in order: a reason, or `done`. */
  readonly runs: Readonly<Record<string, readonly string[]>>;
  readonly reviewCycle: number;
  /** The files on the plan's branch, besides README.md. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Life {
  readonly name: string;
  readonly plan: string;
  /** The registered document, and the signal that starts it. */
  readonly document: string;
  readonly start: 'plan_start' | 'implement_start';
  /** Lines of daemon.toml: flags, then the tables of agents. */
  readonly daemon: string;
  /** Lines of the repo's own configuration; undefined: it has no file. */
  readonly repo?: string;
  readonly script: Script;
  readonly person: readonly Act[];
  /** Texts that the prompt of a title must contain in that turn. */
  readonly delivered: readonly (readonly [title: string, turn: number, text: string])[];
  /** Titles whose every run begins a new conversation. */
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
