/**
 * The course that a plan would have taken with other inputs: its journal is replayed up to the point where they matter, and simulated from there, with agents
 * that act as recorded. Nothing is carried out, and the store is only read.
 */

import { planContext, planSummary } from '../../actors/plan-view.ts';
import type { OutgoingSignal, TimerRequest } from '../../actors/ports.ts';
import { type Tree, type Trees, treesOf } from '../../actors/tree.ts';
import type { PlanContext } from '../../machines/plan/context.ts';
import type { Effect, EffectKind } from '../../machines/vocabulary/effect.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { Role } from '../../machines/vocabulary/ids.ts';
import { effectKey, type PlanTree, planTree, repoTree } from '../../machines/vocabulary/ids.ts';
import { isOver as isEnded } from '../../machines/vocabulary/plan-status.ts';
import type { Policy } from '../../machines/vocabulary/policy.ts';
import type { AnySignal, SignalPayload, SignalType } from '../../machines/vocabulary/signal.ts';
import type { WhatIf, WhatIfQuestion } from '../api/contract/plans.ts';
import type { RepoPast } from '../api/contract/repos.ts';
import { clearedUpTo } from '../api/queries/replay.ts';
import { timeText } from '../api/queries/time-text.ts';
import { groupBy } from '../base/platform/group-by.ts';
import { createProjection } from '../core/inbox/projection.ts';
import { unstored } from '../core/inbox/tree-cache.ts';
import type { Limits } from '../core/outbox/slots.ts';
import { type Change, mustCommit, type PlanKey, type Store } from '../core/store/port.ts';
import type { FedLine, JournalLine, RunRow } from '../core/store/rows.ts';
import { type OtherInputs, otherInputs } from './other-inputs.ts';
import {
  type AskedLeave,
  type ChangedInput,
  changedInputs,
  hasEnded,
  type InputLine,
  leavesOf,
  limitsPart,
  nameOf,
  permissionsPart,
  policyParts,
  type RecordedPast,
  type RecordedRun,
  readPast,
  wordsAfter,
} from './recorded-past.ts';
import type { KnownEnd, Script, ScriptedRun } from './scripted-work.ts';
import { assumedMs, pastCost, pastMs, peakOf, pickOf, sumOf } from './simulate.ts';
import { createPlayer, type Played, questionsAsked, type SaidWord, type Seeded } from './simulated-engine.ts';

export interface WhatIfParts {
  readonly store: Store;
  limits(): Limits;
  pastOf(project: string): Promise<RepoPast>;
}

/** The most lines of each course that are shown after they differ. */
const shownMoves = 5;
/** The most runs of a plan whose costs and reasons are read. */
const knownRuns = 100_000;
/** A run with only one known fact: its time limit ended it. */
const endlessMs = 1_000_000_000;

/** Throws `plan_not_found`, `bad_request` for inputs that do not exist, and `snapshot_unknown` if its past cannot be replayed. */
export async function whatIf(parts: WhatIfParts, asked: WhatIfQuestion & PlanKey): Promise<WhatIf> {
  const { project, plan } = asked;
  const tree = planTree(project, plan);
  const other = otherInputs(asked.policy);
  const limits = { ...parts.limits(), ...other.limits };
  const all = await parts.store.fed(tree);
  const lines = all.filter((line): line is InputLine => line.input !== null);
  const trees = treesOf();
  const past = readPast(trees, tree, lines);
  if (past === null) throw untrusted(tree, clearedUpTo(all));
  const from = asked.from === undefined ? null : indexOf(asked.from, { plan, all, lines, past });
  checkAnswers(asked, past);
  const last = lines.length - 1;
  const changed = changedInputs(lines, from === null ? other.policy : null);
  const matters = [
    from,
    from === null && other.policy !== null ? policyParts(trees, tree, past, changed) : null,
    from === null ? limitsPart(past, parts.limits(), limits) : null,
    from === null ? permissionsPart(past, other.permissions) : null,
    ...(from === null ? Object.keys(asked.answers ?? {}).map((number) => past.questions.get(Number(number))) : []),
  ].filter((index) => index != null);
  const until = matters.length === 0 ? last : Math.min(...matters);
  const rows = await parts.store.runs({
    by: 'plan',
    project,
    plan,
    sinceMs: lines[past.first]?.at ?? 0,
    limit: knownRuns,
  });
  const known: Known = {
    asked,
    tree,
    lines,
    past,
    changed,
    until,
    limits,
    permissions: other.permissions,
    rows,
    repoPast: await parts.pastOf(project),
  };
  const was = wasEnding(known);
  const line = lines[until] as InputLine; // the past has one line at least
  const common = { project, plan, from: { seq: line.seq, at: timeText(line.at) }, was };
  const isOver = isEnded(was.status);
  if (matters.length === 0 && isOver) return { ...common, parts: null, would_be: was, not_taken: [] };
  const { played, lastMoves, scripted } = await play(known, other.policy);
  return {
    ...common,
    parts: partsOf(all, known, [...lastMoves.filter(({ event }) => event !== 'policy'), ...movesOf(played.lines)]),
    would_be: wouldBeEnding(known, played, scripted),
    not_taken: played.unsaid.map(({ type, atMs }) => ({ type, at: timeText(atMs) })),
  };
}

interface Known {
  readonly asked: WhatIfQuestion & PlanKey;
  readonly tree: PlanTree;
  readonly lines: readonly InputLine[];
  readonly past: RecordedPast;
  readonly changed: readonly ChangedInput[];
  /** The last unchanged input, with the changed policy. */
  readonly until: number;
  readonly limits: Limits;
  readonly permissions: OtherInputs['permissions'];
  readonly rows: readonly RunRow[];
  readonly repoPast: RepoPast;
}

function untrusted(tree: PlanTree, why: string): EngineError {
  return new EngineError(
    'snapshot_unknown',
    `${tree} cannot be replayed: ${why}`,
    'what is kept is said by [retention] in daemon.toml',
  );
}

/** The last input up to that line. Throws `bad_request` for a line that the journal has not, `snapshot_unknown` for one of an earlier version. */
function indexOf(
  seq: number,
  {
    plan,
    all,
    lines,
    past,
  }: { plan: string; all: readonly FedLine[]; lines: readonly InputLine[]; past: RecordedPast },
): number {
  const [begin, end] = [lines[0]?.seq ?? 0, all.at(-1)?.seq ?? 0];
  const index = lines.findLastIndex((line) => line.seq <= seq);
  if (index < 0 || seq > end)
    throw new EngineError(
      'bad_request',
      `from: ${seq} is not in the journal of ${plan}`,
      `it has the lines ${begin} to ${end}: stator plan history ${plan} --verbose`,
    );
  if (index >= past.first) return index;
  throw untrusted(
    planTree('', plan),
    `line ${seq} was written by an earlier version of stator; what can be replayed begins with line ${lines[past.first]?.seq}`,
  );
}

/** Throws `bad_request` for a question that does not exist. */
function checkAnswers({ answers = {}, plan }: WhatIfQuestion & PlanKey, { questions }: RecordedPast): void {
  const unknown = Object.keys(answers).find((number) => !questions.has(Number(number)));
  if (unknown === undefined) return;
  const numbers = [...questions.keys()].toSorted((a, b) => a - b);
  throw new EngineError(
    'bad_request',
    `answers: question ${unknown} of ${plan} was never asked`,
    numbers.length === 0 ? 'nobody asked anything in this plan' : `there were the questions ${numbers.join(', ')}`,
  );
}

type PolicyChange = (given: Policy) => Policy;
type Move = NonNullable<WhatIf['parts']>['was'][number];

/** A run of the simulation, with its recorded course; null: there is no record of it. */
type Scripted = Map<string, RecordedRun | null>;

async function play(known: Known, policy: PolicyChange | null) {
  const { asked, lines, until, limits } = known;
  const { project, plan } = asked;
  const atMs = lines[until]?.at ?? 0;
  const begun = seedOf(treesOf(), known);
  const context = planContext(begun.tree);
  const scripted: Scripted = new Map();
  const played = await createPlayer().play({
    plan,
    after: context.after,
    policy: policy === null ? context.policy : policy(context.policy),
    limits,
    script: scriptOf(known, begun, scripted),
    begin: {
      project,
      atMs,
      heads: context.head === null ? {} : { [context.branch]: context.head },
      ends: endsOf(known, begun),
      toRepo: begun.toRepo.filter((signal) => !isOpenRequest(signal, context)),
      seed: ({ store, trees }) => writeSeed({ store, trees }, known),
      words: wordsOf(known, policy),
    },
  });
  const lastMoves = begun.lastMoves.map((move) => ({ at: timeText(atMs), ...move }));
  return { played, lastMoves, scripted };
}

/** It waits for the repo's permission, which it gets once it is registered there. */
function isOpenRequest({ type, payload }: OutgoingSignal, { granted, request }: PlanContext): boolean {
  return type === 'implement_requested' && !granted && 'request' in payload && payload.request === request;
}

/** The open requests of a plan after the last unchanged input. */
interface Seed {
  readonly tree: Tree;
  readonly changes: readonly Change[];
  /** By their ids, in the order of the requests. */
  readonly open: ReadonlyMap<string, Effect>;
  readonly timers: ReadonlyMap<string, TimerRequest>;
  readonly stops: ReadonlyMap<string, number>;
  readonly toRepo: readonly OutgoingSignal[];
  /** The requested effects, by the name under which they are counted. */
  readonly asked: ReadonlyMap<string, readonly string[]>;
  /** The changes by the last input. */
  readonly lastMoves: readonly Omit<Move, 'at'>[];
}

/** Nothing that anybody waits for. */
const withoutEnd: ReadonlySet<EffectKind> = new Set([
  'agent.freeze',
  'agent.thaw',
  'agent.answer',
  'agent.type',
  'work.undo',
  'worktree.remove',
  'hook.deliver',
]);

function seedOf(trees: Trees, { tree: address, lines, changed, until, asked: { project } }: Known): Seed {
  const inputs = changed.filter(({ of }) => of <= until);
  const projection = createProjection();
  const open = new Map<string, Effect>();
  const timers = new Map<string, TimerRequest>();
  const stops = new Map<string, number>();
  const toRepo: OutgoingSignal[] = [];
  const asked = new Map<string, string[]>();
  const lastMoves: Omit<Move, 'at'>[] = [];
  const tree = trees.replay(
    address,
    inputs.map(({ input }) => input),
    ({ inputs: fed, requests, ...step }, index) => {
      const given = inputs[index];
      if (given === undefined) return;
      projection.note(address, { inputs: fed, requests, ...step });
      const { input, of } = given;
      if (input.type !== 'upgraded' && 'run' in input && input.run !== null) {
        timers.delete(input.run);
        const effect = open.get(input.run);
        if (effect !== undefined && (effect.kind !== 'agent.run' || hasEnded(input))) open.delete(input.run);
      }
      for (const effect of requests.effects) {
        asked.set(nameOf(effect), [...(asked.get(nameOf(effect)) ?? []), effect.id]);
        if (!withoutEnd.has(effect.kind) && !('aside' in effect && effect.aside)) open.set(effect.id, effect);
      }
      for (const timer of requests.timers) timers.set(timer.id, timer);
      for (const { run, stopAt } of requests.stops) stops.set(run, stopAt);
      toRepo.push(...requests.signals.filter((signal) => signal.tree === repoTree(project)));
      if (of === until)
        lastMoves.push(
          ...fed.flatMap(({ transitions }) =>
            transitions.map(({ actor, event, from, to }) => ({ actor, event, from, to })),
          ),
        );
    },
  );
  if (tree === null) throw new Error(`${address} was replayed before, and now it cannot be`);
  const { changes } = projection.shownBy(address, unstored(tree), lines[until]?.at ?? 0);
  return { tree, changes, open, timers, stops, toRepo, asked, lastMoves };
}

async function writeSeed({ store, trees }: { store: Store; trees: Trees }, known: Known): Promise<Seeded> {
  const { tree: address, lines, past, until } = known;
  const seed = seedOf(trees, known);
  const at = lines[until]?.at ?? 0;
  await mustCommit(store, [
    { do: 'tree.write', address, stored: trees.persistText(seed.tree), before: 0, after: 1, at },
    ...seed.changes,
    ...[...seed.open.values()].map(
      (effect): Change => ({ do: 'effect.insert', tree: address, effect, priority: 0, at }),
    ),
  ]);
  const rows = await store.effects({ by: 'tree', tree: address });
  const isBegun = (name: string) => isRunning(past.runs.get(name), until);
  const taken = rows.filter(({ name }) => isBegun(name));
  await mustCommit(store, [
    ...taken.map(({ id }): Change => ({ do: 'effect.take', id, owner: { host: '', epoch: 0 }, at })),
    ...[...seed.timers.values()].map(
      ({ id: run, dueAt }): Change => ({
        ...{ do: 'signal.insert', tree: address, type: 'timer_due', payload: {}, origin: 'engine', run, at },
        deliverAt: Math.max(at, dueAt),
      }),
    ),
    ...[...seed.stops]
      .filter(([run]) => seed.open.has(run))
      .map(([run, stopAt]): Change => {
        const key = effectKey(address, run);
        const payload = { code: null, cause: 'withdrawn', detail: '' };
        const withdrawn = { tree: address, type: 'run_exited', payload, origin: 'engine', run, at } as const;
        return { do: 'effect.stop', key, stopAt: Math.max(at, stopAt), at, withdrawn };
      }),
  ]);
  return { tree: seed.tree, toRepo: seed.toRepo.filter((signal) => isOpenRequest(signal, planContext(seed.tree))) };
}

/** Whether a run was at work after that input. */
function isRunning(run: RecordedRun | undefined, index: number): boolean {
  return run?.start != null && run.start.index <= index && (run.exit === null || run.exit.index > index);
}

/** Effects of one name are counted: the second run of a task does what its second run did. */
function counted<Recorded extends { readonly effect: Effect }>(recorded: Iterable<Recorded>, { asked }: Seed) {
  const byName = groupBy(recorded, ({ effect }) => nameOf(effect));
  const names = new Map([...asked].map(([name, ids]) => [name, [...ids]]));
  return (effect: Effect): Recorded | null => {
    const ids = names.get(nameOf(effect)) ?? [];
    names.set(nameOf(effect), ids);
    if (!ids.includes(effect.id)) ids.push(effect.id);
    return byName.get(nameOf(effect))?.[ids.indexOf(effect.id)] ?? null;
  };
}

function scriptOf(known: Known, seed: Seed, scripted: Scripted): Script {
  const { past, until, lines, rows, repoPast } = known;
  const find = counted(past.runs.values(), seed);
  const atMs = lines[until]?.at ?? 0;
  return (effect) => {
    const recorded = find(effect);
    scripted.set(effect.id, recorded);
    const since =
      seed.open.has(effect.id) && recorded?.start != null && isRunning(recorded, until)
        ? { sinceMs: recorded.start.at }
        : {};
    const reason = recorded === null ? null : (rows.find(({ run }) => run === recorded.effect.id)?.reason ?? null);
    return { ...since, ...runOf(recorded, known, { atMs, usualMs: usualMs(repoPast, effect.role), reason }) };
  };
}

/** Its recorded end; if it had not ended, or was stopped, the usual end of such runs. */
function runOf(
  recorded: RecordedRun | null,
  { until, past, permissions }: Known,
  { atMs, usualMs, reason }: { atMs: number; usualMs: number; reason: string | null },
): ScriptedRun {
  if (recorded === null || recorded.start === null) return { durationMs: usualMs, outcome: 'done' };
  const { start, exit, words, effect } = recorded;
  const { skip = false, timeoutMs = null } = permissions.get(effect.role) ?? {};
  const leaves = leavesOf(recorded, past);
  /** The time since its start, without waits for permissions that it would not have requested. */
  const since = (at: number) => at - start.at - (skip ? waitedMs(leaves, until, at) : 0);
  const isOwnEnd = exit !== null && exit.payload.cause !== 'stopped' && exit.payload.cause !== 'withdrawn';
  const said = words
    .filter(({ index, signal: { type } }) => index > until && !(skip && aboutLeave.has(type)))
    .map(({ at, signal: { type, payload, origin } }) => ({
      ...{
        type: type as SignalType,
        payload: withLimit(withoutCommits(payload), timeoutMs),
        isByAgent: origin !== 'engine',
      }, // it was accepted in the past
      afterMs: since(at),
    }));
  const known = {
    words: said,
    exit: isOwnEnd ? exit.payload : null,
    answeredMs: new Map(
      leaves.flatMap(({ payload: { permission }, at, answer }) => {
        if (answer !== null) return [[permission, answer.askedAt - start.at]];
        return exit === null ? [[permission, at - start.at]] : [];
      }),
    ),
    asking: leaves
      .filter(({ index, answer }) => index <= until && (answer?.asked ?? until + 1) > until)
      .map(({ payload: { permission } }) => permission),
  };
  if (isOwnEnd) return { durationMs: since(exit.at), outcome: 'done', known };
  // Its time limit ended it, and does so again.
  if (reason === 'timeout') return { durationMs: endlessMs, outcome: 'done', known };
  const lastedMs = (exit?.at ?? atMs) - start.at;
  return { durationMs: Math.max(usualMs, lastedMs), outcome: 'done', known };
}

/** The signals of a permission request. */
const aboutLeave: ReadonlySet<string> = new Set<SignalType>(['run_waiting', 'run_going']);

/** How long it waited for permissions between that input and that time; overlapping waits count once. */
function waitedMs(leaves: readonly AskedLeave[], until: number, at: number): number {
  let waited = 0;
  let toMs = 0;
  for (const { index, at: askedAt, answer } of leaves) {
    if (index <= until || answer === null || answer.askedAt > at) continue;
    waited += Math.max(0, answer.askedAt - Math.max(askedAt, toMs));
    toMs = Math.max(toMs, answer.askedAt);
  }
  return waited;
}

function withLimit(payload: object, limitMs: number | null): object {
  return limitMs === null || !('limit_ms' in payload) ? payload : { ...payload, limit_ms: limitMs };
}

/** Recorded commits are not those of the simulation. */
function withoutCommits(payload: object): object {
  return Object.fromEntries(Object.entries(payload).filter(([name]) => !/^reviewed_(base_)?sha$/.test(name)));
}

/** The duration of earlier runs of that role in this repo: the median, or the general assumption. */
function usualMs(past: RepoPast, role: Role): number {
  const known = pastMs(past, role);
  return known.length === 0 ? assumedMs[role] : pickOf(known, 0.5);
}

function endsOf({ past, lines, until }: Known, seed: Seed): KnownEnd {
  const find = counted(past.effects.values(), seed);
  const atMs = lines[until]?.at ?? 0;
  return (effect) => {
    const recorded = find(effect);
    if (recorded?.end == null) return null;
    const { at, type, payload } = recorded.end.signal;
    const from = seed.open.has(effect.id) ? Math.max(atMs, recorded.askedAt) : recorded.askedAt;
    return { type: type as SignalType, payload, afterMs: Math.max(0, at - from) }; // it was accepted in the past
  };
}

/** The recorded signals of others, and the new answers. */
function wordsOf({ asked: { answers = {} }, lines, past, until }: Known, policy: PolicyChange | null): SaidWord[] {
  const atMs = lines[until]?.at ?? 0;
  const said = wordsAfter(lines, past, until)
    .filter(({ signal }) => !isAnswerTo(signal, answers))
    .map(({ at, signal: { type, payload, origin } }): SaidWord => {
      const given = type === 'policy' ? (payload as SignalPayload<'policy'>).policy : null; // of that type
      return {
        atMs: at,
        type,
        origin,
        payload: given === null || policy === null ? payload : { policy: policy(given) },
      };
    });
  const tried = Object.entries(answers).map(
    ([number, body]): SaidWord => ({
      atMs,
      type: 'answer',
      payload: { questions: [Number(number)], body },
      origin: 'person',
    }),
  );
  return [...tried, ...said];
}

/** A recorded answer to a question that now has another answer. */
function isAnswerTo({ type, payload }: AnySignal, answers: NonNullable<WhatIfQuestion['answers']>): boolean {
  if (type !== 'answer' || !('questions' in payload)) return false;
  return (payload as SignalPayload<'answer'>).questions.every((number) => Object.hasOwn(answers, number)); // of that type
}

function movesOf(lines: readonly JournalLine[]): Move[] {
  return lines
    .filter(({ refused, to, event }) => refused === null && to !== '' && event !== 'policy')
    .map(({ at, actor, event, from, to }) => ({ at: timeText(at), actor, event, from, to }));
}

/** Where the two courses begin to differ; null: they do not. */
function partsOf(all: readonly FedLine[], { lines, until }: Known, wouldBe: readonly Move[]): WhatIf['parts'] {
  const left = all.filter(({ seq }) => seq >= (lines[until]?.seq ?? 0));
  const seqs = left.filter((line) => movesOf([line]).length > 0).map(({ seq }) => seq);
  const was = movesOf(left);
  const text = ({ actor, event, from, to }: Move) => `${actor} ${event} ${from} ${to}`;
  const found = Array.from({ length: Math.max(was.length, wouldBe.length) }, (_, index) => index).find(
    (index) => was[index] === undefined || wouldBe[index] === undefined || text(was[index]) !== text(wouldBe[index]),
  );
  if (found === undefined) return null;
  const shown = (moves: readonly Move[]) => moves.slice(found, found + shownMoves);
  return { seq: seqs[found] ?? null, was: shown(was), would_be: shown(wouldBe) };
}

type Ending = WhatIf['was'];

function wasEnding({ lines, past, until, rows }: Known): Ending {
  const fromMs = lines[until]?.at ?? 0;
  const { status, blocked } = planSummary(past.tree);
  const ran = [...past.runs.values()].flatMap(({ effect: { id }, start, exit }) =>
    start === null ? [] : [{ id, startMs: start.at, endMs: exit?.at ?? null }],
  );
  const costs = ran.map(({ id }) => rows.find(({ run }) => run === id)?.cost_usd ?? null);
  return {
    status,
    blocked: blocked?.reason ?? null,
    at: timeText(past.changedAt),
    duration_ms: Math.max(0, past.changedAt - fromMs),
    peak_agents: peakOf(ran),
    runs: ran.length,
    cost_usd: sumOf(costs),
    questions: questionsAsked(past.tree),
  };
}

function wouldBeEnding({ lines, past, until, rows, repoPast }: Known, played: Played, scripted: Scripted): Ending {
  const fromMs = lines[until]?.at ?? 0;
  const before = [...past.runs.values()].flatMap(({ effect, start, exit }) =>
    start === null || exit === null || exit.index > until
      ? []
      : [{ id: effect.id, role: effect.role, startMs: start.at, endMs: exit.at }],
  );
  const after = played.runs.map(({ id, role, startMs, endMs }) => ({
    ...{ id, role, startMs: startMs + fromMs },
    endMs: endMs === null ? null : endMs + fromMs,
  }));
  const recordedId = (id: string) => (scripted.has(id) ? (scripted.get(id)?.effect.id ?? null) : id);
  const costs = [...before, ...after].map(
    ({ id, role }) => rows.find(({ run }) => run === recordedId(id))?.cost_usd ?? pastCost(repoPast, role),
  );
  const lastAsk = played.asks.at(-1);
  return {
    status: played.status === 'blocked' ? played.planStatus : played.status,
    blocked: played.status === 'blocked' ? (lastAsk?.detail ?? null) : null,
    at: timeText(fromMs + played.changedMs),
    duration_ms: played.changedMs,
    peak_agents: peakOf([...before, ...after]),
    runs: before.length + after.length,
    cost_usd: sumOf(costs),
    questions: played.questions,
  };
}
