/** Plans that their forge lands, by their pull requests: in the line of their branch, checked as the forge is to merge them, and what people do on the forge meanwhile. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guardTexts } from '../../machines/plan/guard-texts.ts';
import type { ForgeKind } from '../../runtime/work/forges/kinds/kinds.ts';
import {
  begin,
  type EngineSetup,
  gate,
  planText,
  say,
  type TestEngine,
  untilBlocked,
  untilPlan,
} from '../support/engine.ts';
import { type FakePull, type ForgeState, mergeNow } from '../support/forge-server.ts';
import { Ci, type Site, site, start } from '../support/forge-site.ts';
import { git, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

/** A repo at a forge that has its branch; each check notes the commit that it ran on in `seen`. */
async function atForge(
  kind: ForgeKind,
  {
    check = 'true',
    lines = 'auto = true',
    more = '',
    ...given
  }: Partial<ForgeState> & { check?: string; lines?: string; more?: string } = {},
) {
  const where = await site(kind, more, { statuses: new Ci('success'), bare: '', ...given });
  const { on, bare } = where;
  const seen = join(on.root, 'seen');
  mkdirSync(join(on.repo, '.stator'), { recursive: true });
  const table = ['[landing]', 'by = "forge"', lines, `check = '''git rev-parse HEAD >> ${seen}; ${check}'''`];
  writeFileSync(join(on.repo, '.stator', 'config.toml'), `${table.join('\n')}\n`);
  writeFileSync(join(on.repo, '.gitignore'), '.stator\n');
  git(on.repo, 'add', '.gitignore');
  git(on.repo, 'commit', '-qm', 'ignore');
  git(on.repo, 'push', '-q', bare, 'main');
  return { ...where, seen };
}

async function work(
  where: Site,
  plans: Readonly<Record<string, string>>,
  setup: EngineSetup = {},
): Promise<TestEngine> {
  const engine = await start(where, setup);
  for (const [plan, sh] of Object.entries(plans)) await begin(engine, plan, planText([sh]));
  return engine;
}

const merged = (engine: TestEngine, plan: string) => untilPlan(engine, plan, (shown) => shown.landing === 'merged');
const main = (bare: string, ...what: string[]) => git(bare, 'log', '--format=%s', '--first-parent', 'main', ...what);
const seenIn = (seen: string) => (existsSync(seen) ? readFileSync(seen, 'utf8').trim().split('\n') : []);

async function pullOf({ forge }: Site, head: string): Promise<FakePull> {
  const find = () => [...forge.state.pulls.values()].find((pull) => pull.head === head);
  await until(() => Promise.resolve(find() !== undefined));
  return find() as FakePull; // it was waited for
}

/** Somebody's commit on the forge's branch. */
function commitThere({ bare, on }: Site, branch: string, parent = branch, words = 'by hand'): string {
  const tree = git(bare, 'rev-parse', `${parent}^{tree}`);
  const made = git(on.repo, 'commit-tree', tree, '-p', git(bare, 'rev-parse', parent), '-m', words);
  git(on.repo, 'push', '-q', '--force', bare, `${made}:refs/heads/${branch}`);
  return made;
}

describe('plans that their forge lands', () => {
  it('land one after another, each checked as the forge then merges it; what conflicts there goes to a fixer, and lands as what was mended', async () => {
    const where = await atForge('gitlab');
    const fix =
      'git merge -q "$(git rev-parse refs/remotes/origin/main)" && exit; echo both > same.txt; git add . && git commit -qm mended';
    const engine = await work(
      where,
      { one: 'echo 1 > same.txt', two: 'echo 2 > same.txt' },
      {
        agents: {
          default: { preset: 'sh', attempts: 1 },
          fixer: { preset: 'command', program: '/bin/sh', flags: ['-c', fix], sandbox: 'off' },
        },
      },
    );
    const both = [await merged(engine, 'one'), await merged(engine, 'two')];
    const { bare, seen, forge } = where;
    expect(git(bare, 'show', 'main:same.txt')).toBe('both');
    expect(main(bare).split('\n')).toHaveLength(4);
    for (const { merged: found, pull_request: request } of both) {
      expect(found).toMatchObject({ into: 'main' });
      const trees = seenIn(seen).map((commit) => git(where.on.repo, 'rev-parse', `${commit}^{tree}`));
      expect(trees).toContain(git(bare, 'rev-parse', `${found?.head}^{tree}`));
      expect(request?.state).toBe('merged');
    }
    const heads = ['one', 'two'].map((plan) => git(where.on.repo, 'rev-parse', `plan/${plan}`));
    const how = [...forge.state.pulls.values()].map(({ mergedBy }) => mergedBy);
    expect(how.map((each) => each?.head).sort()).toEqual(heads.sort());
    expect(how[0]?.method).toBe('keep');
    // The branch here is a person's.
    expect(git(where.on.repo, 'log', '--format=%s', '-1', 'main')).toBe('ignore');
  });

  it('get in line when a person says so, and are refused without a pull request; they wait for the approvals and checks that the forge requires, and say so', async () => {
    const ci = new Ci('pending');
    const merging = { methods: ['squash'], first: 'squash', hasAuto: true, approvals: 1, refuses: null } as const;
    const where = await atForge('gitea', {
      ...{ statuses: ci, required: ['ci'], merging, lines: 'auto = false' },
      more: 'auto_create_pr = false\n[pull_requests]\nmethod = "squash"\n',
    });
    const engine = await work(where, { one: 'echo 1 > one.txt' });
    await untilPlan(engine, 'one', ({ status }) => status === 'done');
    const refused = await engine.client.send({ project: 'demo', plan: 'one', type: 'land' });
    expect(refused.signal).toMatchObject({ status: 'failed', result: { guard: guardTexts.landsWithGit } });
    await say(engine, 'one', 'create_pr');
    await untilPlan(engine, 'one', (one) => one.pull_request?.state === 'open' && !one.creating_pr);
    expect((await engine.client.plan('demo', 'one')).waiting_for?.kind).not.toBe('landing');
    await say(engine, 'one', 'land');
    const { waiting_for: waits } = await untilPlan(engine, 'one', ({ waiting_for: it }) => it?.kind === 'landing');
    expectProse(waits?.detail ?? '', where.forge.url, 'approved and green');
    ci.become('success');
    expect(existsSync(where.seen)).toBe(false);
    const pull = await pullOf(where, 'plan/one');
    pull.reviews.push({ id: 51, author: 'eve', body: '', asksForChanges: false, is: 'approved' });
    const { merged: found } = await merged(engine, 'one');
    expect(pull.mergedBy?.method).toBe('squash');
    expect(git(where.bare, 'rev-parse', 'main')).toBe(found?.head);
    expect(found).not.toHaveProperty('note');
  });

  describe('where somebody does something on the forge meanwhile', () => {
    /** The plan is at the head of its line, and its check waits until `go`. */
    async function checking(kind: ForgeKind = 'github') {
      const where = await atForge(kind, { check: gate('../../go') });
      const engine = await work(where, { one: 'echo 1 > one.txt' });
      const goFile = join(where.on.repo, 'go');
      const untilChecks = (count: number) => until(() => seenIn(where.seen).length === count);
      await untilChecks(1);
      const [go, halt] = [() => writeFileSync(goFile, ''), () => rmSync(goFile)];
      return { where, engine, pull: await pullOf(where, 'plan/one'), go, halt, untilChecks };
    }

    it('a branch that was force-pushed is not merged: the plan is blocked until it is pushed again, or a person merges what was pushed and publishes that, as the message says', async () => {
      const { where, engine, pull, go, halt, untilChecks } = await checking();
      const theirs = commitThere(where, 'plan/one', 'main');
      go();
      const { blocked } = await untilBlocked(engine, 'one');
      const words = [theirs.slice(0, 12), 'somebody else pushed', `git merge ${theirs.slice(0, 12)}`, 'stator plan pr'];
      expectProse(blocked?.reason ?? '', ...words);
      expect(pull.state).toBe('open');
      halt();
      const { repo } = where.on;
      const tree = git(repo, 'rev-parse', 'plan/one^{tree}');
      const taken = git(repo, 'commit-tree', tree, '-p', 'plan/one', '-p', theirs, '-m', 'taken');
      git(repo, 'update-ref', 'refs/heads/plan/one', taken);
      await say(engine, 'one', 'create_pr');
      await untilChecks(2);
      const again = commitThere(where, 'plan/one', 'main', 'another one');
      go();
      expect((await untilBlocked(engine, 'one')).blocked?.reason).toContain(again.slice(0, 12));
      expect(pull.state).toBe('open');
      git(repo, 'push', '-q', '--force', where.bare, 'plan/one:refs/heads/plan/one');
      await say(engine, 'one', 'resolve');
      await merged(engine, 'one');
      expect(main(where.bare, '-1', '--format=%P').split(' ')[1]).toBe(taken);
    });

    it('a request that was closed leaves the line, and the plan stays as it is', async () => {
      const { where, engine, pull, go } = await checking('gitlab');
      pull.state = 'closed';
      // The line may notice it first.
      go();
      const closed = await untilPlan(
        engine,
        'one',
        ({ landing, pull_request: is, merging }) => landing === 'not_merged' && is?.state === 'closed' && !merging,
      );
      expect(closed.blocked).toBe(null);
      expect((await engine.client.landings())[0]).toMatchObject({ current: [], line: [] });
      expect(main(where.bare, '-1')).toBe('ignore');
      const refused = await engine.client.send({ project: 'demo', plan: 'one', type: 'land' });
      expect(refused.signal).toMatchObject({ status: 'failed', result: { guard: guardTexts.landsWithGit } });
    });

    it('a request that was merged by hand has landed, and the line goes on: the next is merged with what came to the branch and to the plan meanwhile, checked', async () => {
      const { where, engine, pull, go, halt, untilChecks } = await checking('gitea');
      const { state } = where.forge;
      mergeNow(state, pull, 'merge', pull.headCommit);
      const shown = await merged(engine, 'one');
      expect(shown.merged?.head).toBe(git(where.bare, 'rev-parse', 'main'));
      await begin(engine, 'two', planText(['echo 2 > two.txt']));
      await untilChecks(2);
      const byHand = commitThere(where, 'main');
      state.merging = { ...state.merging, approvals: 1 };
      go();
      await untilPlan(engine, 'two', (two) => two.merge_refused?.why === 'forge_waits');
      // Nobody reviews the plan, so it may grow until it lands.
      const { repo } = where.on;
      const tree = git(repo, 'rev-parse', 'plan/two^{tree}');
      const more = git(repo, 'commit-tree', tree, '-p', 'plan/two', '-m', 'more');
      git(repo, 'update-ref', 'refs/heads/plan/two', more);
      state.merging = { ...state.merging, approvals: 0 };
      const { merged: found } = await merged(engine, 'two');
      expect(git(where.bare, 'log', '-1', '--format=%P', String(found?.head)).split(' ')).toEqual([byHand, more]);
      const [, first, ...later] = seenIn(where.seen);
      expect(git(repo, 'rev-parse', `${first}^1`)).not.toBe(byHand);
      expect(git(repo, 'rev-parse', `${later.at(-1)}^1`)).toBe(byHand);
      halt();
      const count = seenIn(where.seen).length;
      await begin(engine, 'three', planText(['echo 3 > three.txt']));
      await untilChecks(count + 1);
      const last = commitThere(where, 'main', 'main', 'later');
      go();
      const three = await merged(engine, 'three');
      expect(git(where.bare, 'rev-parse', `${three.merged?.head}^1`)).toBe(last);
      expect(git(repo, 'rev-parse', `${seenIn(where.seen).at(-1)}^1`)).toBe(last);
    });

    it('a request that was made for another branch stops, and lands there when a person says so; a name that git would take for more is refused', async () => {
      const { where, engine, pull, go } = await checking();
      git(where.on.repo, 'push', '-q', where.bare, 'main:refs/heads/next');
      pull.base = 'next';
      go();
      expectProse((await untilBlocked(engine, 'one')).blocked?.reason ?? '', 'next', 'main');
      pull.base = 'x:refs/heads/main';
      await say(engine, 'one', 'resolve');
      const { blocked } = await untilPlan(
        engine,
        'one',
        (one) => one.blocked?.reason.includes('no name of a branch') === true,
      );
      expectProse(blocked?.reason ?? '', 'x:refs/heads/main');
      pull.base = 'next';
      await say(engine, 'one', 'resolve');
      expect((await merged(engine, 'one')).merged?.into).toBe('next');
    });

    it('a branch that is gone from the forge delays nobody: the plan is blocked, and lands when the branch is back', async () => {
      const { where, engine, go } = await checking('gitlab');
      git(where.bare, 'branch', '-m', 'main', 'other');
      go();
      const { blocked } = await untilBlocked(engine, 'one');
      expectProse(blocked?.reason ?? '', 'has no branch main');
      git(where.bare, 'branch', '-m', 'other', 'main');
      await say(engine, 'one', 'resolve');
      await merged(engine, 'one');
    });

    it('a forge that does not answer is what the plan in line waits for, and is named; one that must be up to date is brought there, and pushed and judged again', async () => {
      const { where, engine, go } = await checking();
      const { state } = where.forge;
      state.merging = { ...state.merging, upToDate: true };
      const byHand = commitThere(where, 'main');
      where.forge.trouble = () => ({ status: 503 });
      go();
      await untilPlan(engine, 'one', ({ waiting_for: it }) => it?.detail.includes('tried again: 127.0.0.1') === true);
      where.forge.trouble = () => null;
      await merged(engine, 'one');
      expect(git(where.bare, 'log', '-1', '--format=%P', 'main^2').split(' ')).toContain(byHand);
      expect(git(where.bare, 'rev-parse', 'main^2')).toBe(git(where.on.repo, 'rev-parse', 'plan/one'));
      expect(git(where.bare, 'ls-tree', '--name-only', 'main')).toContain('one.txt');
    });
  });
});
