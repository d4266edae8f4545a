/** The verbs that delete, at the command line: each deletes what its list names once it is confirmed, and nothing before that. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Terminal, terminal } from '../support/cli.ts';
import { isAlive, makeRepo } from '../support/daemon.ts';
import {
  afterwards,
  begin,
  gate,
  planText,
  say,
  startEngine,
  type TestEngine,
  untilFile,
  untilPlan,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectRefusal } from '../support/prose.ts';

interface Item {
  readonly kind: string;
  readonly name: string;
  readonly state: string;
  readonly override: string | null;
}

type Scene = TestEngine & Pick<Terminal, 'stator'>;

/** An engine in this process, and a terminal beside it. */
async function scene(remote: string | null = null): Promise<Scene> {
  const made = terminal();
  if (remote !== null) git(made.repo, 'remote', 'add', 'origin', remote);
  return { ...(await startEngine({ on: made })), stator: made.stator };
}

/** A done plan whose second task failed. It leaves that task's worktree and branch, its own branch, refs and two run folders. */
async function donePlan(on: TestEngine, plan: string): Promise<string> {
  await begin(on, plan, planText(['echo one >one', 'exit 1']));
  await untilPlan(on, plan, ({ phase }) => phase === 'wave_waiting');
  await say(on, plan, 'advance_wave');
  await untilPlan(on, plan, ({ status }) => status === 'done');
  await until(() => git(on.repo, 'for-each-ref', `refs/stator/owned/plan/${plan}-w1-t1`) === '');
  return join(on.repo, '.worktrees', `plan-${plan}-w1-t2`);
}

/** All that a clean-up could delete. */
function traces({ repo, home }: TestEngine): unknown {
  const folder = join(repo, '.worktrees');
  return {
    refs: git(repo, 'for-each-ref', '--format=%(refname) %(objectname)'),
    worktrees: git(repo, 'worktree', 'list'),
    folders: existsSync(folder) ? readdirSync(folder).sort() : [],
    runs: readdirSync(join(home, 'runs')).sort(),
  };
}

/** A process whose working directory is that folder until the test is over. */
function standIn(folder: string): () => Promise<void> {
  const standing = spawn('sleep', ['1000'], { cwd: folder, stdio: 'ignore' });
  const gone = new Promise<void>((resolve) => standing.once('exit', () => resolve()));
  const leave = () => {
    standing.kill('SIGKILL');
    return gone;
  };
  afterwards(leave);
  return leave;
}

const branchesOf = ({ repo }: TestEngine) => git(repo, 'branch', '--format=%(refname:short)').split('\n');
const plansOf = async ({ stator }: Scene) =>
  (JSON.parse((await stator(['plan', 'list', '--json'])).stdout) as { plan: string }[]).map(({ plan }) => plan).sort();

describe('gc', () => {
  it('deletes nothing with --dry-run, nothing in a pipe without --yes, nothing younger than --older-than, and then what it listed', async () => {
    const on = await scene();
    await donePlan(on, 'p');
    const before = traces(on);
    const old = ['gc', '--older-than', '0s'];
    // What is younger than 90 days stays unless --older-than says otherwise.
    for (const age of [[], ['--older-than', '1h']]) {
      const young = await on.stator(['gc', '--yes', '--json', ...age]);
      expect(JSON.parse(young.stdout).items.map(({ state }: Item) => state)).toEqual(Array(7).fill('kept'));
    }
    const wrong = await on.stator(['gc', '--yes', '--older-than', 'soon']);
    expect(wrong.code).toBe(64);
    expectRefusal(wrong.stderr, '"soon"', '90d');
    expect(traces(on)).toEqual(before);
    const dry = await on.stator([...old, '--dry-run']);
    expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining('1 worktree would go')]);
    expect(traces(on)).toEqual(before);
    const sure = await on.stator([...old, '--dry-run', '--yes', '--json']);
    expect(JSON.parse(sure.stdout)).toMatchObject({ dry: true });
    expect(traces(on)).toEqual(before);
    const unasked = await on.stator(old);
    expect(unasked.code).toBe(1);
    expectRefusal(unasked.stderr, '--yes');
    expect(traces(on)).toEqual(before);
    const listed = (JSON.parse(sure.stdout).items as Item[]).filter(({ state }) => state === 'goes');
    const done = await on.stator([...old, '--yes', '--json']);
    const gone = (JSON.parse(done.stdout).items as Item[]).filter(({ state }) => state === 'gone');
    expect(gone.map(({ kind, name }) => `${kind} ${name}`)).toEqual(listed.map(({ kind, name }) => `${kind} ${name}`));
    expect([done.code, gone.length]).toEqual([0, 6]);
    expect(traces(on)).toMatchObject({ worktrees: expect.not.stringContaining('plan-p'), folders: [], runs: [] });
    expect(branchesOf(on)).toEqual(['main', 'plan/p']);
  });

  it('takes unmerged, uncommitted and used things with their own flag only', async () => {
    const on = await scene();
    const worktree = await donePlan(on, 'p');
    const everything = ['gc', '--older-than', '0s', '--yes'];
    writeFileSync(join(worktree, 'later'), 'written by hand\n');
    const leave = standIn(worktree);
    const kept = async (...flags: string[]) => {
      const { stdout } = await on.stator([...everything, ...flags, '--json']);
      const items = (JSON.parse(stdout).items as Item[]).filter(({ state }) => state === 'kept');
      return items.flatMap(({ kind, override }) => (override === null ? [] : [`${kind}: ${override}`]));
    };
    expect(await kept()).toEqual(['worktree: in_use', 'branch: unmerged']);
    expect(await kept('--even-if-uncommitted')).toEqual(['worktree: in_use', 'branch: unmerged']);
    expect(await kept('--even-if-in-use')).toEqual(['worktree: uncommitted', 'branch: unmerged']);
    expect(existsSync(join(worktree, 'later'))).toBe(true);
    expect(branchesOf(on)).toContain('plan/p');
    await leave();
    const done = await on.stator([...everything, '--even-if-uncommitted']);
    expect(existsSync(worktree)).toBe(false);
    const ref = /refs\/\S+/.exec(done.stdout)?.[0] ?? '';
    expect(git(on.repo, 'show', `${ref}:later`)).toBe('written by hand');
    expect(branchesOf(on)).toContain('plan/p');
    expect(await on.stator([...everything, '--even-if-unmerged'])).toMatchObject({ code: 0 });
    expect(branchesOf(on)).toEqual(['main']);
  });
});

describe('plan delete', () => {
  it('keeps worktrees and branches unless --worktrees or --branches names them', async () => {
    const on = await scene();
    const [a, b, c] = [await donePlan(on, 'a'), await donePlan(on, 'b'), await donePlan(on, 'c')];
    for (const flags of [[], ['--worktrees'], ['--branches', '--even-if-unmerged']]) {
      const unasked = await on.stator(['plan', 'delete', 'a', ...flags]);
      expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining('--yes')]);
    }
    expect(await plansOf(on)).toEqual(['a', 'b', 'c']);
    expect(await on.stator(['plan', 'delete', 'a', '--yes'])).toMatchObject({ code: 0 });
    expect([await plansOf(on), existsSync(a)]).toEqual([['b', 'c'], true]);
    expect(await on.stator(['plan', 'delete', 'b', '--worktrees', '--yes'])).toMatchObject({ code: 0 });
    expect([await plansOf(on), existsSync(b)]).toEqual([['c'], false]);
    expect(branchesOf(on)).toEqual([
      'main',
      'plan/a',
      'plan/a-w1-t2',
      'plan/b',
      'plan/b-w1-t2',
      'plan/c',
      'plan/c-w1-t2',
    ]);
    git(on.repo, 'merge', '-q', 'plan/c');
    expect(await on.stator(['plan', 'delete', 'c', '--branches', '--yes'])).toMatchObject({ code: 0 });
    expect([await plansOf(on), existsSync(c)]).toEqual([[], false]);
    expect(branchesOf(on)).toEqual(['main', 'plan/a', 'plan/a-w1-t2', 'plan/b', 'plan/b-w1-t2']);
  });

  it('deletes nothing where work would be lost or a folder is in use, until the flag of each is given', async () => {
    const on = await scene();
    const worktree = await donePlan(on, 'p');
    writeFileSync(join(worktree, 'later'), 'written by hand\n');
    standIn(worktree);
    const before = traces(on);
    const flags = ['--even-if-unmerged', '--even-if-uncommitted', '--even-if-in-use'];
    for (const missing of flags) {
      const others = flags.filter((flag) => flag !== missing);
      const refused = await on.stator(['plan', 'delete', 'p', '--branches', '--yes', ...others]);
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(missing)]);
      for (const other of others) expect(refused.stderr.split('hint:')[1]).not.toContain(` ${other} `);
      expect(traces(on)).toEqual(before);
    }
    expect(await plansOf(on)).toEqual(['p']);
    const alone = await on.stator(['plan', 'delete', 'p', '--yes', '--even-if-unmerged']);
    expect([alone.code, alone.stderr]).toEqual([64, expect.stringContaining('--branches')]);
    const done = await on.stator(['plan', 'delete', 'p', '--branches', '--yes', ...flags]);
    expect([done.code, await plansOf(on), branchesOf(on), existsSync(worktree)]).toEqual([0, [], ['main'], false]);
    const ref = /refs\/[^\s)]+/.exec(done.stdout)?.[0] ?? '';
    expect(git(on.repo, 'show', `${ref}:later`)).toBe('written by hand');
  });
});

describe('sessions of issues', () => {
  const remote = 'https://git.example.invalid/acme/shop';
  const references = [1, 2].map((number) => `git.example.invalid/acme/shop#${number}`);
  const sessionsOf = async ({ stator }: Scene) =>
    (JSON.parse((await stator(['issue', 'list', '--json'])).stdout) as { reference: string }[])
      .map(({ reference }) => reference)
      .sort();

  /** Two sessions whose agent has failed. Both have commits that are on no remote. */
  async function sessions(): Promise<Scene> {
    const on = await scene(`${remote}.git`);
    const message = 'do it\n\n```sh\necho a >a; git add a; git commit -qm a; exit 1\n```';
    for (const reference of references)
      expect(await on.stator(['issue', 'start', reference, message])).toMatchObject({ code: 0 });
    // The ref of its attempt is the last thing that an agent leaves.
    const kept = () => git(on.repo, 'for-each-ref', '--format=%(refname)', 'refs/stator/attempts').match(/\n/g);
    await until(async () => {
      const agents = await on.client.instances({});
      return agents.length === 2 && agents.every(({ state }) => state === 'failed') && kept()?.length === 1;
    });
    return on;
  }

  it('are pruned when their worktree and branch are gone: not with --dry-run, not in a pipe without --force', async () => {
    const on = await sessions();
    git(on.repo, 'worktree', 'remove', '-f', '-f', join(on.repo, '.worktrees', 'git.example.invalid-acme-shop-1'));
    git(on.repo, 'branch', '-D', 'fix/issue-1');
    const before = traces(on);
    for (const flags of [['--dry-run'], ['--dry-run', '--force']]) {
      const dry = await on.stator(['issue', 'prune', ...flags]);
      expect([dry.code, dry.stdout]).toEqual([0, expect.stringMatching(/^would destroy demo\/.*\nkept demo\//)]);
    }
    const unasked = await on.stator(['issue', 'prune']);
    expect(unasked.code).toBe(1);
    expectRefusal(unasked.stderr, '--force');
    await on.client.addRepo(makeRepo(join(on.root, 'other')), { trust: true });
    expect(await on.stator(['issue', 'prune', '--force', '--project', 'other'])).toMatchObject({ code: 0 });
    expect([await sessionsOf(on), traces(on)]).toEqual([references, before]);
    const { code, stdout } = await on.stator(['issue', 'prune', '--force', '--json']);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { destroyed: [{ project: 'demo' }], kept: [{}] }]);
    expect(await sessionsOf(on)).toEqual([references[1]]);
    expect(branchesOf(on)).toEqual(['fix/issue-2', 'main']);
  });

  it('are destroyed with --yes, and with unsaved work with the flag of that only', async () => {
    const on = await sessions();
    const [one = '', two = ''] = references;
    const worktree = join(on.repo, '.worktrees', 'git.example.invalid-acme-shop-1');
    writeFileSync(join(worktree, 'later'), 'written by hand\n');
    const before = traces(on);
    const flags = ['--even-if-uncommitted', '--even-if-unpushed'];
    for (const [words, place] of [
      [flags, '--yes'],
      [['--yes'], '--even-if-uncommitted'],
      [['--yes', '--even-if-uncommitted'], '--even-if-unpushed'],
      [['--yes', '--even-if-unpushed'], '--even-if-uncommitted'],
    ] as const) {
      const refused = await on.stator(['issue', 'destroy', one, ...words]);
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(place)]);
      expect(traces(on)).toEqual(before);
    }
    expect(await on.stator(['issue', 'destroy', one, '-y', ...flags])).toMatchObject({ code: 0 });
    expect([existsSync(worktree), await sessionsOf(on)]).toEqual([false, [two]]);
    expect(git(on.repo, 'for-each-ref')).toContain('refs/stator/');
    expect(await on.stator(['issue', 'destroy', two, '--force'])).toMatchObject({ code: 0 });
    expect(await sessionsOf(on)).toEqual([]);
    const context = await on.stator(['issue', 'context', one]);
    expect(context.stdout).toContain('git commit -qm a');
  });

  it('whose agent works are destroyed with --even-if-running only, and the agent is stopped', async () => {
    const on = await scene(`${remote}.git`);
    const [one = ''] = references;
    const message = `do it\n\n\`\`\`sh\necho $$ >'${on.root}/begun'; ${gate(join(on.root, 'never'))}\n\`\`\``;
    expect(await on.stator(['issue', 'start', one, message])).toMatchObject({ code: 0 });
    await untilFile(join(on.root, 'begun'));
    await until(async () => (await on.client.instances({}))[0]?.state === 'running');
    const pid = (await on.client.instances({}))[0]?.pid ?? 0;
    const refused = await on.stator(['issue', 'destroy', one, '--yes']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--even-if-running')]);
    expect([isAlive(pid), await sessionsOf(on)]).toEqual([true, [one]]);
    expect(await on.stator(['issue', 'destroy', one, '--yes', '--even-if-running'])).toMatchObject({ code: 0 });
    expect([isAlive(pid), await sessionsOf(on)]).toEqual([false, []]);
  });
});
