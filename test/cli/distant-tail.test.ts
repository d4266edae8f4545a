import { expect, it } from 'vitest';
import { createDistantTail, newPart } from '../../cli/instance/follow.ts';

const line = (n: number) => `line ${n} of a log\n`;
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => line(from + at)).join('');

it.each([
  ['', '', ''],
  ['', 'a\n', 'a\n'],
  ['tick\n', 'tick\ntick\n', 'tick\n'],
  ['a\nb\n', 'a\nb\n', ''],
  [lines(0, 3_000), lines(1_000, 3_010), lines(3_000, 3_010)],
  [lines(0, 3_000), lines(1_000, 3_010).slice(4), lines(3_000, 3_010)],
  [lines(0, 100), lines(500, 600), lines(500, 600)],
])('what is new is found in an end of the log that overlaps the one before (%#)', (before, end, fresh) => {
  expect(newPart(before, end)).toBe(fresh);
});

it('gives whole lines as they come, and the rest at the end', async () => {
  let text = 'one\ntw';
  const client = { runLogs: async () => [{ attempt: 2, text }] } as never; // nothing else of it is read
  const tail = createDistantTail('demo', 'p-w1-t1', 2);
  const read = async (rest: boolean) => tail.read(client, { rest });
  expect(await read(false)).toBe('one\n');
  text = 'one\ntwo\nthr';
  expect(await read(false)).toBe('two\n');
  expect(await read(false)).toBe('');
  expect(await read(true)).toBe('thr');
  expect(await read(true)).toBe('');
});
