/**
 * Pull requests that are merged without a person: by the forge itself, or by stator when they are approved and green; and the reports if they cannot be merged.
 */
import { describe, expect, it } from 'vitest';
import { begin, type EngineSetup, planText, say, type TestEngine, untilBlocked, untilPlan } from '../support/engine.ts';
import type { FakeMerging, FakePull } from '../support/forge-server.ts';
import { Ci, type Site, site, start } from '../support/forge-site.ts';
import { git, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

const whenGreen = '[pull_requests]\nmerge = "when-green"\n';

const merging = (given: Partial<FakeMerging>): FakeMerging => ({
  methods: ['merge', 'squash', 'rebase'],
  first: 'squash',
  hasAuto: true,
  approvals: 0,
  refuses: null,
  ...given,
});
const headOf = (path: string, branch = 'plan/login') => git(path, 'rev-parse', `refs/heads/${branch}`);
const untilMerge = (engine: TestEngine, state: string) =>
  untilPlan(engine, 'login', ({ pull_request: request }) => request?.merge?.state === state);
const untilMerged = (engine: TestEngine) =>
  untilPlan(engine, 'login', ({ pull_request: request }) => request?.state === 'merged');
const mergeCalls = ({ forge }: Site) => forge.asked.filter((line) => /^(?:PUT|POST) .*\/merge$/.test(line)).length;
/** The given number of further requests to the forge. */
async function looks({ forge }: Site, count: number): Promise<void> {
  const isLook = (line: string) => /^GET .*\/(?:pulls|merge_requests)\/1$/.test(line);
  const before = forge.asked.filter(isLook).length;
  await until(() => Promise.resolve(forge.asked.filter(isLook).length >= before + count));
}

function pullOf({ forge }: Site): FakePull {
  const pull = forge.state.pulls.get(1);
  if (pull === undefined) throw new Error('it was made');
  return pull;
}

async function beginOn(where: Site, setup: EngineSetup = {}): Promise<TestEngine> {
  const engine = await start(where, setup);
  await begin(engine, 'login', planText(['echo a > a.txt']));
  return engine;
}

describe('a pull request that is to be merged when it is green', () => {
  it('is merged by its forge as soon as its checks have passed, and the plan is merged; a person is asked where the auto-merge was taken back on the forge, and where it conflicts', async () => {
    const ci = new Ci('pending');
    const where = await site('github', whenGreen, { statuses: ci, required: ['ci'] });
    const engine = await beginOn(where);
    await untilMerge(engine, 'scheduled');
    expect(await engine.client.plan('demo', 'login')).toMatchObject({ status: 'done', landing: 'pull_request_open' });
    const head = headOf(where.on.repo);
    expect(pullOf(where)).toMatchObject({ state: 'open', auto: { method: 'squash', head } });
    pullOf(where).auto = null;
    expectProse((await untilBlocked(engine, 'login')).blocked?.reason ?? '', where.forge.url);
    await say(engine, 'login', 'resolve');
    await untilMerge(engine, 'scheduled');
    pullOf(where).conflicts = true;
    expectProse((await untilBlocked(engine, 'login')).blocked?.reason ?? '', 'main');
    await until(() => Promise.resolve(pullOf(where).auto === null));
    pullOf(where).conflicts = false;
    await say(engine, 'login', 'resolve');
    await untilMerge(engine, 'scheduled');
    ci.become('success');
    const shown = await untilMerged(engine);
    expect(shown).toMatchObject({
      status: 'done',
      landing: 'merged',
      blocked: null,
      merging: false,
      merged: { into: 'main', head: '2'.repeat(40) },
    });
    expect(pullOf(where).mergedBy).toEqual({ method: 'squash', head });
  });

  it('is merged by stator where the forge does not do it by itself: approved, green, and as that head; where it is refused a person gets the reason once, nothing is requested again, and resolve tries it again', async () => {
    const ci = new Ci('pending');
    const where = await site('gitlab', whenGreen, {
      statuses: ci,
      merging: merging({ hasAuto: false, approvals: 1, refuses: 'Only maintainers may merge into main' }),
    });
    const engine = await beginOn(where);
    await untilMerge(engine, 'watched');
    ci.become('success');
    await looks(where, 4);
    expect(pullOf(where).state).toBe('open');
    pullOf(where).reviews.push({ id: 51, author: 'eve', body: '', asksForChanges: false, is: 'approved' });
    const shown = await untilBlocked(engine, 'login');
    expect(shown).toMatchObject({
      status: 'done',
      blocked: { source: 'failed' },
      pull_request: { state: 'open', merge: { state: 'refused' } },
    });
    expectProse(shown.blocked?.reason ?? '', 'Only maintainers may merge into main', where.forge.url);
    const calls = mergeCalls(where);
    await looks(where, 4);
    expect(mergeCalls(where)).toBe(calls);
    const told = (await engine.client.notifications()).filter(({ type }) => type === 'plan_blocked');
    expect(told).toHaveLength(1);
    where.forge.state.merging = merging({ hasAuto: false, approvals: 1 });
    await say(engine, 'login', 'resolve');
    expect(await untilMerged(engine)).toMatchObject({ status: 'done', blocked: null, merged: { into: 'main' } });
    expect(pullOf(where).mergedBy).toEqual({ method: 'squash', head: headOf(where.on.repo) });
  });

  it('that has no check at all is merged after some looks, by the method that is set', async () => {
    const where = await site('gitea', `${whenGreen}method = "merge"\n`);
    const engine = await beginOn(where);
    await untilMerged(engine);
    expect(pullOf(where).mergedBy).toEqual({ method: 'merge', head: headOf(where.on.repo) });
  });

  it('is refused where its method is not allowed there, with those that are', async () => {
    const where = await site('github', `${whenGreen}method = "rebase"\n`, {
      merging: merging({ methods: ['squash'] }),
    });
    const engine = await beginOn(where);
    const { blocked } = await untilBlocked(engine, 'login');
    expectProse(blocked?.reason ?? '', 'rebase', 'squash');
    expect(pullOf(where).state).toBe('open');
  });

  it('is not merged as a commit that somebody else pushed', async () => {
    const ci = new Ci('pending');
    const where = await site('gitea', whenGreen, { statuses: ci, required: ['ci'] });
    const engine = await beginOn(where);
    await untilMerge(engine, 'scheduled');
    const tree = git(where.on.repo, 'rev-parse', 'plan/login^{tree}');
    const theirs = git(where.on.repo, 'commit-tree', tree, '-p', 'plan/login', '-m', 'theirs');
    git(where.on.repo, 'push', '-q', where.bare, `${theirs}:refs/heads/plan/login`);
    const { blocked } = await untilBlocked(engine, 'login');
    expectProse(blocked?.reason ?? '', theirs.slice(0, 12), headOf(where.on.repo).slice(0, 12));
    await until(() => Promise.resolve(pullOf(where).auto === null));
    ci.become('success');
    await looks(where, 3);
    expect(pullOf(where).state).toBe('open');
  });

  it('is no longer merged by its forge while its fixer works, and again as what was fixed', async () => {
    const ci = new Ci('pending');
    const where = await site('gitlab', whenGreen, { statuses: ci, required: ['ci'] });
    const engine = await beginOn(where, {
      agents: {
        default: { preset: 'sh', attempts: 1 },
        reviewer: { preset: 'command', program: '/bin/true' },
        fixer: { preset: 'command', program: '/bin/sh', flags: ['-c', 'echo b > b.txt'], sandbox: 'off' },
      },
    });
    await untilMerge(engine, 'scheduled');
    const first = headOf(where.on.repo);
    pullOf(where).talk.push({ id: 71, author: 'eve', body: '/stator fix rename it' });
    await until(() => Promise.resolve(headOf(where.bare) !== first));
    await untilMerge(engine, 'scheduled');
    await until(() => Promise.resolve(pullOf(where).auto?.head === headOf(where.on.repo)));
    const withdrawn = where.forge.asked.findIndex((line) => /DELETE|cancel_merge/.test(line));
    expect(withdrawn).toBeGreaterThan(0);
    ci.become('success');
    await untilMerged(engine);
    expect(pullOf(where).mergedBy?.head).toBe(headOf(where.on.repo));
  });

  it('is not asked of the forge where a person merges, which is the default', async () => {
    const where = await site('github', '', { statuses: new Ci('success') });
    const engine = await beginOn(where);
    await untilPlan(engine, 'login', (one) => one.pull_request?.state === 'open' && !one.creating_pr);
    await looks(where, 4);
    expect(pullOf(where)).toMatchObject({ state: 'open', auto: null });
    expect((await engine.client.plan('demo', 'login')).pull_request).toMatchObject({ merge: null });
  });
});
