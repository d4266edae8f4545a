/** `stator repo move` to a path: what is typed after the folder of a repo was renamed. */
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { startDaemonHere } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

it('says where it goes on, in a folder of another name too, and verbs in that folder mean it', async () => {
  const { stator, write, repo, root } = working();
  write('p.md', planOf(['true']));
  await stator(['plan', 'register', 'p.md', '--trust']);
  const cwd = join(root, 'renamed');
  renameSync(repo, cwd);
  const moved = await stator(['repo', 'move', 'demo', '.'], { cwd });
  expect(moved.code).toBe(0);
  expectProse(moved.stdout, `demo goes on in ${cwd}`);
  expect((await stator(['repo', 'move', 'demo', '../renamed'], { cwd })).stdout).toContain(`in ${cwd} already`);
  expect(JSON.parse((await stator(['plan', 'list', '--json'], { cwd })).stdout)).toMatchObject([
    { project: 'demo', plan: 'p' },
  ]);
  expect((await stator(['plan', 'show', 'p'], { cwd })).stdout).toContain('demo/p');
  expect((await stator(['run', 'p.md', '--yes'], { cwd })).code).toBe(0);
});

it('is usable where it goes on, though an engine saw that its old folder was gone', async () => {
  const made = working();
  const { stator, repo, root } = made;
  await stator(['repo', 'add', '.', '--trust']);
  const { engine } = await startDaemonHere(made);
  const cwd = join(root, 'renamed');
  renameSync(repo, cwd);
  const state = async () => JSON.parse((await stator(['repo', 'list', '--json'], { cwd: root })).stdout)[0].state;
  await until(async () => (await state()) === 'degraded');
  await engine.stop();
  expect(await state()).toBe('degraded');
  expect((await stator(['repo', 'move', 'demo', cwd], { cwd })).code).toBe(0);
  expect(await state()).toBe('active');
  expect((await stator(['status'], { cwd })).stdout).toContain('nothing needs you');
});

it('is named to who runs a plan in the renamed folder as if it were a new repo', async () => {
  const { stator, write, repo, root } = working();
  write('p.md', planOf(['true']));
  await stator(['plan', 'register', 'p.md', '--trust']);
  const cwd = join(root, 'renamed');
  renameSync(repo, cwd);
  const run = await stator(['run', 'p.md'], { cwd });
  expect(run.code).toBe(1);
  expect(run.stderr).toContain(`stator repo move demo ${cwd}`);
});

it('takes a word without a slash for a host, and says how a folder of that name is written', async () => {
  const { stator, repo, root } = working();
  await stator(['repo', 'add', '.', '--trust']);
  renameSync(repo, join(root, 'renamed'));
  mkdirSync(repo);
  const refused = await stator(['repo', 'move', 'demo', 'renamed'], { cwd: root });
  expect(refused.code).toBe(1);
  expectRefusal(refused.stderr, 'stator repo move demo ./renamed');
  expect((await stator(['repo', 'move', 'demo', './renamed'], { cwd: root })).code).toBe(0);
});

it('is named with the old name and its plans by plan list and plan show in the renamed folder', async () => {
  const { stator, write, repo, root } = working();
  write('p.md', planOf(['true']));
  await stator(['plan', 'register', 'p.md', '--trust']);
  const cwd = join(root, 'renamed');
  renameSync(repo, cwd);
  const move = `stator repo move demo ${cwd}`;
  const listed = await stator(['plan', 'list'], { cwd });
  expect(`${listed.stdout}${listed.stderr}`).toContain(`this folder was demo, at ${repo}, with 1 plan: p`);
  expect(`${listed.stdout}${listed.stderr}`).toContain(move);
  expect(JSON.parse((await stator(['plan', 'list', '--json'], { cwd })).stdout)).toEqual([]);
  for (const verb of ['show', 'pause']) expect((await stator(['plan', verb, 'p'], { cwd })).stderr).toContain(move);
  // Another folder is none of it.
  const other = join(root, 'other');
  mkdirSync(other);
  git(other, 'init', '-q');
  const elsewhere = await stator(['plan', 'list'], { cwd: other });
  expect(`${elsewhere.stdout}${elsewhere.stderr}`).not.toContain('repo move');
});
