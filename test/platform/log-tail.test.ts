/** A log is read to its end again and again, over both kinds of rotation. */
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appendTo } from '../../runtime/base/platform/log.ts';
import { createLogTail, type LogTail, lastText, linesOf } from '../../runtime/base/platform/log-tail.ts';
import { rotateLog } from '../../runtime/work/agents/output-log.ts';
import { runFolderAt } from '../../runtime/work/agents/run-folder.ts';

let folder: string;
let path: string;
const open: LogTail[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-tail-'));
  path = join(folder, 'log');
});
afterEach(() => {
  for (const tail of open.splice(0)) tail.close();
  rmSync(folder, { recursive: true, force: true });
});

const all = 1024 * 1024;
function follow(lastBytes = all, lastLines?: number): LogTail {
  const tail = createLogTail(path, lastLines === undefined ? { lastBytes } : { lastBytes, lastLines });
  open.push(tail);
  return tail;
}
const now = { rest: false };
const write = (text: string | Buffer) => appendFileSync(path, text);
/** The rotation of a run's log: it is copied to `.1` and truncated. */
const truncate = (limitBytes: number) => rotateLog(runFolderAt(dirname(folder), basename(folder)), limitBytes);

describe('the beginning', () => {
  it('is the existing text, or only later text', () => {
    write('one\ntwo\n');
    const whole = follow();
    const later = follow(0);
    expect([whole.read(now), later.read(now)]).toEqual(['one\ntwo\n', '']);
    write('three\n');
    expect([whole.read(now), later.read(now), whole.read(now)]).toEqual(['three\n', 'three\n', '']);
  });

  it('is a whole line where it lies in the middle of one', () => {
    write('first line\nsecond line\n');
    expect(follow(15).read(now)).toBe('second line\n');
  });

  it('reaches back into the file before, for bytes and for lines', () => {
    writeFileSync(`${path}.1`, 'one\ntwo\n');
    write('three\nfour\n');
    expect(follow().read(now)).toBe('one\ntwo\nthree\nfour\n');
    expect(follow(13).read(now)).toBe('three\nfour\n');
    expect(follow(all, 3).read(now)).toBe('two\nthree\nfour\n');
    expect(follow(all, 2).read(now)).toBe('three\nfour\n');
    expect(follow(all, 1).read(now)).toBe('four\n');
    write('fi');
    expect(follow(all, 2).read({ rest: true })).toBe('four\nfi');
  });

  it('of a log that is not there yet is the start of the one that comes', () => {
    const tail = follow(0);
    expect(tail.read(now)).toBe('');
    write('one\n');
    expect(tail.read(now)).toBe('one\n');
  });
});

describe('lines', () => {
  it('are returned when they are complete, when no more came for a while, or when nothing more will come', () => {
    const tail = follow();
    write('wor');
    expect(tail.read(now)).toBe('');
    write('d\nnext? ');
    expect(tail.read(now)).toBe('word\n');
    expect([tail.read(now), tail.read(now), tail.read(now)]).toEqual(['', 'next? ', '']);
    write('ye');
    expect(tail.read({ rest: true })).toBe('ye');
  });

  it('that never end are returned in pieces, and no reading takes more than 8 MiB', () => {
    const tail = follow();
    const sizeMiB = 20;
    write('x'.repeat(sizeMiB * 1024 * 1024));
    const pieces = Array.from({ length: 4 }, () => tail.read(now).length / 1024 / 1024);
    expect(pieces).toEqual([0, 16, 0, 0]);
    expect(tail.read(now).length).toBe(4 * 1024 * 1024);
  });

  it('keep a character that comes in two writes', () => {
    const tail = follow();
    const [first, second] = [Buffer.from('ä\n').subarray(0, 1), Buffer.from('ä\n').subarray(1)];
    write(first);
    expect(tail.read({ rest: true })).toBe('');
    write(second);
    expect(tail.read(now)).toBe('ä\n');
  });
});

describe('a log that is kept short', () => {
  it('by a new file of its name: what the old one took last is read, then the new one', () => {
    const tail = follow();
    write('one\n');
    expect(tail.read(now)).toBe('one\n');
    write('two\n');
    renameSync(path, `${path}.1`);
    expect(tail.read(now)).toBe('two\n');
    write('three, longer than all before it\n');
    expect(tail.read(now)).toBe('three, longer than all before it\n');
    rmSync(path);
    expect(tail.read(now)).toBe('');
    write('four\n');
    expect(tail.read(now)).toBe('four\n');
  });

  it('by copying and truncating: what was not read yet is found in the copy', async () => {
    const tail = follow();
    const lines = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, n) => `line ${from + n}\n`).join('');
    write(lines(0, 400));
    expect(tail.read(now)).toBe(lines(0, 400));
    write(lines(400, 500));
    await truncate(3_000);
    write(lines(500, 510));
    expect(tail.read(now)).toBe(lines(400, 510));
    write('more\n');
    expect(tail.read(now)).toBe('more\n');
  });

  it('by copying and truncating, so much that the place is lost: all that is kept is read', async () => {
    const tail = follow();
    write('one one one\n');
    expect(tail.read(now)).toBe('one one one\n');
    write('two\nthree\n');
    await truncate(6);
    expect(tail.read(now)).toBe('three\n');
  });

  it('loses no line and gives none twice, however writes, looks and rotations follow each other', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.constant('write' as const) },
      { weight: 3, arbitrary: fc.constant('read' as const) },
      { weight: 1, arbitrary: fc.constant('rotate' as const) },
    );
    for (const way of ['rename', 'truncate'] as const) {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
          for (const name of ['log', 'log.1', 'log.2']) rmSync(join(folder, name), { force: true });
          // Longer than the text by which the position is found again: only the beginning of a copy is missing.
          const written = ['begin', 'x'.repeat(3_000)];
          write(`${written.join('\n')}\n`);
          const tail = follow();
          let told = tail.read(now);
          for (const each of steps) {
            if (each === 'write') {
              written.push(`line ${written.length}`);
              write(`${written.at(-1)}\n`);
            } else if (each === 'read') told += tail.read(now);
            else {
              // No reader can follow two rotations between two readings.
              told += tail.read(now);
              written.push(`line ${written.length}`);
              write(`${written.at(-1)}\n`);
              if (way === 'rename') {
                renameSync(path, `${path}.1`);
                write('');
              } else await truncate(2_500);
              told += tail.read(now);
            }
          }
          told += tail.read({ rest: true });
          expect(linesOf(told)).toEqual(written);
        }),
        { numRuns: 60 },
      );
    }
  });
});

it('follows the log of the daemon over its own rotation', () => {
  const append = appendTo(path, 40);
  const tail = follow();
  let told = '';
  for (let line = 0; line < 50; line += 1) {
    append(`line ${line}\n`);
    if (line % 3 === 0) told += tail.read(now);
  }
  told += tail.read({ rest: true });
  expect(linesOf(told)).toEqual(Array.from({ length: 50 }, (_, line) => `line ${line}`));
});

it('the end of a log reaches back into the file before, and drops a character that was cut', () => {
  expect(lastText(path, 10)).toBe('');
  writeFileSync(`${path}.1`, 'aaä');
  write('bbb');
  expect([lastText(path, 3), lastText(path, 4), lastText(path, 5), lastText(path, 100)]).toEqual([
    'bbb',
    'bbb',
    'äbbb',
    'aaäbbb',
  ]);
});
