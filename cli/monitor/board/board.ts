/** The board from its first drawing to its exit code: keys and news change its state, and each state is drawn. */

import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Client } from '../../../runtime/api/client/client.ts';
import { createAttention } from '../../attention.ts';
import type { Call } from '../../command.ts';
import { wantsAttention } from '../../wants-attention.ts';
import {
  carryOut,
  confirmationOf,
  type Doing,
  eventInput,
  messageOfError,
  permissionPage,
  questionOf,
  readPage,
} from './actions.ts';
import { createDrawing } from './drawing.ts';
import { createFeed } from './feed.ts';
import { type Command, type Key, press } from './keys.ts';
import { hasSide, type Looking, pageRows, picture, rowAt, spaceOf } from './picture.ts';
import { markedIndex, markedTarget, rowsOf, sideKindOf } from './rows.ts';
import { type Board, firstBoard, type Input, type Message, type News, type Page, type Target } from './state.ts';
import { type Pointer, takeTerminal } from './terminal.ts';

export interface BoardOptions {
  readonly call: Call;
  /** null: no engine runs at the start. */
  readonly first: Client | null;
  /** Reads the store without an engine; null: that is not possible. */
  stored(): Promise<Client | null>;
  attach(): Promise<Client | null>;
  /** The plan to show first; null: all plans. */
  readonly near: Board['near'];
}

/** Times are drawn again and a growing log is read again at this interval. */
const tickMs = 1_000;
/** Rows that one step of the wheel moves. */
const wheelSteps = 3;

/** The board's state, which is drawn at each change. */
interface Screen {
  board(): Board;
  change(part: Partial<Board>): void;
  looking(): Looking;
}

/** Returns the exit code: 0 after `q`, 130 after Ctrl-C. Throws an engine's errors, except that no engine runs. */
export function runBoard(options: BoardOptions): Promise<number> {
  return new Promise((resolve, reject) => startBoard(options, { ended: resolve, failed: reject }));
}

type Use = (client: Client) => Promise<void>;

interface Asking {
  readonly client?: Client | null;
  readonly typed?: Input | undefined;
}

interface Ends {
  ended(exitCode: number): void;
  failed(thrown: unknown): void;
}

function startBoard({ call, first, attach, stored, near }: BoardOptions, { ended, failed }: Ends): void {
  const { out } = call;
  let board = firstBoard(near);
  let isOver = false;
  const attention = createAttention({ stream: out.stdout, env: call.env, isOn: wantsAttention(call.env) });
  const terminal = takeTerminal({
    stdin: call.stdin,
    stdout: out.stdout,
    resized: () => {
      if (board.page !== null) board = { ...board, page: withRows(screen, board.page) };
      redraw();
    },
    pointed,
    leaving: attention.suspend,
  });
  const looking = () => ({ ...terminal.size(), nowMs: Date.now() });
  const screen: Screen = { board: () => board, change: (part) => show({ ...board, ...part }), looking };
  const side = createSideReader(screen);
  const readSide = () => void side.read(feed.reading());
  const drawing = createDrawing(terminal, pressed);
  const feed = createFeed(first, {
    attach,
    stored,
    project: call.project,
    near: () => board.near,
    updated: (news) => {
      // Needs that existed before the board started do not ring the bell.
      attention.show(needsOf(news), needsTitle(news), { isQuiet: board.news === null });
      show({ ...board, news });
    },
    linked: (link) => show({ ...board, link }),
    lost: (why) => show({ ...board, near: null, message: messageOfError(why) }),
    failed: (thrown) => finish(() => failed(thrown)),
  });
  const ticking = setInterval(() => {
    show(board);
    void followLog(screen, feed.client());
    readSide();
  }, tickMs);

  function show(next: Board): void {
    board = next;
    if (!isOver) drawing.draw(picture(board, looking(), out.paint));
  }

  function redraw(): void {
    drawing.anew();
    show(board);
  }

  function pressed(key: Key): void {
    if (isOver) return;
    const at = looking();
    const { board: next, command } = press(board, key, { height: spaceOf(board, at), nowMs: at.nowMs });
    show(next);
    readSide();
    if (command !== null) obey(command);
  }

  /** Does the same as the corresponding key. */
  function pointed({ does, line, column }: Pointer): void {
    if (isOver) return;
    if (does !== 'click') {
      for (let step = 0; step < wheelSteps; step += 1) pressed({ name: does });
      return;
    }
    const next = clicked(board, looking(), { line, column });
    if (next === 'enter') pressed({ name: 'enter' });
    else if (next !== null) {
      show(next);
      readSide();
    }
  }

  function obey(command: Command): void {
    switch (command.kind) {
      case 'quit':
        finish(() => ended(command.exitCode));
        return;
      case 'suspend':
        terminal.suspend(redraw);
        return;
      case 'redraw':
        redraw();
        return;
      case 'look':
        feed.look();
        return;
      case 'open':
        void asked('asking', (client) => openPage(screen, client, command), { client: feed.reading() });
        return;
      case 'ask':
        void asked('asking', (client) => ask(screen, client, command.target));
        return;
      case 'events':
        void asked('asking', async (client) => screen.change({ input: await eventInput(client, command.target) }));
        return;
      case 'do':
        void asked('at it', (client) => carry(screen, client, command), { typed: command.input });
        return;
      default:
        command satisfies never;
    }
  }

  /** `typed`: the text of the action, which is in its field again if it was not accepted. */
  async function asked(busy: string, use: Use, { client = feed.client(), typed }: Asking = {}): Promise<void> {
    await withClient(screen, client, { busy, use, typed }).catch((bug: unknown) => finish(() => failed(bug)));
    feed.look();
  }

  function finish(settle: () => void): void {
    if (isOver) return;
    isOver = true;
    clearInterval(ticking);
    drawing.close();
    terminal.leave();
    attention.close();
    feed.stop();
    settle();
  }
}

/** One action at a time. A refusal is shown. Throws if that cannot be drawn. */
async function withClient(
  screen: Screen,
  client: Client | null,
  { busy, use, typed }: { readonly busy: string; readonly use: Use; readonly typed: Input | undefined },
): Promise<void> {
  if (screen.board().busy !== null) {
    const again = typedAgain(screen.board(), typed);
    return again.input === undefined ? undefined : screen.change({ ...again, message: notYet });
  }
  screen.change({ busy, message: null });
  try {
    if (client === null)
      throw new EngineError(
        'no_daemon',
        'no engine answered the key',
        'the board goes on with the next one; try again then',
      );
    await use(client);
    screen.change({ busy: null });
  } catch (thrown) {
    screen.change({ busy: null, message: messageOfError(thrown), ...typedAgain(screen.board(), typed) });
  }
}

const notYet: Message = { tone: 'attention', lines: ['the last key is still at work; Enter tries again after that'] };

/** The field with its text, unless another field is open by now. */
function typedAgain({ input }: Board, typed: Input | undefined): Partial<Board> {
  return typed === undefined || typed.kind === 'transition' || input !== null ? {} : { input: typed };
}

/** The board after a click: another marked row, or the same as the key Enter; null: nothing is there. */
function clicked(board: Board, at: Looking, position: { line: number; column: number }): Board | 'enter' | null {
  if (board.input !== null || board.confirmation !== null) return null;
  const index = rowAt(board, at, position);
  if (index === null) return null;
  const rows = rowsOf(board, at.nowMs);
  const place = board.near === null ? 'fleet' : 'near';
  if (markedIndex(rows, board.marks[place]) === index) return 'enter';
  return { ...board, marks: { ...board.marks, [place]: { id: rows[index]?.id ?? null, index } } };
}

async function openPage(
  screen: Screen,
  client: Client,
  { page: kind, target }: Command & { kind: 'open' },
): Promise<void> {
  const text = await readPage(client, kind, target);
  const page = withRows(screen, {
    kind,
    target,
    ...text,
    rows: [],
    top: 0,
    follows: kind === 'log',
    search: '',
    permission: null,
  });
  screen.change({ page: kind === 'log' || kind === 'history' ? atEnd(screen, page) : page });
}

async function carry(
  screen: Screen,
  client: Client,
  { isSure = false, ...doing }: Doing & { isSure?: boolean },
): Promise<void> {
  const { action, input, target } = doing;
  const confirmation = isSure ? null : await confirmationOf(client, doing);
  if (confirmation !== null) return screen.change({ confirmation });
  const message = await carryOut(client, doing);
  screen.change({ message, ...(message.tone === 'bad' ? typedAgain(screen.board(), input) : {}) });
  // Other agents may ask as well: their questions are shown one after the other.
  if (action !== 'answer' || input === undefined || input.number === null || message.tone === 'bad') return;
  const { questions } = await client.plan(target.project, target.plan ?? '');
  if (questions.length > 0) screen.change({ input: await questionOf(client, { ...target, title: null }) });
}

/** Asks the question with the nearest deadline first. */
async function ask(screen: Screen, client: Client, target: Target): Promise<void> {
  const question = await permissionPage(client, target);
  if (question === null) return screen.change({ input: await questionOf(client, target) });
  const page: Page = { kind: 'permission', ...question, rows: [], top: 0, follows: false, search: '' };
  screen.change({ page: withRows(screen, page) });
}

/** Reads a log or a history that is shown to its end. */
async function followLog(screen: Screen, client: Client | null): Promise<void> {
  const { page, busy } = screen.board();
  if (page === null || page.kind === 'permission' || !page.follows || client === null || busy !== null) return;
  // The regular reading of the board reports that no engine answers.
  const text = await readPage(client, page.kind, page.target).catch(() => null);
  if (text === null || screen.board().page !== page) return;
  screen.change({ page: atEnd(screen, withRows(screen, { ...page, ...text })) });
}

/** Reads what the side shows of the marked row. */
function createSideReader(screen: Screen) {
  let isReading = false;
  return {
    /** A log is read again each time; a diff only when its plan has changed. */
    async read(client: Client | null): Promise<void> {
      const board = screen.board();
      const at = screen.looking();
      const target = markedTarget(board, at.nowMs);
      if (isReading || client === null || target === null || target.plan === null || !hasSide(board, at)) return;
      const { side } = board;
      const kind = sideKindOf(board, target);
      if (kind === 'need') return;
      const plan = board.news?.seen.plans.find((each) => each.project === target.project && each.plan === target.plan);
      const of = [target.project, target.plan, target.title, plan?.updated_at].join(' ');
      if (kind === 'diff' && side?.kind === kind && side.of === of) return;
      isReading = true;
      // The regular reading of the board reports that no engine answers.
      const text = await readPage(client, kind, target).catch((thrown: unknown) => {
        if (!(thrown instanceof EngineError)) return null;
        const title = `${kind} of ${target.title ?? target.plan}`;
        return { title, lines: messageOfError(thrown).lines.map((line) => ({ tone: 'dim' as const, text: line })) };
      });
      isReading = false;
      if (text !== null) screen.change({ side: { kind, of, ...text } });
    },
  };
}

function withRows(screen: Screen, page: Page): Page {
  return { ...page, rows: pageRows(page, screen.looking().width) };
}

function atEnd(screen: Screen, page: Page): Page {
  const space = spaceOf({ ...screen.board(), page, busy: null, message: null }, screen.looking());
  return { ...page, top: Math.max(0, page.rows.length - space) };
}

/** A name for each need, which does not change while the need lasts. */
function needsOf({ status }: News): string[] {
  return status.needs_you.map(({ project, plan, source, since, do: [command] }) => {
    const which = source === 'permission' ? command : source === 'wave' || source === 'repo' ? '' : since;
    return `${project}/${plan} ${source} ${which}`;
  });
}

function needsTitle({ status: { needs_you: needs } }: News): string {
  return needs.length === 1
    ? `stator: ${needs[0]?.plan ?? needs[0]?.project} needs you`
    : `stator: ${needs.length} need you`;
}
