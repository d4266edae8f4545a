/**
 * A log that grows, read to its end again and again, and over a rotation: what was read last is looked for in the file that the text was moved to.
 * The files lie in the home of this very machine.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { plainLines } from '../text.ts';

/** Where reading begins: the same as `instance logs` without following. */
const firstLookBytes = 64 * 1024;
/** A rotation is noticed within a look; more than this is not written in between by anything that people read. */
const rotatedLimitBytes = 8 * 1024 * 1024;
/** By this the place is found again in the file that the text was moved to. */
const markBytes = 2_000;
/** A line that is not ended is shown when it has stood for that many looks: a prompt, or a progress that stands. */
const quietLooks = 2;

export interface LogTail {
  readonly path: string;
  /** What is new, fit for a terminal, in whole lines; `rest` also takes what is not ended yet. Empty where there is nothing, or no file. */
  read(options: { rest: boolean }): string;
}

export function createLogTail(path: string): LogTail {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let offset: number | null = null;
  let mark: Buffer = Buffer.alloc(0);
  let pending = '';
  let looks = 0;

  function take(bytes: Buffer): void {
    if (bytes.length === 0) return;
    mark = Buffer.concat([mark, bytes]).subarray(-markBytes);
    pending += decoder.decode(bytes, { stream: true });
    looks = 0;
  }

  /** The part of the moved text that was not read; all of what is kept of it where the place is not found. */
  function takeMoved(): void {
    const moved = readFrom(`${path}.1`, (sizeBytes) => Math.max(0, sizeBytes - rotatedLimitBytes));
    if (moved === null) return;
    const at = mark.length === 0 ? 0 : moved.bytes.lastIndexOf(mark);
    take(moved.bytes.subarray(at < 0 ? 0 : at + mark.length));
  }

  return {
    path,
    read({ rest }) {
      const start = offset;
      let isMoved = false;
      const found = readFrom(path, (sizeBytes) => {
        if (start === null) return Math.max(0, sizeBytes - firstLookBytes);
        isMoved = sizeBytes < start;
        return isMoved ? 0 : start;
      });
      if (found !== null) {
        if (isMoved) takeMoved();
        take(start === null ? withoutBrokenStart(found) : found.bytes);
        offset = found.end;
      }
      looks += 1;
      const isAll = rest || looks > quietLooks;
      const end = isAll ? pending.length : pending.lastIndexOf('\n') + 1;
      const text = pending.slice(0, end);
      pending = pending.slice(end);
      return shown(text);
    },
  };
}

interface Piece {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** null: there is no such file, or no more. */
function readFrom(path: string, startOf: (sizeBytes: number) => number): Piece | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null; // fs throws system errors only
    throw thrown;
  }
  try {
    const { size } = fstatSync(fd);
    const start = startOf(size);
    const bytes = Buffer.alloc(Math.max(0, size - start));
    const read = readSync(fd, bytes, 0, bytes.length, start);
    return { bytes: bytes.subarray(0, read), start, end: start + read };
  } finally {
    closeSync(fd);
  }
}

/** A first look that begins in the middle of a line begins with the next one. */
function withoutBrokenStart({ bytes, start }: Piece): Buffer {
  if (start === 0) return bytes;
  return bytes.subarray(bytes.indexOf(0x0a) + 1);
}

/** Of a line that was overwritten with carriage returns the last state is kept. */
function shown(text: string): string {
  const lines = stripVTControlCharacters(text).split('\n');
  return plainLines(
    lines
      .map((line) => line.replace(/\r+$/, ''))
      .map((line) => line.slice(line.lastIndexOf('\r') + 1))
      .join('\n'),
  );
}
