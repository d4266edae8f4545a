/** What an agent prints: bounded on disk, whole at the end, harmless on a terminal. */
import { appendFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { safeText } from '../../runtime/base/platform/terminal-text.ts';
import { watchRun } from '../../runtime/work/agents/liveness.ts';
import { rotateLog, TAIL_BYTES, tailOf } from '../../runtime/work/agents/output-log.ts';
import { createRun } from '../support/run.ts';

const forever = new AbortController().signal;
const MIB = 1024 * 1024;

describe('the log', () => {
  test('of an agent that prints 100 MB is rotated, and its tail is the end of what it printed', async () => {
    // It prints no faster than the log can be cut, however busy the machine is.
    const isCut = `[ "$(wc -c <"$LOG")" -lt ${8 * MIB} ]`;
    const script = `LOG=$(echo runs/*/log); i=0; while [ $i -lt 20 ]; do head -c 5000000 /dev/zero | tr '\\0' x; i=$((i+1)); until ${isCut}; do sleep 0.02; done; done; echo; echo the end`;
    const run = createRun(script);
    await run.start();
    expect(await watchRun(run.folder, { abort: forever, pollMs: 20, logLimitBytes: 8 * MIB })).toEqual({
      kind: 'exited',
      code: 0,
    });
    expect(statSync(run.folder.olderLog).size).toBeLessThan(32 * MIB);
    expect(statSync(run.folder.log).size).toBeLessThan(48 * MIB);
    const tail = tailOf(run.folder);
    expect(tail.length).toBe(TAIL_BYTES);
    expect(tail.endsWith('x\nthe end\n')).toBe(true);
  });

  test('of an agent that writes faster than it is copied is kept to twice its limit', async () => {
    const { folder } = createRun('');
    writeFileSync(folder.log, 'a'.repeat(2 * MIB));
    let isOver = false;
    const rotating = rotateLog(folder, MIB).finally(() => {
      isOver = true;
    });
    for (let round = 0; !isOver && round < 50; round += 1) {
      appendFileSync(folder.log, 'b'.repeat(4 * MIB));
      await setImmediate();
    }
    expect(await rotating).toBe(true);
    expect(statSync(folder.olderLog).size).toBeLessThan(3 * MIB);
  });

  test('goes on at its start after a rotation, and the tail reaches over the cut', async () => {
    const run = createRun('');
    writeFileSync(run.folder.log, `${'a'.repeat(1000)}${'b'.repeat(1000)}`);
    expect(await rotateLog(run.folder, 1500)).toBe(true);
    expect(statSync(run.folder.log).size).toBe(0);
    expect(statSync(run.folder.olderLog).size).toBe(1500);
    writeFileSync(run.folder.log, 'ccc', { flag: 'a' });
    expect(await rotateLog(run.folder, 1500)).toBe(false);
    expect(tailOf(run.folder, 8)).toBe('bbbbbccc');
  });

  test('that does not exist has an empty tail', () => {
    expect(tailOf(createRun('').folder)).toBe('');
  });

  test('is cut between characters, whatever the limit', () => {
    const run = createRun('');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 0, max: 80 }), (text, bytes) => {
        rmSync(run.folder.log, { force: true });
        writeFileSync(run.folder.log, text);
        const tail = tailOf(run.folder, bytes);
        expect(text.endsWith(tail)).toBe(true);
        expect(Buffer.byteLength(tail)).toBeGreaterThan(Math.min(bytes, Buffer.byteLength(text)) - 4);
      }),
      { numRuns: 200 },
    );
  });

  test('with broken UTF-8 is shown with replacement characters', () => {
    const run = createRun('');
    writeFileSync(run.folder.log, Buffer.from([0x61, 0xff, 0x62, 0xe2, 0x82]));
    expect(tailOf(run.folder)).toBe('a\ufffdb\ufffd');
  });
});

describe('text made safe', () => {
  test.each([
    ['\x1b[1;31mred\x1b[0m', 'red'],
    ['\x1b]0;a title\x07text', 'text'],
    ['\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\', 'link'],
    ['\x1bP1;2q#0\x1b\\after', 'after'],
    ['\x1b(Bplain\x1b7\x1b8', 'plain'],
    ['\x9b31mred', 'red'],
    ['a\x08b\x00c\x07', 'abc'],
    ['10%\r20%\r100%\nnext\r\n', '100%\nnext\n'],
    ['working\r', 'working'],
    ['user\u202etxt.exe', 'usertxt.exe'],
    ['cut \x1b[38;5', 'cut '],
    ['\x1b]0;never ends\nnext line', '\nnext line'],
    ['tab\tand ünï ✓ 日本', 'tab\tand ünï ✓ 日本'],
  ])('%j reads %j', (text, safe) => {
    expect(safeText(text)).toBe(safe);
  });

  test('holds no control character but newline and tab, whatever came in, and is not changed again', () => {
    const nasty = fc.string({
      unit: fc.constantFrom('\x1b', '[', ']', '\x9b', ';', '0', 'm', '\r', '\n', '\x07', 'a', '\\', '\x90', '\u2066'),
    });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), nasty), (text) => {
        const safe = safeText(text);
        expect(safe).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
        expect(safeText(safe)).toBe(safe);
      }),
    );
  });

  test('is made in a moment also of a tail that is nothing but escapes', () => {
    // What is not linear does not end before the test's limit.
    for (const piece of ['\x1b]', '\x1b[0', '\x1bP', '\r', '\x1b[', '\x9b;']) safeText(piece.repeat(TAIL_BYTES));
  });
});
