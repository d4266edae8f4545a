/** `plan merge` and `auto_merge`: a done plan goes into the branch that people work on, or says why not and leaves everything as it was. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  ground,
  planText,
  register,
  say,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilPlan,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

async function donePlan(engine: TestEngine, plan: string, sh = 'echo a > a.txt'): Promise<void> {
  await begin(engine, plan, planText([sh]));
  await untilStatus(engine, plan, 'done');
}

async function merge(engine: TestEngine, plan: string, payload: object = {}) {
  const answer = await engine.client.send({ project: 'demo', plan, type: 'merge', payload });
  const shown = await untilPlan(engine, plan, (one) => !one.merging);
  return { answer, shown };
}

describe('plan merge', () => {
  it('brings the plan into the branch and its checkout, once', async () => {
    const engine = await startEngine();
    const { repo, client } = engine;
    await donePlan(engine, 'login');
    const before = git(repo, 'rev-parse', 'main');
    const { shown } = await merge(engine, 'login');
    const head = git(repo, 'rev-parse', 'main');
    expect(shown.merged).toMatchObject({ head, into: 'main' });
    expect(git(repo, 'log', '-1', '--format=%P|%s|%an', 'main')).toBe(
      `${before} ${git(repo, 'rev-parse', 'plan/login')}|Merge plan login: A plan|Ada`,
    );
    expect(readFileSync(join(repo, 'a.txt'), 'utf8')).toBe('a\n');
    expect(git(repo, 'status', '--porcelain')).toBe('');
    const again = await merge(engine, 'login');
    expect(again.answer.signal).toMatchObject({ status: 'done', result: 'already' });
    expect(git(repo, 'rev-parse', 'main')).toBe(head);
    await until(() => !existsSync(join(repo, '.worktrees', 'plan-login')));
    const { accepts } = await client.explain('demo', 'login');
    expect(accepts).not.toContain('merge');
  });

  it('is refused before the plan is done', async () => {
    const engine = await startEngine();
    await register(engine, 'early', planText(['echo a > a.txt']));
    const { signal } = await engine.client.send({ project: 'demo', plan: 'early', type: 'merge' });
    expect(signal).toMatchObject({ status: 'failed', refused: { by: 'plan', state: 'ready.planned' } });
  });

  it('says which files the checkout has changes in, what conflicts, what is under way there; and changes nothing', async () => {
    const engine = await startEngine();
    const { repo } = engine;
    await donePlan(engine, 'login', 'echo a > a.txt; echo b > b.txt; echo changed > README.md');
    const head = git(repo, 'rev-parse', 'main');
    const refused = async () => {
      const { shown } = await merge(engine, 'login');
      expect(shown.merged).toBe(null);
      expect(git(repo, 'rev-parse', 'main')).toBe(head);
      expectProse(shown.merge_refused?.detail ?? '');
      return shown.merge_refused;
    };
    writeFileSync(join(repo, 'README.md'), 'mine\n');
    writeFileSync(join(repo, 'b.txt'), 'mine\n');
    expect(await refused()).toMatchObject({ why: 'overlap', into: 'main', files: ['README.md', 'b.txt'] });
    expect(readFileSync(join(repo, 'README.md'), 'utf8')).toBe('mine\n');
    git(repo, 'checkout', '-q', 'README.md');
    // Ignored files are somebody's too.
    writeFileSync(join(repo, '.git', 'info', 'exclude'), '.worktrees/\nb.txt\n');
    expect(await refused()).toMatchObject({ why: 'overlap', files: ['b.txt'] });
    expect(readFileSync(join(repo, 'b.txt'), 'utf8')).toBe('mine\n');
    git(repo, 'clean', '-fxq', 'b.txt');
    writeFileSync(join(repo, '.git', 'MERGE_HEAD'), `${head}\n`);
    expect(await refused()).toMatchObject({ why: 'busy', detail: expect.stringContaining(repo) });
    git(repo, 'update-ref', '-d', 'MERGE_HEAD');
    expect((await merge(engine, 'login')).shown.merged).toMatchObject({ into: 'main' });
  });

  it('names the files that conflict with the branch, and merges when that is mended', async () => {
    const engine = await startEngine();
    const { repo } = engine;
    await donePlan(engine, 'login', 'echo theirs > README.md');
    writeFileSync(join(repo, 'README.md'), 'ours\n');
    git(repo, 'commit', '-qam', 'ours');
    const { shown } = await merge(engine, 'login');
    expect(shown.merge_refused).toMatchObject({ why: 'conflict', files: ['README.md'] });
    expectProse(shown.merge_refused?.detail ?? '', 'README.md');
    expect(git(repo, 'status', '--porcelain')).toBe('');
    git(repo, 'reset', '-q', '--hard', 'HEAD~1');
    expect((await merge(engine, 'login')).shown.merged).toMatchObject({ into: 'main' });
  });

  it('goes into the branch that the plan was begun from, whatever is checked out by then, or into one that is named', async () => {
    const engine = await startEngine();
    const { repo } = engine;
    await donePlan(engine, 'login');
    git(repo, 'checkout', '-q', '-b', 'feature');
    const { shown } = await merge(engine, 'login');
    expect(shown.merged?.into).toBe('main');
    expect(existsSync(join(repo, 'a.txt'))).toBe(false);
    await donePlan(engine, 'other', 'echo o > o.txt');
    git(repo, 'branch', 'develop', 'main');
    for (const into of ['nowhere', 'no..name', 'plan/other'])
      expect((await merge(engine, 'other', { into })).shown.merge_refused).toMatchObject({
        why: 'no_branch',
        into: null,
      });
    expect((await merge(engine, 'other', { into: 'develop' })).shown.merged?.into).toBe('develop');
    expect(git(repo, 'ls-tree', '--name-only', 'develop').split('\n')).toContain('o.txt');
    // What another branch refused is no answer to a request for the one that has it.
    await merge(engine, 'other', { into: 'nowhere' });
    expect((await merge(engine, 'other')).shown).toMatchObject({ merge_refused: null, merged: { into: 'develop' } });
  });

  it('finds a plan that a person merged by hand, and one that has no branch', async () => {
    const engine = await startEngine();
    const { repo } = engine;
    await donePlan(engine, 'login');
    git(repo, 'merge', '-q', '--ff-only', 'plan/login');
    expect((await merge(engine, 'login')).shown.merged).toMatchObject({ head: git(repo, 'rev-parse', 'main') });
    await register(engine, 'idea', planText(['echo a > a.txt']));
    await say(engine, 'idea', 'mark_done');
    expect((await merge(engine, 'idea')).shown.merge_refused).toMatchObject({ why: 'no_work' });
  });
});

describe('plan merge of work that is in the branch already', () => {
  it('makes no commit after a squash by hand', async () => {
    const engine = await startEngine();
    await donePlan(engine, 'login');
    git(engine.repo, 'merge', '-q', '--squash', 'plan/login');
    git(engine.repo, 'commit', '-qm', 'login in one');
    const head = git(engine.repo, 'rev-parse', 'main');
    const { shown } = await merge(engine, 'login');
    expect(shown.merged).toMatchObject({ into: 'main', head });
    expect(git(engine.repo, 'rev-parse', 'main')).toBe(head);
  });
});

describe('auto_merge', () => {
  const daemon = `${waves}auto_merge = true\n`;

  it('merges a plan when it becomes done', async () => {
    const engine = await startEngine({ daemon });
    await donePlan(engine, 'login');
    await untilPlan(engine, 'login', (plan) => plan.merged !== null);
    expect(readFileSync(join(engine.repo, 'a.txt'), 'utf8')).toBe('a\n');
  });

  it('that is refused blocks the plan with the reason, and resolve tries again', async () => {
    const on = ground();
    const engine = await startEngine({ daemon, on });
    writeFileSync(join(on.repo, 'a.txt'), 'mine\n');
    await begin(engine, 'login', planText(['echo a > a.txt']));
    const blocked = await untilBlocked(engine, 'login');
    expect(blocked).toMatchObject({ status: 'done', merged: null, blocked: { source: 'failed' } });
    expectProse(blocked.blocked?.reason ?? '', 'a.txt');
    await say(engine, 'login', 'resolve');
    await untilBlocked(engine, 'login');
    git(on.repo, 'clean', '-fq', 'a.txt');
    await say(engine, 'login', 'resolve');
    const merged = await untilPlan(engine, 'login', (plan) => plan.merged !== null);
    expect(merged.blocked).toBe(null);
    expect(readFileSync(join(on.repo, 'a.txt'), 'utf8')).toBe('a\n');
  });

  it('leaves alone what a person counted as done or set by hand', async () => {
    const engine = await startEngine({ daemon });
    await register(engine, 'idea', planText(['echo a > a.txt']));
    await say(engine, 'idea', 'mark_done');
    await register(engine, 'forced', planText(['echo a > a.txt']));
    await say(engine, 'forced', 'set_status', { status: 'done' });
    for (const plan of ['idea', 'forced']) {
      const lines = await engine.client.history('demo', plan);
      expect(lines.flatMap((line) => line.effects).filter((key) => key.includes('#'))).toEqual([]);
      expect((await engine.client.plan('demo', plan)).merging).toBe(false);
    }
  });
});
