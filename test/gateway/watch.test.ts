/** The folders of a repo are watched as long as its engine looks after it: whatever comes and goes in them, and no longer. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startEngine } from '../support/engine.ts';
import { drop, signalsOf, untilGone, untilRefused, withPlan } from '../support/gateway.ts';
import { git, until } from '../support/house.ts';

function watches(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length;
}

it('a repo that is added is watched, and one that is removed, or whose engine stops, no more', async () => {
  const house = await startEngine({ adds: false });
  expect(watches()).toBe(0);
  await house.client.addRepo(house.repo, { trust: true });
  await until(() => watches() > 0);
  await house.client.pauseRepo('demo');
  drop(signalsOf(house.repo), 'notes');
  await untilRefused(signalsOf(house.repo), 'notes');
  expect(watches()).toBeGreaterThan(0);
  await house.client.removeRepo('demo');
  await until(() => watches() === 0);
  await house.client.addRepo(house.repo, { trust: true });
  await until(() => watches() > 0);
  await house.engine.stop();
  await until(() => watches() === 0);
});

it('files are taken from a folder that was put in the place of another, and from one that was made after it was taken away', async () => {
  const house = await withPlan();
  const folder = signalsOf(house.repo);
  await until(() => watches() > 0);
  drop(folder, 'first');
  await untilRefused(folder, 'first');
  renameSync(folder, join(house.root, 'aside'));
  drop(signalsOf(house.repo), 'second');
  await untilRefused(folder, 'second');
  rmSync(join(house.repo, '.stator'), { recursive: true });
  drop(signalsOf(house.repo), 'third');
  await untilRefused(folder, 'third');
});

it('more files than a watch tells of are taken all the same, and later ones too', async () => {
  const house = await withPlan();
  const folder = signalsOf(house.repo);
  await until(() => watches() > 0);
  for (let file = 0; file < 1_500; file += 1) writeFileSync(join(folder, `implement-finished-nobody-${file}`), '');
  await untilGone(folder);
  drop(folder, 'later');
  await untilRefused(folder, 'later');
  expect(house.log.filter((line) => line.includes('are looked at every second')).length).toBeLessThanOrEqual(1);
});

it('a configuration file that is broken is noticed, and one that is mended', async () => {
  const house = await withPlan();
  mkdirSync(join(house.repo, '.stator'), { recursive: true });
  const state = async () => (await house.client.repo('demo')).state;
  writeFileSync(join(house.repo, '.stator', 'config.toml'), 'isolation = 3\n');
  await until(async () => (await state()) === 'degraded');
  writeFileSync(join(house.repo, '.stator', 'config.toml'), '');
  await until(async () => (await state()) === 'active');
});

it('a worktree is watched as soon as it is there', async () => {
  const house = await withPlan();
  await until(() => watches() > 0);
  const before = watches();
  git(house.repo, 'worktree', 'add', '-q', join(house.repo, '.worktrees', 'elsewhere'));
  await until(() => watches() > before);
  const folder = signalsOf(join(house.repo, '.worktrees', 'elsewhere'));
  drop(folder, 'notes');
  await untilRefused(folder, 'notes');
});
