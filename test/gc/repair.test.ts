/** Orphans are deleted after they were listed; anything that would be lost, is in use or may be foreign stays. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  afterwards,
  begin,
  gate,
  openGate,
  planText,
  startEngine,
  type TestEngine,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

/** Engines of other tests may use unknown items while they live, or if their home cannot be read: then nothing is deleted, and this checks again. */
async function looked({ client }: TestEngine, dry: boolean): Promise<string[]> {
  let { orphans } = await client.repair({ dry });
  await until(async () => {
    if (!orphans.some(({ what }) => what.includes('may use it'))) return true;
    ({ orphans } = await client.repair({ dry }));
    return false;
  });
  return orphans.map(({ kind, name, state }) => `${state} ${kind} ${name.split('/').slice(-2).join('/')}`).sort();
}

/** A worktree with stator's mark whose plan is in no store. */
function lostWorktree({ repo }: TestEngine, plan: string): string {
  const path = join(repo, '.worktrees', `plan-${plan}`);
  git(repo, 'worktree', 'add', '-q', '--lock', '--reason', `stator: plan/${plan}`, '-b', `plan/${plan}`, path);
  git(repo, 'update-ref', `refs/stator/owned/plan/${plan}`, 'main');
  return path;
}

function commitElsewhere({ repo }: TestEngine): string {
  return git(repo, 'commit-tree', '-m', 'mine', '-p', 'main', 'main^{tree}');
}

const state = ({ repo, home }: TestEngine) => [
  git(repo, 'for-each-ref'),
  git(repo, 'worktree', 'list'),
  readdirSync(join(repo, '.worktrees')).sort(),
  readdirSync(join(home, 'runs')).sort(),
];

it('names worktrees, folders, branches and refs of lost plans, and takes what nobody loses by', async () => {
  const on = await startEngine();
  lostWorktree(on, 'clean');
  writeFileSync(join(lostWorktree(on, 'dirty'), 'later'), 'written by hand\n');
  rmSync(lostWorktree(on, 'gone'), { recursive: true });
  const worktrees = join(on.repo, '.worktrees');
  for (const name of ['.removing-plan-x', 'notes', 'empty']) mkdirSync(join(worktrees, name));
  for (const name of ['.removing-plan-x', 'notes']) writeFileSync(join(worktrees, name, 'file'), 'x');
  mkdirSync(join(on.home, 'runs'), { recursive: true });
  const aside = commitElsewhere(on);
  git(on.repo, 'branch', 'plan/work', aside);
  git(on.repo, 'branch', 'mine');
  git(on.repo, 'symbolic-ref', 'refs/stator/attempts/evil#1', 'refs/heads/main');
  const refs = {
    'owned/plan/work': 'main',
    'owned/mine': 'main',
    'owned/plan/none': 'main',
    'attempts/lost#1': 'main',
    'archive/lost/1': aside,
  };
  for (const [name, commit] of Object.entries(refs)) git(on.repo, 'update-ref', `refs/stator/${name}`, commit);
  const before = state(on);
  const kept = [
    'kept branch mine',
    'kept branch plan/work',
    'kept branch plan/dirty',
    'kept folder .worktrees/notes',
    'kept ref attempts/evil#1',
    'kept ref lost/1',
    'kept worktree .worktrees/plan-dirty',
  ].sort();
  const goes = [
    'branch plan/clean',
    'branch plan/gone',
    'folder .worktrees/.removing-plan-x',
    'folder .worktrees/empty',
    'ref attempts/lost#1',
    'ref plan/none',
    'worktree .worktrees/plan-clean',
    'worktree .worktrees/plan-gone',
  ];
  expect(await looked(on, true)).toEqual([...goes.map((each) => `fixable ${each}`), ...kept].sort());
  expect(state(on)).toEqual(before);
  expect(await looked(on, false)).toEqual([...goes.map((each) => `fixed ${each}`), ...kept].sort());
  expect(await looked(on, false)).toEqual(kept);
  expect(git(on.repo, 'branch', '--format=%(refname:short)').split('\n')).toEqual([
    'main',
    'mine',
    'plan/dirty',
    'plan/work',
  ]);
  expect(readFileSync(join(worktrees, 'plan-dirty', 'later'), 'utf8')).toBe('written by hand\n');
  expect(readFileSync(join(worktrees, 'notes', 'file'), 'utf8')).toBe('x');
});

it('takes run folders that no run has, sockets nobody serves, and locks of killed gits; links and strangers stay', async () => {
  const on = await startEngine();
  const runs = join(on.home, 'runs');
  for (const name of ['ghost', 'stranger']) mkdirSync(join(runs, name), { recursive: true });
  writeFileSync(join(runs, 'ghost', 'wrapper'), '#!/bin/sh\n');
  writeFileSync(join(on.root, 'letter'), 'dear\n');
  symlinkSync(on.root, join(runs, 'ghost', 'link'));
  symlinkSync(on.root, join(runs, 'away'));
  for (const name of ['dead', 'served']) mkdirSync(join(on.home, 'sockets', name), { recursive: true });
  const server = createServer().listen(join(on.home, 'sockets', 'served', 's'));
  afterwards(() => void server.close());
  await until(() => existsSync(join(on.home, 'sockets', 'served', 's')));
  const lock = join(on.repo, '.git', 'index.lock');
  writeFileSync(lock, '');
  utimesSync(lock, 1, 1);
  writeFileSync(join(on.repo, '.git', 'HEAD.lock'), ''); // somebody may hold it: it is too young
  const kept = ['kept run_folder away', 'kept run_folder stranger', 'kept socket sockets/served'];
  const goes = ['lock .git/index.lock', 'run_folder ghost', 'socket sockets/dead'];
  expect(await looked(on, true)).toEqual([...goes.map((each) => `fixable ${each}`), ...kept].sort());
  expect(await looked(on, false)).toEqual([...goes.map((each) => `fixed ${each}`), ...kept].sort());
  expect(await looked(on, false)).toEqual(kept);
  expect(readFileSync(join(on.root, 'letter'), 'utf8')).toBe('dear\n');
  expect(existsSync(join(on.repo, '.git', 'HEAD.lock'))).toBe(true);
});

it('touches nothing of a plan that is under way, nor the working directory of a process', async () => {
  const on = await startEngine();
  const go = join(on.root, 'go');
  await begin(on, 'p', planText([`touch '${go}-begun'\n${gate(go)}\necho one >one`]));
  await until(() => existsSync(`${go}-begun`));
  const standing = spawn('sleep', ['1000'], { cwd: lostWorktree(on, 'lost'), stdio: 'ignore' });
  afterwards(() => void standing.kill('SIGKILL'));
  expect(await looked(on, false)).toEqual(['kept branch plan/lost', 'kept worktree .worktrees/plan-lost']);
  openGate(go);
  await untilStatus(on, 'p', 'done');
  expect(git(on.repo, 'show', 'plan/p:one')).toBe('one');
});

it('takes nothing in a repo that another engine has registered as well', async () => {
  const on = await startEngine();
  const other = {
    ...on,
    home: join(on.root, 'other-home'),
    env: { ...on.env, STATOR_HOME: join(on.root, 'other-home') },
  };
  const beside = await startEngine({ on: other });
  await beside.engine.stop();
  // An engine as other processes see it: a process that has its lock file open.
  const alive = spawn('sleep', ['1000'], { stdio: [openSync(join(other.home, 'owner.db'), 'r'), 'ignore', 'ignore'] });
  afterwards(() => void alive.kill('SIGKILL'));
  lostWorktree(on, 'theirs');
  /** Only one engine is named, and an engine of another test may be found first. */
  const isNamed = ({ what }: { what: string }) => what.includes(`the engine of ${other.home} (pid ${alive.pid})`);
  let { orphans } = await on.client.repair({ dry: false });
  await until(async () => {
    if (orphans.every(isNamed)) return true;
    ({ orphans } = await on.client.repair({ dry: false }));
    return false;
  });
  expect(orphans.map(({ state: each }) => each)).toEqual(orphans.map(() => 'kept'));
  expect(orphans.map(({ kind }) => kind).sort()).toEqual(['branch', 'worktree']);
});
