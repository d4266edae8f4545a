/** Plans whose parts have a pull request each, based on the one below: made as the parts are done, and kept on top of each other whatever people do on the forge. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stackLines } from '../../cli/plan/view.ts';
import type { ForgeKind } from '../../runtime/work/forges/kinds/kinds.ts';
import {
  begin,
  type EngineSetup,
  gate,
  openGate,
  planText,
  say,
  type TestEngine,
  untilBlocked,
  untilPlan,
} from '../support/engine.ts';
import { type FakePull, type ForgeServer, type ForgeState, mergeNow } from '../support/forge-server.ts';
import { type Site, site, start } from '../support/forge-site.ts';
import { git, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

const three = planText(['echo 1 > a.txt'], ['echo 2 >> a.txt; echo b > b.txt'], ['echo c > c.txt']);

async function atForge(
  kind: ForgeKind = 'gitea',
  { mode = 'wave', ...given }: Partial<ForgeState> & { mode?: 'wave' | 'task' } = {},
): Promise<Site> {
  return site(kind, `[pull_requests]\nstack = "${mode}"\n`, { bare: '', ...given });
}

const deleting = (deletes: 'retargets' | 'closes') => ({
  ...{ methods: ['merge', 'squash', 'rebase'] as const, first: 'squash' as const },
  ...{ hasAuto: true, approvals: 0, refuses: null, deletes },
});
const pulls = ({ forge }: Site): FakePull[] => [...forge.state.pulls.values()];
const creates = ({ asked }: ForgeServer) =>
  asked.filter((line) => /^POST .*(?:pulls|merge_requests)$/.test(line)).length;
const headOfPlan = ({ on }: Site) => git(on.repo, 'rev-parse', 'plan/login');
const treeOfPlan = ({ on }: Site) => git(on.repo, 'rev-parse', 'plan/login^{tree}');
const tip = ({ bare }: Site, branch: string) => git(bare, 'rev-parse', `refs/heads/${branch}`);
/** The subjects of what a request brings, the newest first, without merges. */
const brings = ({ bare }: Site, { base, head }: FakePull) =>
  git(bare, 'log', '--no-merges', '--format=%s', `${base}..${head}`);
const shows = ({ bare }: Site, { base, head }: FakePull) =>
  git(bare, 'diff', '--name-only', `${base}...${head}`).split('\n').sort().join(' ');

const untilStack = (engine: TestEngine, is: (states: string, bases: string) => boolean) =>
  untilPlan(engine, 'login', ({ pull_request: request, creating_pr: isAtIt }) => {
    const stack = request?.stack ?? [];
    const text = (key: 'state' | 'base') => stack.map((layer) => layer[key]).join(' ');
    return !isAtIt && is(text('state'), text('base'));
  });
const opened = (engine: TestEngine, count: number) =>
  untilStack(engine, (states) => states === Array.from({ length: count }, () => 'open').join(' '));
const merged = (engine: TestEngine) => untilPlan(engine, 'login', ({ landing }) => landing === 'merged');

async function stacked(where: Site, setup: EngineSetup = {}, text = three): Promise<TestEngine> {
  const engine = await start(where, setup);
  await begin(engine, 'login', text);
  await untilPlan(engine, 'login', ({ status }) => status === 'done');
  await opened(engine, 3);
  return engine;
}

/** A person merges it on the forge's page. */
function merge(where: Site, pull: FakePull | undefined, method: 'merge' | 'squash'): void {
  if (pull === undefined) throw new Error('no such request');
  pull.headCommit = tip(where, pull.head);
  mergeNow(where.forge.state, pull, method, pull.headCommit);
}

type Files = Readonly<Record<string, string>>;

/** Somebody's own clone, in which they commit to a branch and push it. */
function byHand({ bare, on }: Site, branch: string, files: Files, from = branch): string {
  const clone = join(on.root, `clone-${randomUUID()}`);
  git(on.root, 'clone', '-q', bare, clone, '--branch', from);
  byHandIn(clone, files);
  git(clone, 'push', '-q', '--force', 'origin', `HEAD:refs/heads/${branch}`);
  return git(clone, 'rev-parse', 'HEAD');
}

function byHandIn(checkout: string, files: Files): void {
  for (const [file, text] of Object.entries(files)) writeFileSync(join(checkout, file), text);
  git(checkout, 'add', '.');
  git(checkout, '-c', 'user.name=eve', '-c', 'user.email=eve@here.test', 'commit', '-qm', 'by hand');
}

/** A person pushes to the first part, and what `go` lets an agent do then conflicts with that: the third part is new, and waits for a person. */
async function conflictedBelow(
  where: Site,
  engine: TestEngine,
  go: string,
): Promise<{ theirs: string; below: string }> {
  const theirs = byHand(where, 'stack/login/w1', { 'a.txt': '1\nand more\n' });
  await untilPlan(engine, 'login', ({ pull_request: now }) => now?.stack?.[0]?.pushed !== undefined);
  openGate(go);
  const { blocked } = await untilBlocked(engine, 'login');
  const below = tip(where, 'stack/login/w2');
  expectProse(blocked?.reason ?? '', 'part w3', 'a.txt', `git merge ${below.slice(0, 12)}`);
  return { theirs, below };
}

/** A person merges a commit into the plan's branch, in a checkout of their own. */
function mergedByHand({ on }: Site, commit: string, text: string): void {
  const clone = join(on.root, `own-${randomUUID()}`);
  git(on.repo, 'worktree', 'add', '-q', '--detach', clone, 'plan/login');
  git(clone, 'merge', '-q', '--no-commit', '--strategy=ours', commit);
  byHandIn(clone, { 'a.txt': text });
  git(on.repo, 'update-ref', 'refs/heads/plan/login', git(clone, 'rev-parse', 'HEAD'));
}

describe('a plan whose waves have requests of their own', () => {
  it('gets one for each wave as soon as it is done, and another one where the forge closed one with the branch that it was for', async () => {
    const where = await atForge('github', { merging: deleting('closes') });
    const engine = await start(where);
    const go = join(where.on.root, 'go');
    const text = planText(['echo 1 > a.txt'], [`${gate(go)}; echo b > b.txt`], ['echo c > c.txt']);
    await begin(engine, 'login', text);
    const early = await opened(engine, 1);
    expect(early.status).toBe('implementing');
    expect(pulls(where)).toMatchObject([{ head: 'stack/login/w1', base: 'main' }]);
    openGate(go);
    await untilPlan(engine, 'login', ({ status }) => status === 'done');
    const { pull_request: request } = await opened(engine, 3);
    expect(pulls(where)).toMatchObject([
      { head: 'stack/login/w1', base: 'main' },
      { head: 'stack/login/w2', base: 'stack/login/w1' },
      { head: 'stack/login/w3', base: 'stack/login/w2' },
    ]);
    expect(pulls(where).map((pull) => shows(where, pull))).toEqual(['a.txt', 'b.txt', 'c.txt']);
    expect(request?.stack?.map(({ number }) => number)).toEqual(pulls(where).map(({ number }) => number));
    expect(new Set(pulls(where).map(({ title }) => title)).size).toBe(3);
    const second = pulls(where)[1];
    expect(second?.body).toContain('Part 2 of 3');
    expect(second?.body).toContain('- w2 t1:');
    expect(second?.body).not.toContain('- w1 t1:');
    expect(tip(where, 'stack/login/w3')).toBe(git(where.on.repo, 'rev-parse', 'plan/login'));
    expect(git(where.bare, 'branch', '--list', 'plan/*')).toBe('');
    merge(where, pulls(where)[0], 'squash');
    await untilStack(engine, (states, bases) => states === 'merged open open' && bases.startsWith('main main '));
    expect(pulls(where).map(({ state, head }) => `${state} ${head}`)).toEqual([
      'merged stack/login/w1',
      'closed stack/login/w2',
      'open stack/login/w3',
      'open stack/login/w2',
    ]);
  });

  it('has what a person pushed to one in all above it, and is stacked anew when that was squashed: without its commits, and once each', async () => {
    const where = await atForge('gitlab', { merging: deleting('retargets') });
    const engine = await stacked(where);
    const head = headOfPlan(where);
    const theirs = byHand(where, 'stack/login/w1', { 'theirs.txt': 'theirs\n' });
    const has = (branch: string) => git(where.bare, 'ls-tree', '--name-only', branch).includes('theirs.txt');
    await until(() => Promise.resolve(has('stack/login/w3')));
    expect(tip(where, 'stack/login/w1')).toBe(theirs);
    await untilPlan(engine, 'login', ({ creating_pr: isAtIt }) => !isAtIt && headOfPlan(where) !== head);
    expect(git(where.on.repo, 'log', '--format=%an %s', `${head}..plan/login`)).toBe('eve by hand');
    expect(treeOfPlan(where)).toBe(git(where.bare, 'rev-parse', 'stack/login/w3^{tree}'));
    expect(pulls(where).map((pull) => shows(where, pull))).toEqual(['a.txt theirs.txt', 'a.txt b.txt', 'c.txt']);
    const [first, second, third] = pulls(where);
    const before = tip(where, 'stack/login/w3');
    merge(where, first, 'squash');
    await untilStack(engine, (states, bases) => states === 'merged open open' && bases.startsWith('main main '));
    expect(pulls(where).map(({ base }) => base)).toEqual(['main', 'main', 'stack/login/w2']);
    expect(brings(where, second as FakePull)).toBe('task 1 (login w2 t1)');
    expect(brings(where, third as FakePull)).toBe('task 1 (login w3 t1)');
    expect(shows(where, second as FakePull)).toBe('a.txt b.txt');
    expect(tip(where, 'stack/login/w3')).not.toBe(before);
    merge(where, second, 'squash');
    await untilStack(engine, (states) => states === 'merged merged open');
    merge(where, third, 'squash');
    const shown = await merged(engine);
    expect(shown.merged).toMatchObject({ into: 'main', head: tip(where, 'main') });
    expect(git(where.bare, 'rev-parse', 'main^{tree}')).toBe(git(where.on.repo, 'rev-parse', 'plan/login^{tree}'));
    expect(git(where.bare, 'log', '--format=%s', '--first-parent', 'main').split('\n')).toHaveLength(4);
    expect(creates(where.forge)).toBe(3);
  });

  it('is made once where answers are lost, and one for the branch below after a merge, without a push', async () => {
    const where = await atForge('gitea');
    where.forge.trouble = (asked) => (asked.startsWith('POST') && creates(where.forge) % 2 === 1 ? 'lost' : null);
    const engine = await stacked(where);
    expect(where.forge.state.pulls.size).toBe(3);
    where.forge.trouble = () => null;
    const heads = pulls(where).map(({ head }) => tip(where, head));
    merge(where, pulls(where)[0], 'merge');
    await untilStack(engine, (_, bases) => bases === 'main main stack/login/w2');
    expect(pulls(where).map(({ head }) => tip(where, head))).toEqual(heads);
    expect(pulls(where)[1]?.base).toBe('main');
    // A plan of one wave has one.
    await begin(engine, 'small', planText(['echo 1 > small.txt']));
    await untilPlan(engine, 'small', ({ pull_request: request }) => request?.state === 'open');
    expect(pulls(where).slice(3)).toMatchObject([{ head: 'plan/small', base: 'main' }]);
  });

  it('asks its review again for what was pushed, unless review_again is "never"', async () => {
    const where = await atForge();
    const config = join(where.on.repo, '.stator', 'config.toml');
    mkdirSync(dirname(config), { recursive: true });
    const setAgain = (again: string) => writeFileSync(config, `[landing]\nreview_again = "${again}"\n`);
    setAgain('never');
    const looks = join(where.on.root, 'looks');
    const look = `git log -1 --format=%s >> ${looks}`;
    const reviewer = { preset: 'command' as const, program: '/bin/sh', flags: ['-c', look], sandbox: 'off' as const };
    const engine = await stacked(where, { agents: { default: { preset: 'sh', attempts: 1 }, reviewer } });
    const subjects = ['task 1 (login w3 t1)'];
    for (const again of ['never', 'conflicts', 'always']) {
      setAgain(again);
      await engine.client.trustRepo({ project: 'demo' });
      const before = headOfPlan(where);
      const theirs = byHand(where, 'stack/login/w1', { [`${again}.txt`]: 'theirs\n' });
      // The step that says that it was taken says also whether it is to be judged.
      await untilPlan(engine, 'login', ({ status, pull_request: request }) => {
        const first = request?.stack?.[0];
        return first?.head === theirs && first.pushed === undefined && status === 'done';
      });
      await opened(engine, 3);
      if (again !== 'never') subjects.push('by hand');
      expect(readFileSync(looks, 'utf8').trim().split('\n'), again).toEqual(subjects);
      expect(git(where.on.repo, 'show', `plan/login:${again}.txt`)).toBe('theirs');
      expect(headOfPlan(where)).not.toBe(before);
    }
  });

  it('takes what was pushed while it was at work when it is done, once, though the parts were made anew meanwhile, and has no request for a new part whose changes are all in that', async () => {
    const where = await atForge();
    const engine = await start(where);
    const go = join(where.on.root, 'go');
    const text = planText(['echo 1 > a.txt'], ['echo b > b.txt'], [`${gate(go)}; echo 2 >> a.txt`], ['echo d > d.txt']);
    await begin(engine, 'login', text);
    await opened(engine, 2);
    const before = headOfPlan(where);
    byHand(where, 'stack/login/w2', { 'two.txt': 'two\n' });
    byHand(where, 'stack/login/w1', { 'a.txt': '1\n2\n', 'one.txt': 'one\n' });
    const has = (file: string, words: string) => git(where.bare, 'show', `stack/login/w2:${file}`) === words;
    const isThere = () => git(where.bare, 'ls-tree', '--name-only', 'stack/login/w2').includes('two.txt');
    await until(() => Promise.resolve(isThere() && has('a.txt', '1\n2')));
    const { pull_request: request } = await opened(engine, 2);
    expect(request?.stack?.map(({ pushed }) => pushed?.length ?? 0)).toEqual([1, 1]);
    const shown = await engine.client.plan('demo', 'login');
    expect(stackLines(shown).at(-1)?.[1]).toBe(
      'people pushed to w1, w2: plan/login does not get that before it is done',
    );
    expect(headOfPlan(where)).toBe(before);
    openGate(go);
    await untilPlan(engine, 'login', ({ status }) => status === 'done');
    await opened(engine, 3);
    await untilPlan(engine, 'login', ({ pull_request: now }) => now?.stack?.every(({ pushed }) => !pushed) === true);
    const authors = git(where.on.repo, 'log', '--no-merges', '--format=%an', `${before}..plan/login`).split('\n');
    expect(authors.sort()).toEqual(['Ada', 'Ada', 'eve', 'eve']);
    expect(treeOfPlan(where)).toBe(git(where.bare, 'rev-parse', 'stack/login/w4^{tree}'));
    expect(pulls(where).map((pull) => `${pull.head} ${shows(where, pull)}`)).toEqual([
      'stack/login/w1 a.txt one.txt',
      'stack/login/w2 b.txt two.txt',
      'stack/login/w4 d.txt',
    ]);
    for (const pull of pulls(where)) {
      await untilPlan(engine, 'login', () => pull.base === 'main');
      merge(where, pull, 'merge');
    }
    await merged(engine);
    expect(creates(where.forge)).toBe(3);
  });

  it('is blocked when a new part conflicts with what was pushed below it, until a person has merged that', async () => {
    const where = await atForge();
    const engine = await start(where);
    const go = join(where.on.root, 'go');
    await begin(engine, 'login', planText(['echo 1 > a.txt'], ['echo b > b.txt'], [`${gate(go)}; echo 2 >> a.txt`]));
    await opened(engine, 2);
    const { theirs, below } = await conflictedBelow(where, engine, go);
    mergedByHand(where, below, '1\nand more\n2\n');
    await say(engine, 'login', 'resolve');
    const { pull_request: request } = await opened(engine, 3);
    expect(request?.stack?.map(({ pushed }) => pushed)).toEqual([undefined, undefined, undefined]);
    expect(tip(where, 'stack/login/w1')).toBe(theirs);
    expect(git(where.bare, 'show', 'stack/login/w3:a.txt')).toBe('1\nand more\n2');
  });

  it.each([
    ['other lines', 'sed -i s/b/B/ b.txt; echo d > d.txt', '1\nand more\n2\n', 'b.txt d.txt', '1\nand more\n2'],
    [
      'the same line',
      'sed -i s/2/two/ a.txt; rm c.txt; echo d > d.txt',
      '1\nand more\ntwo\n',
      'c.txt d.txt',
      '1\nand more\ntwo',
    ],
  ])(
    'needs a single merge by hand where a new part below the highest conflicts with what was pushed, and the highest changes %s',
    async (_, last, decided, ofHighest, inMiddle) => {
      const where = await atForge();
      const engine = await start(where);
      const go = join(where.on.root, 'go');
      const third = `${gate(go)}; echo 2 >> a.txt; echo c > c.txt`;
      const text = planText(['echo 1 > a.txt'], ['echo b > b.txt'], [third], [last]);
      await begin(engine, 'login', text);
      await opened(engine, 2);
      const { theirs, below } = await conflictedBelow(where, engine, go);
      mergedByHand(where, below, decided);
      await say(engine, 'login', 'resolve');
      const { pull_request: request } = await opened(engine, 4);
      expect(request?.stack?.map(({ pushed }) => pushed)).toEqual([undefined, undefined, undefined, undefined]);
      expect([tip(where, 'stack/login/w1'), tip(where, 'stack/login/w2')]).toEqual([theirs, below]);
      expect(pulls(where).map((pull) => shows(where, pull))).toEqual(['a.txt', 'b.txt', 'a.txt c.txt', ofHighest]);
      expect(git(where.bare, 'show', 'stack/login/w3:a.txt')).toBe(inMiddle);
      expect(git(where.bare, 'rev-parse', 'stack/login/w4^{tree}')).toBe(treeOfPlan(where));
    },
  );

  it('is blocked when its own branch conflicts with what was pushed, until a person has merged that', async () => {
    const where = await atForge();
    const engine = await stacked(where);
    byHand(where, 'main', { 'a.txt': 'main\n' });
    const theirs = byHand(where, 'stack/login/w1', { 'a.txt': 'main\n0\n1\n' }, 'main');
    const { blocked } = await untilBlocked(engine, 'login');
    expectProse(blocked?.reason ?? '', 'stack/login/w1', 'plan/login', 'a.txt', `git merge ${theirs.slice(0, 12)}`);
    expect(git(where.bare, 'show', 'stack/login/w3:a.txt')).toBe('main\n0\n1\n2');
    mergedByHand(where, theirs, 'main\n0\n1\n2\n');
    await say(engine, 'login', 'resolve');
    await untilPlan(engine, 'login', (shown) => shown.blocked === null && !shown.creating_pr);
    const { pull_request: request } = await opened(engine, 3);
    expect(request?.stack?.map(({ pushed }) => pushed)).toEqual([undefined, undefined, undefined]);
  });

  it('keeps what was pushed by force, and stacks the rest on that; what a person has made of a conflict between the parts gets into its own branch', async () => {
    const where = await atForge();
    const engine = await stacked(where);
    byHand(where, 'stack/login/w1', { 'a.txt': '1\nand more\n' }, 'main');
    const text = () => git(where.bare, 'show', 'stack/login/w3:a.txt');
    const { blocked } = await untilBlocked(engine, 'login');
    expectProse(blocked?.reason ?? '', 'part w2', 'a.txt');
    expect(text()).toBe('1\n2');
    byHand(where, 'stack/login/w1', { 'a.txt': '1\n' }, 'main');
    await untilPlan(engine, 'login', (shown) => shown.blocked === null);
    await opened(engine, 3);
    expect(pulls(where).map((pull) => shows(where, pull))).toEqual(['a.txt', 'a.txt b.txt', 'c.txt']);
    byHand(where, 'stack/login/w1', { 'a.txt': '1\nand more\n' });
    await untilBlocked(engine, 'login');
    expect(git(where.on.repo, 'show', 'plan/login:a.txt')).toBe('1\n2');
    byHand(where, 'stack/login/w2', { 'a.txt': '1\nand more\n2\n' }, 'stack/login/w1');
    await untilPlan(engine, 'login', (shown) => shown.blocked === null);
    await untilPlan(engine, 'login', () => git(where.on.repo, 'show', 'plan/login:a.txt') === '1\nand more\n2');
    await opened(engine, 3);
    expect(git(where.on.repo, 'log', '-1', '--format=%an', 'plan/login')).toBe('eve');
  });

  it('leaves alone what another plan of its name has pushed, and gets what a review asks for in the part that it is about', async () => {
    const where = await atForge('github');
    const theirs = byHand(where, 'stack/login/w2', { 'other.txt': 'other\n' }, 'main');
    const fixer = {
      preset: 'command' as const,
      program: '/bin/sh',
      flags: ['-c', 'echo fixed > fixed.txt'],
      sandbox: 'off' as const,
    };
    const engine = await start(where, { agents: { default: { preset: 'sh', attempts: 1 }, fixer } });
    await begin(engine, 'login', three);
    const { blocked } = await untilBlocked(engine, 'login');
    expectProse(blocked?.reason ?? '', 'stack/login/w2', theirs.slice(0, 12));
    expect(tip(where, 'stack/login/w2')).toBe(theirs);
    git(where.bare, 'branch', '-D', 'stack/login/w2');
    await say(engine, 'login', 'resolve');
    await opened(engine, 3);
    const review = { id: 71, author: 'eve', body: 'a file is missing', asksForChanges: true };
    pulls(where)[0]?.reviews.push(review);
    const isThere = () => git(where.bare, 'ls-tree', '--name-only', 'stack/login/w3').includes('fixed.txt');
    await until(() => Promise.resolve(isThere()));
    await opened(engine, 3);
    expect(pulls(where).map((pull) => shows(where, pull))).toEqual(['a.txt fixed.txt', 'a.txt b.txt', 'c.txt']);
    expect(git(where.bare, 'rev-parse', 'stack/login/w3^{tree}')).toBe(
      git(where.on.repo, 'rev-parse', 'plan/login^{tree}'),
    );
  });

  it('stays as it is when a person closes one, until they ask for another; that landed with the part below if it was merged into it', async () => {
    const where = await atForge('gitlab');
    const engine = await stacked(where);
    const [first, closed, third] = pulls(where);
    (closed as FakePull).state = 'closed';
    await untilStack(engine, (states) => states === 'open closed open');
    expect(pulls(where)).toHaveLength(3);
    await say(engine, 'login', 'create_pr');
    await opened(engine, 3);
    expect(pulls(where).map(({ base }) => base)).toEqual([
      'main',
      'stack/login/w1',
      'stack/login/w2',
      'stack/login/w1',
    ]);
    merge(where, pulls(where)[3], 'squash');
    await untilStack(engine, (states, bases) => states === 'open merged open' && bases.endsWith('stack/login/w1'));
    expect(shows(where, first as FakePull)).toBe('a.txt b.txt');
    expect(shows(where, third as FakePull)).toBe('c.txt');
    merge(where, first, 'squash');
    await untilStack(engine, (_, bases) => bases.endsWith('main'));
    merge(where, third, 'squash');
    await merged(engine);
  });

  it('has one for each task where that is configured, in the order in which they came', async () => {
    const where = await atForge('gitea', { mode: 'task' });
    const engine = await start(where);
    const two = [
      { title: 'first', sh: 'echo 1 > a.txt' },
      { title: 'second', sh: 'echo 2 > b.txt', fields: '**After:** 1' },
    ];
    await begin(engine, 'login', planText(two, ['echo c > c.txt']));
    await opened(engine, 3);
    expect(pulls(where).map(({ head, title }) => `${head} ${title}`)).toEqual([
      'stack/login/w1-t1 first (login 1/3)',
      'stack/login/w1-t2 second (login 2/3)',
      'stack/login/w2-t1 task 1 (login 3/3)',
    ]);
    expect(pulls(where).map((pull) => shows(where, pull))).toEqual(['a.txt', 'b.txt', 'c.txt']);
  });
});
