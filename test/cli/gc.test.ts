/** `stator gc` as it is typed: what it only lists, what it asks about, and what it deletes. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { CleaningReport } from '../../runtime/api/client/client.ts';
import { begin, planText, say, startEngine, untilPlan } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { callHere } from '../support/in-process.ts';

it('--dry-run and a pipe without --yes delete nothing; --yes deletes exactly what was listed', async () => {
  const on = await startEngine();
  const stator = (...args: string[]) => callHere({ args, cwd: on.repo, env: on.env, input: '' });
  await begin(on, 'p', planText(['exit 1']));
  await untilPlan(on, 'p', ({ phase }) => phase === 'wave_waiting');
  await say(on, 'p', 'advance_wave');
  await untilPlan(on, 'p', ({ status }) => status === 'done');
  // The last process of the run may still be ending.
  const inUse = async () =>
    (await on.client.gc({ dry: true, older_than_ms: 0 })).items.some(({ state }) => state === 'kept');
  await until(async () => !(await inUse()));
  const leftovers = () => [
    readdirSync(join(on.home, 'runs')),
    git(on.repo, 'worktree', 'list'),
    git(on.repo, 'branch'),
  ];
  const before = leftovers();
  const goes = ({ items }: CleaningReport) => items.filter(({ state }) => state !== 'kept').map(({ name }) => name);

  const listed = await stator('gc', '--dry-run', '--older-than', '0s', '--json');
  expect(listed.code).toBe(0);
  const preview: CleaningReport = JSON.parse(listed.stdout);
  expect(preview.dry).toBe(true);
  expect(goes(preview).length).toBeGreaterThan(0);
  expect(leftovers()).toEqual(before);

  const unasked = await stator('gc', '--older-than', '0s');
  expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining('nobody can be asked here')]);
  expect(leftovers()).toEqual(before);

  const young = await stator('gc', '--yes', '--json');
  expect(goes(JSON.parse(young.stdout))).toEqual([]);
  expect(leftovers()).toEqual(before);

  const gone: CleaningReport = JSON.parse((await stator('gc', '--older-than', '0s', '--yes', '--json')).stdout);
  expect([gone.dry, goes(gone)]).toEqual([false, goes(preview)]);
  expect(readdirSync(join(on.home, 'runs'))).toEqual([]);
});
