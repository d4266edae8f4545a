/** The picture of a running plan: a few lines that fit the terminal. A pure function of the state and the time. */
import { instanceTitle } from '../../machines/vocabulary/ids.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { isTaskOpen } from '../../machines/vocabulary/public-state.ts';
import { reasonText } from '../../machines/vocabulary/reason-text.ts';
import { duration, untilText } from '../../machines/vocabulary/time-text.ts';
import type { InstanceEntry, PlanShow } from '../../runtime/api/client/client.ts';
import { deadlineText, permissionCommand, permissionsOf } from '../instance/permission.ts';
import type { Paint } from '../output.ts';
import { estimateText, planStateText, taskHead, waitText, waveLine } from '../plan/view.ts';
import { cutLine, type Line, paintLine } from '../spans.ts';
import { brief, cut, cutMiddle, plain, widthOf } from '../text.ts';
import { budgetText, hasUsage, usageTexts } from '../usage-text.ts';

export interface FrameView {
  readonly plan: PlanShow;
  readonly instances: readonly InstanceEntry[];
  readonly width: number;
  readonly height: number;
  readonly nowMs: number;
  readonly startedMs: number;
  /** The last line, dim: what Ctrl-C does. */
  readonly footer: string;
  readonly paint: Paint;
}

type Wave = PlanShow['tasks_by_wave'][number];
type Task = Wave['tasks'][number];

/** At most `height - 1` lines of at most `width` columns; the cursor is below them. */
export function frame(view: FrameView): string[] {
  const { width, height, paint } = view;
  const room = Math.max(1, height - 1);
  return fitted(view, room).map((line) => paintLine(cutLine(line, width), paint));
}

/** The parts that are left out one after the other until the picture fits. */
const folds = ['nothing', 'done waves', 'other waves', 'pending tasks', 'done tasks'] as const;
type Fold = (typeof folds)[number];

function fitted(view: FrameView, room: number): Line[] {
  const head = headLines(view);
  const agents = agentLines(view);
  const foot: Line[] = view.footer === '' ? [] : [[{ tone: 'dim', text: view.footer }]];
  for (const fold of folds) {
    const lines = [...head, ...waveLines(view, fold), ...agents, ...foot];
    if (lines.length <= room) return lines;
  }
  // The picture is still too tall: only running work is shown.
  const lines = [...head, ...busyLines(view), ...agents];
  if (lines.length <= room) return lines;
  const more: Line = [{ tone: 'dim', text: `… ${counted(lines.length - room + 1, 'more line')}` }];
  return [...lines.slice(0, room - 1), more];
}

function busyLines(view: FrameView): Line[] {
  const titleWidth = titleColumn(view);
  return view.plan.tasks_by_wave.flatMap((wave) =>
    wave.tasks.filter(({ status }) => isTaskOpen(status)).map((task) => taskLine(view, wave, task, titleWidth)),
  );
}

/** As much of the usage as fits. The cost stays longest, and a long name is cut for it. */
function firstLine({ plan, nowMs, startedMs, width }: FrameView): Line {
  const facts = [
    planStateText(plan),
    ...(plan.tasks === 0 ? [] : [`${plan.tasks_done}/${counted(plan.tasks, 'task')}`]),
    duration(nowMs - startedMs),
    ...[budgetText(plan.budget)].filter((each) => each !== ''),
  ];
  const used = hasUsage(plan.usage) ? usageTexts(plan.usage) : [];
  const texts = (used.length === 0 ? [''] : used).map((text) => [...facts, ...(text === '' ? [] : [text])].join(' · '));
  const text = texts.find((each) => widthOf(plan.plan) + 2 + widthOf(each) <= width) ?? texts.at(-1) ?? '';
  const name = cutMiddle(plan.plan, Math.max(shortestName, width - 2 - widthOf(text)));
  return [
    { tone: 'strong', text: name },
    { tone: 'plain', text: `  ${text}` },
  ];
}

/** The least columns of a plan's name. */
const shortestName = 8;

function headLines(view: FrameView): Line[] {
  const { plan, instances, nowMs } = view;
  const first = firstLine(view);
  if (plan.blocked !== null)
    return [first, [{ tone: 'attention', text: `! needs you: ${plain(plan.blocked.reason)}` }]];
  const [permission] = permissionsOf(instances);
  if (permission !== undefined)
    return [first, [{ tone: 'attention', text: `! needs you: ${permissionCommand('allow', permission)}, or deny` }]];
  // The lines below show the agents of this wait.
  const waiting = plan.waiting_for;
  const estimate = estimateText(plan);
  const left: Line[] = estimate === null ? [] : [[{ tone: 'dim', text: `  ${estimate}` }]];
  const isShownBelow = ['agent', 'rate_limit', 'back_off'].includes(waiting?.kind ?? '');
  if (waiting === null || isShownBelow) return [first, ...left];
  return [first, ...left, [{ tone: 'attention', text: `  ${waitHead(waiting)}: ${brief(waitText(plan, nowMs))}` }]];
}

function waitHead({ kind }: NonNullable<PlanShow['waiting_for']>): string {
  return kind === 'retrying' ? 'tries again' : `waits for ${kind.replaceAll('_', ' ')}`;
}

function waveLines(view: FrameView, fold: Fold): Line[] {
  const level = folds.indexOf(fold);
  const titleWidth = titleColumn(view);
  return view.plan.tasks_by_wave.flatMap((wave): Line[] => {
    const isDone = wave.status === 'done';
    const isActive = wave.status === 'running' || wave.status === 'failed';
    const isFolded = isDone ? level >= 1 : !isActive && level >= 2;
    const head = waveLine(wave);
    if (isFolded) return [head];
    const isHidden = ({ status }: Task) =>
      isActive && ((status === 'pending' && level >= 3) || (status === 'done' && level >= 4));
    const shown = wave.tasks.filter((task) => !isHidden(task));
    const hidden = wave.tasks.length - shown.length;
    return [
      head,
      ...shown.map((task) => taskLine(view, wave, task, titleWidth)),
      ...(hidden === 0 ? [] : [[{ tone: 'dim' as const, text: `  … ${hidden} more` }]]),
    ];
  });
}

/** Titles are in one column of at most half of the terminal, so that the texts of all agents begin in the same column. */
function titleColumn({ plan, width }: FrameView): number {
  const widths = plan.tasks_by_wave.flatMap(({ tasks }) => tasks.map(({ title }) => widthOf(plain(title))));
  return Math.min(Math.max(0, ...widths), Math.floor(width / 2) - 6);
}

function taskLine(view: FrameView, wave: Wave, task: Task, titleWidth: number): Line {
  const number = String(task.number).padStart(String(wave.tasks.at(-1)?.number ?? 1).length);
  const title = cut(plain(task.title), titleWidth);
  const head = taskHead(task.status, `${number} ${title}`);
  const rest = taskState(view, wave, task);
  if (rest.length === 0) return head;
  return [...head, { tone: 'plain', text: ' '.repeat(Math.max(0, titleWidth - widthOf(title)) + 2) }, ...rest];
}

function taskState(view: FrameView, wave: Wave, task: Task): Line {
  if (task.status === 'failed') return [{ tone: 'bad', text: `failed${whyText(task.reason, task.why)}` }];
  if (task.status === 'pending' || task.status === 'done') return [];
  const agent = agentOf(view, wave, task);
  if (agent === null || task.status !== 'working') return [{ tone: 'busy', text: task.status }];
  if (!agent.live) return [{ tone: 'attention', text: restingText(view, agent, task.why) }];
  // A run that was only interrupted is not counted.
  const tries = agent.attempt > 1 ? `, attempt ${agent.attempt}` : '';
  return liveSpans(agent, tries, view.nowMs);
}

/** The accompanying text is more specific than the reason. */
function whyText(reason: InstanceEntry['reason'], why: string | null): string {
  const text = plain(why ?? (reason === null ? '' : reasonText(reason)));
  return text === '' ? '' : `: ${text}`;
}

/** For an agent without a process: why it waits. */
function restingText({ plan, nowMs }: FrameView, agent: InstanceEntry, why: string | null): string {
  const { state, reason, waits_until: until } = agent;
  if (plan.paused && state === 'queued') return 'stopped: the plan is paused';
  const asked = plan.questions.filter(({ title }) => title === agent.title).map(({ number }) => number);
  if (state === 'waiting' && asked.length > 0) return `waits for an answer to question ${asked.join(', ')}`;
  const when = until === null ? '' : ` ${untilText(until, nowMs)}`;
  if (until !== null && (state === 'queued' || (state === 'waiting' && reason === 'rate-limited')))
    return `waits for the service's limit${when}`;
  if (state === 'backing_off')
    return `next attempt${until === null ? '' : ` in ${duration(Date.parse(until) - nowMs)}`}${whyText(reason, why)}`;
  return `${state.replaceAll('_', ' ')}${whyText(reason, why)}`;
}

function agentOf({ plan, instances }: FrameView, wave: Wave, task: Task): InstanceEntry | null {
  const title = instanceTitle({ plan: plan.plan, role: 'coder', wave: wave.number, task: task.number, round: 1 });
  return instances.find((entry) => entry.title === title) ?? null;
}

/** The agents that work on no single task: planner, reviewer, fixer, one coder for all. */
function agentLines(view: FrameView): Line[] {
  const ofTasks = new Set(
    view.plan.tasks_by_wave.flatMap((wave) => wave.tasks.map((task) => agentOf(view, wave, task)?.title)),
  );
  return view.instances
    .filter(
      (entry) =>
        !ofTasks.has(entry.title) && (entry.live || ['queued', 'backing_off', 'waiting'].includes(entry.state)),
    )
    .map(
      (entry): Line => [
        { tone: entry.live ? 'busy' : 'dim', text: entry.live ? '●' : '○' },
        { tone: 'plain', text: ` ${entry.role}  ` },
        ...(entry.live
          ? liveSpans(entry, '', view.nowMs)
          : [{ tone: 'attention' as const, text: restingText(view, entry, entry.last_line) }, ...said(entry)]),
      ],
    );
}

/** For a running agent: its activity, its duration, and its output; or its question with the deadline. */
function liveSpans(agent: InstanceEntry, tries: string, nowMs: number): Line {
  const { state, permissions } = agent;
  if (state !== 'waiting') {
    const text = state === 'running' ? 'working' : state.replaceAll('_', ' ');
    return [{ tone: 'busy', text: `${text}${tries}${elapsed(agent, nowMs)}` }, ...atWork(agent), ...said(agent)];
  }
  const [question] = permissions;
  if (question === undefined) return [{ tone: 'attention', text: 'waits for a permission' }, ...said(agent)];
  const { tool, detail, until } = question;
  return [
    { tone: 'attention', text: `asks to use ${plain(tool)}, ${deadlineText(until, nowMs)}` },
    ...saidText(brief(detail)),
  ];
}

function elapsed({ started_at: at }: InstanceEntry, nowMs: number): string {
  return at === null ? '' : ` ${duration(nowMs - Date.parse(at))}`;
}

/** Its progress in its own list of steps, and how full its context is. */
function atWork({ work }: InstanceEntry): Line {
  return work === null || work.text === '' ? [] : [{ tone: 'plain', text: `  ${work.text}` }];
}

function said({ last_line: line }: InstanceEntry): Line {
  return saidText(line);
}

function saidText(line: string | null): Line {
  const text = line === null ? '' : plain(line);
  return text === '' ? [] : [{ tone: 'dim', text: `  ${text}` }];
}
