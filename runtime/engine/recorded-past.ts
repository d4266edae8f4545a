/** Reads a plan's past from its journal: the course and the duration of each run and each other effect, and where limits and questions mattered. */
import { planSummary } from '../../actors/plan-view.ts';
import type { Requests } from '../../actors/ports.ts';
import type { Step, Tree, Trees, Upgraded } from '../../actors/tree.ts';
import { type AgentRun, type Effect, type Lane, laneOf, resourceOf } from '../../machines/vocabulary/effect.ts';
import type { PlanTree, Role } from '../../machines/vocabulary/ids.ts';
import type { Policy } from '../../machines/vocabulary/policy.ts';
import type { AnySignal, SignalPayload, SignalType } from '../../machines/vocabulary/signal.ts';
import { groupBy } from '../base/platform/group-by.ts';
import { type Limits, slotsOfRepo } from '../core/outbox/slots.ts';
import type { FedLine } from '../core/store/rows.ts';
import { questionsAsked, statusText } from './simulated-engine.ts';

/** A line with an input of the tree. */
export type InputLine = FedLine & { readonly input: AnySignal | Upgraded };

/** A run of an agent. Numbers are those of inputs; null: it did not get that far. */
export interface RecordedRun {
  readonly effect: AgentRun;
  start: { readonly index: number; readonly at: number } | null;
  exit: { readonly index: number; readonly at: number; readonly payload: SignalPayload<'run_exited'> } | null;
  readonly words: { readonly index: number; readonly at: number; readonly signal: AnySignal }[];
}

/** Any other effect. */
export interface RecordedEffect {
  readonly effect: Exclude<Effect, AgentRun>;
  readonly askedAt: number;
  /** The number of the input. */
  readonly asked: number;
  end: { readonly index: number; readonly signal: AnySignal } | null;
}

export interface RecordedPast {
  /** The first input of a replay: lines before the last creation or upgrade are not replayed. */
  readonly first: number;
  readonly runs: ReadonlyMap<string, RecordedRun>;
  readonly effects: ReadonlyMap<string, RecordedEffect>;
  /** The result of each step, by the number of its input. */
  readonly digests: ReadonlyMap<number, string>;
  /** By the number of a question, the input that asked it. */
  readonly questions: ReadonlyMap<number, number>;
  /** After each input: how many agents of the lane run, and how many may start as soon as there is room. */
  readonly queues: readonly {
    readonly index: number;
    readonly lane: Lane;
    readonly running: number;
    readonly queued: number;
  }[];
  /** When it was last blocked, or continued. */
  readonly changedAt: number;
  readonly tree: Tree;
}

/** The result of a step: two equal results have the same continuation. */
function digestOf({ inputs, requests }: Pick<Step, 'inputs' | 'requests'>): string {
  const moves = inputs.flatMap(({ transitions }) => transitions.map(({ chart: _chart, ...move }) => move));
  return JSON.stringify([moves, requests]);
}

export function hasEnded({ type }: Pick<AnySignal, 'type'>): boolean {
  return type === 'run_exited' || type === 'run_lost';
}

/** null: its first lines are gone. */
export function readPast(trees: Trees, address: PlanTree, lines: readonly InputLine[]): RecordedPast | null {
  const runs = new Map<string, RecordedRun>();
  const effects = new Map<string, RecordedEffect>();
  const digests = new Map<number, string>();
  const questions = new Map<number, number>();
  const queues: RecordedPast['queues'][number][] = [];
  let first = -1;
  let status = '';
  let changedAt = 0;

  function take(index: number, { input, at }: InputLine, { effects: asked }: Requests): void {
    if (input.type !== 'upgraded' && 'run' in input && input.run !== null) {
      const run = runs.get(input.run);
      const effect = effects.get(input.run);
      if (run !== undefined) addToRun(run, { index, at, signal: input });
      else if (effect !== undefined) effect.end ??= { index, signal: input };
    }
    for (const effect of asked) {
      if (effect.kind === 'agent.run') runs.set(effect.id, { effect, start: null, exit: null, words: [] });
      else effects.set(effect.id, { effect, askedAt: at, asked: index, end: null });
    }
  }

  const tree = trees.replay(
    address,
    lines.map(({ input }) => input),
    (step, index, now) => {
      const line = lines[index];
      if (line === undefined) return;
      if (first < 0) first = index;
      digests.set(index, digestOf(step));
      take(index, line, step.requests);
      for (let number = questionsAsked(now); number > 0 && !questions.has(number); number -= 1)
        questions.set(number, index);
      const summary = planSummary(now);
      if (statusText(summary) !== status) [status, changedAt] = [statusText(summary), line.at];
      if (!summary.holds && !summary.paused) queues.push(...queuesOf(index, runs));
    },
  );
  if (tree === null) return null;
  return { first: Math.max(0, first), runs, effects, digests, questions, queues, changedAt, tree };
}

function addToRun(run: RecordedRun, { index, at, signal }: { index: number; at: number; signal: AnySignal }): void {
  if (signal.type === 'run_starting') run.start ??= { index, at };
  else if (hasEnded(signal)) {
    const payload: SignalPayload<'run_exited'> =
      signal.type === 'run_exited'
        ? (signal.payload as SignalPayload<'run_exited'>) // of that type
        : { code: null, cause: 'exit', detail: '' };
    run.exit ??= { index, at, payload };
  } else if (signal.type !== 'head_moved' && signal.type !== 'run_noted') run.words.push({ index, at, signal });
}

function queuesOf(index: number, runs: ReadonlyMap<string, RecordedRun>): RecordedPast['queues'] {
  const open = [...runs.values()].filter(({ exit }) => exit === null);
  return [...groupBy(open, ({ effect }) => laneOf(effect))].map(([lane, own]) => {
    const running = own.filter(({ start }) => start !== null).length;
    return { index, lane, running, queued: own.length - running };
  });
}

/** A run's permission request, and its answer. */
export interface AskedLeave {
  readonly index: number;
  readonly at: number;
  readonly payload: SignalPayload<'run_waiting'>;
  /** null: there was no answer, or the run continued without one. */
  readonly answer: RecordedEffect | null;
}

export function leavesOf(
  { effect: { id }, words }: RecordedRun,
  { effects }: Pick<RecordedPast, 'effects'>,
): readonly AskedLeave[] {
  return words.flatMap(({ index, at, signal }) => {
    if (signal.type !== 'run_waiting') return [];
    const payload = signal.payload as SignalPayload<'run_waiting'>; // of that type
    const isAnswer = ({ effect }: RecordedEffect) =>
      effect.kind === 'agent.answer' && effect.run === id && effect.permission === payload.permission;
    return [{ index, at, payload, answer: [...effects.values()].find(isAnswer) ?? null }];
  });
}

/** How agents of a role ask for permission. */
export interface Permissions {
  /** They do not ask: they act. */
  readonly skip: boolean;
  /** A question without an answer is denied after this time; null: as it was. */
  readonly timeoutMs: number | null;
}

/** The input before the first question that other rules would change; null: there is none. */
export function permissionsPart(past: RecordedPast, rules: ReadonlyMap<Role, Permissions>): number | null {
  const changed = [...past.runs.values()].flatMap((run) => {
    const { skip = false, timeoutMs = null } = rules.get(run.effect.role) ?? {};
    return leavesOf(run, past).filter(({ payload: { limit_ms: ms } }) => skip || ms !== (timeoutMs ?? ms));
  });
  return changed.length === 0 ? null : Math.min(...changed.map(({ index }) => index)) - 1;
}

/** The first input after which agents start otherwise with other limits; null: there is none. */
export function limitsPart({ queues }: RecordedPast, before: Limits, after: Limits): number | null {
  const found = queues.find(({ lane, running, queued }) => {
    const start = (limits: Limits) => Math.min(queued, Math.max(0, slotsOfRepo(lane, limits) - running));
    return start(before) !== start(after);
  });
  return found?.index ?? null;
}

/** The inputs with a policy, changed in each; `of`: the number of the input, `isAdded`: the change comes after it. */
export interface ChangedInput {
  readonly input: AnySignal | Upgraded;
  readonly of: number;
  readonly isAdded: boolean;
}

export function changedInputs(
  lines: readonly InputLine[],
  change: ((policy: Policy) => Policy) | null,
): ChangedInput[] {
  return lines.flatMap(({ input }, of) => {
    const given = { input, of, isAdded: false };
    const policy = change === null ? null : policyIn(input);
    if (change === null || policy === null) return [given];
    const at = 'at' in input ? input.at : (lines[of]?.at ?? 0);
    const added = { ...policySignal(change(policy)), at };
    return [given, { input: added, of, isAdded: true }];
  });
}

function policySignal(policy: Policy): Omit<AnySignal, 'at'> {
  return { type: 'policy', payload: { policy }, origin: 'engine', actor: '', run: null };
}

/** The policy that an input brings; null: none. */
function policyIn(input: AnySignal | Upgraded): Policy | null {
  const holder = 'snapshot' in input ? (input.snapshot as { context?: object }).context : input.payload;
  return holder !== undefined && 'policy' in holder ? (holder.policy as Policy) : null; // it was one when it was stored
}

/** The first input with another result under the changed policy; null: there is none. */
export function policyParts(
  trees: Trees,
  address: PlanTree,
  { digests }: RecordedPast,
  inputs: readonly ChangedInput[],
): number | null {
  const nothing = JSON.stringify([[], { effects: [], timers: [], stops: [], signals: [] }]);
  let found: number | null = null;
  trees.replay(
    address,
    inputs.map(({ input }) => input),
    (step, index) => {
      const given = inputs[index];
      if (given === undefined || digestOf(step) === (given.isAdded ? nothing : digests.get(given.of))) return;
      found = given.of;
      // Beyond that it would be fed what it does not expect.
      return 'stop';
    },
  );
  return found;
}

/** Signals after an input that came from people, files, the engine and agents of ended runs, and that the simulation does not make itself. */
export function wordsAfter(
  lines: readonly InputLine[],
  { runs, effects }: RecordedPast,
  index: number,
): { readonly at: number; readonly signal: AnySignal }[] {
  return lines.flatMap(({ input, at }, number) => {
    if (number <= index || input.type === 'upgraded' || 'snapshot' in input) return [];
    const { run, type, origin } = input;
    const sender = run === null ? undefined : runs.get(run);
    const isOfRun = sender !== undefined && (sender.exit === null || sender.exit.index > index);
    if (isOfRun || (sender !== undefined && origin === 'engine') || (run !== null && effects.has(run))) return [];
    return ownWords.has(type as SignalType) ? [] : [{ at, signal: input }];
  });
}

/** The simulated engine sends these itself. */
const ownWords: ReadonlySet<SignalType> = new Set([
  'plan_opened',
  'implement_granted',
  'timer_due',
  'head_moved',
  'run_noted',
]);

/** The name by which the effects of the past are found: effects of one name are counted. */
export function nameOf(effect: Effect): string {
  return effect.kind === 'agent.run' ? effect.title : `${effect.kind} ${resourceOf(effect)}`;
}
