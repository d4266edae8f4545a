import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  afterwards,
  begin,
  gate,
  ground,
  openGate,
  planText,
  register,
  runFile,
  runFolders,
  say,
  script,
  startEngine,
  untilFile,
  untilPhase,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectFailure, expectProse } from '../support/prose.ts';

/** Git sees no configuration but the repository's own, until the test is over. */
function withoutGitConfig(): void {
  const names = [
    'GIT_CONFIG_GLOBAL',
    'GIT_CONFIG_NOSYSTEM',
    'GIT_AUTHOR_NAME',
    'GIT_AUTHOR_EMAIL',
    'GIT_COMMITTER_NAME',
    'GIT_COMMITTER_EMAIL',
    'EMAIL',
  ];
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) delete process.env[name];
  process.env.GIT_CONFIG_GLOBAL = '/dev/null';
  process.env.GIT_CONFIG_NOSYSTEM = '1';
  afterwards(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
}

function refs(repo: string, under: string): string[] {
  return git(repo, 'for-each-ref', '--format=%(refname)', under)
    .split('\n')
    .filter((ref) => ref !== '');
}

describe('the user’s repository', () => {
  it('may have its HEAD detached, hooks that fail and signing that cannot work', async () => {
    const on = ground();
    const { repo } = on;
    git(repo, 'config', 'commit.gpgsign', 'true');
    git(repo, 'config', 'gpg.program', '/nowhere/gpg');
    for (const hook of ['pre-commit', 'commit-msg', 'post-checkout', 'post-merge', 'reference-transaction'])
      script(join(repo, '.git', 'hooks', hook), 'exit 1');
    const head = git(repo, 'rev-parse', 'HEAD');
    writeFileSync(join(repo, '.git', 'HEAD'), `${head}\n`);
    const engine = await startEngine({ on });
    await begin(engine, 'hostile', planText(['echo a > a.txt', 'echo b > b.txt'], ['cat a.txt b.txt > c.txt']));
    await untilStatus(engine, 'hostile', 'done');
    expect(git(repo, 'show', 'plan/hostile:c.txt')).toBe('a\nb');
    expect(git(repo, 'merge-base', 'main', 'plan/hostile')).toBe(head);
    expect(readFileSync(join(repo, '.git', 'HEAD'), 'utf8')).toBe(`${head}\n`);
    expect(git(repo, 'status', '--porcelain')).toBe('');
    // The worktrees of merged tasks go, and their branches.
    await until(() => refs(repo, 'refs/heads').join(' ') === 'refs/heads/main refs/heads/plan/hostile');
    expect(git(repo, 'worktree', 'list').split('\n')).toHaveLength(1);
  });

  it('with no identity is refused before anything begins, and the answer says how to set one', async () => {
    const on = ground();
    const { repo } = on;
    withoutGitConfig();
    git(repo, 'config', '--unset', 'user.name');
    git(repo, 'config', '--unset', 'user.email');
    const engine = await startEngine({ on });
    const { client } = engine;
    await register(engine, 'nobody', planText(['echo a > a.txt']));
    for (const type of ['implement_start', 'plan_start', 'implement_wave']) {
      const payload = type === 'implement_wave' ? { wave_number: 1 } : {};
      const sent = client.send({ project: 'demo', plan: 'nobody', type, payload });
      await expectFailure(sent, 'bad_config', 'git config --global user.name');
    }
    expect((await client.plan('demo', 'nobody')).status).toBe('ready');
    expect(await client.instances({})).toEqual([]);
    git(repo, 'config', 'user.name', 'Grace');
    git(repo, 'config', 'user.email', 'grace@example.com');
    await say(engine, 'nobody', 'implement_start');
    await untilStatus(engine, 'nobody', 'done');
    expect(git(repo, 'log', '-1', '--format=%an <%ae>', 'plan/nobody')).toBe('Grace <grace@example.com>');
  });

  it('keeps a branch, a worktree folder and commits that are not ours, and says what is in the way', async () => {
    const engine = await startEngine();
    const { repo, client } = engine;
    await register(engine, 'theirs', planText(['echo a > a.txt']));
    git(repo, 'branch', 'plan/theirs');
    mkdirSync(join(repo, '.worktrees', 'plan-folder-w1-t1'), { recursive: true });
    writeFileSync(join(repo, '.worktrees', 'plan-folder-w1-t1', 'precious.txt'), 'mine\n');
    const sent = client.send({ project: 'demo', plan: 'theirs', type: 'implement_start' });
    await expectFailure(sent, 'branch_taken', 'plan/theirs');
    expect((await client.plan('demo', 'theirs')).status).toBe('ready');
    await begin(engine, 'folder', planText(['echo a > a.txt']));
    await untilPhase(engine, 'folder', 'wave_waiting');
    const folder = await client.capture({ project: 'demo', title: 'folder-w1-t1' });
    expectProse(folder, `mv ${join(repo, '.worktrees', 'plan-folder-w1-t1')}`);
    expect(readFileSync(join(repo, '.worktrees', 'plan-folder-w1-t1', 'precious.txt'), 'utf8')).toBe('mine\n');
    expect(git(repo, 'rev-parse', 'plan/theirs')).toBe(git(repo, 'rev-parse', 'main'));
    git(repo, 'branch', '-m', 'plan/theirs', 'plan/theirs-old');
    await say(engine, 'theirs', 'implement_start');
    await untilStatus(engine, 'theirs', 'done');
  });
});

describe('the work of a careless agent', () => {
  it('counts where it left its branch, lost its .git, or committed by itself', async () => {
    const engine = await startEngine({ daemon: 'max_agents = 4\n' });
    const { repo } = engine;
    const commits = 'git add . && git -c core.hooksPath=/dev/null commit -q -m own';
    await begin(
      engine,
      'care',
      planText([
        'rm .git; echo a > a.txt',
        `git checkout -q -b mine; echo b > b.txt; ${commits}`,
        'git checkout -q --detach; echo c > c.txt',
      ]),
    );
    await untilStatus(engine, 'care', 'done');
    expect(git(repo, 'ls-tree', '-r', '--name-only', 'plan/care').split('\n')).toEqual([
      'README.md',
      'a.txt',
      'b.txt',
      'c.txt',
    ]);
    await until(() => git(repo, 'worktree', 'list').split('\n').length === 1);
    expect(git(repo, 'status', '--porcelain')).toBe('');
  });
});

describe('the branch of a plan', () => {
  it('is kept by cancel and taken up by reopen; a new start archives the old branch', async () => {
    const engine = await startEngine();
    const { repo, root, client } = engine;
    const [begun, go] = [join(root, 'begun'), join(root, 'go')];
    await begin(engine, 'life', planText(['echo a > a.txt'], [`echo x > '${begun}'; ${gate(go)}; echo b > b.txt`]));
    await untilFile(begun);
    const first = git(repo, 'rev-parse', 'plan/life');
    await say(engine, 'life', 'cancel');
    // It waits until what ran has gone.
    await client.send({ project: 'demo', plan: 'life', type: 'reopen' });
    const reopened = await untilPhase(engine, 'life', 'planned');
    expect(reopened).toMatchObject({ status: 'ready', tasks_done: 1 });
    expect(git(repo, 'rev-parse', 'plan/life')).toBe(first);
    openGate(go);
    await say(engine, 'life', 'implement_start');
    await untilStatus(engine, 'life', 'done');
    const done = git(repo, 'rev-parse', 'plan/life');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/life').split('\n')).toEqual(['README.md', 'a.txt', 'b.txt']);

    await say(engine, 'life', 'reimplement');
    await untilPlan(engine, 'life', (plan) => plan.status === 'done' && plan.tasks_done === 2);
    expect(git(repo, 'rev-parse', 'refs/stator/archive/life/1')).toBe(done);
    expect(git(repo, 'rev-list', '--count', '--first-parent', 'main..plan/life')).toBe('2');
    await say(engine, 'life', 'start_over');
    await untilPhase(engine, 'life', 'planned');
    await until(() => refs(repo, 'refs/stator/archive').length === 2);
    await until(() => git(repo, 'rev-parse', 'plan/life') === git(repo, 'rev-parse', 'main'));
    expect((await client.plan('demo', 'life')).tasks_done).toBe(0);
  });

  it('begins anew where a plan is deleted and registered again, and no run is named like an old one', async () => {
    const engine = await startEngine();
    const { repo, home, client } = engine;
    await begin(engine, 'again', planText(['echo a > a.txt']));
    await untilStatus(engine, 'again', 'done');
    await say(engine, 'again', 'reimplement');
    await untilPlan(engine, 'again', (plan) => plan.status === 'done' && plan.tasks_done === 1);
    const old = git(repo, 'rev-parse', 'plan/again');
    const before = runFolders(home, 'again');
    await client.deletePlan('demo', 'again');
    await expect(client.plan('demo', 'again')).rejects.toMatchObject({ code: 'plan_not_found' });
    await begin(engine, 'again', planText(['echo a > a.txt']));
    await untilStatus(engine, 'again', 'done');
    const fresh = runFolders(home, 'again').filter((name) => !before.includes(name));
    expect(fresh).toHaveLength(1);
    expect(runFile(home, fresh[0] ?? '', 'prompt')).not.toContain('The run before this one');
    expect(git(repo, 'show', 'plan/again:a.txt')).toBe('a');
    expect(git(repo, 'rev-list', '--count', '--first-parent', 'main..plan/again')).toBe('1');
    expect(git(repo, 'rev-parse', `refs/stator/archive/again/former-${old.slice(0, 12)}`)).toBe(old);
    expect(refs(repo, 'refs/stator/archive').every((ref) => ref.includes('/former-'))).toBe(true);
    await until(() => !existsSync(join(repo, '.worktrees', 'plan-again-w1-t1')));
    await say(engine, 'again', 'reimplement');
    await untilPlan(engine, 'again', (plan) => plan.status === 'done' && plan.tasks_done === 1);
    expect(refs(repo, 'refs/stator/archive/again/1')).toHaveLength(1);
  });
});

describe('an agent that makes a repository inside its worktree', () => {
  it('has its work taken without that repository, whose commits are kept as a ref', async () => {
    const engine = await startEngine();
    const { repo } = engine;
    const make = 'git init -q tool && cd tool && git config user.name A && git config user.email a@b';
    await begin(engine, 'nest', planText([`${make} && git commit -q --allow-empty -m x && cd .. && echo a > a.txt`]));
    await untilPlan(engine, 'nest', (plan) => plan.status === 'done');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/nest').split('\n')).toEqual(['README.md', 'a.txt']);
    expect(refs(repo, 'refs/stator/attempts').some((ref) => ref.includes('nested-tool'))).toBe(true);
  });
});
