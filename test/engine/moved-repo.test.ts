/** A repository whose folder was moved or renamed: its plans, branches and worktrees go on in the new place. */
import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeRepo } from '../support/daemon.ts';
import {
  begin,
  gate,
  openGate,
  planText,
  say,
  startEngine,
  type TestEngine,
  untilFile,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectFailure } from '../support/prose.ts';

/** A plan whose second wave fails, until there is a gate; it leaves a worktree. */
async function halfDone(made: TestEngine): Promise<() => void> {
  const file = join(made.root, 'gate');
  const second = `cat a.txt; echo half > half.txt; [ -e ${file} ] && echo b > b.txt`;
  await begin(made, 'p', planText(['echo a > a.txt'], [second]));
  await untilPlan(made, 'p', ({ tasks_by_wave: waves }) =>
    waves.some(({ tasks }) => tasks.some(({ status }) => status === 'failed')),
  );
  return () => openGate(file);
}

/** The failed wave is run again to its end, in the worktree that was there. */
async function goesOn(made: TestEngine, path: string): Promise<void> {
  await say(made, 'p', 'retry_wave');
  await untilStatus(made, 'p', 'done');
  expect(git(path, 'show', 'plan/p:b.txt')).toBe('b');
  expect(made.log.filter((line) => /start-failed|names the old|is not a git/.test(line))).toEqual([]);
}

const entryOf = (repo: string) =>
  readFileSync(join(repo, '.git', 'worktrees', 'plan-p-w2-t1', 'gitdir'), 'utf8').trim();

describe('a repo that is taken out and added in its new place', () => {
  it('has its plans back, and a retry works', async () => {
    const made = await startEngine();
    const open = await halfDone(made);
    await made.client.removeRepo({ project: 'demo' });
    const path = join(made.root, 'elsewhere', 'demo');
    cpSync(made.repo, path, { recursive: true, verbatimSymlinks: true });
    rmSync(made.repo, { recursive: true });
    expect((await made.client.addRepo(path, { trust: true })).notes.join()).toContain('are back, and work here now');
    expect(entryOf(path)).toBe(join(path, '.worktrees', 'plan-p-w2-t1', '.git'));
    open();
    await goesOn(made, path);
  });

  it('leaves the old place as it is, and trusts no path that is written in a worktree', async () => {
    const made = await startEngine();
    const open = await halfDone(made);
    await made.client.removeRepo({ project: 'demo' });
    const path = join(made.root, 'copy', 'demo');
    cpSync(made.repo, path, { recursive: true, verbatimSymlinks: true });
    const [before, tip] = [entryOf(made.repo), git(made.repo, 'rev-parse', 'plan/p')];
    const link = join(path, '.worktrees', 'plan-p-w2-t1', '.git');
    writeFileSync(link, `gitdir: ${join(made.repo, '.git')}\n`);
    await made.client.addRepo(path, { trust: true });
    expect(entryOf(made.repo)).toBe(before);
    expect(readFileSync(link, 'utf8').trim()).toBe(`gitdir: ${join(path, '.git', 'worktrees', 'plan-p-w2-t1')}`);
    open();
    await goesOn(made, path);
    expect(git(made.repo, 'rev-parse', 'plan/p')).toBe(tip);
  });
});

describe('a repo whose folder was renamed', () => {
  it('goes on under its name, which its new folder means too, also after it was taken out', async () => {
    const made = await startEngine();
    const { client, repo, root } = made;
    const open = await halfDone(made);
    const path = join(root, 'renamed');
    renameSync(repo, path);
    await until(async () => (await client.repo({ project: 'demo' })).state === 'degraded');
    expect(await client.moveRepo({ project: 'demo', path })).toEqual({
      status: 'moved',
      project: 'demo',
      from: repo,
      to: path,
      active_plans: 1,
    });
    expect(await client.moveRepo({ project: 'demo', path })).toMatchObject({ status: 'there' });
    expect(await client.plan('renamed', 'p')).toMatchObject({ project: 'demo', status: 'implementing' });
    await until(async () => (await client.repo({ project: 'demo' })).state === 'active');
    open();
    await goesOn(made, path);
    expect((await client.history('renamed', 'p')).length).toBeGreaterThan(10);
    await client.removeRepo({ project: 'demo' });
    expect(await client.addRepo(path, { trust: true })).toMatchObject({ project: 'demo', path });
  });

  it('has its agents begun anew in the new place, where somebody says so, and no attempt is spent', async () => {
    const made = await startEngine();
    const { client, repo, root } = made;
    const [file, begun] = [join(root, 'gate'), join(root, 'begun')];
    await begin(made, 'p', planText([`echo x >> ${begun}; ${gate(file)}; echo a > a.txt`]));
    await untilFile(begun);
    const path = join(root, 'renamed');
    renameSync(repo, path);
    await expectFailure(client.moveRepo({ project: 'demo', path }), 'conflict', `stator repo move demo ${path} --stop`);
    expect(await client.moveRepo({ project: 'demo', path, stop: true })).toMatchObject({ status: 'moved' });
    await until(() => readFileSync(begun, 'utf8') === 'x\nx\n');
    openGate(file);
    await untilStatus(made, 'p', 'done');
    expect(git(path, 'show', 'plan/p:a.txt')).toBe('a');
  });

  it('is refused where the old place still has a repository, or the new one is another, or lacks a branch', async () => {
    const made = await startEngine();
    const { client, repo, root } = made;
    await halfDone(made);
    const [path, clone, other] = [join(root, 'away'), join(root, 'clone'), makeRepo(join(root, 'other'))];
    git(root, 'clone', '-q', repo, 'clone');
    await expectFailure(client.moveRepo({ project: 'demo', path: clone }), 'conflict', repo);
    renameSync(repo, path);
    await expectFailure(client.moveRepo({ project: 'demo', path: clone }), 'conflict', 'plan/p of plan p');
    await expectFailure(client.moveRepo({ project: 'demo', path: other }), 'conflict', other);
    await client.addRepo(other, { trust: true });
    await expectFailure(client.moveRepo({ project: 'demo', path: other }), 'conflict', 'as other');
    await expectFailure(client.moveRepo({ project: 'demo', path: join(root, 'nowhere') }), 'bad_repo');
    const which = 'host is required, and only one of host and path';
    await expectFailure(client.moveRepo({ project: 'demo' }), 'bad_request', which);
    await expectFailure(client.moveRepo({ project: 'demo', path, host: 'b' }), 'bad_request', which);
    const added = await client.addRepo(clone, { trust: true });
    expect(added.notes.join()).toContain(`stator repo move demo ${clone}`);
    expect((await client.repo({ project: 'demo' })).path).toBe(repo);
  });
});
