/** Text about a plan, for lists and for a single plan. Pure. */
import { waysOn } from '../../machines/plan/advice.ts';
import { blockText } from '../../machines/vocabulary/block-source.ts';
import { onOneLine } from '../../machines/vocabulary/errors.ts';
import { personName, taskName } from '../../machines/vocabulary/ids.ts';
import { landingText } from '../../machines/vocabulary/landing.ts';
import { mergeLines } from '../../machines/vocabulary/merge-text.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { forgeMergeText } from '../../machines/vocabulary/plan-pull.ts';
import { reasonText } from '../../machines/vocabulary/reason-text.ts';
import { ago, duration, rangeText, withLocalTimes } from '../../machines/vocabulary/time-text.ts';
import type { PlanEntry, PlanShow } from '../../runtime/api/client/client.ts';
import { type Cell, fields, type Paint, type Tone, table } from '../output.ts';
import type { Line } from '../spans.ts';
import { brief, filledLines, plain, projectFlag, withProject } from '../text.ts';
import { budgetText, hasUsage, usageCells, usageHeadings, usageText } from '../usage-text.ts';

type TaskStatus = PlanShow['tasks_by_wave'][number]['tasks'][number]['status'];

interface Mark {
  readonly sign: string;
  readonly tone: Tone;
}

function taskMark(status: TaskStatus): Mark {
  switch (status) {
    case 'done':
      return { sign: '✓', tone: 'good' };
    case 'failed':
      return { sign: '✗', tone: 'bad' };
    case 'cancelled':
      return { sign: '✗', tone: 'dim' };
    case 'pending':
      return { sign: '○', tone: 'dim' };
    default:
      return { sign: '●', tone: 'busy' };
  }
}

function waveMark(status: PlanShow['tasks_by_wave'][number]['status']): Mark {
  return taskMark(status === 'running' ? 'working' : status);
}

/** `● wave 2  1/3`. */
export function waveLine({ number, status, tasks }: PlanShow['tasks_by_wave'][number]): Line {
  const { sign, tone } = waveMark(status);
  const done = tasks.filter((task) => task.status === 'done').length;
  return [
    { tone, text: sign },
    { tone: 'plain', text: ` wave ${number}` },
    { tone: 'dim', text: `  ${done}/${tasks.length}` },
  ];
}

/** `  ● ` and the task's name. */
export function taskHead(status: TaskStatus, text: string): Line {
  const { sign, tone } = taskMark(status);
  return [
    { tone: 'plain', text: '  ' },
    { tone, text: sign },
    { tone: status === 'pending' ? 'dim' : 'plain', text: ` ${text}` },
  ];
}

/** `implementing (wave 2 of 3)`, `done, not merged`. */
export function planStateText(plan: PlanEntry): string {
  const { status, phase, landing, wave, waves, paused, review_cycle: cycle } = plan;
  if (landing !== null) return `${status}, ${landingText(landing)}${paused ? ', paused' : ''}`;
  const detail =
    phase === 'wave_running'
      ? `wave ${wave} of ${waves}`
      : phase === 'wave_waiting'
        ? `wave ${wave} of ${waves} waits`
        : phase === 'fixing'
          ? `fixing, round ${cycle}`
          : phase === null || phase === status
            ? null
            : phase.replaceAll('_', ' ');
  return `${status}${detail === null ? '' : ` (${detail})`}${paused ? ', paused' : ''}`;
}

/** `2m to 6m of work left, as 3 done tasks say`; null while it is not known. */
export function estimateText({ estimate }: Pick<PlanShow, 'estimate'>): string | null {
  if (estimate === null) return null;
  return `${rangeText(estimate.from_ms, estimate.to_ms)} of work left, as ${counted(estimate.tasks, 'done task')} ${estimate.tasks === 1 ? 'says' : 'say'}`;
}

/** Why a plan waits or is blocked; empty: it continues. */
export function waitText({ blocked, waiting_for: waiting }: PlanEntry, nowMs: number): string {
  if (blocked !== null) return `${blockText(blocked.source)}: ${blocked.reason}`;
  return waiting === null ? '' : withLocalTimes(waiting.detail, nowMs) || waiting.kind.replaceAll('_', ' ');
}

/** The same, in a list or a page of plans: its commands name the project unless it is implied. */
function shownWait(plan: PlanEntry, { nowMs, implied }: Pick<Showing, 'nowMs' | 'implied'>): string {
  return withProject(waitText(plan, nowMs), plan.project, implied);
}

export const planHeadings = ['plan', 'status', 'tasks', 'waits for'];

export function planRow(
  entry: PlanEntry,
  { isOfAll, ...showing }: Pick<Showing, 'nowMs' | 'implied'> & { readonly isOfAll: boolean },
): Cell[] {
  const tone: Tone = entry.blocked !== null ? 'attention' : entry.status === 'done' ? 'good' : 'plain';
  return [
    ...(isOfAll ? [entry.project] : []),
    { text: entry.plan, tone },
    planStateText(entry),
    entry.tasks === 0 ? '' : `${entry.tasks_done}/${entry.tasks}`,
    brief(shownWait(entry, showing)),
  ];
}

/** The first line beside its name, and the others below it: each command is on its own line, so that it can be copied. */
export function linesBeside(name: string, lines: readonly string[]): [string, string][] {
  return lines.map((line, index) => [index === 0 ? name : '', plain(line)]);
}

/** What a person can do about a blocked plan, with the same text as in the answer's detail. */
export function wayLines(plan: PlanShow): string[] {
  if (plan.blocked === null) return [];
  return waysOn({ ...plan, source: plan.blocked.source }).map(({ does, command }) => `${does}: ${command}`);
}

/** Why the plan waits, or why it is blocked and what a person can do. */
function waitLines(plan: PlanShow, showing: Showing): [string, string][] {
  const text = shownWait(plan, showing);
  if (plan.blocked === null) return linesBeside('waits for', text.split('\n'));
  const ways = wayLines(plan).map((way) => `${way}${projectFlag(plan.project, showing.implied)}`);
  return linesBeside('blocked', [...filledLines(text), ...ways]);
}

/** The branch or commit that the plan's branch was made from; null: the plan has not begun. */
export function baseText({ base, base_remote: remote }: Pick<PlanShow, 'base' | 'base_remote'>): string | null {
  if (base === null) return remote === null ? null : plain(remote.text);
  const { branch, commit, on } = base;
  const said = remote === null || remote.text === branch ? `${branch ?? 'no branch'},` : `${plain(remote.text)}; from`;
  if (on.length === 0) return `${said} ${commit.slice(0, 12)}`;
  const below = on.map(({ plan, commit: at }) => `${plan} (${at.slice(0, 12)})`).join(', ');
  return `${below}, not in ${branch ?? 'any branch'} when it began`;
}

function mergeTexts({ merged, merging, merge_refused: refused }: PlanShow): string[] {
  if (merging) return ['its merge has begun'];
  const why = refused === null ? [] : [`${merged === null ? 'no' : 'refused since'}: ${onOneLine(refused.detail)}`];
  return [...(merged === null ? [] : mergeLines(merged)), ...why];
}

/** The text for a run without a reason. A run that a pause, a question or a message stopped has not failed. */
function endText(state: string, hasEnded: boolean): string {
  if (!hasEnded) return state.replaceAll('_', ' ');
  return state === 'succeeded' || state === 'running' ? 'ended well' : 'stopped';
}

/** Every run with its usage, including reviews and fixes. */
function runLines(plan: PlanShow, { width, nowMs, paint }: Showing): string[] {
  const rows = plan.run_list.map(({ title, attempt, state, reason, profile, started_at: start, ended_at, ...took }) => {
    const endMs = ended_at === null ? (haveEndedUnseen(plan) ? null : nowMs) : Date.parse(ended_at);
    const lasted = start === null || endMs === null ? '' : duration(endMs - Date.parse(start));
    const how =
      endMs === null ? 'no process now' : reason === null ? endText(state, ended_at !== null) : reasonText(reason);
    return [
      profile === null ? title : `${title} (as ${plain(profile)})`,
      String(attempt),
      how,
      lasted,
      ...usageCells(took),
    ];
  });
  return rows.length === 0
    ? []
    : ['', ...table(['run', 'try', 'how', 'time', ...usageHeadings], rows, { width, paint })];
}

/** Whether the runs without an end have no process: their plan would not wait for a slot or an engine if one of them had. No engine has looked since. */
function haveEndedUnseen({ waiting_for: waiting }: PlanShow): boolean {
  return waiting?.kind === 'slot' || waiting?.kind === 'engine';
}

/** false: the task's agent has no process, and waits for a slot, for its next attempt or for an engine. */
function isAtWork(plan: PlanShow, wave: number, { number, status }: { number: number; status: TaskStatus }): boolean {
  if (status !== 'working') return true;
  if (haveEndedUnseen(plan)) return false;
  const titles = [`${plan.plan}-${taskName(wave, number)}`, `${plan.plan}-coder`];
  return plan.run_list.some(({ title, ended_at: endedAt }) => endedAt === null && titles.includes(title));
}

type PullOfPart = NonNullable<NonNullable<PlanShow['pull_request']>['stack']>[number];

export interface Showing {
  /** null: the output is not a terminal. */
  readonly width: number | null;
  readonly nowMs: number;
  readonly paint: Paint;
  /** Commands about another project name theirs. */
  readonly implied: string | null;
}

function draftLine({ number, title, state, why, waves, tasks }: PlanShow['drafts'][number]): string {
  const size =
    state === 'finished' || state === 'chosen' ? `, ${counted(waves, 'wave')}, ${counted(tasks, 'task')}` : '';
  return `${number} ${title}: ${state}${size}${why === '' ? '' : `: ${brief(why)}`}`;
}

function stackLine({ name, state, number, url, base }: PullOfPart): string {
  const place = state === 'merged' ? 'into' : 'for';
  return `${name}: ${state} #${number} ${place} ${plain(base)} ${plain(url)}`;
}

/** The pull requests of a stack, the lowest first, or those of the members of its repo. */
export function stackLines(plan: Pick<PlanShow, 'pull_request' | 'branch' | 'status'>): [string, string][] {
  const ofMembers = memberLines(plan);
  if (ofMembers.length > 0) return linesBeside('in repos', ofMembers);
  const parts = plan.pull_request?.stack ?? [];
  const pushed = parts.filter((part) => part.pushed !== undefined).map(({ name }) => name);
  const when = plan.status === 'done' ? 'yet' : 'before it is done';
  const waits = `people pushed to ${pushed.join(', ')}: ${plan.branch} does not get that ${when}`;
  return linesBeside('stack', [...parts.map(stackLine), ...(pushed.length === 0 ? [] : [waits])]);
}

/** The pull requests of the repo's members, one per line; empty if the repo has no members. */
export function memberLines({ pull_request: request }: Pick<PlanShow, 'pull_request'>): string[] {
  return (request?.stack ?? []).filter(({ project }) => project !== undefined).map(stackLine);
}

function authorText(author: string): string {
  return personName(author) ?? author.replace(/^intake:([^/]*)\/?/, 'intake $1 ').trim();
}

export function planLines(plan: PlanShow, showing: Showing): string[] {
  const { paint } = showing;
  const pull = plan.pull_request;
  const pairs: [string, string | null][] = [
    ['plan', `${plan.project}/${plan.plan}`],
    ['title', plan.title === null ? null : plain(plan.title)],
    ['goal', plan.goal === null ? null : plain(plan.goal)],
    ['status', planStateText(plan)],
    ...waitLines(plan, showing),
    ['branch', plan.branch],
    ['base', baseText(plan)],
    ['topic', plan.topic === null ? null : plain(plan.topic)],
    ['author', plan.author === null || plan.author === 'person' ? null : plain(authorText(plan.author))],
    ['issue', plan.issues.length === 0 ? null : plan.issues.map(plain).join(', ')],
    [
      'pull request',
      pull === null
        ? null
        : [pull.state, pull.url]
            .filter((part) => part !== null)
            .map(plain)
            .join(' '),
    ],
    ...stackLines(plan),
    ['', pull?.merge == null ? null : plain(forgeMergeText(pull.merge))],
    ['', plan.pr_refused === null ? null : plain(onOneLine(plan.pr_refused.detail))],
    ...linesBeside(
      'said on it',
      plan.pr_remarks.map(({ author, text }) => `${author}: ${text.replace(/\s+/g, ' ')}`),
    ),
    [
      'isolation',
      plan.isolation === 'task' ? null : 'plan: the tasks of a wave work one after the other in one worktree',
    ],
    ...linesBeside('merged', mergeTexts(plan)),
    ...linesBeside('drafts', plan.drafts.map(draftLine)),
    ...linesBeside('left undone', plan.left_undone),
    ...linesBeside('set aside', plan.set_aside),
    ['took', usageText(plan.usage)],
    ['budget', budgetText(plan.budget)],
    ['estimate', estimateText(plan)],
    ['updated', ago(plan.updated_at, showing.nowMs)],
  ];
  const waves = plan.tasks_by_wave.flatMap(({ number, status, tasks }) => {
    const mark = waveMark(status);
    return [
      `${paint(mark.tone, mark.sign)} wave ${number}`,
      ...tasks.flatMap((task) => {
        const works = isAtWork(plan, number, task);
        const { sign, tone } = taskMark(works ? task.status : 'pending');
        const tries = task.attempts > 1 ? `, ${task.attempts} runs` : '';
        const how = task.reason === null ? '' : ` (${reasonText(task.reason)})`;
        const took = hasUsage(task.usage) ? `  ${usageText(task.usage)}` : '';
        const status = works ? task.status : 'waiting';
        const state = task.status === 'done' || task.status === 'pending' ? '' : `  ${status}${how}${tries}`;
        const unchanged = task.no_change === undefined ? null : `nothing to change: ${task.no_change}`;
        const note = task.status === 'done' ? unchanged : task.why;
        const why = note === null ? [] : [paint('dim', `      ${brief(note)}`)];
        return [`  ${paint(tone, sign)} ${task.number} ${plain(task.title)}${paint('dim', `${state}${took}`)}`, ...why];
      }),
    ];
  });
  return [...fields(pairs, paint), ...(waves.length === 0 ? [] : ['', ...waves]), ...runLines(plan, showing)];
}
