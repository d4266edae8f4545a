/** Makes a simulation from the arguments, the configuration of this folder and the history of its repo. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { homeFolder, loadDaemonConfig, loadRepoConfig } from '../../runtime/base/config/config.ts';
import { parseToml } from '../../runtime/base/config/document.ts';
import { durationMs } from '../../runtime/base/config/duration.ts';
import { type DurationRange, mustParse, type Simulation, simulate } from '../../runtime/engine/simulate.ts';
import { simulateTogether } from '../../runtime/engine/simulate-together.ts';
import type { Args, Call } from '../command.ts';
import { wholeNumber } from '../number.ts';
import { mainRepository } from '../place.ts';
import { repoPastOf } from '../repo-past.ts';
import { simulationLines, togetherLines } from './text.ts';

export const simulationArgs = {
  agents: { type: 'string', valueHint: 'n', description: 'so many coders at a time; default: max_agents' },
  fail: {
    type: 'string',
    valueHint: 'task[:n],…',
    description: 'these fail, each n times: w1-t2, or a role',
  },
  durations: {
    type: 'string',
    valueHint: 'file',
    description: 'how long agents take; default: from-history',
  },
  seed: { type: 'string', valueHint: 'n', description: 'draw durations; the same seed draws the same' },
  runs: { type: 'string', valueHint: 'n', description: 'play it so often, with other draws each time' },
} as const;

interface Simulating {
  /** The file as typed. */
  readonly file: string;
  readonly name: string;
  readonly content: string;
  readonly given?: Args<typeof simulationArgs>;
}

/** The number of failures if none is given: every attempt fails. */
const always = 1_000_000;

/** Prints a simulation and returns it. Throws the errors of `simulate`, `usage` for a wrong argument, and `bad_config`. */
export async function printSimulation(call: Call, simulating: Simulating): Promise<Simulation> {
  const simulation = await simulateFile(call, simulating);
  call.out.answer(simulation, () => simulationLines(simulation, call.out));
  return simulation;
}

const nothingGiven: Args<typeof simulationArgs> = {
  agents: undefined,
  fail: undefined,
  durations: undefined,
  seed: undefined,
  runs: undefined,
};

async function simulateFile(
  call: Call,
  { name, content, file, given = nothingGiven }: Simulating,
): Promise<Simulation> {
  const { landing: _, ...assumed } = await assumptionsOf(call, given);
  return simulate({ ...assumed, content, name }).catch((thrown: unknown) => {
    throw thrown instanceof EngineError ? inWordsTyped(thrown, file) : thrown;
  });
}

/** Simulates several plans of this repo at the same time. Throws the same errors as `printSimulation`. */
export async function printTogether(
  call: Call,
  { plans, given }: { readonly plans: readonly Simulating[]; readonly given: Args<typeof simulationArgs> },
): Promise<void> {
  if (given.runs !== undefined) throw new EngineError('usage', '--runs plays one plan', 'leave out --runs, or --with');
  const names = plans.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new EngineError(
      'usage',
      `two of the files are called ${twice}`,
      'a repo has one plan of a name: rename a file',
    );
  for (const { file, content } of plans) mustBeWhole(file, content);
  const simulation = await simulateTogether({ ...(await assumptionsOf(call, given)), plans }).catch(
    (thrown: unknown) => {
      throw thrown instanceof EngineError ? inWordsTyped(thrown, '') : thrown;
    },
  );
  call.out.answer(simulation, () => togetherLines(simulation, call.out));
}

function mustBeWhole(file: string, content: string): void {
  try {
    mustParse(content);
  } catch (thrown) {
    throw thrown instanceof EngineError ? inWordsTyped(thrown, file) : thrown;
  }
}

async function assumptionsOf(call: Call, given: Args<typeof simulationArgs>) {
  const repo = mainRepository(call);
  const daemon = loadDaemonConfig(homeFolder(call.env));
  const config = repo === null ? null : loadRepoConfig(repo, daemon);
  const known = await repoPastOf(call, repo);
  const past = known === null || known.roles.length === 0 ? null : known;
  const isFile = given.durations !== undefined && given.durations !== 'from-history';
  if (given.durations === 'from-history' && past === null)
    throw new EngineError(
      'usage',
      '--durations from-history: no agent has run in this repo yet',
      'leave it out, or give a file: coder = "10m", w1-t2 = "5m..20m"',
    );
  const number = (flag: 'agents' | 'runs' | 'seed') => {
    const text = given[flag];
    return text === undefined ? {} : { [flag]: wholeNumber(`--${flag}`, text) };
  };
  const perRepo = daemon.maxAgentsPerRepo > 0 ? { agentsPerRepo: daemon.maxAgentsPerRepo } : {};
  const agents = Math.min(daemon.maxAgents, perRepo.agentsPerRepo ?? daemon.maxAgents);
  return {
    ...{ agents, coordinators: daemon.maxCoordinators },
    ...perRepo,
    ...(config === null
      ? {}
      : { policy: config.policy, landing: { hasCheck: config.landing.check !== null, batch: config.landing.batch } }),
    ...(past === null ? {} : { past }),
    ...(isFile ? { durations: readDurations(call.cwd, given.durations ?? '') } : {}),
    ...(given.fail === undefined ? {} : { fail: failuresOf(given.fail) }),
    ...number('agents'),
    ...number('runs'),
    ...number('seed'),
  };
}

/** Adds the file's name to the message about a mistake in the document. */
function inWordsTyped(error: EngineError, file: string): EngineError {
  if (error.code === 'bad_request') return new EngineError('usage', error.message, error.hint);
  if (error.code !== 'bad_plan') return error;
  const message = error.message.replaceAll(/^line (\d+): /gm, `${file}:$1: `);
  return new EngineError('bad_plan', message, error.hint.replace('<plan.md>', shellWord(file)));
}

/** Parses `w1-t2:3,reviewer`. Throws `usage`. */
function failuresOf(text: string): Record<string, number> {
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [, name, count] = /^\s*([a-z][a-z0-9-]*)(?::([1-9]\d{0,5}))?\s*$/.exec(part) ?? [];
      if (name === undefined)
        throw new EngineError(
          'usage',
          `--fail is "${text}"`,
          'give tasks or roles, with a number or without: w1-t2:3,reviewer',
        );
      return [name, count === undefined ? always : Number(count)];
    }),
  );
}

/** Throws `bad_file` and `bad_config`. */
function readDurations(cwd: string, file: string): Record<string, DurationRange> {
  const path = resolve(cwd, file);
  return Object.fromEntries(
    Object.entries(parseToml(file, textOf(path, file))).map(([name, value]) => {
      const range = rangeOf(value);
      if (range !== null) return [name, range];
      throw new EngineError(
        'bad_config',
        `${file}: ${name} is ${JSON.stringify(value)}`,
        'give a duration or two: coder = "10m", w1-t2 = "5m..20m"',
      );
    }),
  );
}

function textOf(path: string, file: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    const hint = 'give a TOML file such as: coder = "10m"; or from-history';
    throw new EngineError('bad_file', `${file} cannot be read: ${messageOf(thrown)}`, hint, { cause: thrown });
  }
}

function rangeOf(value: unknown): DurationRange | null {
  if (typeof value !== 'string') return null;
  const [from = '', to = from, ...more] = value.split('..');
  const [fromMs, toMs] = [durationMs(from), durationMs(to)];
  return fromMs === null || toMs === null || more.length > 0 || toMs < fromMs ? null : { fromMs, toMs };
}
