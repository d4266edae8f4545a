/** A command in a real pseudo terminal, and its screen: a terminal emulator interprets every escape sequence. */
import type { ReadStream } from 'node:tty';
import { type IPty, spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { afterEach } from 'vitest';
import { hangMs } from './hang.ts';

export interface PtyOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Default 80 x 24. */
  readonly columns?: number;
  readonly rows?: number;
}

export interface Pty {
  /** Keys as a keyboard sends them: Enter is `\r`, Ctrl-C is `\x03`. */
  type(keys: string): void;
  /** The visible rows, without trailing spaces and without the empty rows at the end. */
  screen(): string;
  /** The lines above the screen, and the visible ones. A line that the terminal wrapped counts as one. */
  text(): string;
  /** Everything that was written, with escape sequences. */
  written(): string;
  /** Resolves when `text()` contains that text; rejects with the screen if the command ends, or `limitMs` (5 minutes) pass, without it. */
  until(wanted: string | RegExp, limitMs?: number): Promise<void>;
  resize(columns: number, rows: number): void;
  /** Its exit code; 128 and the signal's number where one ended it. */
  readonly ended: Promise<number>;
  readonly pid: number;
}

const open = new Set<IPty>();

afterEach(() => {
  for (const child of open) child.kill('SIGKILL');
  open.clear();
});

/** It is killed at the end of the test. */
export function openPty(file: string, args: readonly string[], options: PtyOptions): Pty {
  const { cwd, env, columns = 80, rows = 24 } = options;
  const emulator = new xterm.Terminal({ cols: columns, rows, scrollback: 10_000, allowProposedApi: true });
  const child = spawn(file, [...args], { cwd, env: { ...env, TERM: 'xterm-256color' }, cols: columns, rows });
  open.add(child);
  readToEnd(child);
  const lookers = new Set<() => void>();
  let written = '';
  let exitCode: number | null = null;
  const look = () => {
    for (const looker of [...lookers]) looker();
  };
  child.onData((data) => {
    written += data;
    emulator.write(data, look);
  });
  emulator.onData((answer) => {
    if (exitCode === null) child.write(answer); // what a terminal answers when it is asked where the cursor is
  });
  const ended = new Promise<number>((resolve) => {
    child.onExit(({ exitCode: code, signal = 0 }) => {
      open.delete(child);
      // The emulator reads in its own turns: only then is everything interpreted.
      emulator.write('', () => {
        exitCode = signal === 0 ? code : 128 + signal;
        resolve(exitCode);
        look();
      });
    });
  });
  const screen = () => joined(rowsOf(emulator, emulator.buffer.active.baseY).map(({ text }) => text));
  const text = () => joined(unbroken(rowsOf(emulator, 0)));

  function until(wanted: string | RegExp, limitMs = hangMs): Promise<void> {
    const isThere = () => (typeof wanted === 'string' ? text().includes(wanted) : wanted.test(text()));
    return new Promise((resolve, reject) => {
      const finish = (why: string | null) => {
        lookers.delete(looker);
        clearTimeout(timer);
        if (why === null) resolve();
        else reject(new Error(`${why} without ${String(wanted)}; the terminal shows:\n${text()}`));
      };
      const looker = () => {
        if (isThere()) finish(null);
        else if (exitCode !== null) finish(`ended with ${exitCode}`);
      };
      const timer = setTimeout(() => finish(`${limitMs / 1000} s passed`), limitMs);
      lookers.add(looker);
      looker();
    });
  }

  return {
    type: (keys) => child.write(keys),
    screen,
    text,
    written: () => written,
    until,
    resize(newColumns, newRows) {
      emulator.resize(newColumns, newRows);
      child.resize(newColumns, newRows);
    },
    ended,
    pid: child.pid,
  };
}

/** For terminals that a background program keeps open. */
const unreadMs = 10_000;

/** The library closes a terminal 200 ms after its program has ended: on a busy machine, the last lines are not read by then. */
function readToEnd(child: IPty): void {
  const { _socket: socket } = child as unknown as { readonly _socket: ReadStream };
  const destroy = socket.destroy.bind(socket);
  socket.once('end', () => destroy());
  socket.destroy = (error) => {
    if (error !== undefined) return destroy(error);
    setTimeout(destroy, unreadMs).unref();
    return socket;
  };
}

interface Row {
  readonly text: string;
  /** Whether it continues the row before it. */
  readonly isWrapped: boolean;
}

function rowsOf(emulator: InstanceType<typeof xterm.Terminal>, from: number): Row[] {
  const { active } = emulator.buffer;
  return Array.from({ length: active.length - from }, (_, index) => {
    const line = active.getLine(from + index);
    return { text: line?.translateToString(true) ?? '', isWrapped: line?.isWrapped === true };
  });
}

function unbroken(rows: readonly Row[]): string[] {
  const lines: string[] = [];
  for (const { text, isWrapped } of rows) lines.push(isWrapped ? `${lines.pop() ?? ''}${text}` : text);
  return lines;
}

function joined(lines: readonly string[]): string {
  return lines.join('\n').trimEnd();
}
