/** Simulates a plan before it costs anything: the real engine with a virtual clock, and agents that follow a script. */
import { type PlanDocument, parsePlan } from '../../machines/document/plan-document.ts';
import { readPlan } from '../../machines/document/read-plan.ts';
import type { AgentRun } from '../../machines/vocabulary/effect.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { hashOf, type Role, roles, taskName, taskNamed } from '../../machines/vocabulary/ids.ts';
import { defaultPolicy, type Policy } from '../../machines/vocabulary/policy.ts';
import { anyText, aText, checkOptions, type KnownOptions, required } from '../api/client/options.ts';
import type { RepoPast } from '../api/contract/repos.ts';
import type { PlayedRun, Script } from './scripted-work.ts';
import { createPlayer, type Played, type Player, type SimulatedAsk } from './simulated-engine.ts';

export type { SimulatedAsk } from './simulated-engine.ts';

/** The duration of a run: each time between the two is equally likely. Milliseconds. */
export interface DurationRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The input of a simulation. All fields but the document may be left out. */
export interface SimulateOptions {
  /** The plan's document, with its waves. */
  readonly content: string;
  /** The plan's name. Default `plan`. */
  readonly name?: string;
  /** The configuration that guards read. Default: that of a repository without a configuration. */
  readonly policy?: Policy;
  /** How many workers run at a time. Default 3. */
  readonly agents?: number;
  /** How many of them one repository may have, as `max_agents_per_repo`. Default: no limit of its own. */
  readonly agentsPerRepo?: number;
  /** How many coordinators run at a time. Default 2. */
  readonly coordinators?: number;
  /** By task (`w1-t2`) or role; the nearer entry counts. */
  readonly durations?: Readonly<Record<string, DurationRange>>;
  /** The earlier durations of agents in that repository. They count where `durations` has no entry. */
  readonly past?: RepoPast;
  /** By task (`w1-t2`) or role: how many of its first runs fail. A reviewer or a verifier asks for changes. */
  readonly fail?: Readonly<Record<string, number>>;
  /** Durations are drawn, always the same for the same seed. Default: the middle of each range, the median of the past. */
  readonly seed?: number;
  /** How often it is repeated, each time with other random durations; at most 1,000. Default 1. */
  readonly runs?: number;
}

/** One agent of a simulated plan, over all its runs. Times count from the plan's start. */
export interface SimulatedAgent {
  /** `w1-t2`, or the agent's title without the plan's name: `review-1`. */
  readonly task: string;
  readonly role: Role;
  readonly start_ms: number;
  readonly end_ms: number;
  readonly attempts: number;
  readonly outcome: string;
}

/** The result of a simulation. */
export interface Simulation {
  readonly plan: string;
  /** `blocked`: it waits for a person. */
  readonly status: Played['status'];
  readonly duration_ms: number;
  /** How many workers may run at a time. */
  readonly agents: number;
  /** The requested number, if one repository may not have so many; else null. */
  readonly agents_asked: number | null;
  /** How many agents of all roles ran at a time, at most. */
  readonly peak_agents: number;
  /** Estimated from earlier runs in this repository; null: their cost is not known for every role that ran. */
  readonly cost_usd: number | null;
  /** In the order in which they began. */
  readonly order: readonly SimulatedAgent[];
  /** Tasks that no agent began. */
  readonly not_reached: readonly string[];
  readonly asks: readonly SimulatedAsk[];
  /** Its duration with other numbers of agents; empty: a plan of this size is not simulated again. */
  readonly with_agents: readonly { readonly agents: number; readonly duration_ms: number }[];
  /** More agents than this do not make the plan shorter; null: it was not tried. */
  readonly agents_that_help: number | null;
  /** The source of the durations of each role that ran. */
  readonly durations: readonly { readonly role: Role; readonly from: DurationSource; readonly typical_ms: number }[];
  /** The outcomes of all runs, if there were several; the rest describes the one of median duration. */
  readonly runs: null | {
    readonly count: number;
    readonly p10_ms: number;
    readonly p50_ms: number;
    readonly p90_ms: number;
    readonly statuses: Readonly<Record<string, number>>;
  };
}

/** The source of a role's durations: the caller, earlier runs in the repository, or none. */
export type DurationSource = 'given' | 'history' | 'assumed';

const minuteMs = 60_000;
/** The duration if no estimate is given. */
export const assumedMs: Readonly<Record<Role, number>> = {
  planner: 5 * minuteMs,
  architect: 5 * minuteMs,
  coder: 10 * minuteMs,
  reviewer: 5 * minuteMs,
  fixer: 10 * minuteMs,
  verifier: 5 * minuteMs,
  session: 10 * minuteMs,
};
/** The duration of a landing's check if no estimate is given. */
export const assumedCheckMs = 5 * minuteMs;
export const defaultAgents = 3;
export const defaultCoordinators = 2;
/** A thousand runs of ten tasks take about a minute. */
const runsLimit = 1_000;
/** The most simulated tasks when other numbers of agents are tried: that takes about a second. */
const triedTasksLimit = 400;

const simulateOptions: KnownOptions<SimulateOptions> = {
  content: required(anyText),
  name: aText,
  policy: true,
  agents: true,
  agentsPerRepo: true,
  coordinators: true,
  durations: true,
  past: true,
  fail: true,
  seed: true,
  runs: true,
};

/**
 * Simulates the plan. No agent is started and nothing is stored. Throws `bad_plan` for a document with mistakes or without waves, and `bad_request` for an
 * unknown option, task or role, and for numbers out of range.
 */
export async function simulate(options: SimulateOptions): Promise<Simulation> {
  checkOptions('simulate', options, simulateOptions);
  const document = mustParse(options.content);
  checkSimulation(options, tasksOf(document));
  const given = { options, document, player: createPlayer() };
  const count = options.runs ?? 1;
  const asked = options.agents ?? defaultAgents;
  const agents = Math.min(asked, options.agentsPerRepo ?? asked);
  const all: Played[] = [];
  for (let run = 0; run < count; run += 1) all.push(await play(given, { agents, run }));
  const sorted = all.toSorted((a, b) => a.durationMs - b.durationMs);
  const shown = sorted[Math.floor((count - 1) / 2)] as Played; // there is at least one
  const tried = await tryAgents(given, all.indexOf(shown));
  return {
    ...resultOf(options, document, shown),
    agents,
    agents_asked: agents < asked ? asked : null,
    with_agents: tried,
    agents_that_help: helpful(tried),
    runs: count === 1 ? null : spread(sorted),
  };
}

export function mustParse(content: string): PlanDocument {
  const parsed = parsePlan(content);
  if (parsed.ok) return parsed.document;
  const read = readPlan({ text: content, path: '', beside: [] });
  // A document of another family with mistakes is not in stator's own form.
  const { document, problems } = read.ok ? parsed : read;
  const lines = problems.map(({ line, message }) => `line ${line}: ${message}`);
  throw new EngineError(
    'bad_plan',
    `the plan cannot be simulated:\n${lines.join('\n')}`,
    document.waves.length === 0
      ? 'only a plan with waves can be simulated: write ## Wave 1 and below it ### Task 1: <title>, or have a planner write them'
      : 'correct these lines: stator plan check <plan.md>',
  );
}

/** Throws `bad_request`. `names`: what `fail` and `durations` may name besides roles. */
export function checkSimulation(
  { agents, agentsPerRepo, coordinators, runs, fail, durations }: Omit<SimulateOptions, 'content'>,
  names: readonly string[],
): void {
  for (const [name, value, most] of [
    ['agents', agents, 10_000],
    ['agentsPerRepo', agentsPerRepo, 10_000],
    ['coordinators', coordinators, 10_000],
    ['runs', runs, runsLimit],
  ] as const)
    if (value !== undefined && (!Number.isInteger(value) || value < 1 || value > most))
      throw new EngineError('bad_request', `${name} is ${value}`, `give a whole number from 1 to ${most}`);
  const tasks = new Set(names);
  for (const name of [...Object.keys(fail ?? {}), ...Object.keys(durations ?? {})])
    if (!tasks.has(name) && !played.some((role) => role === name)) throw unknownName(name, [...tasks]);
}

/** The roles that a plan with waves can have. */
const played = roles.filter((role) => role !== 'planner' && role !== 'session');
const shownTasks = 10;

function unknownName(name: string, tasks: readonly string[]): EngineError {
  const more = tasks.length > shownTasks ? ', …' : '';
  return new EngineError(
    'bad_request',
    `the plan has no task "${name}", and there is no such role`,
    `the tasks: ${tasks.slice(0, shownTasks).join(', ')}${more}; the roles: ${played.join(', ')}`,
  );
}

export function tasksOf({ waves }: PlanDocument): string[] {
  return waves.flatMap(({ number, tasks }) => tasks.map((task) => taskName(number, task.number)));
}

interface Given {
  readonly options: SimulateOptions;
  readonly document: PlanDocument;
  readonly player: Player;
}

interface Playing {
  readonly agents: number;
  /** Which of several runs; their random durations differ. */
  readonly run: number;
}

function play({ options, document, player }: Given, { agents, run }: Playing): Promise<Played> {
  const { content, name = 'plan', policy = defaultPolicy, coordinators = defaultCoordinators } = options;
  const { topic, after } = document;
  return player.play({
    ...{ plan: name, after, policy, begin: { content, topic } },
    limits: { workers: agents, workersPerRepo: 0, coordinators },
    script: scriptOf(options, () => document, run),
  });
}

/** How each agent's run goes; `documentOf`: that of the agent's plan. */
export function scriptOf(
  options: Omit<SimulateOptions, 'content'>,
  documentOf: (agent: AgentRun) => PlanDocument,
  run: number,
): Script {
  const { fail = {}, seed = 1 } = options;
  const isDrawn = options.seed !== undefined || (options.runs ?? 1) > 1;
  return (agent, count) => {
    const document = documentOf(agent);
    const names = namesOf(agent, document);
    const chance = isDrawn ? chanceOf(`${seed}/${run}/${agent.title}/${count}`) : 0.5;
    const mustFail = names.some((name) => (fail[name] ?? 0) >= count);
    const past = pastRuns(options.past, agent.role);
    const isBad = isDrawn && names.every((name) => fail[name] === undefined) && past.length > 0;
    const failed = mustFail || (isBad && pickOf(past, chanceOf(`${seed}/${run}/${agent.title}/${count}/end`)).failed);
    return { durationMs: durationOf(options, { agent, document }, chance), outcome: failed ? 'failed' : 'done' };
  };
}

/** The names of an agent. The one coder of a small plan has all tasks. */
function namesOf({ role, wave, task }: AgentRun, document: PlanDocument): string[] {
  if (role !== 'coder') return [role];
  return wave === null || task === null ? [...tasksOf(document), role] : [taskName(wave, task), role];
}

function durationOf(
  options: Omit<SimulateOptions, 'content'>,
  { agent, document }: { readonly agent: AgentRun; readonly document: PlanDocument },
  chance: number,
): number {
  const { durations = {}, past } = options;
  const own = namesOf(agent, document).filter((name) => name !== agent.role && durations[name] !== undefined);
  // The one coder of a small plan does one task after the other.
  if (own.length > 0) return own.reduce((sum, name) => sum + within(durations[name], chance), 0);
  if (durations[agent.role] !== undefined) return within(durations[agent.role], chance);
  const known = pastMs(past, agent.role);
  return known.length === 0 ? assumedMs[agent.role] : pickOf(known, chance);
}

function within(range: DurationRange | undefined, chance: number): number {
  const { fromMs, toMs } = range ?? { fromMs: 0, toMs: 0 };
  return Math.round(fromMs + (toMs - fromMs) * chance);
}

function pastRuns(past: RepoPast | undefined, role: Role): RepoPast['roles'][number]['runs'] {
  return past?.roles.find((entry) => entry.role === role)?.runs ?? [];
}

/** How long the runs of that role took that did not fail, the shortest first. */
export function pastMs(past: RepoPast | undefined, role: Role): number[] {
  return pastRuns(past, role)
    .filter(({ failed }) => !failed)
    .map(({ duration_ms: ms }) => ms)
    .toSorted((a, b) => a - b);
}

/** The average cost of a run of that role; null: not known. */
export function pastCost(past: RepoPast | undefined, role: Role): number | null {
  const known = pastRuns(past, role).flatMap(({ cost_usd: cost }) => cost ?? []);
  return known.length === 0 ? null : known.reduce((sum, cost) => sum + cost, 0) / known.length;
}

/** null: there is none, or one is not known. */
export function sumOf(costs: readonly (number | null)[]): number | null {
  const known = costs.filter((cost) => cost !== null);
  return known.length === 0 || known.length < costs.length ? null : known.reduce((sum, cost) => sum + cost, 0);
}

/** One of them; `chance` is from 0 to below 1. There is at least one. */
export function pickOf<T>(values: readonly T[], chance: number): T {
  return values[Math.min(values.length - 1, Math.floor(values.length * chance))] as T; // not beyond the last
}

/** From 0 to below 1, always the same for the same text. */
function chanceOf(text: string): number {
  let state = Number.parseInt(hashOf(text), 16);
  // mulberry32: similar texts have similar hashes, and their numbers must not be similar.
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
}

/** How long it takes with other numbers of agents, the fewest first. */
async function tryAgents(given: Given, run: number): Promise<Simulation['with_agents']> {
  const { document } = given;
  const tasks = tasksOf(document).length;
  const widest = Math.max(...document.waves.map((wave) => wave.tasks.length));
  const doubled: number[] = [];
  for (let agents = 1; agents < widest; agents *= 2) doubled.push(agents);
  const every = Array.from({ length: widest }, (_, index) => index + 1);
  const affordable = Math.floor(triedTasksLimit / tasks);
  const numbers = [every, [...doubled, widest]].find(({ length }) => length <= affordable) ?? [];
  const tried: { agents: number; duration_ms: number }[] = [];
  for (const agents of numbers) tried.push({ agents, duration_ms: (await play(given, { agents, run })).durationMs });
  return tried;
}

function helpful(tried: Simulation['with_agents']): number | null {
  const shortest = Math.min(...tried.map(({ duration_ms: ms }) => ms));
  return tried.find(({ duration_ms: ms }) => ms === shortest)?.agents ?? null;
}

function spread(sorted: readonly Played[]): NonNullable<Simulation['runs']> {
  const at = (share: number) => pickOf(sorted, share).durationMs;
  const statuses: Record<string, number> = {};
  for (const { status } of sorted) statuses[status] = (statuses[status] ?? 0) + 1;
  return { count: sorted.length, p10_ms: at(0.1), p50_ms: at(0.5), p90_ms: at(0.9), statuses };
}

function resultOf(options: SimulateOptions, document: PlanDocument, { status, durationMs, runs, asks, waves }: Played) {
  const plan = options.name ?? 'plan';
  const order = agentsOf(plan, runs, waves);
  const begun = new Set(order.map(({ task }) => task));
  const isSingle = runs.some(({ role, wave }) => role === 'coder' && wave === null);
  return {
    plan,
    status,
    duration_ms: durationMs,
    peak_agents: peakOf(runs),
    cost_usd: sumOf(runs.map(({ role }) => pastCost(options.past, role))),
    order,
    not_reached: isSingle ? [] : tasksOf(document).filter((task) => !begun.has(task)),
    asks,
    durations: sourcesOf(options, runs),
  };
}

function agentsOf(plan: string, runs: readonly PlayedRun[], waves: Played['waves']): SimulatedAgent[] {
  const byTitle = new Map<string, PlayedRun[]>();
  for (const run of runs) byTitle.set(run.title, [...(byTitle.get(run.title) ?? []), run]);
  return [...byTitle.values()].flatMap((own) => {
    const [first, last] = [own[0], own.at(-1)];
    if (first === undefined || last === undefined) return [];
    const { role, wave, task, title, startMs } = first;
    const known = waves.find(({ number }) => number === wave)?.tasks.find(({ number }) => number === task);
    return {
      task: wave === null || task === null ? title.slice(plan.length + 1) : taskName(wave, task),
      role,
      start_ms: startMs,
      end_ms: last.endMs ?? startMs,
      attempts: own.length,
      outcome: known?.status ?? last.outcome ?? 'working',
    };
  });
}

export function peakOf(runs: readonly Pick<PlayedRun, 'startMs' | 'endMs'>[]): number {
  // At equal times, ends come before beginnings.
  const moves = runs.flatMap(({ startMs, endMs }) => [
    { atMs: startMs, by: 1 },
    { atMs: endMs ?? Number.POSITIVE_INFINITY, by: -1 },
  ]);
  let now = 0;
  let peak = 0;
  for (const { by } of moves.toSorted((a, b) => a.atMs - b.atMs || a.by - b.by)) {
    now += by;
    peak = Math.max(peak, now);
  }
  return peak;
}

function sourcesOf({ durations = {}, past }: SimulateOptions, runs: readonly PlayedRun[]): Simulation['durations'] {
  const ran = roles.filter((role) => runs.some((run) => run.role === role));
  return ran.map((role) => {
    const took = runs
      .filter((run) => run.role === role)
      .map(({ startMs, endMs }) => (endMs ?? startMs) - startMs)
      .toSorted((a, b) => a - b);
    const isTask = role === 'coder' && Object.keys(durations).some((name) => taskNamed(name) !== null);
    const isGiven = durations[role] !== undefined || isTask;
    const from = isGiven ? 'given' : pastMs(past, role).length > 0 ? 'history' : 'assumed';
    return { role, from, typical_ms: pickOf(took, 0.5) };
  });
}
