/**
 * The end of a log, and what comes after it. Logs are kept short in two ways, and a reader follows both: daemon.log is renamed to `<log>.1` and begun again;
 * the log of a run, which its agent holds open, is copied to `<log>.1` and truncated.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** How much of the copied file is searched: no log that people read grows by more between two readings. */
const movedLimitBytes = 8 * 1024 * 1024;
/** The number of bytes, from the last reading, by which its place is found in the file that the text was copied to. */
const markBytes = 2_000;
/** A line without an end is returned when it has not changed for that many readings, such as a prompt, or a progress display that is stuck. */
const quietReads = 2;
/** The most new bytes of one reading; the next reading takes the rest. */
const readLimitBytes = 8 * 1024 * 1024;
/** A line without an end is returned when it has this many characters, because a program that prints no line ends must not fill the memory. */
const lineLimit = 8 * 1024 * 1024;
/** A reading handles at most one rename; a second one meanwhile is handled by the next reading. */
const filesPerRead = 2;

export interface TailStart {
  /** The first reading begins with this much existing text, in whole lines, reaching back into `<log>.1`. 0: only with new text. */
  readonly lastBytes: number;
  /** And with at most this many lines. */
  readonly lastLines?: number;
}

export interface LogTail {
  /** The new text, in whole lines; `rest` also takes an unfinished line. Empty if there is none, or no file. Throws the system's errors. */
  read(options: { rest: boolean }): string;
  /** May be called twice. */
  close(): void;
}

interface OpenFile {
  readonly fd: number;
  readonly ino: number;
  position: number;
}

/** If there is no file yet, a new one is read from its start. */
export function createLogTail(path: string, start: TailStart): LogTail {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let file = openLog(path);
  let mark: Buffer = Buffer.alloc(0);
  let pending = '';
  let reads = 0;
  if (file !== null) begin(file);

  function begin(from: OpenFile): void {
    const { size } = fstatSync(from.fd);
    const own = readRange(from.fd, Math.max(0, size - start.lastBytes), size);
    const isEnough = own.length < size || (start.lastLines !== undefined && lineCount(own) >= start.lastLines);
    const older = isEnough ? Buffer.alloc(0) : lastBytes(`${path}.1`, start.lastBytes - own.length);
    const isCut = own.length < size || (older.length > 0 && older.length < sizeOf(`${path}.1`));
    const bytes = Buffer.concat([older, own]);
    pending = decoder.decode(isCut ? bytes.subarray(bytes.indexOf(0x0a) + 1) : bytes, { stream: true });
    if (start.lastLines !== undefined) pending = lastLines(pending, start.lastLines);
    from.position = size;
    mark = own.subarray(-markBytes);
  }

  function take(bytes: Buffer): void {
    if (bytes.length === 0) return;
    mark = Buffer.concat([mark, bytes]).subarray(-markBytes);
    pending += decoder.decode(bytes, { stream: true });
    reads = 0;
  }

  /** The unread part of the copied text; all of it if the place is not found. */
  function takeCopied(): void {
    const copied = lastBytes(`${path}.1`, movedLimitBytes);
    const at = mark.length === 0 ? 0 : copied.lastIndexOf(mark);
    take(copied.subarray(at < 0 ? 0 : at + mark.length));
  }

  /** Reads the next text of the open file. Returns whether that was its last: another file has its name, or none. */
  function takeNew(from: OpenFile): boolean {
    // Checked first: a file that was renamed by now gets no further text, so all of it is read here.
    const isMoved = statSync(path, { throwIfNoEntry: false })?.ino !== from.ino;
    const { size } = fstatSync(from.fd);
    if (size < from.position) {
      takeCopied();
      from.position = 0;
    }
    const bytes = readRange(from.fd, from.position, Math.min(size, from.position + readLimitBytes));
    from.position += bytes.length;
    take(bytes);
    return isMoved && from.position >= size;
  }

  function close(): void {
    if (file !== null) closeSync(file.fd);
    file = null;
  }

  return {
    read({ rest }) {
      for (let files = 0; files < filesPerRead; files += 1) {
        file ??= openLog(path);
        if (file === null || !takeNew(file)) break;
        close();
      }
      reads += 1;
      const isWhole = rest || reads > quietReads || pending.length > lineLimit;
      const end = isWhole ? pending.length : pending.lastIndexOf('\n') + 1;
      const text = pending.slice(0, end);
      pending = pending.slice(end);
      return text;
    },
    close,
  };
}

/** The last bytes of a log as text, reaching back into `<log>.1`. A character that the cut went through is dropped, broken UTF-8 becomes U+FFFD. Empty if there is no file. */
export function lastText(path: string, limitBytes: number): string {
  const own = lastBytes(path, limitBytes);
  const older = lastBytes(`${path}.1`, limitBytes - own.length);
  const bytes = Buffer.concat([older, own]);
  const isCut = bytes.length < sizeOf(path) + sizeOf(`${path}.1`);
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(isCut ? withoutBrokenStart(bytes) : bytes);
}

/** The lines of a text; one that is not ended counts as one. */
export function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function lastLines(text: string, count: number): string {
  const lines = text.split('\n');
  const isEnded = lines.at(-1) === '';
  return lines.slice(-(count + (isEnded ? 1 : 0))).join('\n');
}

function lineCount(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) count += 1;
  return count;
}

/** null: there is no such file. */
function openLog(path: string): OpenFile | null {
  try {
    const fd = openSync(path, 'r');
    return { fd, ino: fstatSync(fd).ino, position: 0 };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null; // fs throws system errors only
    throw thrown;
  }
}

function lastBytes(path: string, limitBytes: number): Buffer {
  const file = limitBytes <= 0 ? null : openLog(path);
  if (file === null) return Buffer.alloc(0);
  try {
    const { size } = fstatSync(file.fd);
    return readRange(file.fd, Math.max(0, size - limitBytes), size);
  } finally {
    closeSync(file.fd);
  }
}

/** Shorter where the file was truncated in between. */
function readRange(fd: number, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, to - from));
  let length = 0;
  while (length < bytes.length) {
    const got = readSync(fd, bytes, length, bytes.length - length, from + length);
    if (got === 0) break;
    length += got;
  }
  return bytes.subarray(0, length);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** At most three bytes that only continue a character can be before the first whole one. */
function withoutBrokenStart(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 3 && start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start);
}
