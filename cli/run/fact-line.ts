/** A fact in a few words, or null where it says nothing to a person. Pure. */

import { reasonText } from '../../machines/vocabulary/reason-text.ts';
import type { HistoryEntry, PlanShow } from '../../runtime/client/client.ts';
import { brief, clockTime, plain, untilText } from '../text.ts';

/** What a line may add to the bare fact, as it stands now: titles of tasks, and what is asked. */
export type Surroundings = Pick<PlanShow, 'tasks_by_wave' | 'blocked' | 'questions'>;

/** `14:03:21 wave 1 task 2 working  Write the parser`, and why below it, where it went wrong or a judge spoke. null: it is no news. */
export function factLines(fact: HistoryEntry, around: Surroundings): string[] | null {
  const text = factText(fact, around);
  return text === null ? null : [`${clockTime(fact.at)} ${text}`, ...whyOf(fact).map((line) => `${indent}${line}`)];
}

/** As wide as the time of day and a space. */
const indent = ' '.repeat(9);

/** Words of agents and programs, made fit for a terminal; several lines of a review. Empty where nothing went wrong. */
export function whyOf({ from, to, why, event }: HistoryEntry): string[] {
  const isVerdict = event === 'review_changes_requested' || event === 'verify_failed';
  const isBad = /(?:^|\.)failed$/.test(to) || to === 'backingOff' || to === 'waiting.rateLimit';
  if (why === null || from === to || !(isVerdict || isBad)) return [];
  return why.split('\n').map(brief);
}

/** Without its time. null: it says nothing to a person. */
export function factText(fact: HistoryEntry, around: Surroundings): string | null {
  if (fact.refused !== null) {
    const guard = fact.refused.guard === null ? '' : `: ${fact.refused.guard}`;
    return `refused ${fact.event} from ${originText(fact.origin)} in ${fact.refused.state}${guard}`;
  }
  if (fact.actor === '' && words.has(fact.event)) return wordText(fact, around);
  if (fact.from === fact.to) return null;
  if (fact.actor === '') return planText(fact, around);
  const path = fact.actor.split('/');
  const [head = '', second = '', third] = path;
  const wave = /^wave-(\d+)\./.exec(head)?.[1];
  if (wave === undefined) return second === 'agent' || path.length === 1 ? roleText(fact, head, around) : null;
  if (path.length === 1) return waveText(fact, wave);
  const task = /^task-(\d+)\./.exec(second)?.[1];
  if (task === undefined) return null;
  const work = { name: `wave ${wave} task ${task}`, title: titleOf(around, Number(wave), Number(task)) };
  return third === undefined ? taskText(fact, work) : taskAgentText(fact, work, around);
}

function originText(origin: string): string {
  if (origin === 'person' || origin === 'file') return `a ${origin}`;
  return origin === 'engine' ? 'the engine' : origin;
}

interface Work {
  readonly name: string;
  readonly title: string;
}

function titleOf({ tasks_by_wave: waves }: Surroundings, wave: number, number: number): string {
  const task = waves.find((entry) => entry.number === wave)?.tasks.find((entry) => entry.number === number);
  return task === undefined ? '' : `  ${plain(task.title)}`;
}

function waveText({ from, to }: HistoryEntry, wave: string): string | null {
  if (to === 'running') return `wave ${wave} ${from === '' ? 'begins' : 'is tried again'}`;
  if (to === 'succeeded') return `wave ${wave} done`;
  return to === 'settled' ? `wave ${wave} failed` : null;
}

function taskText({ to, reason }: HistoryEntry, { name, title }: Work): string | null {
  if (to === 'done') return `${name} done${title}`;
  if (to === 'failed') return `${name} failed${reason === null ? '' : ` (${reasonText(reason)})`}${title}`;
  // Its plan is cancelled, or its text was edited before it began.
  return to === 'cancelled' ? `${name} withdrawn${title}` : null;
}

function taskAgentText(fact: HistoryEntry, { name, title }: Work, around: Surroundings): string | null {
  const word = agentWord(fact, name, around);
  if (word !== null) return word;
  if (fact.to === 'running') return `${name} ${workingText(fact)}${title}`;
  return fact.to === 'backingOff' ? `${name}: ${attemptText(fact)}` : waitingText(fact, name);
}

/** What begins, what is tried again, and what goes on after a pause are told apart. */
function workingText({ from, attempt, resumed, stands_in: profile }: HistoryEntry): string {
  if (from === 'paused' || from.startsWith('waiting')) return 'goes on';
  const tries = attempt !== null && attempt > 1 ? ` (attempt ${attempt})` : '';
  const as = profile === null ? '' : `, as ${plain(profile)} since the account of its own profile is limited`;
  return `${resumed ? 'goes on' : 'working'}${tries}${as}`;
}

function attemptText({ attempt, reason }: HistoryEntry): string {
  const which = attempt === null ? 'the attempt' : `attempt ${attempt}`;
  return `${which} failed${reason === null ? '' : ` (${reasonText(reason)})`}, trying again`;
}

function waitingText({ at, to, until }: HistoryEntry, name: string): string | null {
  if (to === 'waiting.permission') return `${name} waits for a permission`;
  // Of a question the plan itself tells, with its words.
  if (to !== 'waiting.rateLimit') return null;
  if (until !== null && Date.parse(until) <= Date.parse(at))
    return `${name} met the service's limit; another profile stands in`;
  return `${name} waits for the service's limit${until === null ? '' : ` ${untilText(until, Date.parse(at))}`}`;
}

/** An agent of the plan itself: `reviewer.3`, or the task of a worker, `fixer.4` and `fixer.4/agent`. */
function roleText(fact: HistoryEntry, head: string, around: Surroundings): string | null {
  const { actor, to, reason } = fact;
  const role = head.slice(0, head.indexOf('.'));
  const word = agentWord(fact, role, around);
  if (word !== null) return word;
  if (to === 'running') return `${role} ${workingText(fact)}`;
  if (to === 'backingOff') return `${role}: ${attemptText(fact)}`;
  if (to === 'failed' && actor === head) return `${role} failed${reason === null ? '' : ` (${reasonText(reason)})`}`;
  return to === 'done' ? `${role} done` : waitingText(fact, role);
}

/** Words that a person reads whatever they move. */
const words: ReadonlySet<string> = new Set(['needs_decision', 'answer']);

/** A question of an agent, and its answer as the agent gets it; null: it is neither. */
function agentWord(fact: HistoryEntry, name: string, around: Surroundings): string | null {
  if (fact.event === 'needs_decision') return `${name} asks${numberText(fact, around)}${textOf(fact)}`;
  return fact.event === 'answered' ? `${name} is answered${textOf(fact)}` : null;
}

/** The same of the plan: what a person asks by hand, and what is answered. */
function wordText(fact: HistoryEntry, around: Surroundings): string {
  if (fact.event === 'needs_decision')
    return `${originText(fact.origin)} asks${numberText(fact, around)}${textOf(fact)}`;
  const { questions } = fact;
  const which = questions.length === 1 ? `question ${questions[0]} is` : `questions ${questions.join(', ')} are`;
  return `${which} answered${textOf(fact)}`;
}

function textOf({ why }: HistoryEntry): string {
  return why === null ? '' : `: ${brief(why)}`;
}

/** While it is open. */
function numberText({ at }: HistoryEntry, { questions }: Surroundings): string {
  const open = questions.filter((question) => question.at === at);
  return open.length === 1 ? ` (question ${open[0]?.number})` : '';
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
  ['gate.open', 'goes on where it was paused'],
  ['attention.clear', 'resolved'],
  ['pullRequest.open', 'the pull request is open'],
  ['pullRequest.merged', 'the pull request is merged'],
  ['pullRequest.closed', 'the pull request is closed'],
  ['pullRequest.failed', 'no pull request could be made'],
];

function planText({ at, event, from, to, why }: HistoryEntry, { blocked }: Surroundings): string | null {
  const isBirth = from === '';
  // The agent's own line has the question.
  if (event === 'child_asked') return null;
  if (event === 'resolve' && to === 'attention.clear') return `resolved${why === null ? '' : `: ${brief(why)}`}`;
  if (to.startsWith('attention.blocked') || to.startsWith('attention.override')) {
    // What it asks now may be another question than the one of this line.
    const asked = blocked?.at === at ? blocked.reason : why;
    return `needs you${asked === null ? '' : `: ${brief(asked)}`}`;
  }
  if (isBirth && !to.startsWith('lifecycle.')) return null;
  const entered = states.find(([prefix]) => to.startsWith(prefix));
  // From one step inside a state to the next is no news.
  const isSame = entered !== undefined && from.startsWith(entered[0]);
  const state = entered === undefined || isSame ? null : entered[1];
  const said = events[event] ?? null;
  return said === null || state === null ? (state ?? said) : `${said}; ${state}`;
}
