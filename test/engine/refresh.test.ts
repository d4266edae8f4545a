/** A plan that is under way for longer than `[landing] refresh` is brought up to date with its base between two waves, and what is made of it is checked. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createGrounds } from '../support/crash.ts';
import { expectJournalToReplay } from '../support/crash-proof.ts';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  register,
  say,
  startEngine,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { type Ground, git, until } from '../support/ground.ts';

const grounds = createGrounds();
afterEach(() => grounds.clear());

/** After each wave it is time. */
function configured<G extends Pick<Ground, 'repo'>>(on: G, { refresh = '1ms', check = '' } = {}): G {
  mkdirSync(join(on.repo, '.stator'), { recursive: true });
  const lines = ['[landing]', `refresh = ${JSON.stringify(refresh)}`, `check = ${JSON.stringify(check)}`];
  writeFileSync(join(on.repo, '.stator', 'config.toml'), `${lines.join('\n')}\n`);
  writeFileSync(join(on.repo, '.gitignore'), '.stator/\n.worktrees/\n');
  git(on.repo, 'add', '.');
  git(on.repo, 'commit', '-qm', 'configured');
  return on;
}

function commitToMain({ repo }: Pick<Ground, 'repo'>, file: string, text: string): string {
  writeFileSync(join(repo, file), text);
  git(repo, 'add', file);
  git(repo, 'commit', '-qm', `main writes ${file}`);
  return git(repo, 'rev-parse', 'main');
}

it('the next wave sees what came to the base meanwhile, the merge was checked, and the diff has only the plan’s own work', async () => {
  const on = ground();
  const passed = join(on.root, 'passed');
  configured(on, { check: `test -e new.txt && git rev-parse HEAD >> ${passed}` });
  const engine = await startEngine({ on });
  const go = join(on.root, 'go');
  await begin(engine, 'p', planText([`${gate(go)}\necho one > one.txt`], ['cat one.txt new.txt > two.txt']));
  await until(async () => (await engine.client.plan('demo', 'p')).runs > 0);
  const main = commitToMain(on, 'new.txt', 'news\n');
  openGate(go);
  await untilStatus(engine, 'p', 'done');
  expect(git(on.repo, 'show', 'plan/p:two.txt')).toBe('one\nnews');
  const merge = git(on.repo, 'rev-list', '--merges', '--first-parent', '--grep=up to date', 'plan/p');
  expect(readFileSync(passed, 'utf8').trim()).toBe(merge);
  expect(git(on.repo, 'rev-parse', `${merge}^2`)).toBe(main);
  const { from, files } = await engine.client.planDiff('demo', 'p');
  expect([from, files.map(({ path }) => path)]).toEqual([main, ['one.txt', 'two.txt']]);
  expect(git(on.repo, 'for-each-ref', 'refs/stator/refresh')).toBe('');
});

it('with base_fetch the next wave sees what was pushed to the base meanwhile', async () => {
  const on = configured(ground());
  const bare = join(on.root, 'bare.git');
  git(on.root, 'clone', '-q', '--bare', on.repo, bare);
  git(on.repo, 'remote', 'add', 'origin', bare);
  const engine = await startEngine({ on });
  const go = join(on.root, 'go');
  await begin(engine, 'p', planText([`${gate(go)}\necho one > one.txt`], ['ls > two.txt']));
  await until(async () => (await engine.client.plan('demo', 'p')).runs > 0);
  const before = git(on.repo, 'rev-parse', 'main');
  const pushed = commitToMain(on, 'new.txt', 'news\n');
  git(on.repo, 'push', '-q', 'origin', 'main');
  // Somebody else pushed it: here it was never fetched.
  git(on.repo, 'reset', '-q', '--hard', before);
  git(on.repo, 'update-ref', '-d', 'refs/remotes/origin/main');
  const config = join(on.repo, '.stator', 'config.toml');
  writeFileSync(config, `base_fetch = true\n${readFileSync(config, 'utf8')}`);
  await until(async () => {
    const shown = await engine.client.repo({ project: 'demo' });
    return shown.config.some(({ key, value }) => key === 'base_fetch' && value === true);
  });
  openGate(go);
  await untilStatus(engine, 'p', 'done');
  expect(git(on.repo, 'show', 'plan/p:two.txt')).toContain('new.txt');
  expect(git(on.repo, 'rev-list', 'plan/p').split('\n')).toContain(pushed);
});

it('a plan that is under way for less than the refresh time continues from the base that it has', async () => {
  const on = configured(ground(), { refresh: '1d' });
  const engine = await startEngine({ on });
  const go = join(on.root, 'go');
  await begin(engine, 'p', planText([`${gate(go)}\necho one > one.txt`], ['ls > two.txt']));
  await until(async () => (await engine.client.plan('demo', 'p')).runs > 0);
  commitToMain(on, 'new.txt', 'news\n');
  openGate(go);
  await untilStatus(engine, 'p', 'done');
  expect(git(on.repo, 'show', 'plan/p:two.txt')).not.toContain('new.txt');
});

it('a conflict with the base goes to a fixer, its merge is checked too, and the next wave goes on', async () => {
  const on = ground();
  const passed = join(on.root, 'passed');
  configured(on, { check: `git rev-parse HEAD >> ${passed}` });
  const fix =
    'git merge -q main || { cat "$STATOR_PROMPT_FILE" > told.md; echo both > same.txt; git add -A; git commit -qm both; }';
  const fixer = { preset: 'command' as const, program: '/bin/sh', flags: ['-c', fix] };
  const engine = await startEngine({ on, agents: { default: { preset: 'sh', attempts: 1 }, fixer } });
  const go = join(on.root, 'go');
  await begin(engine, 'p', planText([`${gate(go)}\necho plan > same.txt`], ['cat same.txt > two.txt']));
  await until(async () => (await engine.client.plan('demo', 'p')).runs > 0);
  commitToMain(on, 'same.txt', 'main\n');
  openGate(go);
  await untilStatus(engine, 'p', 'done');
  expect(git(on.repo, 'show', 'plan/p:two.txt')).toBe('both');
  const told = git(on.repo, 'show', 'plan/p:told.md');
  expect(told).toContain('conflict in same.txt');
  expect(told).toContain('main writes same.txt');
  const fixed = git(on.repo, 'rev-list', '--grep=^both$', 'plan/p');
  expect(readFileSync(passed, 'utf8').trim().split('\n')).toContain(fixed);
});

it('without a fixer a person is asked, and may let it go on from the base that it has', async () => {
  const on = configured(ground(), { check: 'test ! -e broken.txt' });
  const engine = await startEngine({ on, daemon: `auto_review_fix = false\n${waves}` });
  const go = join(on.root, 'go');
  await begin(engine, 'p', planText([`${gate(go)}\necho one > one.txt`], ['ls > two.txt']));
  await until(async () => (await engine.client.plan('demo', 'p')).runs > 0);
  commitToMain(on, 'broken.txt', 'x\n');
  openGate(go);
  const blocked = async () => (await engine.client.plan('demo', 'p')).blocked;
  await until(
    async () => (await blocked()) !== null,
    async () => JSON.stringify(await engine.client.plan('demo', 'p')).slice(0, 3000),
  );
  expect(await blocked()).toMatchObject({ source: 'conflict', reason: expect.stringContaining('fails its check') });
  await say(engine, 'p', 'resolve', { accept: true });
  await untilStatus(engine, 'p', 'done');
  expect(git(on.repo, 'show', 'plan/p:two.txt')).toBe('README.md\none.txt\ntwo.txt');
});

it('killed at each point of it: the branch has the base once, checked, and the plan is done', async () => {
  const made = grounds.make();
  const passed = join(made.root, 'passed');
  configured(made, { check: `git rev-parse HEAD >> ${passed}; test -e new.txt` });
  const first = await startEngine({ on: made });
  const news = `[ -e new.txt ] || { echo news > new.txt && git add new.txt && git commit -qm news; }`;
  const wave = `(unset GIT_DIR GIT_WORK_TREE; cd '${made.repo}' && ${news})\necho one > one.txt`;
  await register(first, made.plan, planText([wave], ['cat one.txt new.txt > two.txt']));
  await first.engine.stop();
  for (const point of [
    'branch-refresh.after-merge',
    'branch-refresh.after-check',
    'branch-refresh.after-move',
  ] as const) {
    const { how, said } = await made.live({ fault: { point, nth: 1 } }).ended;
    expect(how, `${point}\n${said}`).toBe('killed');
  }
  const { how, said } = await made.carry();
  expect(how, said).toBe('done');
  const branch = `plan/${made.plan}`;
  const merge = git(made.repo, 'rev-list', '--merges', '--first-parent', '--grep=up to date', branch);
  expect(merge).toMatch(/^\w+$/);
  expect(readFileSync(passed, 'utf8')).toContain(merge);
  expect(git(made.repo, 'show', `${branch}:two.txt`)).toBe('one\nnews');
  await expectJournalToReplay(made.home);
});
