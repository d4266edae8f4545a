/**
 * Which events of a plan its hooks receive, derived from the public states that a step entered and left. Pure: the journal of a plan leads to the
 * same events again.
 */
import { budgetDetails, type HookDetails, type HookEvent, lifecycleEvents } from '../machines/vocabulary/hook-event.ts';
import { type PlanStatus, statusIn } from '../machines/vocabulary/plan-status.ts';
import { snapshotOf } from './addressee.ts';
import { blockOf, planContext } from './plan-view.ts';
import { type PublicMove, publicMove, type Transition, tagged } from './recorder.ts';
import type { Input, Step, Tree } from './tree.ts';

export interface Happened {
  readonly event: HookEvent;
  readonly from: PlanStatus;
  readonly to: PlanStatus;
  readonly details: HookDetails;
}

/** A whole change of a plan's status: from the state in which it received the event to the state in which it came to rest. */
interface Move {
  readonly event: string;
  readonly from: PlanStatus | null;
  to: PlanStatus;
}

/** Events of the chart that hooks receive under another name, if they change the status. */
const otherNames: Readonly<Record<string, HookEvent>> = {
  implement_wave: 'implement_start',
  planner_draft_finished: 'planner_finished',
  choose: 'planner_finished',
  // Requests of reviewers on the forge.
  pr_changes_requested: 'review_changes_requested',
};

/**
 * The hook events of a step of a plan's tree, in their order; `tree` is the tree after the step. If the step sets a status by hand, there are none,
 * whatever else happened in that step.
 */
export function hookEventsOf(tree: Tree, step: Step): Happened[] {
  const { inputs } = step;
  const all = inputs.flatMap(({ transitions }) => transitions);
  let status = statusBefore(tree, all);
  const happened: Happened[] = [];
  for (const input of inputs) {
    const read = readInput(input, status, { tree, step });
    status = read.status;
    if (input.signal.type !== 'set_status') happened.push(...read.happened);
  }
  return happened;
}

/** The event for a plan that was blocked by a fault and goes on. */
export function resolvedNow(tree: Tree): Happened {
  const status = statusBefore(tree, []);
  return { event: 'resolved', from: status, to: status, details: {} };
}

function readInput(
  { signal, transitions }: Input,
  before: PlanStatus,
  seen: { tree: Tree; step: Step },
): { happened: Happened[]; status: PlanStatus } {
  const happened: Happened[] = [];
  let status = before;
  let hasMoved = false;
  for (const [index, transition] of transitions.entries()) {
    const move = moveAt(transitions, index);
    if (move !== null) {
      hasMoved = true;
      const event = move.from === null ? null : lifecycleEvent(move.event, move.from, move.to);
      if (event !== null) happened.push({ event, from: move.from ?? status, to: move.to, details: {} });
      status = move.to;
    }
    const other = besideLifecycle(transition, seen);
    if (other !== null) happened.push({ ...other, from: status, to: status });
  }
  // Without a planner the plan stays in its status, so no other event reports the start.
  if (signal.type === 'plan_start' && !hasMoved)
    happened.unshift({ event: 'plan_start', from: status, to: status, details: {} });
  return {
    // An answer may have moved the plan in the same step.
    happened: happened.map((each) => (each.event === 'resolved' ? { ...each, from: before, to: status } : each)),
    status,
  };
}

/** The whole move that begins with that transition; null: it is about something else, or belongs to a move that began before. */
function moveAt(transitions: readonly Transition[], index: number): Move | null {
  const first = transitions[index];
  if (first === undefined || !isLifecycle(first)) return null;
  const goesOn = (earlier: Transition, later: Transition) => earlier.event === later.event && earlier.to === later.from;
  const before = transitions.slice(0, index).findLast(isLifecycle);
  if (before !== undefined && goesOn(before, first)) return null;
  let last = first;
  for (const next of transitions.slice(index + 1).filter(isLifecycle)) {
    if (!goesOn(last, next)) break;
    last = next;
  }
  const to = statusIn(publicMove(last.chart, last).after);
  if (to === null) throw new Error(`a plan in ${last.to} has no status`);
  return { event: first.event, from: statusIn(publicMove(first.chart, first).before), to };
}

/** Every state of a plan's life is tagged with its status, and no other state is. */
function isLifecycle(transition: Transition): boolean {
  return transition.actor === '' && statusIn(publicMove(transition.chart, transition).after) !== null;
}

/** The event of a change of the status; null: hooks do not receive it. */
function lifecycleEvent(event: string, from: PlanStatus, to: PlanStatus): HookEvent | null {
  // The draft is one of several planners': the planning continues.
  if (from === 'planning' && to === 'planning' && event === 'planner_finished') return null;
  const own = lifecycleEvents.find((each) => each === event);
  if (own !== undefined) return own;
  if (from === to) return null;
  const other = otherNames[event];
  if (other !== undefined) return other;
  // The answer of a person is reported as its signal.
  if (event === 'resolve') return null;
  // Signals of the engine itself that lead to the same status as an event of the lifecycle.
  if (from === 'implementing' && to === 'reviewing') return 'implement_finished';
  if (from === 'planning' && to === 'ready') return 'planner_finished';
  const isBack = (from === 'done' || from === 'verifying') && (to === 'reviewing' || to === 'verifying');
  return isBack ? 'verification_stale' : null;
}

type Beside = Pick<Happened, 'event' | 'details'>;

function besideLifecycle(transition: Transition, { tree, step }: { tree: Tree; step: Step }): Beside | null {
  const { actor, chart } = transition;
  const move = publicMove(chart, transition);
  if (actor === '') return planEvent(tree, move);
  const wave = /^wave-(\d+)\.\d+$/.exec(actor);
  if (wave !== null) return waveEvent(Number(wave[1]), move);
  const agent = step.agents.find(({ path }) => path === actor);
  if (agent !== undefined) {
    const { title, run, role, runs, reason } = agent.context;
    // If the run was over before, its end was reported then.
    const hasFailed = (move.enters('run:backing_off') || move.enters('run:failed')) && move.enters('run-over');
    return hasFailed ? { event: 'run_failed', details: { instance: title, run, role, attempt: runs, reason } } : null;
  }
  const task = /^wave-(\d+)\.\d+\/task-(\d+)\.\d+$/.exec(actor);
  if (task === null || !move.enters('task:failed')) return null;
  const within = step.agents.findLast(({ path }) => path.startsWith(`${actor}/`));
  const details = { wave: Number(task[1]), task: Number(task[2]), reason: within?.context.reason ?? null };
  return { event: 'task_failed', details };
}

function planEvent(tree: Tree, { before, after, enters }: PublicMove): Beside | null {
  const { pullRequestUrl } = planContext(tree);
  if (enters('needs:person') || (enters('needs:answers') && !before.has('needs:person'))) {
    const block = blockOf(tree);
    const asked = block?.questions?.at(-1);
    const question = asked === undefined ? {} : { question: asked.number, instance: asked.title };
    const details = { blocked_reason: block?.reason ?? null, blocked_source: block?.source ?? null, ...question };
    const used = block?.budget === undefined ? {} : budgetDetails(block.budget);
    return { event: 'blocked', details: { ...details, ...used } };
  }
  const stood = before.has('needs:person') || before.has('needs:answers');
  if (stood && tagged(after, 'needs:') === null) return { event: 'resolved', details: {} };
  return enters('pull:open') ? { event: 'pr_created', details: { pull_request_url: pullRequestUrl } } : null;
}

function waveEvent(wave: number, { enters }: PublicMove): Beside | null {
  const details = { wave };
  if (enters('wave:running')) return { event: 'wave_started', details };
  if (enters('wave:done')) return { event: 'wave_finished', details };
  return enters('wave:failed') ? { event: 'wave_failed', details } : null;
}

function statusBefore(tree: Tree, transitions: readonly Transition[]): PlanStatus {
  const first = transitions.find(isLifecycle);
  const known = first === undefined ? null : statusIn(publicMove(first.chart, first).before);
  return known ?? statusIn(snapshotOf(tree.root).tags) ?? 'ready';
}
