/** The end of an output beside a need: ten short lines without control characters. */
import { describe, expect, it } from 'vitest';
import { blockOutput, waveOutput } from '../../runtime/api/queries/failed-output.ts';

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `line ${index + 1}`);
const task = (number: number, detail: string) => ({
  ...{ number, detail, title: `Task ${number}`, attempts: 1, reason: 'check-failed' as const },
});
const check = (output: string) => `2 failed (npm test failed with 1)\nthe check of w1-t1: npm test\n${output}`;

describe('the end of the output of what failed', () => {
  it('is the last ten lines of a failed check, without its head, which the wave names', () => {
    expect(waveOutput([task(1, check(numbered(30).join('\n')))])).toEqual(numbered(30).slice(-10));
    expect(waveOutput([task(1, check(''))])).toEqual([]);
  });

  it('names the tasks where several failed, and has at most ten lines of all of them', () => {
    const two = [task(1, check(numbered(9).join('\n'))), task(4, 'conflict in a.txt'), task(5, '')];
    expect(waveOutput(two)).toEqual(['task 1:', ...numbered(9).slice(-4), 'task 4:', 'conflict in a.txt']);
    const many = Array.from({ length: 40 }, (_, index) => task(index, numbered(9).join('\n')));
    expect(waveOutput(many)).toHaveLength(10);
  });

  it('of a block is what follows its first line; a failed check keeps the line that names the error', () => {
    const head = 'hello-coder: 2 runs, the last one: its check failed (its log: stator agent logs hello-coder)';
    expect(blockOutput({ reason: `${head}\n${numbered(12).join('\n')}` })).toEqual(numbered(12).slice(-10));
    expect(blockOutput({ reason: `${head}\n${check(numbered(12).join('\n'))}` })).toEqual([
      '2 failed (npm test failed with 1)',
      ...numbered(12).slice(-9),
    ]);
    expect(blockOutput({ reason: head })).toEqual([]);
  });

  it('of a block has no question that is open besides', () => {
    const asked = { number: 3, title: 'hello-w1-t1', childId: null, run: null, question: 'which key?', at: 0 };
    const reason = 'hello-reviewer: 1 run\nno verdict\n\nquestion 3 of hello-w1-t1: which key?';
    expect(blockOutput({ reason, questions: [asked] })).toEqual(['no verdict']);
  });

  it('has neither control characters, nor long lines, nor events for programs', () => {
    const written = ['\x1b[31mred\x1b[0m\x07', '', '50 %\r100 %', '\tdeep', '{"type":"result"}', 'x'.repeat(500)];
    const [red, progress, deep, long = '', ...more] = waveOutput([task(1, written.join('\n'))]);
    expect([red, progress, deep, more]).toEqual(['red', '100 %', '  deep', []]);
    expect(long).toBe(`${'x'.repeat(199)}…`);
  });
});
