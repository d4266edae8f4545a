/** The lock of a repository in its git folder: who gets it, who may take it over, and that foreign files there prove nothing. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hasProc, readProcessTable } from '../../runtime/base/platform/process-table.ts';
import { runIdOf } from '../../runtime/work/agents/run-folder.ts';
import {
  type Claimant,
  claimantOf,
  type EngineLock,
  lockFolder,
  takeEngineLock,
} from '../../runtime/work/repos/engine-lock.ts';
import { temporaryHome } from '../support/git.ts';
import { until } from '../support/ground.ts';
import { expectFailure } from '../support/prose.ts';

const home = temporaryHome();
let commonDir = '';

beforeEach(() => {
  commonDir = join(home.path, 'demo', '.git');
  mkdirSync(commonDir, { recursive: true });
});

/** An engine in this process: its home, with an open `owner.db`. */
function engine(name: string, store: string | null = null): Claimant {
  const folder = join(home.path, name);
  mkdirSync(folder, { recursive: true });
  const file = openSync(join(folder, 'owner.db'), 'a');
  onTestFinished(() => closeSync(file));
  return claimantOf(folder, store);
}

function take(self: Claimant): Promise<EngineLock> {
  return takeEngineLock({ commonDir, path: join(home.path, 'demo'), project: 'demo' }, self);
}

const files = () => (existsSync(join(commonDir, lockFolder)) ? readdirSync(join(commonDir, lockFolder)) : null);

/** Writes a claim as another engine would. */
function leave(claim: object, name = 'left'): string {
  mkdirSync(join(commonDir, lockFolder), { recursive: true });
  const file = join(commonDir, lockFolder, name);
  writeFileSync(file, `${JSON.stringify({ project: 'demo', held: true, ...claim })}\n`);
  return file;
}

/** A process with that file open as its input. */
async function processWith(file: string, env: NodeJS.ProcessEnv = {}): Promise<Pick<Claimant, 'pid' | 'start'>> {
  const input = openSync(file, 'a+');
  const child: ChildProcess = spawn('sleep', ['600'], {
    stdio: [input, 'ignore', 'ignore'],
    env: { ...process.env, ...env },
  });
  closeSync(input);
  onTestFinished(() => void child.kill('SIGKILL'));
  const { pid } = child;
  if (pid === undefined) throw new Error('it was not started');
  const row = () => readProcessTable().rows.find(({ identity }) => identity.pid === pid);
  await until(() => row()?.name === 'sleep');
  return { pid, start: row()?.identity.start ?? '' };
}

function inDeadProcess(claimant: Claimant): Claimant {
  return { ...claimant, start: `${claimant.start}0` };
}

describe('the lock of a repository', () => {
  it('goes to one engine; the second gets the home and the pid of the first, and gets the lock when the first gives it back', async () => {
    const [one, two] = [engine('one'), engine('two')];
    const lock = await take(one);
    expect(lock.isThere()).toBe(true);
    await expectFailure(take(two), 'elsewhere', one.home, String(process.pid));
    expect(files()).toHaveLength(1);
    lock.release();
    expect(files()).toBeNull();
    (await take(two)).release();
  });

  it('goes to one of many that ask at the same moment', async () => {
    const taken: EngineLock[] = [];
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, async (_, index) => taken.push(await take(engine(`home-${index}`)))),
    );
    expect(taken).toHaveLength(1);
    expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(7);
    expect(files()).toHaveLength(1);
  });

  it('is taken over from an engine whose process ended, though its pid is in use again, or the machine began anew', async () => {
    const [one, two] = [engine('one'), engine('two')];
    leave(inDeadProcess(one), 'killed');
    leave({ ...one, boot: 'another' }, 'rebooted');
    const lock = await take(two);
    expect(files()).toHaveLength(1);
    expect(lock.isThere()).toBe(true);
  });

  it('is taken over from an earlier engine of the same home, wherever that ran', async () => {
    const one = engine('one');
    leave({ ...one, host: 'container-1', boot: 'another', namespace: 'another', machine: '' });
    await take(one);
    expect(files()).toHaveLength(1);
  });

  it('stays with an engine of another machine, because it may still run there, until its file is removed', async () => {
    const file = leave({ ...engine('one'), host: 'far', boot: 'another' });
    const two = engine('two');
    await expectFailure(take(two), 'elsewhere', 'on far', file);
    rmSync(file);
    await take(two);
  });

  it('stays with an engine of another container of this machine', async () => {
    leave({ ...engine('one'), namespace: 'pid:[1]', host: 'near' });
    await expectFailure(take(engine('two')), 'elsewhere', 'cannot be seen from here');
  });

  it('says nothing between hosts that share a store: there the store says whose the repo is', async () => {
    const url = 'db.example:5432/stator';
    leave(engine('one', url));
    await take(engine('two', url));
    await expectFailure(take(engine('three')), 'elsewhere');
  });

  it('stays with an engine that has ended while agents of it work in the repo', async () => {
    const one = engine('one');
    // Its home was named by a link then.
    const link = join(home.path, 'link');
    symlinkSync(one.home, link);
    const agent = await processWith('/dev/null', { STATOR_RUN: runIdOf(link, 'plan:demo/p/coder#1') });
    leave(inDeadProcess(one));
    await expectFailure(take(engine('two')), 'elsewhere', 'left agents at work', `pid ${agent.pid}`);
    // The agents of its own home, with a new owner.db, are adopted.
    (await take({ ...one, home_mark: 'new' })).release();
    leave(inDeadProcess(one));
    leave({ ...inDeadProcess(one), project: 'other' });
    await take(engine('two'));
  });
});

describe('what somebody else writes in its folder', () => {
  it.runIf(hasProc)('is not believed where it names a process that is no engine', async () => {
    const one = engine('one');
    leave({ ...one, ...(await processWith('/dev/null')) });
    await take(engine('two'));
    expect(files()).toHaveLength(1);
  });

  it.runIf(hasProc)('is not believed where it names the engine of another home', async () => {
    const one = engine('one');
    mkdirSync(join(home.path, 'real'));
    const other = await processWith(join(home.path, 'real', 'owner.db'));
    leave({ ...one, ...other, home: '/made/up' });
    await take(engine('two'));
    expect(files()).toHaveLength(1);
  });

  it('says nothing and is left alone where it is a link, a pipe, a folder, or no claim', async () => {
    const target = join(home.path, 'target');
    writeFileSync(target, 'mine');
    const file = leave({}, 'no-claim');
    const folder = join(commonDir, lockFolder);
    writeFileSync(join(folder, 'text'), 'x'.repeat(100_000));
    writeFileSync(
      join(folder, 'keys'),
      JSON.stringify({ ...engine('one'), project: 'demo', held: true, home: '/a\u001b[2J' }),
    );
    symlinkSync(target, join(folder, 'link'));
    mkdirSync(join(folder, 'folder'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const lock = await take(engine('two'));
    expect(files()).toHaveLength(7);
    expect(readFileSync(target, 'utf8')).toBe('mine');
    lock.release();
    expect(existsSync(file)).toBe(true);
  });

  it.each(['link', 'file'])(
    'keeps engines out where the folder is a %s, and nothing is written behind it',
    async (kind) => {
      const target = join(home.path, 'target');
      mkdirSync(target);
      const place = join(commonDir, lockFolder);
      if (kind === 'link') symlinkSync(target, place);
      else writeFileSync(place, '');
      await expectFailure(take(engine('one')), 'unsafe_path', place);
      expect(readdirSync(target)).toEqual([]);
    },
  );

  it.each(['taken away', 'written over', 'made a link'])(
    'is noticed by its engine where its own file is %s',
    async (how) => {
      const one = engine('one');
      const lock = await take(one);
      const file = join(commonDir, lockFolder, files()?.[0] ?? '');
      if (how === 'written over') writeFileSync(file, '{}');
      else rmSync(file);
      if (how === 'made a link') symlinkSync('/etc/hostname', file);
      expect(lock.isThere()).toBe(false);
      lock.release();
      expect((await take(one)).isThere()).toBe(true);
    },
  );
});
