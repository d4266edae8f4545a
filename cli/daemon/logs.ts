/** `stator daemon logs`. */
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { homeFolder } from '../../runtime/config/home.ts';
import { type Call, defineVerb } from '../command.ts';
import { wholeNumber } from '../number.ts';
import { plainLines } from '../text.ts';

const defaultLines = 50;
const maxLines = 100_000;
/** Quick enough to read along, slow enough to cost nothing. */
const followMs = 250;
/** As much as is looked through for the lines that are asked for. */
const lookBackBytes = 16 * 1024 * 1024;
const chunkBytes = 64 * 1024;

export default defineVerb({
  summary: 'What the daemon says: the end of daemon.log.',
  args: {
    follow: { type: 'boolean', alias: 'f', description: 'go on until Ctrl-C' },
    lines: { type: 'string', alias: 'n', valueHint: 'n', description: `how many, default ${defaultLines}` },
  },
  examples: ['stator daemon logs', 'stator daemon logs --follow --lines 200'],
  more: 'Where --json is given each line is a document.',
  async run({ follow = false, lines }, call) {
    const file = join(homeFolder(call.env), 'daemon.log');
    const count = lines === undefined ? defaultLines : Math.min(maxLines, wholeNumber('--lines', lines));
    if (!existsSync(file) && !follow)
      throw new EngineError(
        'not_found',
        `there is no log yet: ${file}`,
        'it is begun by the first engine: stator daemon start',
      );
    const end = sizeOf(file);
    print(call, lastLines(file, end, count));
    if (follow) await readAlong(call, file, end);
    return 0;
  },
});

function print({ out }: Call, lines: readonly string[]): void {
  out.print(...lines.map((line) => (out.json ? JSON.stringify(document(line)) : plainLines(line))));
}

/** A line that is none of the log's (what a crash left there) is its message alone. */
function document(line: string) {
  const match = /^(\S+Z) (debug|info|warn|error) (.*)$/.exec(line);
  if (match === null) return { at: null, level: null, message: line };
  const [, at, level, message] = match;
  return { at, level, message };
}

/** Whatever is in the file before `end`, and in the one before it where that is not enough. */
function lastLines(file: string, end: number, count: number): string[] {
  const own = linesOf(read(file, Math.max(0, end - lookBackBytes), end));
  if (own.length >= count || !existsSync(`${file}.1`)) return own.slice(-count);
  const size = sizeOf(`${file}.1`);
  const older = linesOf(read(`${file}.1`, Math.max(0, size - lookBackBytes), size));
  return [...older, ...own].slice(-count);
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** From the end of what was shown on. The file may be rotated, emptied or missing at any time: then the one that comes is read from its start. */
async function readAlong(call: Call, file: string, from: number): Promise<never> {
  let descriptor: number | null = null;
  let position = from;
  let rest = '';
  for (;;) {
    descriptor ??= existsSync(file) ? openSync(file, 'r') : null;
    if (descriptor !== null) {
      const { size, ino } = fstatSync(descriptor);
      if (size < position) position = 0;
      const bytes = readFrom(descriptor, position, size);
      position += bytes.length;
      const parts = (rest + bytes.toString('utf8')).split('\n');
      rest = parts.pop() ?? '';
      print(call, parts);
      // What was written to it before it was moved away has just been read.
      if (statSync(file, { throwIfNoEntry: false })?.ino !== ino && size === position) {
        closeSync(descriptor);
        descriptor = null;
        position = 0;
      }
    }
    await delay(followMs);
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function read(file: string, from: number, to: number): string {
  if (to <= from) return '';
  const descriptor = openSync(file, 'r');
  try {
    return readFrom(descriptor, from, to).toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}

function readFrom(descriptor: number, from: number, to: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = from; at < to; ) {
    const chunk = Buffer.alloc(Math.min(chunkBytes, to - at));
    const got = readSync(descriptor, chunk, 0, chunk.length, at);
    if (got === 0) break;
    parts.push(chunk.subarray(0, got));
    at += got;
  }
  return Buffer.concat(parts);
}
