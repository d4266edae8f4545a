/** The outcome of a plan for its `run`: it continues by itself, it has ended, or it needs a person. Pure. */
import { waysOn } from '../../machines/plan/advice.ts';
import { blockText } from '../../machines/vocabulary/block-source.ts';
import { landingText } from '../../machines/vocabulary/landing.ts';
import { forgeMergeText } from '../../machines/vocabulary/plan-pull.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { InstanceEntry, PlanShow } from '../../runtime/api/client/client.ts';
import { durationText } from '../../runtime/base/config/duration.ts';
import { brief, plain } from '../text.ts';

export type Outcome =
  | { readonly kind: 'goes-on' }
  /** `steps`: commands that continue the plan. `waited`: the plan continues by itself, but the run did not wait any longer. */
  | {
      /** `planned`: the run was asked only to plan. */
      readonly kind: 'done' | 'planned' | 'cancelled' | 'needs-person' | 'waited';
      readonly text: string;
      readonly steps: readonly string[];
    };

type PlanState = Pick<
  PlanShow,
  | 'plan'
  | 'status'
  | 'landing'
  | 'phase'
  | 'paused'
  | 'blocked'
  | 'questions'
  | 'need'
  | 'branch'
  | 'waves'
  | 'pull_request'
  | 'merging'
  | 'creating_pr'
  | 'merged'
>;

/** An end is reported only when no agent of the plan runs any more: its last signals may still change the plan. */
export function outcomeOf(plan: PlanState, instances: readonly Pick<InstanceEntry, 'live'>[]): Outcome {
  return instances.some(({ live }) => live) ? { kind: 'goes-on' } : restingOutcome(plan);
}

/** The outcome of a plan that waits longer than its run does. */
export function waitedOutcome(
  { plan, waiting_for: waiting }: PlanShow,
  limitMs: number,
): Exclude<Outcome, { kind: 'goes-on' }> {
  const why = waiting === null ? '' : `: ${brief(waiting.detail)}`;
  return {
    kind: 'waited',
    text: `${plan} has waited for ${durationText(limitMs)} without any progress${why}`,
    steps: [`stator plan explain ${shellWord(plan)}`],
  };
}

function restingOutcome(plan: PlanState): Outcome {
  const name = shellWord(plan.plan);
  if (plan.merging || plan.creating_pr) return { kind: 'goes-on' };
  // The plan is done, but its automatic merge or pull request failed: a person is needed.
  if (plan.status === 'done' && plan.blocked?.source !== 'failed') {
    const { url = null, stack = [] } = plan.pull_request ?? {};
    const ofMembers = stack.filter(({ project }) => project !== undefined).map((one) => one.url);
    const requests = ofMembers.length > 0 || url === null ? ofMembers : [url];
    return {
      kind: 'done',
      text: doneText(plan),
      steps: [
        ...(requests.length > 0 ? requests : [`git log --oneline ${shellWord(plan.merged?.into ?? plan.branch)}`]),
        ...(requests.length === 0 && plan.merged === null ? [`stator plan merge ${name}`] : []),
      ],
    };
  }
  if (plan.status === 'cancelled') {
    return { kind: 'cancelled', text: `${plan.plan} is cancelled`, steps: [`stator plan advance ${name} reopen`] };
  }
  // Questions of tasks do not stop the other tasks.
  if (plan.blocked?.scope === 'tasks') return { kind: 'goes-on' };
  if (plan.blocked !== null) {
    const { source, reason } = plan.blocked;
    const short = brief(reason);
    const text = `${plan.plan} is blocked (${blockText(source)}): ${short}`;
    const ways = waysOn({ ...plan, source }).map(({ command }) => command);
    return {
      kind: 'needs-person',
      text,
      steps: short === plain(reason) ? ways : [`stator plan explain ${name}`, ...ways],
    };
  }
  if (plan.paused) {
    return { kind: 'needs-person', text: `${plan.plan} is paused`, steps: [`stator plan resume ${name}`] };
  }
  if (plan.need?.source === 'wave') return { kind: 'needs-person', text: plain(plan.need.why), steps: plan.need.do };
  if (plan.status === 'ready') {
    const isPlanned = plan.phase === 'planned';
    const text = isPlanned ? `${plan.plan} is planned` : `${plan.plan} is a draft: its document has no waves yet`;
    const step = isPlanned ? `stator plan advance ${name}` : `stator plan start ${name}`;
    return { kind: 'needs-person', text, steps: [step] };
  }
  return { kind: 'goes-on' };
}

function doneText({ plan, landing, merged, pull_request: request }: PlanState): string {
  if (merged !== null) return `${plan} is done and merged into ${merged.into}`;
  const text = landing === null ? `${plan} is done` : `${plan} is done, ${landingText(landing)}`;
  return request?.merge == null ? text : `${text}; ${forgeMergeText(request.merge)}`;
}
