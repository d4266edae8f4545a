/**
 * Takes over the terminal for a full screen, and restores it when the process ends in any way except SIGKILL. It uses the alternate screen without a
 * cursor, reads single keys, and cuts long lines. Only the rows that differ from the last picture are written, so little goes over a slow line.
 */
import { PassThrough } from 'node:stream';
import { type Stream, sizeOf } from '../../output.ts';

export interface BoardTerminal {
  /** Input, key by key. */
  readonly keys: NodeJS.ReadStream;
  size(): { width: number; height: number };
  /** Shows these rows from the top, and clears the rows below. Only rows that changed are written. */
  show(rows: readonly string[]): void;
  /** Writes the next picture completely, because another program may have written over the last one. */
  forget(): void;
  /** Stops the process as Ctrl-Z does; `back` is called when it continues. */
  suspend(back: () => void): void;
  /** Restores the terminal; may be called twice. */
  leave(): void;
}

/** The position of the mouse, from 0, and its action. */
export interface Pointer {
  readonly does: 'click' | 'up' | 'down';
  readonly line: number;
  readonly column: number;
}

export interface TerminalOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: Stream;
  /** Called after the size has changed. */
  resized(): void;
  /** Called at a click, and at each step of the wheel. */
  pointed(pointer: Pointer): void;
  /** Called before the terminal is restored. */
  leaving(): void;
}

const toAlternate = '\x1b[?1049h';
const fromAlternate = '\x1b[?1049l';
const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const cutLongLines = '\x1b[?7l';
const breakLongLines = '\x1b[?7h';
const plainLetters = '\x1b[0m';
const clearAll = '\x1b[2J\x1b[H';
const clearRow = '\x1b[K';
const clearBelow = '\x1b[J';
/** The terminal marks the beginning and the end of pasted text. */
const markPastes = '\x1b[?2004h';
const leavePastes = '\x1b[?2004l';
/** The terminal reports clicks and the wheel, in the form that has no limit of columns. */
const reportMouse = '\x1b[?1000h\x1b[?1006h';
const leaveMouse = '\x1b[?1006l\x1b[?1000l';
const mouseReport = /\x1b\[<(\d+);(\d+);(\d+)([Mm])/g;
/** The beginning of a report whose rest has not arrived yet. */
const openReport = /\x1b\[<[\d;]*$/;
const pointers: Readonly<Record<string, Pointer['does']>> = { '0': 'click', '64': 'up', '65': 'down' };

function toRow(index: number): string {
  return `\x1b[${index + 1};1H`;
}

/** These signals end the process by the same signal, so that the parent sees it. */
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGALRM', 'SIGUSR2'] as const;
/** A process that cannot be stopped, for example without a shell, continues after this time. */
const suspendedMs = 100;

export function takeTerminal({ stdin, stdout, resized, pointed, leaving }: TerminalOptions): BoardTerminal {
  // Ink turns raw mode on, but it is already on.
  const keys = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: () => keys,
    ref: () => keys,
    unref: () => keys,
  });
  let isTaken = false;
  /** The rows on the screen; null: unknown. */
  let shown: readonly string[] | null = null;
  let waiting = '';
  const heard = (chunk: Buffer | string) => {
    const text = waiting + (typeof chunk === 'string' ? Buffer.from(chunk) : chunk).toString('latin1');
    waiting = openReport.exec(text)?.[0] ?? '';
    const typed = text
      .slice(0, text.length - waiting.length)
      .replace(mouseReport, (_all, button, column, line, end) => {
        const does = pointers[String(button)];
        if (does !== undefined && end === 'M') pointed({ does, line: Number(line) - 1, column: Number(column) - 1 });
        return '';
      });
    if (typed !== '') keys.write(Buffer.from(typed, 'latin1'));
  };

  function take(): void {
    if (isTaken) return;
    isTaken = true;
    shown = null;
    stdin.setRawMode(true);
    stdin.on('data', heard);
    stdin.resume();
    stdout.write(`${toAlternate}${hideCursor}${cutLongLines}${markPastes}${reportMouse}${clearAll}`);
  }

  function giveBack(): void {
    if (!isTaken) return;
    isTaken = false;
    leaving();
    stdout.write(`${plainLetters}${leaveMouse}${leavePastes}${breakLongLines}${showCursor}${fromAlternate}`);
    stdin.off('data', heard);
    stdin.pause();
    try {
      stdin.setRawMode(false);
    } catch {
      // The terminal has gone: there is nothing to restore.
    }
  }

  const ended = (signal: NodeJS.Signals) => {
    leave();
    process.kill(process.pid, signal);
  };
  function leave(): void {
    giveBack();
    process.removeListener('exit', giveBack);
    process.removeListener('uncaughtExceptionMonitor', giveBack);
    process.stdout.removeListener('resize', resized);
    for (const signal of endings) process.removeListener(signal, ended);
  }

  process.on('exit', giveBack);
  // Called before Node prints the error, so that the error is on the normal screen.
  process.on('uncaughtExceptionMonitor', giveBack);
  process.stdout.on('resize', resized);
  process.removeAllListeners('SIGINT'); // that of main, which leaves at once
  for (const signal of endings) process.on(signal, ended);
  take();

  return {
    keys: keys as unknown as NodeJS.ReadStream, // as much of one as is asked of it
    size: () => sizeOf(stdout),
    show(rows) {
      if (!isTaken) return;
      const changed = rows.flatMap((row, index) =>
        row === shown?.[index] ? [] : [`${toRow(index)}${row}${plainLetters}${clearRow}`],
      );
      const isLonger = shown !== null && shown.length > rows.length;
      const text = `${shown === null ? clearAll : ''}${changed.join('')}${isLonger ? `${toRow(rows.length)}${clearBelow}` : ''}`;
      if (text !== '') stdout.write(text);
      shown = rows;
    },
    forget() {
      shown = null;
    },
    suspend(back) {
      giveBack();
      process.kill(process.pid, 'SIGTSTP');
      setTimeout(() => {
        take();
        back();
      }, suspendedMs);
    },
    leave,
  };
}
