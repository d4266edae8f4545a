/** Plans that their forge lands, by their pull requests: in the line of their branch, checked as the forge is to merge them, and what people do on the forge meanwhile. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guardTexts } from '../../machines/plan/guard-texts.ts';
import type { ForgeKind } from '../../runtime/work/forges/kinds/kinds.ts';
import {
  begin,
  type EngineSetup,
  planText,
  say,
  type TestEngine,
  untilBlocked,
  untilFile,
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
function commitThere({ bare, on }: Site, branch: string, parent = branch): string {
  const tree = git(bare, 'rev-parse', `${parent}^{tree}`);
  const made = git(on.repo, 'commit-tree', tree, '-p', git(bare, 'rev-parse', parent), '-m', 'by hand');
  git(on.repo, 'push', '-q', '--force', bare, `${made}:refs/heads/${branch}`);
  return made;
}

describe('plans that their forge lands', () => {
  it('land one after another, each checked as the forge then merges it', async () => {
    const where = await atForge('gitlab');
    const engine = await work(where, { one: 'echo 1 > one.txt', two: 'echo 2 > two.txt' });
    const both = [await merged(engine, 'one'), await merged(engine, 'two')];
    const { bare, seen, forge } = where;
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

  it('wait until the forge has the approvals and the checks that it requires, and say so', async () => {
    const ci = new Ci('pending');
    const merging = { methods: ['squash'], first: 'squash', hasAuto: true, approvals: 1, refuses: null } as const;
    const where = await atForge('gitea', {
      statuses: ci,
      required: ['ci'],
      merging,
      more: '[pull_requests]\nmethod = "squash"\n',
    });
    const engine = await work(where, { one: 'echo 1 > one.txt' });
    const pull = await pullOf(where, 'plan/one');
    const { waiting_for: waits } = await untilPlan(engine, 'one', ({ waiting_for: it }) => it?.kind === 'landing');
    expectProse(waits?.detail ?? '', where.forge.url, 'approved and green');
    ci.become('success');
    expect(existsSync(where.seen)).toBe(false);
    pull.reviews.push({ id: 51, author: 'eve', body: '', asksForChanges: false, is: 'approved' });
    const { merged: found } = await merged(engine, 'one');
    expect(pull.mergedBy?.method).toBe('squash');
    expect(git(where.bare, 'rev-parse', 'main')).toBe(found?.head);
    expect(found).not.toHaveProperty('note');
  });

  it('are merged with what came to the branch meanwhile, and what was not checked is not merged', async () => {
    const where = await atForge('gitea', { check: 'while [ ! -f ../../go ]; do sleep 0.05; done' });
    const engine = await work(where, { one: 'echo 1 > one.txt' });
    await untilFile(where.seen);
    const byHand = commitThere(where, 'main');
    writeFileSync(join(where.on.repo, 'go'), '');
    const { merged: found } = await merged(engine, 'one');
    expect(git(where.bare, 'rev-parse', `${found?.head}^1`)).toBe(byHand);
    const [first, second] = seenIn(where.seen);
    expect(git(where.on.repo, 'rev-parse', `${second}^1`)).toBe(byHand);
    expect(git(where.on.repo, 'rev-parse', `${first}^1`)).not.toBe(byHand);
  });

  it('go to a fixer where they conflict on the forge, and land as what was mended', async () => {
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
    await merged(engine, 'one');
    await merged(engine, 'two');
    expect(git(where.bare, 'show', 'main:same.txt')).toBe('both');
  });

  describe('where a person does something on the forge meanwhile', () => {
    /** The plan is at the head of its line, and its check waits. */
    async function checking(kind: ForgeKind = 'github') {
      const where = await atForge(kind, { check: 'while [ ! -f ../../go ]; do sleep 0.05; done' });
      const engine = await work(where, { one: 'echo 1 > one.txt' });
      await untilFile(where.seen);
      const go = () => writeFileSync(join(where.on.repo, 'go'), '');
      return { where, engine, pull: await pullOf(where, 'plan/one'), go };
    }

    it('a branch that was force-pushed on the forge is not merged, and the plan is blocked with the reason', async () => {
      const { where, engine, pull, go } = await checking('github');
      const theirs = commitThere(where, 'plan/one', 'main');
      go();
      const { blocked } = await untilBlocked(engine, 'one');
      expectProse(blocked?.reason ?? '', theirs.slice(0, 12), 'somebody else pushed');
      expect(pull.state).toBe('open');
      git(where.on.repo, 'push', '-q', '--force', where.bare, 'plan/one:refs/heads/plan/one');
      await say(engine, 'one', 'resolve');
      await merged(engine, 'one');
    });

    it('what was pushed by force lands with the plan where a person merges it and publishes that, as the message says', async () => {
      const { where, engine, go } = await checking();
      const theirs = commitThere(where, 'plan/one', 'main');
      go();
      const { blocked } = await untilBlocked(engine, 'one');
      expectProse(blocked?.reason ?? '', `git merge ${theirs.slice(0, 12)}`, 'stator plan pr');
      const { repo } = where.on;
      const tree = git(repo, 'rev-parse', 'plan/one^{tree}');
      const taken = git(repo, 'commit-tree', tree, '-p', 'plan/one', '-p', theirs, '-m', 'taken');
      git(repo, 'update-ref', 'refs/heads/plan/one', taken);
      await say(engine, 'one', 'create_pr');
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

    it('a request that was merged by hand has landed, and the line goes on', async () => {
      const { where, engine, pull, go } = await checking('gitea');
      mergeNow(where.forge.state, pull, 'merge', pull.headCommit);
      const shown = await merged(engine, 'one');
      expect(shown.merged?.head).toBe(git(where.bare, 'rev-parse', 'main'));
      go();
      await begin(engine, 'two', planText(['echo 2 > two.txt']));
      await merged(engine, 'two');
    });

    it('a request that was made for another branch stops, and lands there when a person says so', async () => {
      const { where, engine, pull, go } = await checking();
      git(where.on.repo, 'push', '-q', where.bare, 'main:refs/heads/next');
      pull.base = 'next';
      go();
      const { blocked } = await untilBlocked(engine, 'one');
      expectProse(blocked?.reason ?? '', 'next', 'main');
      await say(engine, 'one', 'resolve');
      expect((await merged(engine, 'one')).merged?.into).toBe('next');
    });

    it('what a person commits to the branch of a plan that nobody reviews is pushed to the request, and lands with it', async () => {
      const { where, engine, go } = await checking();
      const { state } = where.forge;
      state.merging = { ...state.merging, approvals: 1 };
      go();
      await untilPlan(engine, 'one', (one) => one.merge_refused?.why === 'forge_waits');
      const { repo } = where.on;
      const tree = git(repo, 'rev-parse', 'plan/one^{tree}');
      const more = git(repo, 'commit-tree', tree, '-p', 'plan/one', '-m', 'more');
      git(repo, 'update-ref', 'refs/heads/plan/one', more);
      state.merging = { ...state.merging, approvals: 0 };
      await merged(engine, 'one');
      expect(main(where.bare, '-1', '--format=%P').split(' ')[1]).toBe(more);
    });

    it('a forge that does not answer is what the plan in line waits for, and is named', async () => {
      const { where, engine, go } = await checking();
      where.forge.trouble = () => ({ status: 503 });
      go();
      await untilPlan(engine, 'one', ({ waiting_for: it }) => it?.detail.includes('tried again: 127.0.0.1') === true);
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

    it('a name of a branch that git would take for more is refused', async () => {
      const { engine, pull, go } = await checking();
      pull.base = 'x:refs/heads/main';
      go();
      await untilBlocked(engine, 'one');
      await say(engine, 'one', 'resolve');
      const { blocked } = await untilPlan(
        engine,
        'one',
        (one) => one.blocked?.reason.includes('no name of a branch') === true,
      );
      expectProse(blocked?.reason ?? '', 'x:refs/heads/main');
    });
  });

  it('that must be up to date are brought there, and pushed and judged again', async () => {
    const where = await atForge('github');
    const { state } = where.forge;
    const merging = state.merging;
    state.merging = { ...merging, upToDate: true };
    const engine = await work(where, { one: 'echo 1 > one.txt', two: 'echo 2 > two.txt' });
    await merged(engine, 'one');
    await merged(engine, 'two');
    const files = git(where.bare, 'ls-tree', '--name-only', 'main');
    expect(files).toContain('one.txt');
    expect(files).toContain('two.txt');
  });

  it('get in line when a person says so, and are refused without a pull request', async () => {
    const where = await atForge('gitea', { lines: 'auto = false' });
    writeFileSync(join(where.on.home, 'daemon.toml'), 'blueprint_skip_threshold = 0\nauto_create_pr = false\n');
    const engine = await work(where, { one: 'echo 1 > one.txt' });
    await untilPlan(engine, 'one', ({ status }) => status === 'done');
    const refused = await engine.client.send({ project: 'demo', plan: 'one', type: 'land' });
    expect(refused.signal).toMatchObject({ status: 'failed', result: { guard: guardTexts.landsWithGit } });
    await say(engine, 'one', 'create_pr');
    await untilPlan(engine, 'one', (one) => one.pull_request?.state === 'open' && !one.creating_pr);
    expect(existsSync(where.seen)).toBe(false);
    await say(engine, 'one', 'land');
    await merged(engine, 'one');
  });
});
