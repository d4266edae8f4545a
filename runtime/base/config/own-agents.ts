/** Agents that a program defines as functions: their input and result, and how they combine with the agents of the files. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Role } from '../../../machines/vocabulary/ids.ts';
import type { AgentSettings } from './schema.ts';

/** The work of one run: its plan, its task, and its subject. */
export interface AgentWork {
  readonly role: Role;
  readonly project: string;
  readonly plan: string;
  /** Numbers of the wave and the task; null: the run is about the whole plan. */
  readonly wave: number | null;
  readonly task: number | null;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /** The folder to work in, an absolute path. Its files at the end of a coder's run are committed. */
  readonly worktree: string;
  /** A file with the prompt, as for every agent: docs/prompts.md. */
  readonly promptFile: string;
  /** For the programs that it starts, and for `connect` of `stator/client`: a program with it acts as this run. */
  readonly env: Readonly<Record<string, string>>;
}

/** The argument of an agent that is a function. */
export interface AgentCall extends AgentWork {
  /** The text of `promptFile`. */
  readonly prompt: string;
  /** The same at every call of this run, and different for every other run. Pass it on to make a request happen only once. */
  readonly key: string;
  /** Aborted when the run is to end (stopped, out of time) or the engine stops: end soon then, the answer is not used. */
  readonly signal: AbortSignal;
  /** A line for the log of the run, which people read with `stator agent logs`. It counts as a sign of life (`idle_timeout`). */
  log(message: string): void;
}

/**
 * An agent as a function of the program that embeds the engine. The run has succeeded when it resolves, and failed with the message of what it throws. It is
 * called at least once for each run, and again with the same `key` where the engine stopped or died meanwhile. The text that it answers is its last message;
 * a reviewer or verifier ends it with the line of its verdict, as its prompt says.
 */
export type AgentFunction = (call: AgentCall) => Promise<string | undefined> | Promise<void> | string | undefined;

/** The argument of a preset that is a function. */
export interface AgentStart extends AgentWork {
  /** From the settings. */
  readonly model: string | null;
  readonly flags: readonly string[];
}

/** The program of an agent. */
export interface AgentCommand {
  /** The program, by an absolute path or by a name on PATH, and its arguments. It works in the worktree, inside walls if the profile has any. */
  readonly argv: readonly [string, ...string[]];
  /** The content of its standard input. Default: the prompt. */
  readonly stdin?: 'prompt' | 'none';
  /** Beside the environment that every agent has. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A user-defined preset: how a program is started for a run. Called once, before the start; after a crash before the start it is called again. */
export type AgentPreset = (start: AgentStart) => Promise<AgentCommand> | AgentCommand;

/** The keys that have an effect for a function, which runs in the engine's own process, without walls. */
const functionKeys = ['enabled', 'timeout', 'idle_timeout', 'attempts', 'env_file', 'env'] as const;
/** Keys that do not apply where a function starts the program. */
const notOfPresets = ['preset', 'program'] as const;

/** One agent of `createEngine({ agents })`: the keys of `[agents.*]`, and instead of `preset` a function. */
export interface OwnAgent extends AgentSettings {
  /** The agent itself, called in the engine's own process, without walls. Beside it: `enabled`, `timeout`, `idle_timeout`, `attempts`, `env_file`, `env`. */
  readonly run?: AgentFunction;
  /** How the program of the agent is started. Beside it every key but `preset` and `program`. */
  readonly start?: AgentPreset;
}

/** By role, `default`, or the name of a further profile. */
export type OwnAgents = Readonly<Record<string, OwnAgent | undefined>>;

/** The agents by their names, without those that are undefined. Throws `bad_request` for a value that is no object, whatever its type says. */
export function givenAgents(given: OwnAgents): [string, OwnAgent][] {
  if (!isPlainObject(given))
    throw new EngineError(
      'bad_request',
      'createEngine: agents is no object of agents by their roles',
      "such as agents: { default: { preset: 'sh' } }",
    );
  const agents = Object.entries(given).filter((entry): entry is [string, OwnAgent] => entry[1] !== undefined);
  const [odd, agent] = agents.find(([, each]) => !isPlainObject(each)) ?? [];
  if (odd === undefined) return agents;
  const found = agent === null ? 'null' : typeof agent === 'object' ? 'a list' : `a ${typeof agent}`;
  throw new EngineError(
    'bad_request',
    `createEngine: agents.${odd} is ${found}, and no object`,
    typeof agent === 'function'
      ? `give the function as run: agents: { ${odd}: { run: async (…) => { … } } }`
      : `such as agents: { ${odd}: { preset: 'sh' } }`,
  );
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);
}

/**
 * The settings of one agent without its function, under the preset that represents it; `program` is the name under which the function is found again. Throws
 * `bad_request` for a value that is not a function, and for a key that would have no effect.
 */
export function settingsOf(name: string, agent: OwnAgent): { settings: object; preset: 'function' | 'custom' | null } {
  const { run, start, ...settings } = agent;
  if (run === undefined && start === undefined) return { settings, preset: null };
  const where = `createEngine: agents.${name}`;
  if (run !== undefined && start !== undefined)
    throw new EngineError(
      'bad_request',
      `${where} has run and start`,
      'run is the agent itself, start says how a program is started: give one',
    );
  const key = run === undefined ? 'start' : 'run';
  if (typeof (run ?? start) !== 'function')
    throw new EngineError(
      'bad_request',
      `${where}.${key} is no function`,
      `give a function: ${key}: async (…) => { … }`,
    );
  const odd = Object.keys(settings).find((each) =>
    run === undefined
      ? (notOfPresets as readonly string[]).includes(each)
      : !(functionKeys as readonly string[]).includes(each),
  );
  if (odd !== undefined)
    throw new EngineError(
      'bad_request',
      `${where} has ${key}, and "${odd}" means nothing beside it`,
      run === undefined ? `leave ${notOfPresets.join(' and ')} out` : `beside run it takes ${functionKeys.join(', ')}`,
    );
  return { settings, preset: run === undefined ? 'custom' : 'function' };
}
