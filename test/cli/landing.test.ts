/** The line of a branch as a person types it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, terminal } from '../support/cli.ts';
import { daemonGround, shAgents } from '../support/daemon.ts';
import { begin, startEngine, untilStatus } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

it('holds done plans in an order that a person changes, and lands none of them while it is paused', async () => {
  const made = terminal();
  const { repo, stator } = made;
  const engine = await startEngine({ on: made });
  git(repo, 'branch', 'release');
  expect(await stator(['landing', 'list'])).toMatchObject({
    code: 0,
    stderr: 'no plan has waited in line; put a done one there with: stator plan land <plan>\n',
  });

  for (const plan of ['a', 'b', 'c', 'd']) await begin(engine, plan, planOf([`echo ${plan} > ${plan}.txt`]));
  for (const plan of ['a', 'b', 'c', 'd']) await untilStatus(engine, plan, 'done');
  expect(await stator(['plan', 'land', 'c', '--into', 'release'])).toMatchObject({ code: 0 });
  expect(git(repo, 'ls-tree', '--name-only', 'release')).toContain('c.txt');

  for (const none of ['main~1', 'HEAD', '-q', ' ', 'main@{0}', 'ma in'])
    expect(await engine.client.pauseLanding({ project: 'demo', branch: none }).catch((thrown) => thrown.code)).toBe(
      'not_found',
    );
  const unknown = await stator(['landing', 'pause', 'mian']);
  expect([unknown.code, unknown.stderr]).toEqual([
    1,
    `error: mian is no branch of demo\nhint: its branches: git -C ${repo} branch\n`,
  ]);
  const nowhere = await stator(['plan', 'land', 'd', '--into', 'relaese']);
  expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining(`relaese is no branch of ${repo}`)]);
  expect((await stator(['landing', 'list'])).stdout).not.toContain('relaese');
  expect((await stator(['plan', 'land', 'd'])).stdout).toMatch(/^d is merged: plan\/d is in main, /);
  expect(await stator(['landing', 'pause', 'main'])).toMatchObject({
    code: 0,
    stdout: 'nothing lands on main until: stator landing resume main\n',
  });
  for (const plan of ['a', 'b']) expect((await stator(['plan', 'land', plan, '--no-wait'])).code).toBe(0);
  await until(async () => (await stator(['landing', 'list'])).stdout.includes('a, b'));
  const elsewhere = await stator(['plan', 'land', 'a', '--into', 'release']);
  expect([elsewhere.code, elsewhere.stderr]).toEqual([
    1,
    expect.stringContaining('it waits in line for another branch; take it out first: stator landing remove a'),
  ]);
  expect((await stator(['landing', 'first', 'b'])).stdout).toBe('in line for main: b, a\n');
  expect((await stator(['landing', 'show', 'main'])).stdout).toMatch(/^state +paused\n1 +b, since .*\n2 +a, since /m);
  expect((await stator(['landing', 'remove', 'a'])).stdout).toBe('in line for main: b\n');
  const left = await stator(['landing', 'first', 'a']);
  expect([left.code, left.stderr]).toEqual([
    1,
    'error: a does not wait in line\nhint: put it there with: stator plan land a; those that do: stator landing list\n',
  ]);
  expect((await stator(['landing', 'resume', 'main'])).stdout).toBe('plans land on main again\n');
  await until(() => git(repo, 'ls-tree', '--name-only', 'main').includes('b.txt'));
  expect((await stator(['plan', 'land', 'b'])).stdout).toMatch(/^b is merged(?: already)?: plan\/b is in main, /);
  expect(git(repo, 'ls-tree', '--name-only', 'main')).not.toContain('a.txt');
});

it('pauses a branch before a plan has waited in its line, and keeps the pause while the repo is removed', async () => {
  const made = terminal();
  const { repo, stator } = made;
  const engine = await startEngine({ on: made });
  const { client } = engine;
  expect((await stator(['landing', 'pause'])).stderr).toContain('no plan of demo has waited in line');
  expect((await stator(['landing', 'pause', 'main'])).stdout).toBe(
    'nothing lands on main until: stator landing resume main\n',
  );
  await begin(engine, 'a', planOf(['echo a > a.txt']));
  await untilStatus(engine, 'a', 'done');
  expect((await stator(['plan', 'land', 'a', '--no-wait'])).code).toBe(0);
  const inLine = [{ branch: 'main', paused: true, line: [{ plan: 'a' }] }];
  await until(async () => (await client.landing({ project: 'demo' })).line.length === 1);
  await client.removeRepo({ project: 'demo' });
  expect(await client.landings()).toEqual([]);
  await client.addRepo(repo, { trust: true });
  expect(await client.landings()).toMatchObject(inLine);
  expect((await stator(['landing', 'resume'])).stdout).toBe('plans land on main again\n');
  await until(() => git(repo, 'ls-tree', '--name-only', 'main').includes('a.txt'));
});

it('without an engine the command itself checks and lands a plan, and says at once what prevents it', async () => {
  const made = daemonGround(`${shAgents}[agents.reviewer]\nenabled = false\n`);
  const { repo, stator, root } = made;
  mkdirSync(join(repo, '.stator'));
  writeFileSync(join(repo, '.stator', 'config.toml'), '[landing]\ncheck = "test -e p.txt"\n');
  const document = join(root, 'p.md');
  writeFileSync(document, planOf(['echo p > p.txt']));
  expect(await stator(['run', document, '--trust'])).toMatchObject({ code: 0 });
  expect(await stator(['landing', 'pause', 'main'])).toMatchObject({ code: 0 });
  const kept = await stator(['plan', 'land', 'p']);
  expect([kept.code, kept.stderr]).toEqual([
    1,
    expect.stringMatching(/^pending: p is not merged yet: it waits in line for main and .*paused/m),
  ]);
  expect(await stator(['landing', 'resume', 'main'])).toMatchObject({ code: 0 });
  const landed = await stator(['plan', 'land', 'p']);
  expect(landed).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^p is merged: plan\/p is in main, /) as string,
  });
  expect(git(repo, 'ls-tree', '--name-only', 'main')).toContain('p.txt');
});
