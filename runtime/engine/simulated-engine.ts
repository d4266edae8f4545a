/**
 * One plan in an engine without real effects: the same machines, pump, dispatcher and slots as everywhere, over a store in memory and a virtual clock. The
 * events of one time are handled until nothing changes any more; then the clock advances to the next event.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { kindsWith } from '../../actors/kinds.ts';
import {
  failuresOf,
  planContext,
  planDetail,
  statusOfPlan,
  type TaskFailure,
  type WaveView,
} from '../../actors/plan-view.ts';
import type { OutgoingSignal } from '../../actors/ports.ts';
import { createTrees, type Tree, type Trees } from '../../actors/tree.ts';
import { messageOf } from '../../machines/vocabulary/errors.ts';
import {
  planBranch,
  planTree,
  repoTree,
  supervisorTree,
  type TreeAddress,
  taskName,
} from '../../machines/vocabulary/ids.ts';
import { shortList } from '../../machines/vocabulary/numbers.ts';
import { isOver, type PlanStatus } from '../../machines/vocabulary/plan-status.ts';
import type { Policy } from '../../machines/vocabulary/policy.ts';
import type { Origin, SignalPayload } from '../../machines/vocabulary/signal.ts';
import type { Log } from '../base/platform/log.ts';
import { createTroubles } from '../base/platform/poll-loop.ts';
import { createBus } from '../core/inbox/facts.ts';
import { createPump } from '../core/inbox/pump.ts';
import { createTreeCache, unstored } from '../core/inbox/tree-cache.ts';
import { createDispatcher } from '../core/outbox/dispatcher.ts';
import type { Limits } from '../core/outbox/slots.ts';
import { insertSignal, type Store } from '../core/store/port.ts';
import type { JournalLine, PlanRow } from '../core/store/rows.ts';
import { emptyStores } from '../core/store/sqlite/store.ts';
import { openTimeline } from '../core/store/timeline.ts';
import { type KnownEnd, type PlayedRun, type Script, type ScriptedLanding, scriptedWork } from './scripted-work.ts';
import { createVirtualClock } from './virtual-clock.ts';

export interface Simulated {
  readonly plan: string;
  /** Plans that count as done. */
  readonly after: readonly string[];
  readonly policy: Policy;
  readonly limits: Limits;
  readonly script: Script;
  readonly begin: FromDocument | FromJournal;
}

/** Plans that are simulated at the same time in one repo. Each gets in line for its branch when it is done. */
export interface SimulatedTogether extends Pick<Simulated, 'policy' | 'limits' | 'script' | 'after'> {
  readonly plans: readonly (FromDocument & { readonly plan: string })[];
  readonly landing: ScriptedLanding;
}

export interface PlayedTogether {
  readonly durationMs: number;
  readonly runs: readonly PlayedRun[];
  /** In the order of the input. */
  readonly plans: readonly PlayedPlan[];
}

export interface PlayedPlan {
  readonly plan: string;
  readonly status: PlanStatus | 'blocked';
  /** Since the common start; null: it has not. */
  readonly doneMs: number | null;
  readonly landedMs: number | null;
  /** Why it waits for a person. */
  readonly blocked: string | null;
}

export interface FromDocument {
  readonly content: string;
  readonly topic: string | null;
}

/** The past state of a plan from which the simulation starts. */
export interface FromJournal {
  readonly project: string;
  readonly atMs: number;
  /** The heads of its branches at that time. */
  readonly heads: Readonly<Record<string, string>>;
  /** How effects other than runs of agents end. */
  readonly ends: KnownEnd;
  /** The signals that its repo gets before it. */
  readonly toRepo: readonly OutgoingSignal[];
  /** Writes the plan in its state at that time. Its signals to the repo come after that. */
  seed(into: { readonly store: Store; readonly trees: Trees }): Promise<Seeded>;
  /** The later signals of people and others, in the order of their times. */
  readonly words: readonly SaidWord[];
}

export interface Seeded {
  /** Its row is at step one. */
  readonly tree: Tree;
  readonly toRepo: readonly OutgoingSignal[];
}

/** Sent at that time, or later, as soon as the plan accepts it. */
export interface SaidWord {
  readonly atMs: number;
  readonly type: string;
  readonly payload: object;
  readonly origin: Origin;
}

/**
 * The points at which a person would be asked. A question with one obvious answer is answered at once, and the plan continues; after `wave_failed` and
 * `decision` it stays blocked.
 */
export interface SimulatedAsk {
  /** Since its start. */
  readonly at_ms: number;
  readonly kind: 'wave_confirmation' | 'wave_failed' | 'decision';
  readonly detail: string;
}

export interface Played {
  readonly status: PlanStatus | 'blocked';
  /** From its start until it was over, or was blocked. */
  readonly durationMs: number;
  /** Times count from its start. */
  readonly runs: readonly PlayedRun[];
  readonly asks: readonly SimulatedAsk[];
  readonly waves: readonly WaveView[];
  /** The plan's last change since its start: its status, or that it is blocked. */
  readonly changedMs: number;
  /** Whatever blocks it. */
  readonly planStatus: PlanStatus;
  readonly questions: number;
  /** Every line that was written. */
  readonly lines: readonly JournalLine[];
  /** Signals that the plan did not accept. */
  readonly unsaid: readonly SaidWord[];
}

const defaultProject = 'simulation';
/** Any time is fine, as long as it is always the same. */
const anyMs = Date.UTC(2000, 0, 1);
/** How many tasks are named when a wave has failed; the rest is counted. */
const shownFailures = 5;
/** A plan that is not over after this many steps repeats itself. */
const momentLimit = 1_000_000;

/** Simulates plans, one at a time, each in a store of its own; shared parts are made once. */
export interface Player {
  /** Throws a plain error if the engine met one: then the simulation has no result for the plan. */
  play(simulated: Simulated): Promise<Played>;
  /** Throws the same. A wave that waits for a person's confirmation continues. */
  playTogether(simulated: SimulatedTogether): Promise<PlayedTogether>;
}

export function createPlayer(): Player {
  const common = { trees: livingTrees(), emptyStore: emptyStores() };
  return {
    async play(simulated) {
      const engine = await openEngine(simulated, common);
      try {
        return await play(engine);
      } finally {
        engine.store.close();
      }
    },
    async playTogether({ plans, ...simulated }) {
      const [first] = plans;
      if (first === undefined) throw new Error('no plan is to be played');
      const { plan, ...begin } = first;
      const engine = await openEngine({ ...simulated, plan, begin, others: plans.slice(1) }, common);
      try {
        return await playTogether(engine);
      } finally {
        engine.store.close();
      }
    },
  };
}

interface Common {
  readonly trees: Trees;
  emptyStore(): Store;
}

type Beside = Partial<Pick<SimulatedTogether, 'landing'>> & { readonly others?: SimulatedTogether['plans'] };

async function openEngine(
  { plan, after, policy, limits, script, begin, landing, others = [] }: Simulated & Beside,
  { trees, emptyStore }: Common,
) {
  const past = 'seed' in begin ? begin : null;
  const { project = defaultProject, atMs: beginMs = anyMs, ends, heads: begun } = past ?? {};
  const clock = createVirtualClock(beginMs);
  const store = emptyStore();
  const timeline = await openTimeline(store, clock);
  const cache = createTreeCache({ store, trees });
  const tree = planTree(project, plan);
  /** Signals of people may change the configuration. */
  const inForce = { policy };
  const work = scriptedWork({ clock, policy: () => inForce.policy, script, ends, begun, landing });
  const unsaid = [...(past?.words ?? [])];
  const { log, mustBeSound } = listeningLog();
  /** Marks that there may be signals to handle, or effects to start, at this time. */
  const due = { signals: false, effects: false };
  const common = {
    store,
    clock,
    timeline,
    log,
    troubles: createTroubles({ log, report: () => {} }),
    isOwner: () => true,
  };
  const pump = createPump({
    ...common,
    trees,
    cache,
    bus: createBus(),
    policyOf: () => inForce.policy,
    hooksOf: () => [],
    machineHooks: () => [],
    onEffects: () => {
      due.effects = true;
    },
    onVerdicts: () => {},
  });
  const dispatcher = createDispatcher({
    ...common,
    handlers: work.handlers,
    owner: { host: '', epoch: 1 },
    limits: () => limits,
    startableAgents: () => 'all',
    onSignals: () => {
      due.signals = true;
    },
  });

  return {
    ...{ project, plan, after, others, begin, beginMs, inForce },
    ...{ clock, store, timeline, trees, cache, tree, work, unsaid, mustBeSound, due, pump, dispatcher },
  };
}

type Engine = Awaited<ReturnType<typeof openEngine>>;

async function play(engine: Engine): Promise<Played> {
  const asks: SimulatedAsk[] = [];
  const ask = (kind: SimulatedAsk['kind'], detail: string) =>
    asks.push({ at_ms: engine.clock.nowMs() - engine.beginMs, kind, detail });
  let lastStatus = '';
  let changedAtMs = engine.beginMs;
  const end = (status: Played['status']) => played(engine, status, { asks, changedAtMs });
  await open(engine);
  for (let moment = 0; moment < momentLimit; moment += 1) {
    await rest(engine);
    while (await saySome(engine)) await rest(engine);
    const { status, phase, wave, blocked } = await mustRead(engine);
    const current = statusText({ status, phase, blocked });
    if (current !== lastStatus) [lastStatus, changedAtMs] = [current, engine.clock.nowMs()];
    if (isOver(status) && !isExpected(engine)) return end(status);
    if (phase === 'wave_waiting' && !isExpected(engine, 'advance_wave', 'retry_wave', 'implement_wave')) {
      const failed = failuresOf(await mustLive(engine));
      if (failed.length === 0) {
        ask('wave_confirmation', `wave ${wave} is done, and the next one waits for a person's word`);
        await say(engine, engine.tree, 'advance_wave', {}, 'person');
        continue;
      }
      if (!isExpected(engine)) {
        ask('wave_failed', failedText(wave, failed));
        return end('blocked');
      }
    }
    if (blocked !== null && !isExpected(engine) && !(await isAtWork(engine))) {
      ask('decision', blocked.reason);
      return end('blocked');
    }
    const at = await nextAt(engine);
    if (at === null) return end(status);
    engine.clock.advanceTo(at);
  }
  throw new Error(`the simulated plan ${engine.plan} is not over after ${momentLimit} moments`);
}

async function played(
  engine: Engine,
  status: Played['status'],
  { asks, changedAtMs }: { readonly asks: readonly SimulatedAsk[]; readonly changedAtMs: number },
): Promise<Played> {
  const since = (ms: number) => ms - engine.beginMs;
  const live = await mustLive(engine);
  return {
    status,
    durationMs: since(engine.clock.nowMs()),
    runs: fromBeginning(engine),
    asks,
    waves: planDetail(live).waves,
    changedMs: since(changedAtMs),
    planStatus: statusOfPlan(live),
    questions: questionsAsked(live),
    lines: 'seed' in engine.begin ? await engine.store.fed(engine.tree) : [],
    unsaid: engine.unsaid,
  };
}

async function playTogether(engine: Engine): Promise<PlayedTogether> {
  const names = [engine.plan, ...engine.others.map((other) => other.plan)];
  const times = new Map<string, { doneMs: number | null; landedMs: number | null }>();
  await open(engine);
  for (let moment = 0; moment < momentLimit; moment += 1) {
    await rest(engine);
    let hasMoved = false;
    for (const name of names) {
      const row = await mustRead(engine, name);
      const { doneMs = null, landedMs = null } = times.get(name) ?? {};
      const now = engine.clock.nowMs() - engine.beginMs;
      const isLanded = row.landing === 'merged';
      times.set(name, {
        doneMs: doneMs ?? (row.status === 'done' ? now : null),
        landedMs: landedMs ?? (isLanded ? now : null),
      });
      if (row.phase !== 'wave_waiting' || failuresOf(await mustLive(engine, name)).length > 0) continue;
      await say(engine, planTree(engine.project, name), 'advance_wave', {}, 'person');
      hasMoved = true;
    }
    if (hasMoved) continue;
    const at = await nextAt(engine);
    if (at === null) return together(engine, names, times);
    engine.clock.advanceTo(at);
  }
  throw new Error(`the simulated plans are not over after ${momentLimit} moments`);
}

async function together(
  engine: Engine,
  names: readonly string[],
  times: ReadonlyMap<string, Pick<PlayedPlan, 'doneMs' | 'landedMs'>>,
): Promise<PlayedTogether> {
  const plans: PlayedPlan[] = [];
  for (const name of names) {
    const { status, phase, wave, blocked } = await mustRead(engine, name);
    const failed = phase === 'wave_waiting' ? failedText(wave, failuresOf(await mustLive(engine, name))) : null;
    const why = blocked?.reason ?? failed;
    const { doneMs = null, landedMs = null } = times.get(name) ?? {};
    plans.push({ plan: name, status: why === null ? status : 'blocked', doneMs, landedMs, blocked: why });
  }
  const ends = plans.flatMap(({ doneMs, landedMs }) => [doneMs ?? 0, landedMs ?? 0]);
  const runs = fromBeginning(engine);
  return { durationMs: Math.max(...ends, ...runs.map(({ endMs }) => endMs ?? 0)), runs, plans };
}

function fromBeginning({ beginMs, work }: Engine): PlayedRun[] {
  return work.runs.map((run) => ({
    ...run,
    startMs: run.startMs - beginMs,
    endMs: run.endMs === null ? null : run.endMs - beginMs,
  }));
}

async function open(engine: Engine): Promise<void> {
  await say(engine, supervisorTree, 'supervisor_opened', {});
  await say(engine, supervisorTree, 'repo_registered', { project: engine.project, policy: engine.inForce.policy });
  for (const done of engine.after) await say(engine, repoTree(engine.project), 'plan_done', { plan: done });
  if ('seed' in engine.begin) await openPast(engine, engine.begin);
  else {
    await begins(engine, engine.plan, engine.begin);
    for (const other of engine.others) await begins(engine, other.plan, other);
  }
}

async function begins(engine: Engine, name: string, { content, topic }: FromDocument): Promise<void> {
  const of = planTree(engine.project, name);
  await say(engine, of, 'plan_opened', {
    content,
    branch: planBranch(name),
    topic,
    generation: 0,
    policy: engine.inForce.policy,
  });
  await say(engine, of, 'implement_start', {}, 'person');
}

async function openPast(engine: Engine, { toRepo, seed }: FromJournal): Promise<void> {
  const send = async (signals: readonly OutgoingSignal[]) => {
    for (const { tree: to, type, payload } of signals) await say(engine, to, type, payload);
  };
  await send(toRepo);
  const seeded = await seed({ store: engine.store, trees: engine.trees });
  engine.cache.keep(engine.tree, { ...unstored(seeded.tree), stored: 1, steps: 1 });
  await send(seeded.toRepo);
}

/** The number of the signal. */
async function say(
  engine: Engine,
  to: TreeAddress,
  type: string,
  payload: object,
  origin: Origin = 'engine',
): Promise<number> {
  const id = await insertSignal(engine.store, { tree: to, type, payload, origin, at: engine.clock.nowMs() });
  await engine.pump.drain();
  return id;
}

/** Sends the signals that are due, as far as the plan accepts them; returns whether it accepted one. */
async function saySome(engine: Engine): Promise<boolean> {
  for (const word of engine.unsaid.filter(({ atMs }) => atMs <= engine.clock.nowMs())) {
    const { type, payload, origin } = word;
    if (type === 'policy') engine.inForce.policy = (payload as SignalPayload<'policy'>).policy;
    else if ((await engine.store.signal(await say(engine, engine.tree, type, payload, origin)))?.status === 'failed')
      continue;
    engine.unsaid.splice(engine.unsaid.indexOf(word), 1);
    return true;
  }
  return false;
}

/** Works until no event of this time is left. */
async function rest({ mustBeSound, pump, dispatcher, due }: Engine): Promise<void> {
  Object.assign(due, { signals: true, effects: true });
  while (due.signals || due.effects) {
    due.signals = false;
    await pump.drain();
    // An effect that ended has freed its slot in the commit that brought its signal, so effects are started after each round of signals.
    due.effects = false;
    await dispatcher.look();
    // A handler that has ended settles its effect without any timer: by the next turn it has.
    await nextTurn();
  }
  mustBeSound();
}

async function mustRead(engine: Engine, name = engine.plan): Promise<PlanRow> {
  const row = await engine.store.plan(engine.project, name);
  if (row === null) throw new Error(`the simulated plan ${name} was not opened`);
  return row;
}

async function mustLive(engine: Engine, name = engine.plan): Promise<Tree> {
  const entry = await engine.cache.get(planTree(engine.project, name));
  if (entry === null) throw new Error(`the simulated plan ${name} has no tree`);
  return entry.tree;
}

/** Whether an agent runs or will run. */
async function isAtWork(engine: Engine): Promise<boolean> {
  const runs = await engine.store.runs({ by: 'latest', project: engine.project, plan: engine.plan, live: true });
  return runs.length > 0;
}

async function nextAt({ clock, store, timeline, unsaid }: Engine): Promise<number | null> {
  const now = timeline.nowMs();
  const signalIn = await store.nextSignalIn({ keptMs: now, wallMs: clock.nowMs() });
  const word = unsaid.find(({ atMs }) => atMs > clock.nowMs())?.atMs ?? null;
  const times = [clock.nextAt(), word, signalIn === null ? null : now + signalIn, await store.nextEffectAt(now)];
  const known = times.filter((at) => at !== null);
  return known.length === 0 ? null : Math.min(...known);
}

/** Signals are still to be sent. */
function isExpected({ clock, unsaid }: Engine, ...types: readonly string[]): boolean {
  return unsaid.some(({ atMs, type }) => atMs > clock.nowMs() && (types.length === 0 || types.includes(type)));
}

/** No tree is ever restored, so the text of their rows is not made. */
function livingTrees(): Trees {
  return {
    ...createTrees(kindsWith([])),
    persistText: ({ kind: { name: machine } }) => ({ machine, version: '', text: '{}' }),
  };
}

/** The text that changes when a plan is blocked, or goes on. */
export function statusText({ status, phase, blocked }: Pick<PlanRow, 'status' | 'phase' | 'blocked'>): string {
  return `${status} ${phase === 'wave_waiting'} ${blocked?.reason ?? ''}`;
}

/** The number of questions that a plan has had. */
export function questionsAsked(tree: Tree): number {
  return planContext(tree).questionCount;
}

function failedText(wave: number, failures: readonly TaskFailure[]): string {
  const tasks = failures.map(({ number, title }) => `${taskName(wave, number)} (${title})`);
  return `wave ${wave} is over, and not done: ${shortList(tasks, shownFailures)}`;
}

/** A fault that an engine would log is thrown: the result would be wrong. */
function listeningLog(): { log: Log; mustBeSound(): void } {
  let fault: string | null = null;
  const note = (message: string, thrown?: unknown) => {
    fault ??= thrown === undefined ? message : `${message}: ${messageOf(thrown)}`;
  };
  return {
    log: { debug() {}, info() {}, warn: note, error: note },
    mustBeSound() {
      if (fault !== null) throw new Error(`the simulation met a fault: ${fault}`);
    },
  };
}
