/** A fact as a short text; null: the fact means nothing to a person. Pure. */

import { personName } from '../../machines/vocabulary/ids.ts';
import type { AgentTag, PlanTag, TaskTag, WaveTag } from '../../machines/vocabulary/public-state.ts';
import { reasonText } from '../../machines/vocabulary/reason-text.ts';
import { clockTime, untilText } from '../../machines/vocabulary/time-text.ts';
import type { HistoryEntry, PlanShow } from '../../runtime/api/client/client.ts';
import { brief, plain } from '../text.ts';

/** The present data of a plan that a line adds to a fact: titles of tasks, and questions. */
export type FactContext = Pick<PlanShow, 'tasks_by_wave' | 'blocked' | 'questions'>;

/** `14:03:21 wave 1 task 2 working  Write the parser`, followed by the reason if something failed or a judge gave a verdict. null: no news. */
export function factLines(fact: HistoryEntry, around: FactContext): string[] | null {
  const text = factText(fact, around);
  return text === null ? null : [`${clockTime(fact.at)} ${text}`, ...whyOf(fact).map((line) => `${indent}${line}`)];
}

/** The width of the time of day and a space. */
const indent = ' '.repeat(9);

/** The reason of a fact: text of agents and programs, made safe for a terminal, with several lines for a review. Empty if nothing failed. */
export function whyOf(fact: HistoryEntry): string[] {
  const { from, to, why, event } = fact;
  if (isNote(fact)) return (why ?? '').split('\n').slice(1).map(plain);
  const isVerdict = event === 'review_changes_requested' || event === 'verify_failed';
  if (why === null || from === to || !(isVerdict || hasFailed(fact) || isHeldUp(fact))) return [];
  return why.split('\n').map(brief);
}

/** A note from the end of a run. Its lines may contain commands, so they are not cut. */
export function isNote({ event }: HistoryEntry): boolean {
  return event === 'run_noted';
}

type Tag = PlanTag | WaveTag | TaskTag | AgentTag;

function is({ to_tags: tags }: HistoryEntry, tag: Tag): boolean {
  return tags.includes(tag);
}

/** Whether the actor has this tag now and did not have it before. */
function enters({ from_tags: before, to_tags: after }: HistoryEntry, tag: Tag): boolean {
  return after.includes(tag) && !before.includes(tag);
}

/** Whether a wave, a task, an agent or a pull request has failed. */
export function hasFailed({ to_tags: tags }: HistoryEntry): boolean {
  return tags.some((tag) => tag.endsWith(':failed'));
}

/** An attempt was interrupted; the next one follows by itself. */
function isHeldUp(fact: HistoryEntry): boolean {
  return is(fact, 'run:backing_off') || is(fact, 'waits:rate-limited');
}

/** The text without its time. null: the fact means nothing to a person. */
export function factText(fact: HistoryEntry, around: FactContext): string | null {
  if (fact.refused !== null) {
    const { guard, state } = fact.refused;
    // The last two parts of a state's path are enough, as in `wave running`.
    const where = state.split('.').slice(-2).join(' ').replaceAll('_', ' ');
    return `refused ${fact.event} from ${originText(fact.origin)}${guard === null ? ` in ${where}` : `: ${guard}`}`;
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
  return third === undefined ? taskText(fact, work, around) : taskAgentText(fact, work, around);
}

function originText(origin: string): string {
  if (origin === 'person' || origin === 'file') return `a ${origin}`;
  return origin === 'engine' ? 'the engine' : (personName(origin) ?? origin);
}

interface Work {
  readonly name: string;
  readonly title: string;
}

function titleOf({ tasks_by_wave: waves }: FactContext, wave: number, number: number): string {
  const task = waves.find((entry) => entry.number === wave)?.tasks.find((entry) => entry.number === number);
  return task === undefined ? '' : `  ${plain(task.title)}`;
}

function waveText(fact: HistoryEntry, wave: string): string | null {
  if (is(fact, 'wave:running')) return `wave ${wave} ${fact.from === '' ? 'begins' : 'is tried again'}`;
  if (is(fact, 'wave:done')) return `wave ${wave} done`;
  return is(fact, 'wave:failed') ? `wave ${wave} failed` : null;
}

function taskText(fact: HistoryEntry, { name, title }: Work, around: FactContext): string | null {
  // A question about files that the task's commit would delete or add.
  if (enters(fact, 'task:asking')) return `${name} asks${numberText(fact, around)}${textOf(fact)}`;
  if (is(fact, 'task:done')) return `${name} done${title}`;
  if (is(fact, 'task:failed')) return `${name} failed${inBrackets(fact)}${title}`;
  // The plan was cancelled, or its text was edited before the task began.
  return is(fact, 'task:cancelled') ? `${name} withdrawn${title}` : null;
}

function inBrackets({ reason }: HistoryEntry): string {
  return reason === null ? '' : ` (${reasonText(reason)})`;
}

function taskAgentText(fact: HistoryEntry, { name, title }: Work, around: FactContext): string | null {
  const word = agentWord(fact, name, around);
  if (word !== null) return word;
  if (is(fact, 'at-work')) return `${name} ${workingText(fact)}${title}`;
  return is(fact, 'run:backing_off') ? `${name}: ${attemptText(fact)}` : waitingText(fact, name);
}

/** Distinguishes the first start, a retry, and a start after a pause. */
function workingText({ from_tags: before, attempt, resumed, stands_in: profile }: HistoryEntry): string {
  if (before.includes('run:paused') || before.includes('run:waiting')) return 'goes on';
  const tries = attempt !== null && attempt > 1 ? ` (attempt ${attempt})` : '';
  const as = profile === null ? '' : `, with the profile ${plain(profile)}`;
  return `${resumed ? 'goes on' : 'working'}${tries}${as}`;
}

function attemptText(fact: HistoryEntry): string {
  const which = fact.attempt === null ? 'the attempt' : `attempt ${fact.attempt}`;
  return `${which} failed${inBrackets(fact)}, trying again`;
}

function waitingText(fact: HistoryEntry, name: string): string | null {
  const { at, until } = fact;
  if (is(fact, 'waits:permission')) return `${name} waits for a permission`;
  // The plan reports a question itself, with its text.
  if (!is(fact, 'waits:rate-limited')) return null;
  if (until !== null && Date.parse(until) <= Date.parse(at))
    return `${name} met the service's limit; another profile takes its place`;
  return `${name} waits for the service's limit${until === null ? '' : ` ${untilText(until, Date.parse(at))}`}`;
}

/** An agent that works for the whole plan: `reviewer.3`, or the task of a worker, `fixer.4` and `fixer.4/agent`. */
function roleText(fact: HistoryEntry, head: string, around: FactContext): string | null {
  const role = head.slice(0, head.indexOf('.'));
  const word = agentWord(fact, role, around);
  if (word !== null) return word;
  if (is(fact, 'at-work')) return `${role} ${workingText(fact)}`;
  if (is(fact, 'run:backing_off')) return `${role}: ${attemptText(fact)}`;
  if (hasFailed(fact) && fact.actor === head) return `${role} failed${inBrackets(fact)}`;
  return is(fact, 'task:done') ? `${role} done` : waitingText(fact, role);
}

/** Signals that are always shown to a person, even if they change no state. */
const words: ReadonlySet<string> = new Set(['needs_decision', 'answer', 'run_noted']);

/** An agent's question, and the answer that the agent receives; null: neither. */
function agentWord(fact: HistoryEntry, name: string, around: FactContext): string | null {
  if (fact.event === 'needs_decision') return `${name} asks${numberText(fact, around)}${textOf(fact)}`;
  return fact.event === 'answered' ? `${name} is answered${textOf(fact)}` : null;
}

/** The same for the plan: a question that a person sent by hand, and its answer. */
function wordText(fact: HistoryEntry, around: FactContext): string {
  if (fact.event === 'needs_decision')
    return `${originText(fact.origin)} asks${numberText(fact, around)}${textOf(fact)}`;
  if (isNote(fact)) return plain(fact.why?.split('\n')[0] ?? 'something was found at the end of a run');
  const { questions } = fact;
  const which = questions.length === 1 ? `question ${questions[0]} is` : `questions ${questions.join(', ')} are`;
  return `${which} answered${textOf(fact)}`;
}

function textOf({ why }: HistoryEntry): string {
  return why === null ? '' : `: ${brief(why)}`;
}

/** Empty if the question is already answered. */
function numberText({ at }: HistoryEntry, { questions }: FactContext): string {
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
  choose: 'a draft is chosen',
  set_status: 'the status is set by hand',
};

/** The new state of a plan: the first of these tags that it did not have before. */
const news: readonly (readonly [PlanTag, string])[] = [
  ['draft', 'draft'],
  ['phase:planned', 'planned'],
  ['works:planner', 'planning'],
  ['chooses', 'an architect chooses a draft'],
  ['works:architect', 'architecting'],
  ['waits:turn', 'implementing'],
  ['works:coder', 'one coder does the whole plan'],
  ['phase:wave_waiting', 'the wave is over; you decide what follows'],
  ['phase:fixing', 'fixing'],
  ['works:reviewer', 'reviewing'],
  ['works:verifier', 'verifying'],
  ['status:done', 'done'],
  ['status:cancelled', 'cancelled'],
  ['paused', 'paused'],
  ['pull:open', 'the pull request is open'],
  ['pull:merged', 'the pull request is merged'],
  ['pull:closed', 'the pull request is closed'],
  ['pull:failed', 'no pull request could be made'],
];

function planText(fact: HistoryEntry, { blocked }: FactContext): string | null {
  const { at, event, from_tags: before, to_tags: after, why } = fact;
  // The agent's own line shows the question.
  if (event === 'child_asked') return null;
  const needs = (tags: readonly string[]) => tags.some((tag) => tag.startsWith('needs:'));
  const isResolved = needs(before) && !needs(after);
  if (isResolved && event === 'resolve') return `resolved${why === null ? '' : `: ${brief(why)}`}`;
  if (is(fact, 'needs:person') || is(fact, 'needs:word')) {
    // The present question may be another one than that of this line.
    const asked = blocked?.at === at ? blocked.reason : why;
    return `needs you${asked === null ? '' : `: ${brief(asked)}`}`;
  }
  if (before.includes('paused')) return 'goes on where it was paused';
  const state = isResolved ? 'resolved' : (news.find(([tag]) => enters(fact, tag))?.[1] ?? null);
  const said = fact.from === '' && !after.some((tag) => tag.startsWith('status:')) ? null : (events[event] ?? null);
  return said === null || state === null ? (state ?? said) : `${said}; ${state}`;
}
