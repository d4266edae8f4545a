/** The folders of a repo are watched as long as its engine works there, whatever appears or disappears in them. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startEngine } from '../support/engine.ts';
import { drop, signalsOf, untilGone, untilRefused, withPlan } from '../support/gateway.ts';
import { git, until } from '../support/ground.ts';

function watches(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length;
}

it('a repo that is added is watched, and one that is removed, or whose engine stops, no more', async () => {
  const engine = await startEngine({ adds: false });
  // daemon.toml is one watched file.
  await until(() => watches() === 1);
  await engine.client.addRepo(engine.repo, { trust: true });
  await until(() => watches() > 1);
  await engine.client.pauseRepo({ project: 'demo' });
  drop(signalsOf(engine.repo), 'notes');
  await untilRefused(signalsOf(engine.repo), 'notes');
  expect(watches()).toBeGreaterThan(1);
  await engine.client.removeRepo({ project: 'demo' });
  await until(() => watches() === 1);
  await engine.client.addRepo(engine.repo, { trust: true });
  await until(() => watches() > 1);
  await engine.engine.stop();
  await until(() => watches() === 0);
});

it('files are taken from a folder that was put in the place of another, and from one that was made after it was taken away', async () => {
  const engine = await withPlan();
  const folder = signalsOf(engine.repo);
  await until(() => watches() > 0);
  drop(folder, 'first');
  await untilRefused(folder, 'first');
  renameSync(folder, join(engine.root, 'aside'));
  drop(signalsOf(engine.repo), 'second');
  await untilRefused(folder, 'second');
  rmSync(join(engine.repo, '.stator'), { recursive: true });
  drop(signalsOf(engine.repo), 'third');
  await untilRefused(folder, 'third');
});

it('more files than a watch tells of are taken all the same, and later ones too', async () => {
  const engine = await withPlan();
  const folder = signalsOf(engine.repo);
  await until(() => watches() > 0);
  for (let file = 0; file < 1_500; file += 1) writeFileSync(join(folder, `implement-finished-nobody-${file}`), '');
  await untilGone(folder);
  drop(folder, 'later');
  await untilRefused(folder, 'later');
  expect(engine.log.filter((line) => line.includes('are looked at every second')).length).toBeLessThanOrEqual(1);
});

it('a configuration file that is broken is noticed, and one that is mended', async () => {
  const engine = await withPlan();
  mkdirSync(join(engine.repo, '.stator'), { recursive: true });
  const state = async () => (await engine.client.repo({ project: 'demo' })).state;
  writeFileSync(join(engine.repo, '.stator', 'config.toml'), 'isolation = 3\n');
  await until(async () => (await state()) === 'degraded');
  writeFileSync(join(engine.repo, '.stator', 'config.toml'), '');
  await until(async () => (await state()) === 'active');
});

it('a worktree is watched as soon as it is there', async () => {
  const engine = await withPlan();
  await until(() => watches() > 0);
  const before = watches();
  git(engine.repo, 'worktree', 'add', '-q', join(engine.repo, '.worktrees', 'elsewhere'));
  await until(() => watches() > before);
  const folder = signalsOf(join(engine.repo, '.worktrees', 'elsewhere'));
  drop(folder, 'notes');
  await untilRefused(folder, 'notes');
});
