/** What a plan's branch was made from is a value in the store: no ref of the repository points at a branch of somebody's. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  register,
  say,
  startEngine,
  type TestEngine,
  untilPlan,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

/** Plans of one task have one coder. */
const small = 'blueprint_skip_threshold = 2\n';

async function merged(engine: TestEngine, plan: string, payload: object = {}) {
  await engine.client.send({ project: 'demo', plan, type: 'merge', payload });
  return untilPlan(engine, plan, (one) => !one.merging);
}

function symbolicRefs(repo: string): string {
  return git(repo, 'for-each-ref', '--format=%(symref)', 'refs/stator', 'refs/heads').trim();
}

describe('a plan remembers the branch that it was begun from', () => {
  for (const [kind, config] of [
    ['with one coder', small],
    ['with waves', waves],
    ['with one worktree', `${waves}isolation = "plan"\n`],
  ] as const) {
    it(`${kind}, whatever is checked out by the time it is merged`, async () => {
      const on = ground();
      const { repo } = on;
      mkdirSync(join(repo, '.stator'));
      writeFileSync(join(repo, '.stator', 'config.toml'), config);
      const engine = await startEngine({ daemon: '', on });
      const base = git(repo, 'rev-parse', 'main');
      await begin(engine, 'login', planText(['echo a > a.txt']));
      await untilStatus(engine, 'login', 'done');
      expect((await engine.client.plan('demo', 'login')).base).toEqual({ branch: 'main', commit: base, on: [] });
      git(repo, 'checkout', '-q', '-b', 'feature');
      expect((await merged(engine, 'login')).merged).toMatchObject({ into: 'main' });
      expect(git(repo, 'rev-parse', 'feature')).toBe(base);
      expect(symbolicRefs(repo)).toBe('');
    });
  }

  it('with one coder, and auto_merge goes there too', async () => {
    const engine = await startEngine({ daemon: `${small}auto_merge = true\n` });
    const { repo } = engine;
    await begin(engine, 'login', planText([`${gate(join(engine.root, 'go'))}; echo a > a.txt`]));
    await untilPlan(engine, 'login', ({ base }) => base !== null);
    git(repo, 'checkout', '-q', '-b', 'feature');
    openGate(join(engine.root, 'go'));
    expect((await untilPlan(engine, 'login', (plan) => plan.merged !== null)).merged?.into).toBe('main');
  });

  it('from its planner on', async () => {
    const engine = await startEngine({
      daemon: small,
      agents: { default: { preset: 'sh', attempts: 1 }, planner: { preset: 'command', program: '/bin/true' } },
    });
    await register(engine, 'idea', 'an idea, and no waves yet\n');
    await say(engine, 'idea', 'plan_start');
    await untilPlan(engine, 'idea', ({ base }) => base !== null);
    expect((await engine.client.plan('demo', 'idea')).base?.branch).toBe('main');
  });

  it('and where it was begun from no branch, a merge asks for one', async () => {
    const engine = await startEngine({ daemon: small });
    const { repo } = engine;
    git(repo, 'checkout', '-q', '--detach');
    await begin(engine, 'login', planText(['echo a > a.txt']));
    await untilStatus(engine, 'login', 'done');
    git(repo, 'checkout', '-q', 'main');
    const { merge_refused: refused } = await merged(engine, 'login');
    expect(refused).toMatchObject({ why: 'no_branch', into: null });
    expectProse(refused?.detail ?? '', '--into');
    expect((await merged(engine, 'login', { into: 'main' })).merged?.into).toBe('main');
  });

  it('anew when it starts over', async () => {
    const engine = await startEngine();
    const { repo } = engine;
    await begin(engine, 'login', planText(['echo a > a.txt']));
    await untilStatus(engine, 'login', 'done');
    git(repo, 'checkout', '-q', '-b', 'develop');
    git(repo, 'commit', '-q', '--allow-empty', '-m', 'ahead');
    await say(engine, 'login', 'start_over');
    await untilPlan(engine, 'login', ({ base }) => base?.branch === 'develop');
    git(repo, 'checkout', '-q', 'main');
    await say(engine, 'login', 'implement_start');
    await untilStatus(engine, 'login', 'done');
    expect((await merged(engine, 'login')).merged?.into).toBe('develop');
  });

  it('anew when a plan of its name is registered again', async () => {
    const engine = await startEngine();
    const { repo, client } = engine;
    await begin(engine, 'login', planText(['echo a > a.txt']));
    await untilStatus(engine, 'login', 'done');
    await client.deletePlan('demo', 'login');
    git(repo, 'checkout', '-q', '-b', 'develop');
    await register(engine, 'login', planText(['echo b > b.txt']));
    expect((await client.plan('demo', 'login')).base?.branch).toBe('develop');
    git(repo, 'checkout', '-q', 'main');
    await say(engine, 'login', 'implement_start');
    await untilStatus(engine, 'login', 'done');
    expect((await merged(engine, 'login')).merged?.into).toBe('develop');
  });
});

describe('a branch that is another name for one', () => {
  it('is merged into under its real name, and the checkout of that branch is updated', async () => {
    const engine = await startEngine({ daemon: small });
    const { repo } = engine;
    git(repo, 'symbolic-ref', 'refs/heads/master', 'refs/heads/main');
    await begin(engine, 'login', planText(['echo a > a.txt']));
    await untilStatus(engine, 'login', 'done');
    expect((await merged(engine, 'login', { into: 'master' })).merged?.into).toBe('main');
    expect(git(repo, 'symbolic-ref', 'refs/heads/master')).toBe('refs/heads/main');
    expect(git(repo, 'status', '--porcelain')).toBe('');
    expect(git(repo, 'ls-files')).toContain('a.txt');
  });

  it('costs nobody their branch where an agent made ours one', async () => {
    const engine = await startEngine();
    const { repo } = engine;
    const head = git(repo, 'rev-parse', 'main');
    await begin(
      engine,
      'login',
      planText(['git symbolic-ref refs/heads/plan/login-w1-t1 refs/heads/main; echo a > a.txt']),
    );
    await untilStatus(engine, 'login', 'done');
    await until(() => git(repo, 'branch', '--list', 'plan/login-w1-t1') === '');
    expect(git(repo, 'rev-parse', 'main')).toBe(head);
    expect(git(repo, 'ls-tree', '--name-only', 'plan/login')).toContain('a.txt');
  });
});
