/** One contract for every kind of forge, over real HTTP: what is read, what is made, and how each trouble is called. */
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { createForge } from '../../runtime/work/forges/create-forge.ts';
import type { Forge } from '../../runtime/work/forges/forge.ts';
import { ForgeLimit } from '../../runtime/work/forges/forge-call.ts';
import { forgeKinds } from '../../runtime/work/forges/kinds/kinds.ts';
import { askKind } from '../../runtime/work/forges/server-list.ts';
import { addPull, type FakePull, type FakeStatus, type ForgeServer, startForge } from '../support/forge-server.ts';

describe.each(forgeKinds)('%s', (kind) => {
  let server: ForgeServer;
  let forge: Forge;

  beforeEach(async () => {
    server = await startForge(kind);
    forge = createForge({ server: server.server, repo: { owner: 'ada', name: 'demo' }, token: 'secret-token' });
  });
  afterEach(() => server.stop());

  const of = ({ number, headCommit, awaited }: FakePull) => ({ number, headCommit, awaited });
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => null,
      (thrown: unknown) => thrown,
    );

  test('says who the token is', async () => {
    expect(await forge.login()).toBe('ada');
  });

  test('reads an issue with the newest of its comments', async () => {
    const comments = Array.from({ length: 130 }, (_, index) => ({
      id: index + 1,
      author: `p${index}`,
      body: `word ${index}`,
      at: `2026-01-01T00:00:${index}Z`,
    }));
    server.state.issues.set(7, {
      title: 'It breaks',
      body: 'When I press\nthe button',
      author: 'bob',
      state: 'open',
      comments,
    });
    const issue = await forge.issue(7);
    expect(issue).toMatchObject({
      number: 7,
      title: 'It breaks',
      body: 'When I press\nthe button',
      author: 'bob',
      state: 'open',
    });
    expect(issue.url).toContain('/issues/7');
    expect(issue.comments.length).toBeGreaterThanOrEqual(99);
    expect(issue.comments.at(-1)).toEqual({ author: 'p129', body: 'word 129', at: '2026-01-01T00:00:129Z' });
    expect(issue.comments.at(-2)?.body).toBe('word 128');
  });

  test('leaves a comment', async () => {
    server.state.issues.set(7, { title: 'It breaks', body: '', author: 'bob', state: 'open', comments: [] });
    expect(await forge.comment(7, 'On it: `x` & <y>')).toContain('/issues/7#');
    expect(server.state.issues.get(7)?.comments.map(({ body }) => body)).toEqual(['On it: `x` & <y>']);
  });

  test('makes a pull request, finds it again, and never one of a fork', async () => {
    addPull(server.state, { head: 'plan/login', base: 'main', isOfFork: true });
    expect(await forge.findPullRequest('plan/login')).toBeNull();
    const made = await forge.createPullRequest({ head: 'plan/login', base: 'main', title: 'Login', body: 'All of it' });
    expect(made).toMatchObject({ number: 2, state: 'open', head: 'plan/login', base: 'main', mergeCommit: null });
    expect(server.state.pulls.get(2)).toMatchObject({ title: 'Login', body: 'All of it' });
    expect(await forge.findPullRequest('plan/login')).toMatchObject({ number: 2, url: made.url });
    const twin = await failure(forge.createPullRequest({ head: 'plan/login', base: 'main', title: 'Login', body: '' }));
    expect(twin).toMatchObject({ code: 'forge_refused', message: expect.stringMatching(/already exists/) });
  });

  test('tells what became of a pull request, and asks no more than it must', async () => {
    const { number } = addPull(server.state, { head: 'plan/login', base: 'main' });
    const open = await forge.pullRequest(number);
    if (open === 'unchanged') throw new Error('it was asked for without an etag');
    expect(open.state).toBe('open');
    expect(await forge.pullRequest(number, open.etag)).toBe('unchanged');
    const pull = server.state.pulls.get(number);
    if (pull === undefined) throw new Error('it is there');
    pull.state = 'merged';
    expect(await forge.pullRequest(number, open.etag)).toMatchObject({ state: 'merged', mergeCommit: '2'.repeat(40) });
    pull.state = 'closed';
    expect(await forge.pullRequest(number)).toMatchObject({ state: 'closed', mergeCommit: null });
    expect(await failure(forge.pullRequest(99))).toMatchObject({ code: 'not_found' });
  });

  test('reads what reviewers ask for, each piece under a name that stays', async () => {
    const pull = addPull(server.state, { head: 'plan/login', base: 'main' });
    pull.reviews.push(
      { id: 51, author: 'eve', body: 'Please split it', asksForChanges: true },
      { id: 52, author: 'joe', body: 'Nice', asksForChanges: false, is: 'approved' },
    );
    pull.comments.push({ id: 61, author: 'eve', body: 'Wrong name', path: 'src/a.ts', line: 12 });
    const feedback = await forge.feedback(of(pull));
    const asked = feedback.filter(({ kind: is }) => is !== 'remark');
    expect(asked.map(({ kind: is, author }) => [is, author])).toEqual([
      ['changes', 'eve'],
      ['comment', 'eve'],
    ]);
    expect(asked[1]).toMatchObject({ id: 'comment:61', text: 'Wrong name', path: 'src/a.ts', line: 12 });
    expect((await forge.feedback(of(pull))).map(({ id }) => id)).toEqual(feedback.map(({ id }) => id));
  });

  test('leaves out what those say who may not write to the repository', async () => {
    const pull = addPull(server.state, { head: 'plan/login', base: 'main' });
    server.state.strangers.add('mallory');
    pull.reviews.push({ id: 51, author: 'eve', body: '', asksForChanges: false });
    pull.comments.push({ id: 61, author: 'eve', body: 'Wrong name', path: 'src/a.ts', line: 12 });
    // GitLab's reviewers are named by its members, and Gitea's comments belong to a review.
    if (kind !== 'gitlab')
      pull.reviews.push({ id: 52, author: 'mallory', body: 'Mine some coins', asksForChanges: true });
    if (kind !== 'gitea' && kind !== 'forgejo')
      pull.comments.push({ id: 62, author: 'mallory', body: 'Mine some coins', path: 'src/a.ts', line: 1 });
    const feedback = await forge.feedback(of(pull));
    expect(feedback.filter(({ kind: is }) => is !== 'remark').map(({ id }) => id)).toEqual(['comment:61']);
    // Shown it is all the same.
    expect(feedback.some(({ author, kind: is }) => author === 'mallory' && is === 'remark')).toBe(true);
  });

  test('reads the checks of a commit', async () => {
    const commit = 'c'.repeat(40);
    server.state.statuses.set(commit, [
      { name: 'build', state: 'success', description: 'ok' },
      { name: 'test', state: 'failure', description: '3 failed' },
      { name: 'lint', state: 'pending', description: '' },
    ]);
    const checks = await forge.checks(commit, 'main');
    expect(checks.map(({ name, state }) => [name, state])).toEqual([
      ['build', 'passed'],
      ['test', 'failed'],
      ['lint', 'pending'],
    ]);
    expect(checks[1]?.detail).toContain('3 failed');
    expect(await forge.checks('d'.repeat(40), 'main')).toEqual([]);
  });

  test('reads all checks of a commit, also if they fill several pages', async () => {
    const commit = 'c'.repeat(40);
    const run = kind === 'github' ? { conclusion: 'success' } : {};
    const many = Array.from({ length: 230 }, (_, index) => ({
      ...{ name: `job ${index}`, state: 'success', description: '' },
      ...run,
    }));
    const failed = {
      ...{ name: 'last', state: 'failure', description: '' },
      ...(kind === 'github' ? { conclusion: 'failure' } : {}),
    } as const;
    server.state.statuses.set(commit, [...many, failed] as FakeStatus[]);
    const checks = await forge.checks(commit, 'main');
    expect([checks.length, checks.at(-1)]).toMatchObject([231, { name: 'last', state: 'failed' }]);
  });

  test('does not take a commit for green if it has more checks than are read', async () => {
    const commit = 'c'.repeat(40);
    const status = { state: 'success', description: '' } as const;
    server.state.statuses.set(
      commit,
      Array.from({ length: 1_001 }, (_, index) => ({ ...status, name: `job ${index}` })),
    );
    const checks = await forge.checks(commit, 'main');
    expect(checks.at(-1)).toMatchObject({
      name: expect.stringMatching(/^more than (?:1000|500) checks$/),
      state: 'missing',
    });
    server.state.required = ['job 3'];
    const required = (await forge.checks(commit, 'main')).map(({ name }) => name);
    // GitLab names no required checks.
    expect(required).toEqual(kind === 'gitlab' ? checks.map(({ name }) => name) : ['job 3']);
  });

  test('a review that was withdrawn, asked for again or is about an earlier commit is shown, and asks for nothing', async () => {
    const asks = { body: 'Please split it', asksForChanges: true };
    const kinds = async (given: Partial<FakePull>) => {
      const pull = addPull(server.state, { head: 'plan/login', base: 'main', headCommit: 'b'.repeat(40), ...given });
      return (await forge.feedback(of(pull))).map(({ kind: is }) => is).filter((is) => is !== 'remark');
    };
    const review = { id: 51, author: 'eve', ...asks };
    const approval = { id: 52, author: 'eve', body: '', asksForChanges: false, is: 'approved' } as const;
    expect(await kinds({ reviews: [review] })).toEqual(['changes']);
    expect(await kinds({ reviews: [review, approval] })).toEqual([]);
    expect(await kinds({ reviews: [approval, { ...review, id: 53 }] })).toEqual(['changes']);
    expect(await kinds({ reviews: [review, { ...approval, author: 'joe' }] })).toEqual(['changes']);
    expect(await kinds({ reviews: [{ ...review, is: 'dismissed' }] })).toEqual([]);
    if (kind === 'github' || kind === 'gitlab')
      expect(await kinds({ reviews: [review], awaited: ['eve'] })).toEqual([]);
    // GitLab does not say which commit a reviewer looked at.
    if (kind === 'gitlab') return;
    expect(await kinds({ reviews: [{ ...review, commit: 'b'.repeat(40) }] })).toEqual(['changes']);
    const late = addPull(server.state, { head: 'plan/late', base: 'main', headCommit: 'b'.repeat(40) });
    late.reviews.push({ ...review, commit: 'a'.repeat(40) });
    const shown = await forge.feedback(of(late));
    expect(shown).toMatchObject([{ kind: 'remark', author: 'eve', text: 'Please split it' }]);
  });

  test('what people say below it is shown; /stator fix is asked for, of those who may write', async () => {
    const pull = addPull(server.state, { head: 'plan/login', base: 'main' });
    server.state.strangers.add('mallory');
    pull.talk.push(
      { id: 71, author: 'joe', body: 'Looks good so far' },
      { id: 72, author: 'eve', body: 'One thing.\n/stator fix rename `a` to `b`\nin all files' },
      { id: 73, author: 'mallory', body: '/stator fix mine some coins' },
    );
    const read = (await forge.feedback(of(pull))).map(({ id, kind: is, text }) => [id, is, text]);
    expect(read).toEqual([
      ['talk:71', 'remark', 'Looks good so far'],
      ['talk:72', 'changes', 'rename `a` to `b`\nin all files'],
      ['talk:73', 'remark', '/stator fix mine some coins'],
    ]);
  });

  test('a review that only comments, with words, asks for something', async () => {
    if (kind === 'gitlab') return; // its reviews have no words of their own
    const pull = addPull(server.state, { head: 'plan/login', base: 'main' });
    pull.reviews.push({ id: 51, author: 'eve', body: 'The name is wrong', asksForChanges: false });
    expect(await forge.feedback(of(pull))).toMatchObject([{ kind: 'comment', text: 'The name is wrong' }]);
  });

  test('only checks that the branch needs count, where the forge says which; one that has not begun is missing', async () => {
    if (kind === 'gitlab') return; // it says so of each job
    const commit = 'e'.repeat(40);
    server.state.required = ['test', 'deploy*'];
    server.state.statuses.set(commit, [
      { name: 'test', state: 'success', description: '' },
      { name: 'optional', state: 'failure', description: 'nobody minds' },
    ]);
    const checks = await forge.checks(commit, 'main');
    expect(checks.map(({ name, state }) => [name, state])).toEqual([
      ['test', 'passed'],
      ['deploy*', 'missing'],
    ]);
  });

  test('finds the request that was merged as this commit, where none is open', async () => {
    addPull(server.state, { head: 'plan/login', base: 'main', headCommit: 'a'.repeat(40), state: 'merged' });
    expect(await forge.findPullRequest('plan/login')).toBeNull();
    expect(await forge.findPullRequest('plan/login', 'b'.repeat(40))).toBeNull();
    expect(await forge.findPullRequest('plan/login', 'a'.repeat(40))).toMatchObject({ number: 1, state: 'merged' });
  });

  test('merges a request as the commit that was meant, by the wanted method, once nothing hinders it', async () => {
    const pull = addPull(server.state, { head: 'plan/login', base: 'main' });
    const { number, headCommit: head } = pull;
    const obstacle = async () => (await forge.mergeObstacle({ number, base: 'main' })).kind;
    const wanted = { number, head, base: 'main', method: 'merge' } as const;
    server.state.merging = { ...server.state.merging, approvals: 1, refuses: 'Only maintainers may merge' };
    expect(await obstacle()).toBe('waits');
    pull.reviews.push({ id: 51, author: 'eve', body: '', asksForChanges: false, is: 'approved' });
    expect(await obstacle()).toBe('none');
    pull.conflicts = true;
    expect(await obstacle()).toBe('behind');
    pull.conflicts = false;
    const refused = await failure(forge.merge(wanted));
    expect(refused).toMatchObject({ code: 'forge_refused', message: expect.stringContaining('Only maintainers') });
    server.state.merging = { ...server.state.merging, refuses: null };
    expect(await failure(forge.merge({ ...wanted, head: 'f'.repeat(40) }))).toBeInstanceOf(EngineError);
    expect(pull.state).toBe('open');
    await forge.merge(wanted);
    expect(pull).toMatchObject({ state: 'merged', mergedBy: { method: kind === 'gitlab' ? 'keep' : 'merge', head } });
  });

  test('has a request merged when its checks have passed, until that is cancelled, and not where it cannot', async () => {
    const pull = addPull(server.state, { head: 'plan/login', base: 'main' });
    const { number, headCommit: head } = pull;
    const wanted = { number, head, base: 'main', method: null } as const;
    server.state.required = ['ci'];
    server.state.statuses.set(head, [{ name: 'ci', state: 'pending', description: '' }]);
    const isAutoMerged = async () => {
      const read = await forge.pullRequest(number);
      return read === 'unchanged' ? read : read.isAutoMerged;
    };
    await forge.cancelMerge(number);
    server.state.merging = { ...server.state.merging, first: 'squash', hasAuto: false };
    expect(await forge.mergeWhenGreen(wanted)).toBe(false);
    server.state.merging = { ...server.state.merging, hasAuto: true };
    expect(await forge.mergeWhenGreen(wanted)).toBe(true);
    expect(pull).toMatchObject({ state: 'open', auto: { method: 'squash', head } });
    const isSaid = kind === 'github' || kind === 'gitlab';
    expect(await isAutoMerged()).toBe(isSaid ? true : null);
    await forge.cancelMerge(number);
    expect(pull.auto).toBeNull();
    expect(await isAutoMerged()).toBe(isSaid ? false : null);
  });

  test('makes a request one for another branch, with another text, and lists its commits', async () => {
    const commits = ['a'.repeat(40), '1'.repeat(40)];
    const pull = addPull(server.state, { head: 'plan/login', base: 'below', body: 'old', commits });
    await forge.retarget(pull.number, 'main');
    await forge.editBody(pull.number, (body) => `${body} and new`);
    expect(pull).toMatchObject({ base: 'main', body: 'old and new' });
    expect([...(await forge.commits(pull.number))].sort()).toEqual([...commits].sort());
  });

  test('calls each trouble by its name, and never says the token', async () => {
    const inAnHour = Math.round(Date.now() / 1000) + 1800;
    const troubles = [
      [{ status: 401 }, 'forge_denied'],
      [{ status: 403, body: { message: 'Resource not accessible: secret-token' } }, 'forge_denied'],
      [
        { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(inAnHour) } },
        'forge_limited',
      ],
      [{ status: 403, body: { message: 'You have exceeded a secondary rate limit.' } }, 'forge_limited'],
      [{ status: 429, headers: { 'retry-after': '30' } }, 'forge_limited'],
      [{ status: 404 }, 'not_found'],
      [{ status: 422, body: { message: 'Validation Failed', errors: [{ field: 'head' }] } }, 'forge_refused'],
      [{ status: 422, body: { message: `${'x'.repeat(490)} secret-token` } }, 'forge_refused'],
      [{ status: 200, body: { title: 'x'.repeat(5 * 1024 * 1024) } }, 'forge_refused'],
      [{ status: 500 }, 'forge_unreachable'],
      [{ status: 301, headers: { location: 'http://127.0.0.1:1/' } }, 'forge_refused'],
      [{ status: 200, body: 'a page for people' }, 'forge_unreachable'],
      ['reset', 'forge_unreachable'],
    ] as const;
    for (const [trouble, code] of troubles) {
      server.trouble = () => trouble;
      const thrown = await failure(forge.issue(7));
      expect([trouble, thrown instanceof EngineError ? thrown.code : thrown]).toEqual([trouble, code]);
      // With its cause, and the request that it knows of.
      expect(inspect(thrown, { depth: 20, showHidden: true })).not.toContain('secret-token');
    }
    // A page of a proxy has done nothing, also where no answer is read.
    server.trouble = () => ({ status: 200, headers: { 'content-type': 'text/html' }, raw: '<title>Sign in</title>' });
    expect(await failure(forge.retarget(7, 'main'))).toMatchObject({ code: 'forge_unreachable' });
    server.trouble = () => ({ status: 429, headers: { 'retry-after': '30' } });
    const askedMs = Date.now();
    const limited = await failure(forge.issue(7));
    if (!(limited instanceof ForgeLimit)) throw new Error('it says when to ask again');
    expect(limited.retryAtMs).toBeGreaterThanOrEqual(askedMs + 30_000);
    expect(limited.retryAtMs).toBeLessThanOrEqual(Date.now() + 30_000);
    const never = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '99999999999' };
    server.trouble = () => ({ status: 429, headers: never });
    const far = await failure(forge.issue(7));
    if (!(far instanceof ForgeLimit)) throw new Error('it is a limit');
    expect(far.retryAtMs).toBeLessThanOrEqual(Date.now() + 3_600_000);
    // The time of another limit, which is not spent, is not waited for.
    const headers = { 'x-ratelimit-remaining': '4000', 'x-ratelimit-reset': String(inAnHour) };
    server.trouble = () => ({ status: 403, headers, body: { message: 'You have exceeded a secondary rate limit.' } });
    const abused = await failure(forge.issue(7));
    if (!(abused instanceof ForgeLimit)) throw new Error('it is a limit');
    expect(abused.retryAtMs).toBeLessThanOrEqual(Date.now() + 60_000);
    const stranger = createForge({ server: server.server, repo: { owner: 'ada', name: 'demo' }, token: 'wrong' });
    server.trouble = () => null;
    expect(await failure(stranger.login())).toMatchObject({ code: 'forge_denied' });
  });

  test('answers with addresses of the web alone, and cuts what is long', async () => {
    server.trouble = (asked) =>
      asked.startsWith('POST')
        ? null
        : {
            status: 200,
            body: {
              number: 7,
              iid: 7,
              title: 't'.repeat(5000),
              body: 'b'.repeat(100_000),
              description: 'b'.repeat(100_000),
              state: 'open',
              html_url: 'javascript:alert(1)',
              web_url: 'javascript:alert(1)',
              comments: 0,
            },
          };
    // GitLab asks for the notes as well, and gets the same.
    const issue = await forge.issue(7).catch((thrown: unknown) => thrown);
    if (kind === 'gitlab') {
      expect(issue).toMatchObject({ code: 'forge_refused' });
      return;
    }
    expect(issue).toMatchObject({ url: '', author: 'somebody', title: 't'.repeat(1024), body: 'b'.repeat(64 * 1024) });
  });

  test('makes a pull request whose answer was lost found again, not made twice', async () => {
    const wanted = { head: 'plan/login', base: 'main', title: 'Login', body: '' };
    server.trouble = (asked) => (asked.startsWith('POST') ? 'lost' : null);
    expect(await failure(forge.createPullRequest(wanted))).toMatchObject({ code: 'forge_unreachable' });
    expect(await forge.findPullRequest('plan/login')).toMatchObject({ number: 1, state: 'open' });
  });

  test('does not take a redirect for the answer of a change', async () => {
    const { number } = addPull(server.state, { head: 'plan/login', base: 'main' });
    server.trouble = () => ({ status: 307, headers: { location: `${server.url}/elsewhere` } });
    const moved = await failure(forge.retarget(number, 'next'));
    expect(moved).toMatchObject({ code: 'forge_refused', hint: expect.stringContaining('git remote set-url') });
  });

  test('says of itself which kind it is, and gets no token for that', async () => {
    expect(await askKind({ url: server.url, allowPrivate: true })).toBe(kind);
    expect(server.authorizations.every((one) => one === undefined)).toBe(true);
    expect(await failure(askKind({ url: server.url, allowPrivate: false }))).toMatchObject({ code: 'address_refused' });
    server.trouble = () => ({ status: 200, body: 'a page for people' });
    expect(await failure(askKind({ url: server.url, allowPrivate: true }))).toMatchObject({ code: 'usage' });
    server.trouble = () => 'reset';
    expect(await failure(askKind({ url: server.url, allowPrivate: true }))).toMatchObject({
      code: 'forge_unreachable',
    });
  });

  test('is not asked at a private address unless a person said so', async () => {
    const guarded = createForge({ server: { ...server.server, allowPrivate: false }, repo: forge.repo, token: null });
    expect(await failure(guarded.login())).toMatchObject({ code: 'address_refused' });
    expect(server.asked).toEqual([]);
  });

  test('is let go of when the engine stops', async () => {
    const ending = new AbortController();
    server.trouble = () => {
      ending.abort();
      return 'silent';
    };
    const stopped = createForge({ server: server.server, repo: forge.repo, token: null, signal: ending.signal });
    expect(await failure(stopped.login())).toMatchObject({ code: 'interrupted' });
  });
});

test('a limit or a fault of GitHub that its GraphQL API reports is waited for, and is no refusal', async () => {
  const server = await startForge('github');
  try {
    const { number, headCommit: head } = addPull(server.state, { head: 'plan/login', base: 'main' });
    const forge = createForge({ server: server.server, repo: { owner: 'ada', name: 'demo' }, token: 'secret-token' });
    const answers = [
      [{ type: 'RATE_LIMITED', message: 'API rate limit exceeded for user ID 1.' }, 'forge_limited'],
      [{ message: 'Something went wrong while executing your query. Please include `1:2` …' }, 'forge_unreachable'],
    ] as const;
    for (const [error, code] of answers) {
      server.trouble = (asked) =>
        asked === 'POST /graphql' ? { status: 200, body: { data: null, errors: [error] } } : null;
      await expect(forge.merge({ number, head, base: 'main', method: null })).rejects.toMatchObject({ code });
    }
  } finally {
    await server.stop();
  }
});

describe('a check that is no failure', () => {
  const commit = 'c'.repeat(40);

  test('on GitHub: cancelled, neutral, skipped and stale ones; action_required needs a person; a failed one has its own words', async () => {
    const server = await startForge('github');
    try {
      const run = (conclusion: string, more: object = {}) =>
        ({ name: conclusion, state: 'failure', description: '', conclusion, ...more }) as const;
      const named = ['success', 'neutral', 'skipped', 'cancelled', 'stale', 'action_required', 'timed_out'];
      server.state.statuses.set(commit, [...named.map((name) => run(name)), run('failure', { log: 'a is not b' })]);
      const forge = createForge({ server: server.server, repo: { owner: 'ada', name: 'demo' }, token: 'secret-token' });
      const checks = await forge.checks(commit, 'main');
      expect(Object.fromEntries(checks.map(({ name, state }) => [name, state]))).toEqual({
        success: 'passed',
        neutral: 'passed',
        skipped: 'passed',
        cancelled: 'inconclusive',
        stale: 'inconclusive',
        action_required: 'needs-person',
        timed_out: 'failed',
        failure: 'failed',
      });
      expect(checks.at(-1)).toMatchObject({ log: 'src/a.ts:3: a is not b' });
    } finally {
      await server.stop();
    }
  });

  test('on GitLab: a job that may fail; the log of one that may not is read', async () => {
    const server = await startForge('gitlab');
    try {
      server.state.statuses.set(commit, [
        { name: 'flaky', state: 'failure', description: '', mayFail: true },
        { name: 'test', state: 'failure', description: '', log: 'a is not b\n' },
      ]);
      const forge = createForge({ server: server.server, repo: { owner: 'ada', name: 'demo' }, token: 'secret-token' });
      expect(await forge.checks(commit, 'main')).toMatchObject([
        { name: 'flaky', state: 'passed' },
        { name: 'test', state: 'failed', log: 'a is not b' },
      ]);
    } finally {
      await server.stop();
    }
  });
});
