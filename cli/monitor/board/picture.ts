/** The board as lines that fit the terminal. A pure function of its state and the time. */
import { counted } from '../../../machines/vocabulary/numbers.ts';
import { isQueued } from '../../../machines/vocabulary/run-state.ts';
import type { InstanceEntry, PlanEntry } from '../../../runtime/api/client/client.ts';
import { accountLines } from '../../account-text.ts';
import type { Paint } from '../../output.ts';
import { pauseLines } from '../../queue/part.ts';
import { cutLine, type Line, paintLine } from '../../spans.ts';
import { plain, plainLines, widthOf } from '../../text.ts';
import { broken, brokenLine, typedLine } from '../../typed.ts';
import { markedIndex, markedTarget, nearHead, nearOf, needOf, type Row, rowsOf, sideKindOf } from './rows.ts';
import type { Board, Input, Page, Target } from './state.ts';

export interface Looking {
  readonly width: number;
  readonly height: number;
  readonly nowMs: number;
}

/** The lines above and below a list or a page. */
interface Frame {
  readonly head: readonly Line[];
  readonly foot: readonly Line[];
}

/** Lines narrower than `width`, and fewer than `height`: a full last column or row would make terminals scroll. */
export function picture(board: Board, looking: Looking, paint: Paint): string[] {
  const room = Math.max(1, looking.height - 1);
  const { head, foot } = frameOf(board, looking);
  const space = spaceOf(board, looking);
  const body = bodyLines(board, looking, space);
  const filled = [...body, ...Array.from({ length: Math.max(0, space - body.length) }, (): Line => [])];
  const lines = [...head, ...filled, ...foot].slice(0, room);
  return lines.map((line) => paintLine(cutLine(line, Math.max(1, looking.width - 1)), paint));
}

/** The number of rows for the list or the page. */
export function spaceOf(board: Board, looking: Looking): number {
  const { head, foot } = frameOf(board, looking);
  return Math.max(1, looking.height - 1 - head.length - foot.length);
}

/** A terminal with fewer rows shows no optional parts. */
const lowRows = 10;

function frameOf(board: Board, looking: Looking): Frame {
  const isLow = looking.height < lowRows;
  const words = wordLines(board, looking.width);
  const keys: Line[] = isLow || words.length > 0 ? [] : [[{ tone: 'dim', text: keysText(board, looking) }]];
  return { head: headLines(board, looking, isLow), foot: [...words, ...keys] };
}

function headLines(board: Board, { nowMs }: Looking, isLow: boolean): Line[] {
  if (board.isHelp) return [[{ tone: 'strong', text: 'stator monitor: keys' }]];
  const link = linkLine(board);
  const troubled: Line[] = link === null ? [] : [link];
  if (board.page !== null) return [...troubled, [{ tone: 'strong', text: board.page.title }, pagePlace(board.page)]];
  const near = nearOf(board);
  if (near !== null) return [...troubled, ...nearHead(near, nowMs).slice(0, isLow ? 1 : 4)];
  return [...troubled, fleetHead(board), ...(isLow ? [] : pausedHead(board, nowMs))];
}

function linkLine({ link }: Board): Line | null {
  switch (link.kind) {
    case 'there':
      return null;
    case 'stored':
      return [
        { tone: 'attention', text: `${link.why}: this is the stored state, and nothing can be changed from here` },
      ];
    case 'gone':
      return [{ tone: 'attention', text: 'the engine went away; waiting for the next one' }];
    case 'silent':
      return [{ tone: 'attention', text: 'the engine does not answer; this board may be out of date' }];
    case 'waits':
      return [{ tone: 'attention', text: `the daemon waits: ${plain(link.why)}` }];
    default:
      return link satisfies never;
  }
}

/** The most pauses that are shown; `stator status` shows all. */
const pausesShown = 3;

function pausedHead({ news }: Board, nowMs: number): Line[] {
  if (news === null) return [];
  const { pauses, accounts } = news.status;
  const [held, others] = [true, false].map((isHeld) => accounts.filter(({ since }) => (since !== null) === isHeld));
  const lines = [
    ...[...pauseLines(pauses), ...accountLines(held ?? [], nowMs)].map((text) => ({
      tone: 'attention' as const,
      text,
    })),
    ...accountLines(others ?? [], nowMs).map((text) => ({ tone: 'dim' as const, text })),
  ];
  return lines.slice(0, pausesShown).map(({ tone, text }) => [{ tone, text: plain(text) }]);
}

function fleetHead({ news, filter }: Board): Line {
  const name = { tone: 'strong' as const, text: 'stator' };
  if (news === null) return [name, { tone: 'dim', text: '  asking the engine' }];
  const { counts, needs_you: needs, running, usage, warnings } = news.status;
  const { stats, seen } = news;
  const queued = seen.agents.filter(isQueued).length;
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const parts = [
    counted(all, 'plan'),
    `${running.length} running`,
    `${stats.running} of ${counted(stats.max_agents, 'slot')} taken${queued === 0 ? '' : `, ${queued} queued`}`,
    ...(usage.cost_usd === null ? [] : [`$${usage.cost_usd.toFixed(2)}`]),
    ...(warnings.length === 0 ? [] : [`${counted(warnings.length, 'warning')}: stator status`]),
  ];
  return [
    name,
    ...(needs.length === 0 ? [] : [{ tone: 'attention' as const, text: `  ${needs.length} need you` }]),
    { tone: 'plain', text: `  ${parts.join(' · ')}` },
    ...(filter === '' ? [] : [{ tone: 'attention' as const, text: `  / ${plain(filter)}` }]),
  ];
}

function pagePlace({ rows, top, follows }: Page): Line[number] {
  return { tone: 'dim', text: `  ${Math.min(rows.length, top + 1)}/${rows.length}${follows ? ', follows' : ''}` };
}

const permissionKeys = ['y allow it once', 'n deny', 'w deny with a word', 'space on', '? keys'];
const listKeys = [
  'l log',
  'd diff',
  'h history',
  'p prompt',
  'a answer',
  'i start',
  'r retry',
  'm merge',
  'S sort',
  '/ filter',
  '? keys',
];
const pageKeys = [
  'space on',
  'b back',
  'g top',
  'G end',
  '/ search',
  'n next',
  'd diff',
  'h history',
  'p prompt',
  '? keys',
];
/** The optional parts, in the order in which they are left out if there are too few rows. */
const lessNeeded = [
  'space on',
  'S sort',
  'p prompt',
  'i start',
  'h history',
  'd diff',
  'r retry',
  '/ filter',
  'g top',
  'G end',
  'n next',
  'b back',
];

/** A key that changes something is listed only if the marked row accepts it. All other keys only read. */
const actKeys: Readonly<Record<string, (of: PlanEntry, agent: InstanceEntry | undefined) => boolean>> = {
  'a answer': ({ need }) => need !== null && need.source !== 'wave',
  'i start': ({ status, paused }) => paused || status === 'ready' || status === 'cancelled',
  'r retry': ({ need }, agent) =>
    agent === undefined ? need?.do.some((command) => command.endsWith(' retry-wave')) === true : agent.live,
  'm merge': ({ accepts }) => accepts.includes('merge'),
};

function keysText(board: Board, { width, nowMs }: Looking): string {
  const { page, near, isHelp, news } = board;
  if (isHelp) return 'any key goes back';
  const target = markedTarget(board, nowMs);
  const isOf = ({ project, plan }: { readonly project: string; readonly plan: string }) =>
    project === target?.project && plan === target.plan;
  const marked = news?.seen.plans.find(isOf);
  const agent = news?.seen.agents.find((each) => isOf(each) && each.title === target?.title);
  const isTaken = (key: string) => {
    const takes = actKeys[key];
    return takes === undefined || (marked !== undefined && takes(marked, agent));
  };
  const [first, keys, back] =
    page !== null
      ? page.permission === null
        ? [[], pageKeys, 'q leave']
        : [[], permissionKeys, 'Esc later']
      : near === null
        ? [['Enter plan'], listKeys, 'q quit']
        : [
            ['Enter log'],
            listKeys.filter((key) => key !== 'l log' && key !== '/ filter' && key !== 'S sort'),
            'Esc all plans',
          ];
  let shown = [...first, ...keys.filter(isTaken), back];
  for (const key of lessNeeded) {
    if (widthOf(shown.join('  ')) < width) break;
    shown = shown.filter((candidate) => candidate !== key);
  }
  const text = shown.join('  ');
  return widthOf(text) < width ? text : `? keys  ${back}`;
}

/** The line at the bottom: a question, the typed text, or the result of the last key. Otherwise the list of keys. */
function wordLines({ input, confirmation, message, busy }: Board, width: number): Line[] {
  const messageLines: Line[] = (message?.lines ?? [])
    .slice(0, 4)
    .flatMap((line) => brokenLine(line, message?.tone ?? 'plain', width, 3));
  if (input !== null) return [...messageLines, ...inputLines(input, width)];
  if (confirmation !== null) {
    const lines = confirmation.lines.flatMap((line) => brokenLine(plain(line), 'attention', width, 3));
    return [...messageLines, ...lines, [{ tone: 'attention', text: 'do it? (y/n)' }]];
  }
  if (busy !== null) return [...messageLines, [{ tone: 'busy', text: `${busy} …` }]];
  return messageLines;
}

const inputNames = {
  filter: 'filter',
  search: 'search',
  answer: 'answer',
  send: 'message',
  transition: 'event',
  deny: 'deny',
  command: 'command, Tab completes',
} as const;

function inputLines({ kind, question, text }: Input, width: number): Line[] {
  const label = `${inputNames[kind]} (Esc: leave it)> `;
  const asked = question === null ? [] : brokenLine(question, 'attention', width, 6);
  return [...asked, typedLine(label, text, width)];
}

/** The lines of a page, wrapped at that width. */
export function pageRows({ lines }: Pick<Page, 'lines'>, width: number): Line[] {
  return lines.flatMap(({ tone, text }) =>
    broken(text, Math.max(1, width - 1)).map((part): Line => [{ tone, text: part }]),
  );
}

function bodyLines(board: Board, looking: Looking, space: number): Line[] {
  if (board.isHelp) return helpLines(space);
  if (board.page !== null) {
    const { rows, top } = board.page;
    const from = Math.max(0, Math.min(top, rows.length - space));
    return rows.slice(from, from + space);
  }
  const rows = rowsOf(board, looking.nowMs, hasSide(board, looking) ? listWidth(looking) : looking.width);
  if (rows.length === 0) return [[{ tone: 'dim', text: emptyText(board) }]];
  const index = markedIndex(rows, board.marks[board.near === null ? 'fleet' : 'near']);
  const from = firstRow(index, space);
  const list = rows.slice(from, from + space).map((row, at) => rowLine(row, from + at === index));
  return hasSide(board, looking) ? besides(list, sideLines(board, looking, space), looking) : list;
}

/** The list moves by whole pages, so that moving the mark changes two rows and not all of them. */
function firstRow(marked: number, space: number): number {
  return marked < 0 ? 0 : Math.floor(marked / space) * space;
}

/** The row of the list at that line of the terminal, counted from 0; null: none, or another part of the screen. */
export function rowAt(
  board: Board,
  looking: Looking,
  place: { readonly line: number; readonly column: number },
): number | null {
  if (board.page !== null || board.isHelp) return null;
  if (hasSide(board, looking) && place.column >= listWidth(looking)) return null;
  const rows = rowsOf(board, looking.nowMs);
  const space = spaceOf(board, looking);
  const line = place.line - frameOf(board, looking).head.length;
  const index = firstRow(markedIndex(rows, board.marks[board.near === null ? 'fleet' : 'near']), space) + line;
  return line < 0 || line >= space || (rows[index]?.id ?? null) === null ? null : index;
}

/** From this width on, the log or diff of the marked row is shown beside the list. */
const sideColumns = 100;
const widestList = 80;

export function hasSide({ page, isHelp, news }: Board, { width }: Pick<Looking, 'width'>): boolean {
  return width >= sideColumns && page === null && !isHelp && news !== null;
}

function listWidth({ width }: Looking): number {
  return Math.min(widestList, Math.floor(width / 2));
}

const gap = ' │ ';

function besides(list: readonly Line[], side: readonly Line[], looking: Looking): Line[] {
  const room = listWidth(looking) - gap.length;
  return Array.from({ length: Math.max(list.length, side.length) }, (_, at) => {
    const left = cutLine(list[at] ?? [], room);
    const taken = left.reduce((sum, { text }) => sum + widthOf(text), 0);
    const fill = `${' '.repeat(Math.max(0, room - taken))}${gap}`;
    return [...left, { tone: 'dim' as const, text: fill }, ...(side[at] ?? [])];
  });
}

/** A complete need, the end of a log, or the beginning of a diff. */
function sideLines(board: Board, looking: Looking, space: number): Line[] {
  const { side } = board;
  const width = looking.width - listWidth(looking);
  const target = markedTarget(board, looking.nowMs);
  const kind = sideKindOf(board, target);
  if (kind === 'need') return needLines(board, target, width).slice(0, space);
  if (side === null || side.kind !== kind) return [[{ tone: 'dim', text: kind }]];
  const rows = pageRows(side, width);
  const room = Math.max(0, space - 1);
  return [
    [{ tone: 'strong', text: side.title }],
    ...(side.kind === 'log' ? rows.slice(Math.max(0, rows.length - room)) : rows.slice(0, room)),
  ];
}

/** The complete question or error, and the command that answers it. */
function needLines(board: Board, target: Target | null, width: number): Line[] {
  const need = needOf(board, target);
  if (need === null) return [];
  const lines = plainLines(need.why)
    .split('\n')
    .map((text) => ({ tone: 'plain' as const, text }));
  const commands = need.do.map((text) => ({ tone: 'dim' as const, text: plain(text) }));
  return [
    [{ tone: 'attention', text: `${need.plan ?? need.project} needs you` }],
    ...pageRows({ lines: [...lines, { tone: 'plain', text: '' }, ...commands] }, width),
  ];
}

function emptyText(board: Board): string {
  const { news, filter, near } = board;
  if (news === null) return '';
  // The last reading was of all plans, or of another plan.
  if (near !== null && nearOf(board) === null) return 'asking the engine';
  if (near !== null) return 'it has no waves and no agents yet';
  return filter === '' ? 'no plans yet; stator run <plan.md> runs one' : 'nothing matches; Esc takes the filter away';
}

/** The marked row has a sign, so that it is visible without colours. */
function rowLine({ id, line }: Row, isMarked: boolean): Line {
  if (id === null) return line;
  return [{ tone: 'strong', text: isMarked ? '> ' : '  ' }, ...(isMarked ? line.map((span) => strong(span)) : line)];
}

function strong({ tone, text }: Line[number]): Line[number] {
  return { tone: tone === 'plain' || tone === 'dim' ? 'strong' : tone, text };
}

const help: readonly (readonly [string, string])[] = [
  ['up down j k', 'one row; PgUp PgDn b a page; g G the first, the last'],
  ['Enter', 'the plan from near; there, the log of the marked agent'],
  ['Esc, q', 'back; q on the first page ends the board'],
  ['/', 'show only what has these words; in a text: search, n N next'],
  ['S', 'the next order: by whose turn it is, name, age, cost'],
  ['o', 'beside the list, from 100 columns on: the need, the log, the diff'],
  [':', 'a command by its name; Tab completes it. go <plan>, sort <by>'],
  ['mouse', 'click: marks, again: Enter; the wheel moves'],
  ['l', 'log of the agent (of a plan: who works, else who worked last)'],
  ['d', 'diff of the plan, or of the marked task'],
  ['h', 'history of the plan'],
  ['p', 'prompt of the agent'],
  ['v', 'all that is known of the plan'],
  ['a', 'answer a question, allow or deny; start a failed plan again'],
  ['i', 'start the plan, or let it go on'],
  ['r', 'retry: the wave of a plan, or a new attempt of an agent'],
  ['t', 'any other event that the plan takes, chosen by its number'],
  ['space', 'pause or resume the plan, or the agent'],
  ['s', 'a message for the next turn of the agent'],
  ['m', 'merge the plan'],
  ['x', 'cancel the plan, end the agent'],
  ['Ctrl-L Ctrl-Z', 'draw everything again; suspend the board; Ctrl-C ends it'],
];

function helpLines(space: number): Line[] {
  return help.slice(0, space).map(([keys, text]) => [
    { tone: 'strong', text: keys.padEnd(14) },
    { tone: 'plain', text },
  ]);
}
