/** The state of a plan or a task as a short text: who works, or what it waits for. Its times are in ISO form, after `until`, `at` or `since`. */
import { counted } from '../machines/vocabulary/numbers.ts';
import { isOver } from '../machines/vocabulary/plan-status.ts';
import { isJudged, judgedText } from '../machines/vocabulary/run-state.ts';
import type { PlanEntry, PlanShow } from '../runtime/api/contract/plans.ts';
import type { InstanceEntry } from '../runtime/api/contract/runs.ts';
import { words } from './format.ts';

type Task = PlanShow['tasks_by_wave'][number]['tasks'][number];

const atWork: Readonly<Record<string, string>> = {
  planning: 'being planned',
  implementing: 'at work',
  reviewing: 'in review',
  verifying: 'being verified',
};
const waits: Readonly<Record<string, string>> = {
  slot: 'waits for a slot',
  topic: 'waits for its topic',
  files: 'waits for its files',
  plan_limit: 'waits for its turn',
  back_off: 'tries again soon',
  retrying: 'tries again soon',
  engine: 'waits for the engine',
  rate_limit: 'waits for its account',
  repo: 'waits for its repo',
};

/** Events of the journal that judge the work. */
export const verdicts: Readonly<Record<string, readonly [state: string, text: string]>> = {
  review_approved: ['done', 'review: approved'],
  review_changes_requested: ['asks', 'review: changes requested'],
  verify_approved: ['done', 'verification: approved'],
  verify_failed: ['asks', 'verification: changes requested'],
};

export function planWords({ status, turn, paused, waiting_for: wait }: PlanEntry): string {
  if (turn === 'person') return 'needs you';
  if (paused) return 'paused';
  if (turn === 'waiting' && wait !== null) {
    const plans = /^waits for (.+?) to be done/.exec(wait.detail)?.[1];
    return plans === undefined ? (waits[wait.kind] ?? 'waits') : `waits for ${plans}`;
  }
  return turn === 'nobody' ? status : (atWork[status] ?? status);
}

const retriedKinds: ReadonlySet<string> = new Set(['repo', 'engine', 'retrying', 'back_off']);

/** The failed part of a plan that is being retried, even while other agents of the plan work; null: none. */
export function retriedText({ turn, waiting_for: wait }: PlanEntry): string | null {
  return turn === 'agents' && wait !== null && retriedKinds.has(wait.kind) ? firstLineOf(wait) : null;
}

/** The first line of why a plan waits. */
export function firstLineOf({ detail }: NonNullable<PlanEntry['waiting_for']>): string {
  return detail.split('\n')[0] ?? '';
}

interface TaskLook {
  readonly wave: number;
  readonly plan: PlanShow;
  /** Its agent; undefined: it has none yet. */
  readonly agent: InstanceEntry | undefined;
}

export function taskWords(task: Task, look: TaskLook): string {
  switch (task.status) {
    case 'pending':
      return pendingWords(task, look);
    case 'working':
      return look.agent === undefined ? 'at work' : agentWords(look.agent);
    case 'committing':
      return 'being committed';
    case 'asking':
      return 'asks you';
    case 'checking':
      return 'being checked';
    case 'merging':
      return 'being merged';
    case 'ending':
    case 'done':
    case 'failed':
    case 'cancelled':
      return task.status;
    default:
      return task.status satisfies never;
  }
}

function pendingWords(task: Task, { wave, plan }: TaskLook): string {
  if (isOver(plan.status)) return 'not done';
  if (plan.status === 'ready' || plan.status === 'planning') return 'not started';
  if (wave > Math.max(plan.wave, 1)) return `waits for wave ${wave - 1}`;
  const siblings = plan.tasks_by_wave.find(({ number }) => number === wave)?.tasks ?? [];
  const open = siblings.filter(({ number, status }) => task.after.includes(number) && status !== 'done');
  if (open.length > 0) return `waits for task ${open.map(({ number }) => number).join(' and ')}`;
  const holder = task.waits_for_files;
  if (holder !== null) return `waits for task ${holder.task}, which writes ${holder.path}`;
  return plan.isolation === 'plan' ? 'waits for the worktree' : 'waits for its turn';
}

/** Whether the agent still accepts messages. */
export function mayReceiveMessages({ state }: Pick<InstanceEntry, 'state'>): boolean {
  return /^(?:queued|starting|running|waiting|paused|backing_off)$/.test(state);
}

export function agentWords(agent: InstanceEntry): string {
  const { state, permissions, waits_until: until } = agent;
  switch (state) {
    case 'queued':
      return 'waits for a slot';
    case 'running':
      return isJudged(agent) ? judgedText : 'at work';
    case 'waiting':
      if (permissions.length > 0) return `asks for ${counted(permissions.length, 'permission')}`;
      return until === null ? 'asks you' : `waits for its account, goes on at ${until}`;
    case 'backing_off':
      return `tries again ${until === null ? 'soon' : `at ${until}`}`;
    case 'succeeded':
      return 'done';
    default:
      return words(state);
  }
}
