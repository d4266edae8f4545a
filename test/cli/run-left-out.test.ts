/** A plan that is done without some of its tasks says so, and its exit code is no success. */
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';

it('in the last line, in JSON, in the exit code and where it is merged; a person says yes to it', async () => {
  const made = working();
  made.write('p.md', planOf(['true', 'true', 'exit 3']));
  expect((await made.stator(['run', 'p.md', '--trust'])).code).toBe(1);
  expect((await made.stator(['plan', 'advance', 'p', 'advance-wave', '--yes'])).code).toBe(0);
  const run = await made.stator(['run', 'p.md']);
  expect(run.code).toBe(1);
  expect(run.stdout.trimEnd().split('\n').at(-1)).toBe('without 1 of 3 tasks: w1 t3 piece 1.3 (failed)');
  const accepted = await made.stator(['run', 'p.md', '--yes', '--json']);
  expect(accepted.code).toBe(0);
  expect(JSON.parse(accepted.stdout.trimEnd().split('\n').at(-1) ?? '').left_out).toEqual([
    { wave: 1, number: 3, title: 'piece 1.3', status: 'failed' },
  ]);
  const merged = await made.stator(['plan', 'merge', 'p', '--yes']);
  expect(merged.stdout).toContain('without 1 of 3 tasks: w1 t3 piece 1.3 (failed)');
});
