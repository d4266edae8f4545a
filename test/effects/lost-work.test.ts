/** Work that was done and is no longer on its plan's branch: the plan stops and names it, and a person brings it back or says that it was meant. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';
import type { PlanShow } from '../../runtime/engine/engine.ts';
import { restoreWork } from '../../runtime/work/effects/lost-work.ts';
import { inspectRepository } from '../../runtime/work/git/repository.ts';
import {
  begin,
  type EngineSetup,
  gate,
  ground,
  openGate,
  planText,
  say,
  script,
  startEngine,
  type TestEngine,
  untilFile,
  untilPhase,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

const files = (engine: TestEngine, commit: string) => git(engine.repo, 'ls-tree', '--name-only', commit).split('\n');
const untilLost = (engine: TestEngine, plan = 'login') =>
  untilPlan(engine, plan, ({ blocked }) => blocked?.source === 'lost_work');
const send = (engine: TestEngine, type: string, payload: object = {}) =>
  engine.client.send({ project: 'demo', plan: 'login', type, payload });
const move = (engine: TestEngine, to: string, branch = 'plan/login') =>
  git(engine.repo, 'update-ref', `refs/heads/${branch}`, to);
const fourTasks = planText(['echo a > a.txt', 'echo b > b.txt'], ['echo c > c.txt', 'echo d > d.txt']);
const ofTasks = ['README.md', 'a.txt', 'b.txt', 'c.txt', 'd.txt'];

/** Roles that are shell scripts, and coders that run the blocks of their tasks. */
function startWith(
  scripts: Readonly<Record<string, string>>,
  setup: EngineSetup = {},
  config = '',
): Promise<TestEngine> {
  const on = ground();
  if (config !== '') {
    mkdirSync(join(on.repo, '.stator'));
    writeFileSync(join(on.repo, '.stator', 'config.toml'), config);
  }
  const roles = Object.fromEntries(
    Object.entries(scripts).map(([role, text]) => {
      const program = script(join(on.root, `${role}.sh`), text.replaceAll('$ROOT', on.root));
      return [role, { preset: 'command', program, attempts: 1, sandbox: 'off' }];
    }),
  );
  return startEngine({ ...setup, on, agents: { default: { preset: 'sh', attempts: 1, sandbox: 'off' }, ...roles } });
}

/** A reviewer that asks for changes once. */
const picky = '[ -e $ROOT/once ] && exit 0; touch $ROOT/once; echo tidy; exit 1';

describe('a plan whose branch loses what was merged into it', () => {
  it('by a fixer is not done, names each task, takes no other word for that, and has all of it again once it is brought back', async () => {
    const fixer = 'git reset -q --hard main; echo fix > fixed.txt; git add fixed.txt; git commit -qm fixed';
    const engine = await startWith({ reviewer: picky, fixer });
    await begin(engine, 'login', fourTasks);
    const { blocked, status } = await untilLost(engine);
    expect(['implementing', 'reviewing']).toContain(status);
    for (const title of ['login-w1-t1', 'login-w1-t2', 'login-w2-t1', 'login-w2-t2'])
      expect(blocked?.reason).toMatch(new RegExp(`${title}: refs/stator/attempts/`));
    const { waiting_for } = await engine.client.explain('demo', 'login');
    expect(waiting_for?.detail).toContain('stator plan answer login --restore');
    expect(waiting_for?.detail).toContain('stator plan answer login --accept');
    for (const type of ['resolve', 'review_approved']) {
      const { signal } = await send(engine, type);
      expect(signal.status, type).toBe('failed');
      expect(signal.refused?.guard, type).toContain('stator plan answer <plan> --restore');
    }
    expect((await engine.client.plan('demo', 'login')).blocked?.source).toBe('lost_work');
    await say(engine, 'login', 'resolve', { restore: true });
    await untilStatus(engine, 'login', 'done');
    expect(files(engine, 'plan/login')).toEqual([...ofTasks, 'fixed.txt'].sort());
    await say(engine, 'login', 'merge');
    await untilPlan(engine, 'login', ({ merged }) => merged !== null);
    expect(files(engine, 'main')).toEqual([...ofTasks, 'fixed.txt'].sort());
  });

  it('goes on without it where a person says that it was meant, and asks no more', async () => {
    const fixer = 'git reset -q --hard main; echo fix > fixed.txt';
    const engine = await startWith({ reviewer: picky, fixer });
    await begin(engine, 'login', fourTasks);
    await untilLost(engine);
    await say(engine, 'login', 'resolve', { accept: true });
    await untilStatus(engine, 'login', 'done');
    expect(files(engine, 'plan/login')).toEqual(['README.md', 'fixed.txt']);
    await say(engine, 'login', 'merge');
    await untilPlan(engine, 'login', ({ merged }) => merged !== null);
  });

  it('between two waves starts nobody on what is left, and spends no attempt; during its last wave it is not done, and is blocked at once where the task fails, though nothing more is merged', async () => {
    const engine = await startEngine({ daemon: 'blueprint_skip_threshold = 0\nauto_advance_waves = false\n' });
    const [resets, deletes, works] = ['resets', 'deletes', 'works'].map((name) => join(engine.root, name)) as [
      ...[string, string, string], // one for each name
    ];
    const second = [
      'echo c > c.txt',
      `${gate(resets)}; git update-ref refs/heads/plan/login main; echo d > d.txt`,
      `[ ! -e '${works}' ] || { git update-ref refs/heads/plan/login main; echo e > e.txt; exit; }; ${gate(deletes)}; git update-ref -d refs/heads/plan/login; exit 1`,
    ];
    await begin(engine, 'login', planText(['echo a > a.txt', 'echo b > b.txt'], second));
    await untilPhase(engine, 'login', 'wave_waiting');
    move(engine, 'main');
    await say(engine, 'login', 'implement_wave', { wave_number: 2 });
    const { blocked } = await untilLost(engine);
    expect(blocked?.reason).toContain('login-w1-t1, login-w1-t2');
    const runs = await engine.client.instances({ project: 'demo' });
    expect(runs.filter(({ title }) => title.includes('-w2-')).every(({ attempt }) => attempt === 1)).toBe(true);
    await say(engine, 'login', 'resolve', { restore: true });
    await untilPlan(engine, 'login', ({ tasks_done }) => tasks_done === 3);
    openGate(resets);
    const { blocked: byAgent } = await untilLost(engine);
    expect(byAgent?.reason).toContain('login-w2-t1');
    expect(byAgent?.reason).not.toContain('login-w2-t2');
    await say(engine, 'login', 'resolve', { restore: true });
    await untilPlan(engine, 'login', ({ tasks_done }) => tasks_done === 4);
    openGate(deletes);
    const { blocked: byFailed } = await untilLost(engine);
    expect(byFailed?.reason).toMatch(/login-w1-t1: refs\/stator\/attempts\//);
    await say(engine, 'login', 'resolve', { restore: true });
    await untilPhase(engine, 'login', 'wave_waiting');
    openGate(works);
    await say(engine, 'login', 'retry_wave');
    const ended = await untilPlan(engine, 'login', ({ status }) => status !== 'implementing');
    expect(ended).toMatchObject({ status: 'reviewing', blocked: { source: 'lost_work' } });
    await say(engine, 'login', 'resolve', { restore: true });
    await untilStatus(engine, 'login', 'done');
    expect(files(engine, 'plan/login')).toEqual([...ofTasks, 'e.txt']);
  });

  it('while it is reviewed is not approved: what the reviewer saw is not the work', async () => {
    const reviewer =
      'cd $ROOT/demo; git show plan/login:d.txt >> $ROOT/seen; git update-ref refs/heads/plan/login main; exit 0';
    const engine = await startWith({ reviewer });
    await begin(engine, 'login', fourTasks);
    const { status } = await untilLost(engine);
    expect(status).toBe('reviewing');
    await say(engine, 'login', 'resolve', { restore: true });
    // The next review sees it, and loses it again.
    expect((await untilLost(engine)).status).toBe('reviewing');
    expect(readFileSync(join(engine.root, 'seen'), 'utf8')).toBe('d\nd\n');
    writeFileSync(join(engine.root, 'reviewer.sh'), '#!/bin/sh\nexit 0\n');
    // A person may bring it back by hand: the plan goes on once git was asked.
    const kept = git(engine.repo, 'for-each-ref', '--format=%(objectname)', 'refs/stator/attempts/').split('\n');
    const worktree = join(engine.root, 'by-hand');
    git(engine.repo, 'worktree', 'add', '-q', worktree, 'plan/login');
    for (const commit of kept) git(worktree, 'merge', '-q', '--no-edit', commit);
    git(engine.repo, 'worktree', 'remove', worktree);
    await say(engine, 'login', 'resolve');
    await untilStatus(engine, 'login', 'done');
    expect(files(engine, 'plan/login')).toEqual(ofTasks);
  });

  it('where its tasks share one worktree is noticed as well', async () => {
    const engine = await startWith({}, {}, 'isolation = "plan"\n');
    await begin(engine, 'login', planText(['echo a > a.txt', 'git reset -q --hard main; echo b > b.txt']));
    const { blocked } = await untilLost(engine);
    expect(blocked?.reason).toContain('login-w1-t1');
    await say(engine, 'login', 'resolve', { restore: true });
    await untilStatus(engine, 'login', 'done');
    expect(files(engine, 'plan/login')).toEqual(['README.md', 'a.txt', 'b.txt']);
  });

  it('that was rebased, or squashed into one commit, has lost nothing', async () => {
    const engine = await startWith({ reviewer: picky, fixer: 'git rebase -q main; echo fix > fixed.txt' });
    const held = join(engine.root, 'held');
    await begin(engine, 'login', planText([`echo a > a.txt`], [`echo c > c.txt; echo x > ${held}`]));
    await untilFile(held);
    writeFileSync(join(engine.repo, 'later.txt'), 'later\n');
    git(engine.repo, 'add', 'later.txt');
    git(engine.repo, 'commit', '-qm', 'later');
    await untilStatus(engine, 'login', 'done');
    expect(files(engine, 'plan/login')).toContain('fixed.txt');
    const squashed = git(engine.repo, 'commit-tree', '-m', 'all', '-p', 'main', 'plan/login^{tree}');
    move(engine, squashed);
    await send(engine, 'request_review');
    await untilStatus(engine, 'login', 'done');
    await say(engine, 'login', 'merge');
    await untilPlan(engine, 'login', ({ merged }) => merged !== null);
  });
});

describe('a plan that is done and whose branch loses its work', () => {
  async function done(): Promise<TestEngine> {
    const engine = await startEngine();
    await begin(engine, 'login', planText(['echo a > a.txt'], ['echo b >> a.txt']));
    await untilStatus(engine, 'login', 'done');
    return engine;
  }

  it('because that is moved back or deleted is neither merged nor pushed, and both say why; it comes not back over what conflicts with it, and also where the branch moves in that very moment', async () => {
    const engine = await done();
    const main = git(engine.repo, 'rev-parse', 'main');
    // Nothing is lost.
    await expect(send(engine, 'resolve', { restore: true })).rejects.toMatchObject({ code: 'refused' });
    const expectRefused = async () => {
      await send(engine, 'merge');
      const refused = ({ merging, blocked }: PlanShow) => !merging && blocked !== null;
      const { merge_refused } = await untilPlan(engine, 'login', refused);
      expect(merge_refused?.why).toBe('lost_work');
      expectProse(merge_refused?.detail ?? '');
      expect(git(engine.repo, 'rev-parse', 'main')).toBe(main);
      await expect(engine.client.pushPlan('demo', 'login', {})).rejects.toMatchObject({ code: 'lost_work' });
    };
    move(engine, 'main');
    await expectRefused();
    await say(engine, 'login', 'resolve', { restore: true });
    expect(git(engine.repo, 'show', 'plan/login:a.txt')).toBe('a\nb');
    git(engine.repo, 'branch', '-D', '-q', 'plan/login');
    await expectRefused();
    await say(engine, 'login', 'resolve', { restore: true });
    move(engine, otherWork(engine));
    await send(engine, 'merge');
    await untilLost(engine);
    const refusal = send(engine, 'resolve', { restore: true });
    await expect(refusal).rejects.toMatchObject({ code: 'conflict' });
    await refusal.catch((thrown: Error) => expectProse(thrown.message, 'a.txt'));
    move(engine, 'main');
    const store = openStore(engine.home);
    onTestFinished(() => store.close());
    const repo = await inspectRepository(engine.repo);
    let turns = 0;
    const exclusively: typeof repo.exclusively = (work) => {
      turns += 1;
      // The branch was read; what is made of that is about to be set.
      if (turns === 2) move(engine, git(engine.repo, 'commit-tree', '-m', 'late', '-p', 'main', 'main^{tree}'));
      return repo.exclusively(work);
    };
    await restoreWork(
      { store, nowMs: Date.now },
      { ...repo, exclusively },
      { project: 'demo', plan: 'login', branch: 'plan/login' },
    );
    expect(git(engine.repo, 'show', 'plan/login:a.txt')).toBe('a\nb');
    expect(git(engine.repo, 'log', '--format=%s', 'plan/login').split('\n')).toContain('late');
    await say(engine, 'login', 'resolve');
    await say(engine, 'login', 'merge');
    await untilPlan(engine, 'login', ({ merged }) => merged !== null);
    expect(git(engine.repo, 'show', 'main:a.txt')).toBe('a\nb');
    // Once it is merged nothing is lost, whatever becomes of its branch.
    move(engine, 'main~1');
    await send(engine, 'merge');
    expect((await engine.client.plan('demo', 'login')).blocked).toBe(null);
  });

  it('because another clone takes the place of its own says that the work is not there, and from where to fetch it', async () => {
    const engine = await done();
    const near = cloneOf(engine, 'other');
    git(near, 'update-ref', '-d', 'refs/remotes/origin/plan/login');
    await engine.client.removeRepo({ project: 'demo' });
    const { notes } = await engine.client.addRepo(near, { trust: true });
    expect(notes).toContainEqual(expect.stringContaining('plan login is done, and its work is not here'));
    await untilLost(engine);
    await say(engine, 'login', 'resolve', { restore: true });
    const clone = cloneOf(engine, 'elsewhere');
    for (const branch of git(clone, 'branch', '-r', '--format=%(refname)').split('\n'))
      git(clone, 'update-ref', '-d', branch);
    git(clone, 'repack', '-adq');
    git(clone, 'prune', '--expire=now');
    await engine.client.removeRepo({ project: 'demo' });
    await engine.client.addRepo(clone, { trust: true });
    const { blocked } = await untilLost(engine);
    expect(blocked?.reason).toContain(`not in ${clone}\nlogin-w1-t1: `);
    expect(blocked?.reason).not.toContain('kept as');
    const fetch = `fetch it first from where it was made: git -C ${clone} fetch ${engine.repo} plan/login`;
    expect(blocked?.reason).toContain(fetch);
    await expect(say(engine, 'login', 'resolve', { restore: true })).rejects.toMatchObject({
      message: expect.stringMatching(/not in .* any more/),
      hint: expect.stringContaining(fetch),
    });
    git(clone, 'fetch', '-q', engine.repo, 'plan/login');
    await say(engine, 'login', 'resolve', { restore: true });
    await say(engine, 'login', 'merge');
    await untilPlan(engine, 'login', ({ merged }) => merged !== null);
    expect(git(clone, 'show', 'main:a.txt')).toBe('a\nb');
  });
});

function cloneOf(engine: TestEngine, folder: string): string {
  const clone = join(engine.root, folder, 'demo');
  git(engine.root, 'clone', '-q', '-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', engine.repo, clone);
  return clone;
}

/** A commit beside the plan's own, with another a.txt. */
function otherWork(engine: TestEngine): string {
  const checkout = join(engine.root, 'beside');
  git(engine.repo, 'worktree', 'add', '-q', '--detach', checkout, 'main');
  writeFileSync(join(checkout, 'a.txt'), 'mine\n');
  git(checkout, 'add', 'a.txt');
  git(checkout, 'commit', '-qm', 'mine');
  return git(checkout, 'rev-parse', 'HEAD');
}

describe('a person takes the work as it is', () => {
  it('where the rounds of fixing are used up: the plan is done at that commit; where no work is there yet that is refused', async () => {
    const engine = await startWith(
      { reviewer: 'echo never good; exit 1', fixer: 'echo x >> fixed.txt' },
      {
        daemon: 'blueprint_skip_threshold = 0\nmax_review_fix_cycles = 1\n',
      },
    );
    const open = join(engine.root, 'open');
    await begin(engine, 'login', planText([`${gate(open)}; echo a > a.txt`]));
    await say(engine, 'login', 'needs_decision', { reason: 'which one?' });
    const { signal } = await send(engine, 'resolve', { accept: true });
    expect(signal.refused?.guard).toContain('no work yet');
    await say(engine, 'login', 'resolve');
    openGate(open);
    await untilPlan(engine, 'login', ({ blocked }) => blocked?.source === 'cycle_limit');
    await say(engine, 'login', 'resolve', { accept: true });
    const shown = await untilStatus(engine, 'login', 'done');
    expect(shown.blocked).toBe(null);
    await say(engine, 'login', 'merge');
    await untilPlan(engine, 'login', ({ merged }) => merged !== null);
  });
});
