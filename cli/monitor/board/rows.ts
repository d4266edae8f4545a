/** The rows of the board: plans that need a person first, then running, waiting and other ones; or the waves, tasks and agents of one plan. Pure. */
import { instanceTitle, taskName } from '../../../machines/vocabulary/ids.ts';
import { counted } from '../../../machines/vocabulary/numbers.ts';
import { reasonText } from '../../../machines/vocabulary/reason-text.ts';
import { isJudged, judgedText } from '../../../machines/vocabulary/run-state.ts';
import { ago, minutesText, withLocalTimes } from '../../../machines/vocabulary/time-text.ts';
import type { InstanceEntry, PlanEntry, PlanShow } from '../../../runtime/api/client/client.ts';
import { groupBy } from '../../../runtime/base/platform/group-by.ts';
import { deadlineText, permissionsOf, permissionText } from '../../instance/permission.ts';
import type { Tone } from '../../output.ts';
import { estimateText, planStateText, taskHead, waitText, waveLine } from '../../plan/view.ts';
import type { Line, Span } from '../../spans.ts';
import { brief, cutMiddle, padded, plain, widthOf } from '../../text.ts';
import { spendingText } from '../../usage-text.ts';
import type { Board, Mark, NearPlan, News, SideKind, Sorting, Target } from './state.ts';

export interface Row {
  /** null: a heading, which the mark skips. */
  readonly id: string | null;
  readonly target: Target | null;
  readonly line: Line;
}

/** Names are in one column of at most a third of the width, so that the text beside them stays readable. */
const widestName = 36;

/** `width`: the width of the list. It changes only how the rows are drawn. */
export function rowsOf(board: Board, nowMs: number, width = 3 * widestName): Row[] {
  const { news, near } = board;
  if (news === null) return [];
  if (near === null) return fleetRows(news, { filter: board.filter, sorting: board.sorting, nowMs, width });
  const shown = nearOf(board);
  return shown === null ? [] : nearRows(shown, nowMs);
}

/** The plan in the detailed view, once it was read: the last news may be about another plan. */
export function nearOf({ news, near }: Board): NearPlan | null {
  const shown = near === null ? null : (news?.near ?? null);
  return shown?.plan.project === near?.project && shown?.plan.plan === near?.plan ? shown : null;
}

/** The index of the marked row; -1: no row can be marked. */
export function markedIndex(rows: readonly Row[], { id, index }: Mark): number {
  const found = id === null ? -1 : rows.findIndex((row) => row.id === id);
  if (found >= 0) return found;
  const from = Math.min(index, rows.length - 1);
  const below = rows.findIndex((row, at) => at >= from && row.id !== null);
  return below >= 0 ? below : rows.findLastIndex((row) => row.id !== null);
}

/** The target of the marked row. In the detailed view without a marked row it is the plan itself. */
export function markedTarget(board: Board, nowMs: number): Target | null {
  const rows = rowsOf(board, nowMs);
  const index = markedIndex(rows, board.marks[board.near === null ? 'fleet' : 'near']);
  return rows[index]?.target ?? (board.near === null ? null : planTarget(board.near.project, board.near.plan));
}

/** The need of that plan or repo; null: none, or the row is an agent. */
export function needOf({ news }: Board, target: Target | null): News['status']['needs_you'][number] | null {
  const of = target === null || target.title !== null ? undefined : news?.status.needs_you;
  return of?.find(({ project, plan }) => project === target?.project && plan === target.plan) ?? null;
}

/** The kind of text beside the list. */
export function sideKindOf(board: Board, target: Target | null): SideKind {
  return board.sideKind === 'need' && needOf(board, target) === null ? 'log' : board.sideKind;
}

interface Looking {
  readonly width: number;
  readonly filter: string;
  readonly sorting: Sorting;
  readonly nowMs: number;
}

function fleetRows({ seen, status }: News, { filter, sorting, nowMs, width }: Looking): Row[] {
  const isMeant = matches(filter);
  const named = (project: string, plan: string | null) => (plan === null ? project : `${project}/${plan}`);
  const entries = new Map(seen.plans.map((entry) => [named(entry.project, entry.plan), entry]));
  const nameWidth = Math.min(
    widestName,
    Math.floor(width / 3),
    Math.max(0, ...seen.plans.map((entry) => widthOf(named(entry.project, entry.plan)))),
  );
  const agentsOf = groupBy(seen.agents, ({ project, plan }) => named(project, plan));
  const listed = new Set<string>();
  const planRow = (name: string, mark: Span, rest: Line): Row[] => {
    const entry = entries.get(name);
    listed.add(name);
    const agents = (agentsOf.get(name) ?? []).filter(({ live }) => live);
    const isShown = isMeant(name, ...agents.map(({ title }) => title), ...rest.map(({ text }) => text));
    if (entry === undefined || !isShown) return [];
    const line: Line = [mark, { tone: 'strong', text: ` ${padded(cutMiddle(name, nameWidth), nameWidth)}` }, ...rest];
    return [
      { id: name, target: planTarget(entry.project, entry.plan), line },
      ...agents.map((agent) => agentRow(agent, nowMs)),
    ];
  };
  const needs = status.needs_you.flatMap((need): Row[] => {
    const name = named(need.project, need.plan);
    const mark: Span = { tone: 'attention', text: '!' };
    const age = need.since === null ? '' : ` for ${minutesText(nowMs - Date.parse(need.since))}`;
    const rest: Line = [
      { tone: 'attention', text: `  ${brief(need.why)}` },
      { tone: 'dim', text: age },
    ];
    if (need.plan !== null) return planRow(name, mark, rest);
    if (!isMeant(name, need.why)) return [];
    return [
      {
        id: name,
        target: planTarget(need.project, null),
        line: [mark, { tone: 'strong', text: ` ${padded(cutMiddle(name, nameWidth), nameWidth)}` }, ...rest],
      },
    ];
  });
  const running = status.running.flatMap(({ project, plan }) => {
    const name = named(project, plan);
    const entry = entries.get(name);
    if (listed.has(name) || entry === undefined) return [];
    return planRow(name, { tone: 'busy', text: '●' }, [{ tone: 'plain', text: `  ${progressText(entry)}` }]);
  });
  const waiting = status.waiting.flatMap(({ project, plan, why, since }) =>
    planRow(named(project, plan), { tone: 'dim', text: '○' }, [
      { tone: 'dim', text: `  ${brief(withLocalTimes(why, nowMs))}` },
      { tone: 'dim', text: since === null ? '' : ` for ${minutesText(nowMs - Date.parse(since))}` },
    ]),
  );
  const rest = seen.plans
    .filter(({ project, plan }) => !listed.has(named(project, plan)))
    .toSorted((a, b) => restOrder(a) - restOrder(b) || b.updated_at.localeCompare(a.updated_at))
    .flatMap((entry) =>
      planRow(named(entry.project, entry.plan), restMark(entry), [
        { tone: 'dim', text: `  ${progressText(entry)}, ${ago(entry.updated_at, nowMs)}` },
      ]),
    );
  if (sorting !== 'turn') {
    const all = sorted([...needs, ...running, ...waiting, ...rest], entries, sorting);
    return section(`by ${sorting}`, 'plain', all);
  }
  return [
    ...section('needs you', 'attention', needs),
    ...section('running', 'plain', running),
    ...section('waiting', 'plain', waiting),
    ...section('at rest', 'plain', rest),
  ];
}

/** Sorted plans, each with its agents below it. A repo that needs a person is at the top. */
function sorted(rows: readonly Row[], entries: ReadonlyMap<string, PlanEntry>, by: Exclude<Sorting, 'turn'>): Row[] {
  const blocks: Row[][] = [];
  for (const row of rows) {
    if (row.target?.title == null) blocks.push([row]);
    else blocks.at(-1)?.push(row);
  }
  const compared = (one: PlanEntry, other: PlanEntry) => {
    if (by === 'age') return other.updated_at.localeCompare(one.updated_at);
    if (by === 'cost') return (other.usage.cost_usd ?? -1) - (one.usage.cost_usd ?? -1);
    return 0;
  };
  return blocks
    .toSorted(([one], [other]) => {
      const [a, b] = [one?.id ?? '', other?.id ?? ''];
      const [first, second] = [entries.get(a), entries.get(b)];
      if (first === undefined || second === undefined)
        return Number(first !== undefined) - Number(second !== undefined);
      return compared(first, second) || a.localeCompare(b);
    })
    .flat();
}

function section(heading: string, tone: Tone, rows: readonly Row[]): Row[] {
  if (rows.length === 0) return [];
  const count = rows.filter(({ target }) => target?.title === null).length;
  return [{ id: null, target: null, line: [{ tone, text: `${heading} (${count})` }] }, ...rows];
}

/** Every word of the filter must occur in one of the texts; upper and lower case are the same. */
function matches(filter: string): (...texts: readonly string[]) => boolean {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return (...texts) => {
    const text = texts.join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  };
}

function restOrder({ status }: PlanEntry): number {
  return status === 'ready' ? 0 : status === 'done' ? 1 : 2;
}

function restMark({ status }: PlanEntry): Span {
  if (status === 'done') return { tone: 'good', text: '✓' };
  return { tone: 'dim', text: status === 'cancelled' ? '✗' : '○' };
}

function progressText(entry: PlanEntry): string {
  const tasks = entry.tasks === 0 ? '' : `, ${entry.tasks_done}/${counted(entry.tasks, 'task')}`;
  const took = entry.usage.cost_usd === null ? '' : `, $${entry.usage.cost_usd.toFixed(2)}`;
  return `${planStateText(entry)}${tasks}${took}`;
}

/** `plan` null: the repo itself. */
function planTarget(project: string, plan: string | null): Target {
  return { project, plan, title: null, task: null, role: null };
}

function agentRow(agent: InstanceEntry, nowMs: number): Row {
  const { project, plan, title, role, wave_number: wave, task_number: task } = agent;
  const target = { project, plan, title, role, task: task === 0 ? null : taskName(wave, task) };
  return {
    id: `${project}/${title}`,
    target,
    line: [{ tone: 'plain', text: '    ' }, ...agentSpans(agent, title, nowMs)],
  };
}

function agentSpans(agent: InstanceEntry, name: string, nowMs: number): Line {
  const { state, started_at: started, last_line: last, work, reason, permissions } = agent;
  const live = agent.live;
  const [question] = permissions;
  if (live && question !== undefined) {
    const { tool, detail, until } = question;
    return [
      { tone: 'attention', text: '●' },
      { tone: 'plain', text: ` ${name}  ` },
      { tone: 'attention', text: `asks to use ${plain(tool)}, ${deadlineText(until, nowMs, minutesText)}` },
      { tone: 'dim', text: `  ${brief(detail)}` },
    ];
  }
  const time = live && started !== null && !isJudged(agent) ? ` ${minutesText(nowMs - Date.parse(started))}` : '';
  const word = isJudged(agent)
    ? judgedText
    : state === 'running'
      ? 'working'
      : state === 'waiting' && live
        ? 'waits for a permission'
        : state.replaceAll('_', ' ');
  const why = reason === null || live ? '' : `: ${reasonText(reason)}`;
  const tone: Tone = state === 'failed' ? 'bad' : state === 'waiting' ? 'attention' : live ? 'busy' : 'dim';
  return [
    { tone, text: live ? '●' : state === 'succeeded' ? '✓' : state === 'failed' ? '✗' : '○' },
    { tone: 'plain', text: ` ${name}  ` },
    { tone, text: `${word}${time}${why}` },
    ...(live && work !== null && work.text !== '' ? [{ tone: 'plain' as const, text: `  ${work.text}` }] : []),
    ...(last === null ? [] : [{ tone: 'dim' as const, text: `  ${plain(last)}` }]),
  ];
}

/** The lines above the rows of the detailed view. */
export function nearHead({ plan, instances }: NearPlan, nowMs: number): Line[] {
  const parts = [
    planStateText(plan),
    ...(plan.tasks === 0 ? [] : [`${plan.tasks_done}/${counted(plan.tasks, 'task')}`]),
    ...[spendingText(plan)].filter((text) => text !== ''),
  ];
  const estimate = estimateText(plan);
  const [permission] = permissionsOf(instances);
  const wait = brief(waitText(plan, nowMs));
  return [
    [
      { tone: 'strong', text: `${plan.project}/${plan.plan}` },
      { tone: 'plain', text: `  ${parts.join(' · ')}` },
    ],
    ...(estimate === null ? [] : [[{ tone: 'dim' as const, text: estimate }]]),
    ...(permission === undefined
      ? []
      : [[{ tone: 'attention' as const, text: `! ${permissionText(permission)}: a answers` }]]),
    ...(wait === '' || plan.waiting_for?.kind === 'agent'
      ? []
      : [[{ tone: 'attention' as const, text: plan.blocked === null ? `waits: ${wait}` : `! blocked, ${wait}` }]]),
  ];
}

function nearRows({ plan, instances }: NearPlan, nowMs: number): Row[] {
  const byTitle = new Map(instances.map((entry) => [entry.title, entry]));
  const ofTasks = new Set<string>();
  const waves = plan.tasks_by_wave.flatMap((wave): Row[] => {
    return [
      { id: null, target: null, line: waveLine(wave) },
      ...wave.tasks.map((task): Row => {
        const title = instanceTitle({ plan: plan.plan, role: 'coder', wave: wave.number, task: task.number, round: 0 });
        ofTasks.add(title);
        return taskRow(plan, { wave: wave.number, task, title, agent: byTitle.get(title) ?? null, nowMs });
      }),
    ];
  });
  const others = instances.filter(({ title }) => !ofTasks.has(title));
  return [
    ...waves,
    ...(others.length === 0
      ? []
      : [{ id: null, target: null, line: [{ tone: 'plain' as const, text: 'agents of the plan' }] }]),
    ...others.map((agent) => agentRow(agent, nowMs)),
  ];
}

interface TaskLook {
  readonly wave: number;
  readonly task: PlanShow['tasks_by_wave'][number]['tasks'][number];
  readonly title: string;
  readonly agent: InstanceEntry | null;
  readonly nowMs: number;
}

function taskRow({ project, plan }: PlanShow, { wave, task, title, agent, nowMs }: TaskLook): Row {
  const name = taskName(wave, task.number);
  const isAtWork = agent !== null && task.status === 'working';
  const [, , ...said] = isAtWork ? agentSpans(agent, '', nowMs) : [];
  const why = brief(task.why ?? (task.reason === null ? '' : reasonText(task.reason)));
  const state =
    task.status === 'pending' || task.status === 'done' ? '' : `${task.status}${why === '' ? '' : `: ${why}`}`;
  const tries = task.attempts > 1 ? `, ${task.attempts} attempts` : '';
  return {
    id: `${project}/${title}`,
    target: { project, plan, title, task: name, role: 'coder' },
    line: [
      ...taskHead(task.status, `${name} ${plain(task.title)}`),
      { tone: 'plain', text: '  ' },
      ...(isAtWork ? said : [{ tone: task.status === 'failed' ? ('bad' as const) : ('dim' as const), text: state }]),
      { tone: 'dim', text: tries },
    ],
  };
}
