/** A fact in a few words, or null where it says nothing to a person. Pure. */
import type { HistoryEntry, PlanShow } from '../../runtime/control/client.ts';
import { brief, clockTime, plain } from '../text.ts';

/** What a line may add to the bare fact: titles, reasons, attempts as they stand now. */
export type Surroundings = Pick<PlanShow, 'tasks_by_wave' | 'blocked'>;

/** `14:03:21 wave 1 task 2 working  Write the parser`. */
export function factLine(fact: HistoryEntry, around: Surroundings): string | null {
  const text = factText(fact, around);
  return text === null ? null : `${clockTime(fact.at)} ${text}`;
}

function factText(fact: HistoryEntry, around: Surroundings): string | null {
  if (fact.refused !== null) {
    const guard = fact.refused.guard === null ? '' : `: ${fact.refused.guard}`;
    return `refused ${fact.event} of ${fact.origin} in ${fact.refused.state}${guard}`;
  }
  if (fact.from === fact.to) return null;
  if (fact.actor === '') return planText(fact, around);
  const path = fact.actor.split('/');
  const [head = '', second = '', third] = path;
  const wave = /^wave-(\d+)\./.exec(head)?.[1];
  if (wave === undefined) return second === 'agent' || path.length === 1 ? roleText(fact, head) : null;
  if (path.length === 1) return waveText(fact, wave);
  const task = /^task-(\d+)\./.exec(second)?.[1];
  if (task === undefined) return null;
  const work = { name: `wave ${wave} task ${task}`, ...taskAround(around, Number(wave), Number(task)) };
  return third === undefined ? taskText(fact, work) : taskAgentText(fact, work);
}

interface Work {
  readonly name: string;
  readonly title: string;
  readonly reason: string;
  readonly attempts: number;
}

function taskAround({ tasks_by_wave: waves }: Surroundings, wave: number, number: number): Omit<Work, 'name'> {
  const task = waves.find((entry) => entry.number === wave)?.tasks.find((entry) => entry.number === number);
  return {
    title: task === undefined ? '' : `  ${plain(task.title)}`,
    reason: task === undefined || task.reason === null ? '' : `: ${task.reason}`,
    attempts: task?.attempts ?? 1,
  };
}

function waveText({ from, to }: HistoryEntry, wave: string): string | null {
  if (to === 'running') return `wave ${wave} ${from === '' ? 'begins' : 'is tried again'}`;
  if (to === 'succeeded') return `wave ${wave} done`;
  return to === 'settled' ? `wave ${wave} failed` : null;
}

function taskText({ to }: HistoryEntry, { name, title, reason }: Work): string | null {
  if (to === 'done') return `${name} done${title}`;
  if (to === 'failed') return `${name} failed${reason}${title}`;
  return to === 'cancelled' ? `${name} cancelled${title}` : null;
}

function taskAgentText({ to }: HistoryEntry, { name, title, reason, attempts }: Work): string | null {
  if (to === 'running') return `${name} working${attempts > 1 ? ` (attempt ${attempts})` : ''}${title}`;
  if (to === 'backingOff') return `${name}: the attempt failed${reason}; the next one follows`;
  return waitingText(to, name);
}

function waitingText(to: string, name: string): string | null {
  if (to === 'waiting.permission') return `${name} waits for a permission`;
  // Of a question the plan itself tells, with its words.
  return to === 'waiting.rateLimit' ? `${name} waits: the service takes no more for now` : null;
}

/** An agent of the plan itself: `reviewer.3`, or the task of a worker, `fixer.4` and `fixer.4/agent`. */
function roleText({ actor, event, to }: HistoryEntry, head: string): string | null {
  const role = head.slice(0, head.indexOf('.'));
  if (to === 'running') return `${role} working`;
  // Of one that judges or plans nothing else is turned down when it ended well.
  const isSilent = event === 'reject' && role !== 'fixer' && role !== 'coder';
  if (to === 'backingOff') return `${role}: the attempt failed${isSilent ? ': no-verdict' : ''}; the next one follows`;
  if (to === 'failed' && actor === head) return `${role} failed`;
  return to === 'done' ? `${role} done` : waitingText(to, role);
}

const events: Readonly<Record<string, string>> = {
  review_approved: 'the review approves',
  review_changes_requested: 'the review asks for changes',
  verify_approved: 'the verification approves',
  verify_failed: 'the verification asks for changes',
  planner_finished: 'the planner is finished',
  elaborator_finished: 'the architect is finished',
  set_status: 'the status is set by hand',
};

/** By the longest beginning of the state that is entered. */
const states: readonly (readonly [string, string | null])[] = [
  ['lifecycle.ready.draft', 'draft'],
  ['lifecycle.ready.planned', 'planned'],
  ['lifecycle.planning.working', 'planning'],
  ['lifecycle.underway.implementing.architecting.working', 'architecting'],
  ['lifecycle.underway.implementing.requesting', 'implementing'],
  ['lifecycle.underway.implementing.single.working', 'one coder does the whole plan'],
  ['lifecycle.underway.implementing.wave.waiting', 'the wave is over; a person says what follows'],
  ['lifecycle.underway.implementing.fixing', 'fixing'],
  ['lifecycle.underway.reviewing.working', 'reviewing'],
  ['lifecycle.underway.verifying.working', 'verifying'],
  ['lifecycle.done', 'done'],
  ['lifecycle.cancelled', 'cancelled'],
  ['gate.paused', 'paused'],
  ['gate.open', 'resumed'],
  ['attention.clear', 'resolved'],
  ['pullRequest.open', 'the pull request is open'],
  ['pullRequest.merged', 'the pull request is merged'],
  ['pullRequest.closed', 'the pull request is closed'],
  ['pullRequest.failed', 'no pull request could be made'],
];

function planText({ event, from, to }: HistoryEntry, { blocked }: Surroundings): string | null {
  const isBirth = from === '';
  if (to.startsWith('attention.blocked') || to.startsWith('attention.override')) {
    return `needs you${blocked === null ? '' : `: ${brief(blocked.reason)}`}`;
  }
  if (isBirth && !to.startsWith('lifecycle.')) return null;
  const entered = states.find(([prefix]) => to.startsWith(prefix));
  // From one step inside a state to the next is no news.
  const isSame = entered !== undefined && from.startsWith(entered[0]);
  const state = entered === undefined || isSame ? null : entered[1];
  const said = events[event] ?? null;
  return said === null || state === null ? (state ?? said) : `${said}; ${state}`;
}
