/** A plan that waited for others starts from a base that contains them. */
import { describe, expect, it } from 'vitest';
import {
  begin,
  planText,
  register,
  say,
  startEngine,
  type TestEngine,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

/** Plans of one task have one coder. */
const small = 'blueprint_skip_threshold = 2\n';

const text = (script: string, after = '') =>
  after === '' ? planText([script]) : planText([script]).replace('\n', `\n\n**After:** ${after}\n`);

async function merged(engine: TestEngine, plan: string, payload: object = {}) {
  await engine.client.send({ project: 'demo', plan, type: 'merge', payload });
  return untilPlan(engine, plan, (one) => !one.merging);
}

const files = (engine: TestEngine, commit: string) => git(engine.repo, 'ls-tree', '--name-only', commit).split('\n');
const tip = (engine: TestEngine, plan: string) => git(engine.repo, 'rev-parse', `plan/${plan}`);

describe('a plan that waits for another', () => {
  it('starts from its branch where that is not merged, and only its own changes count as its own', async () => {
    const engine = await startEngine({ daemon: small });
    await register(engine, 'ui', text('cat api.txt > ui.txt', 'api'));
    await say(engine, 'ui', 'implement_start');
    await untilPlan(engine, 'ui', ({ waiting_for }) => waiting_for?.kind === 'after');
    await begin(engine, 'api', text('echo api > api.txt'));
    await untilStatus(engine, 'ui', 'done');
    const at = tip(engine, 'api');
    const { base } = await engine.client.plan('demo', 'ui');
    expect(base).toEqual({ branch: 'main', commit: at, on: [{ plan: 'api', commit: at }] });
    expect((await engine.client.explain('demo', 'ui')).base).toEqual(base);
    expect(git(engine.repo, 'show', 'plan/ui:ui.txt')).toBe('api');
    const diff = await engine.client.planDiff('demo', 'ui');
    expect(diff.files.map(({ path }) => path)).toEqual(['ui.txt']);
    expect(files(engine, 'main')).toEqual(['README.md']);
  });

  it('starts from the branch that people work on where that has it, with what else has come there', async () => {
    const engine = await startEngine({ daemon: small });
    await begin(engine, 'api', text('echo api > api.txt'));
    await untilStatus(engine, 'api', 'done');
    await merged(engine, 'api');
    git(engine.repo, 'commit', '-q', '--allow-empty', '-m', 'moved on');
    const main = git(engine.repo, 'rev-parse', 'main');
    await begin(engine, 'ui', text('cat api.txt > ui.txt', 'api'));
    await untilStatus(engine, 'ui', 'done');
    expect((await engine.client.plan('demo', 'ui')).base).toEqual({ branch: 'main', commit: main, on: [] });
    expect((await merged(engine, 'ui')).merged).toMatchObject({ into: 'main' });
  });

  it('and for a third starts from both, merged or not, and so does the next in the chain', async () => {
    const engine = await startEngine({ daemon: small });
    for (const plan of ['api', 'docs', 'old']) await begin(engine, plan, text(`echo ${plan} > ${plan}.txt`));
    for (const plan of ['api', 'docs', 'old']) await untilStatus(engine, plan, 'done');
    await merged(engine, 'old');
    await begin(engine, 'ui', text('cat *.txt > ui.all', 'api, docs, old'));
    await begin(engine, 'last', text('cat ui.all > last.all', 'ui'));
    await untilStatus(engine, 'last', 'done');
    expect(files(engine, 'plan/last')).toEqual(['README.md', 'api.txt', 'docs.txt', 'last.all', 'old.txt', 'ui.all']);
    const { base } = await engine.client.plan('demo', 'ui');
    expect(base?.on.map(({ plan }) => plan)).toEqual(['api', 'docs']);
    expect(await ownFiles(engine, 'ui')).toEqual(['ui.all']);
    expect(await ownFiles(engine, 'last')).toEqual(['last.all']);
    expect(git(engine.repo, 'worktree', 'list', '--porcelain')).not.toContain('detached');
  });

  it('is taken from what it was done at, whatever its branch says by now', async () => {
    const engine = await startEngine({ daemon: small });
    await begin(engine, 'api', text('echo api > api.txt'));
    await untilStatus(engine, 'api', 'done');
    const at = tip(engine, 'api');
    const other = git(engine.repo, 'commit-tree', '-m', 'somebody', '-p', 'main', `${at}^{tree}`);
    git(engine.repo, 'update-ref', 'refs/heads/plan/api', other);
    await begin(engine, 'ui', text('cat api.txt > ui.txt', 'api'));
    await untilStatus(engine, 'ui', 'done');
    expect((await engine.client.plan('demo', 'ui')).base).toMatchObject({ commit: at });
  });

  it('that was merged by any person’s squash starts from the branch that has it, and is merged there', async () => {
    const engine = await startEngine({ daemon: small });
    await begin(engine, 'api', text('echo api > api.txt'));
    await begin(engine, 'early', text('echo early > early.txt', 'api'));
    await untilStatus(engine, 'early', 'done');
    git(engine.repo, 'merge', '-q', '--squash', 'plan/api');
    git(engine.repo, 'commit', '-q', '-m', 'api in one');
    const main = git(engine.repo, 'rev-parse', 'main');
    await begin(engine, 'ui', text('echo ui >> api.txt', 'api'));
    await untilStatus(engine, 'ui', 'done');
    expect((await engine.client.plan('demo', 'ui')).base).toEqual({ branch: 'main', commit: main, on: [] });
    for (const plan of ['early', 'ui']) expect((await merged(engine, plan)).merged).toMatchObject({ into: 'main' });
    expect(git(engine.repo, 'show', 'main:api.txt')).toBe('api\nui');
  });

  it('that was done by hand, without a branch, starts as ever', async () => {
    const engine = await startEngine({ daemon: small });
    await register(engine, 'api', text('echo api > api.txt'));
    await say(engine, 'api', 'mark_done');
    await begin(engine, 'ui', text('echo ui > ui.txt', 'api'));
    await untilStatus(engine, 'ui', 'done');
    const main = git(engine.repo, 'rev-parse', 'main');
    expect((await engine.client.plan('demo', 'ui')).base).toEqual({ branch: 'main', commit: main, on: [] });
  });

  it('keeps what was done on its branch before, and contains the other all the same', async () => {
    const engine = await startEngine({ daemon: small });
    await begin(engine, 'ui', text('echo idea > idea.md'));
    await begin(engine, 'api', text('echo api > api.txt'));
    for (const plan of ['api', 'ui']) await untilStatus(engine, plan, 'done');
    await say(engine, 'ui', 'cancel');
    const more = planText(['echo idea > idea.md'], ['cat api.txt idea.md > ui.txt']);
    await engine.client.updateContent('demo', 'ui', more.replace('\n', '\n\n**After:** api\n'));
    await say(engine, 'ui', 'reopen');
    await say(engine, 'ui', 'implement_start');
    await untilStatus(engine, 'ui', 'done');
    expect(files(engine, 'plan/ui')).toEqual(['README.md', 'api.txt', 'idea.md', 'ui.txt']);
    expect(await ownFiles(engine, 'ui')).toEqual(['idea.md', 'ui.txt']);
  });
});

describe('two plans that a plan waits for and that conflict', () => {
  async function conflicting(): Promise<TestEngine> {
    const engine = await startEngine({ daemon: small });
    for (const plan of ['api', 'docs']) await begin(engine, plan, text(`echo ${plan} > both.txt`));
    for (const plan of ['api', 'docs']) await untilStatus(engine, plan, 'done');
    await begin(engine, 'ui', text('cp both.txt ui.txt', 'api, docs'));
    await untilPlan(engine, 'ui', ({ blocked }) => blocked !== null);
    return engine;
  }

  it('block it, with the files, and it goes on once they are merged', async () => {
    const engine = await conflicting();
    const { blocked, base } = await engine.client.plan('demo', 'ui');
    expect(blocked?.source).toBe('conflict');
    expectProse(blocked?.reason ?? '', 'both.txt', 'api');
    expect(base).toBeNull();
    await say(engine, 'ui', 'resolve');
    await until(async () => (await engine.client.plan('demo', 'ui')).blocked !== null);
    await merged(engine, 'api');
    git(engine.repo, 'merge', '-q', '-s', 'ours', '-m', 'both', 'plan/docs');
    await say(engine, 'ui', 'resolve');
    await untilStatus(engine, 'ui', 'done');
    expect(git(engine.repo, 'show', 'plan/ui:ui.txt')).toBe('api');
    expect(git(engine.repo, 'status', '--porcelain')).toBe('');
  });

  it('do so until one of them is waited for no more', async () => {
    const engine = await conflicting();
    await engine.client.updateContent('demo', 'ui', text('cp both.txt ui.txt', 'docs'));
    await say(engine, 'ui', 'resolve');
    await untilStatus(engine, 'ui', 'done');
    expect(git(engine.repo, 'show', 'plan/ui:ui.txt')).toBe('docs');
  });
});

describe('a plan that is based on another', () => {
  async function startDone(script = 'echo api > api.txt'): Promise<TestEngine> {
    const engine = await startEngine({ daemon: small });
    await begin(engine, 'api', text(script));
    await begin(engine, 'ui', text('cat api.txt > ui.txt', 'api'));
    await untilStatus(engine, 'ui', 'done');
    return engine;
  }

  it('is not merged before that is, and then is', async () => {
    const engine = await startDone();
    const main = git(engine.repo, 'rev-parse', 'main');
    const { merge_refused: refused } = await merged(engine, 'ui');
    expect(refused).toMatchObject({ why: 'after', into: 'main' });
    expectProse(refused?.detail ?? '', 'stator plan merge api');
    expect(git(engine.repo, 'rev-parse', 'main')).toBe(main);
    await merged(engine, 'api');
    expect((await merged(engine, 'ui')).merged).toMatchObject({ into: 'main' });
    expect(files(engine, 'main')).toEqual(['README.md', 'api.txt', 'ui.txt']);
  });

  it('is merged with it where a person says so', async () => {
    const engine = await startDone();
    expect((await merged(engine, 'ui', { with_after: true })).merged).toMatchObject({ into: 'main' });
    expect(files(engine, 'main')).toEqual(['README.md', 'api.txt', 'ui.txt']);
  });

  it('stays on what it began from when that starts over, and says so at its merge', async () => {
    const engine = await startDone('cat /proc/sys/kernel/random/uuid > api.txt');
    await say(engine, 'api', 'reimplement');
    await untilStatus(engine, 'api', 'done');
    await merged(engine, 'api');
    expect((await merged(engine, 'ui')).merge_refused).toMatchObject({ why: 'after' });
    await say(engine, 'ui', 'reimplement');
    await untilStatus(engine, 'ui', 'done');
    expect((await merged(engine, 'ui')).merged).toMatchObject({ into: 'main' });
  });
});

async function ownFiles(engine: TestEngine, plan: string): Promise<string[]> {
  return (await engine.client.planDiff('demo', plan)).files.map(({ path }) => path);
}
