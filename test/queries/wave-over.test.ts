/** The texts about a wave with many failed tasks. */
import { expect, it } from 'vitest';
import { waveOverNeed, waveOverText } from '../../runtime/api/queries/wave-over.ts';

it('describes five failed tasks, and counts the others', () => {
  const failures = Array.from({ length: 8 }, (_, at) => ({
    number: at + 1,
    title: `part ${at + 1}`,
    attempts: 3,
    reason: 'exit-code' as const,
    detail: `it ended with 1\nboom ${at + 1}`,
  }));
  const { why, do: steps } = waveOverNeed('shop', 2, failures);
  expect(why).toMatch(/^wave 2 of shop failed: task 1 \(part 1: .*task 5 \(part 5: [^)]*\), and 3 more$/);
  expect(why).not.toContain('part 6');
  expect(steps).toHaveLength(5);
  const text = waveOverText('shop', 2, failures);
  expect(text).toContain('and 3 more: stator plan show shop');
  expect(text).not.toContain('part 6');
  expect(waveOverNeed('shop', 2, failures.slice(0, 5)).why).not.toContain('more');
});

it('names the tasks that were not begun, and no logs of theirs', () => {
  const failures = [
    { number: 2, title: 'two', attempts: 1, reason: 'exit-code' as const, detail: '' },
    { number: 3, title: 'three', attempts: 0, reason: null, detail: '' },
  ];
  const text = waveOverText('shop', 1, failures);
  expect(text).toMatch(/^wave 1 is over, and 2 of its tasks are not done\n/);
  expect(text).toContain('\ntask 3 (three): not begun\n');
  const { why, do: steps } = waveOverNeed('shop', 1, failures);
  expect(why).toMatch(/, task 3 \(three: not begun\)$/);
  expect(steps).not.toContain('stator agent logs shop-w1-t3');
});

it('shows the cause of a failed start, where git names it after a long command', () => {
  const detail = `\`git worktree add ${'/a/long/path'.repeat(20)}\` ended with exit code 128: fatal: the cause\nits hint`;
  const failure = { number: 1, title: 'one', attempts: 0, reason: 'start-failed' as const, detail };
  expect(waveOverNeed('shop', 1, [failure]).why).toMatch(
    /\(one: could not start: `git worktree add .* … .*fatal: the cause\)$/,
  );
});
