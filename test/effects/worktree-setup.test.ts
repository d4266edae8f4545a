/** A new worktree is made ready before an agent starts in it: files copied, a command run, once; and what a person sees where that fails. */
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  register,
  runFolders,
  say,
  startEngine,
  untilFile,
  untilPhase,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { type Ground, git, until } from '../support/ground.ts';
import { fakeEnv } from '../support/program.ts';
import { expectFailure, expectProse } from '../support/prose.ts';

/** A repo with this configuration, and a file that git ignores. */
function configured(toml: string, on: Ground = ground()): Ground {
  mkdirSync(join(on.repo, '.stator'), { recursive: true });
  writeFileSync(join(on.repo, '.stator', 'config.toml'), toml);
  writeFileSync(join(on.repo, '.gitignore'), '.stator/\nignored/\n.env\n');
  git(on.repo, 'add', '.');
  git(on.repo, 'commit', '-qm', 'configured');
  writeFileSync(join(on.repo, '.env'), 'KEY=1\n');
  return on;
}

/** Gone, or dead and only waiting to be reaped. */
function isGone(pid: string): boolean {
  return !existsSync(`/proc/${pid}`) || /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

describe('the setup of a worktree', () => {
  it('copies and runs before the agent starts, without its token, and its output is in the log before the agent’s; both and the check have the same ports and name, which no other task has', async () => {
    const said = 'echo "$STATOR_PORT_BASE $STATOR_SLUG"';
    const on = configured(
      `[worktree]\nsetup = '''echo preparing; cat .env; test -z "$STATOR_TOKEN" && echo none > ignored.txt; mkdir ignored; cp .env ignored/ready; ${said} > ignored/setup'''\ncopy = [".env"]\n`,
    );
    const engine = await startEngine({ on });
    const task = (file: string, more: string) => ({
      sh: `${said} > ${file}; test "$(cat ignored/setup)" = "$(cat ${file})" || exit 1; ${more}`,
      fields: `**Check:** test "$(${said})" = "$(cat ${file})"\n`,
    });
    const looks = 'cat ignored/ready ignored.txt > seen.txt; test -n "$STATOR_TOKEN"; echo the agent';
    await begin(engine, 'ready', planText([task('a.txt', looks), task('b.txt', 'true')]));
    await untilStatus(engine, 'ready', 'done');
    expect(git(on.repo, 'show', 'plan/ready:seen.txt')).toBe('KEY=1\nnone');
    expect(git(on.repo, 'ls-tree', '-r', '--name-only', 'plan/ready')).not.toContain('.env');
    const run = runFolders(on.home, 'ready').find((name) => name.includes('task-1.')) ?? '';
    const log = readFileSync(join(on.home, 'runs', run, 'log'), 'utf8');
    expect(log.indexOf('preparing')).toBeGreaterThan(log.indexOf('setting the worktree up'));
    expect(log.indexOf('the agent\n')).toBeGreaterThan(log.indexOf('KEY=1'));
    const [first = '', second = ''] = ['a.txt', 'b.txt'].map((file) => git(on.repo, 'show', `plan/ready:${file}`));
    for (const line of [first, second]) expect(line).toMatch(/^(?:2\d|3[01])\d{3} demo_\w+_[0-9a-f]{8}$/);
    expect(first.split(' ')[0]).not.toBe(second.split(' ')[0]);
    expect(first.split(' ')[1]).not.toBe(second.split(' ')[1]);
  });

  it('gets no key of the agent’s program', async () => {
    const on = configured(`[worktree]\nsetup = 'echo "[$ANTHROPIC_API_KEY]" > setup.txt'\n`);
    const keys = { ANTHROPIC_API_KEY: 'secret', 'ANTHROPIC_OLD-KEY': 'no name of a shell' };
    const env = { ...fakeEnv(on.env, { root: on.root, says: 'ok' }), ...keys };
    const agents = { default: { preset: 'claude', attempts: 1 }, reviewer: { enabled: false } } as const;
    const engine = await startEngine({ on, env, agents });
    await begin(engine, 'keys', planText([{ title: 'the work', sh: null }]));
    await untilStatus(engine, 'keys', 'done');
    expect(git(on.repo, 'show', 'plan/keys:setup.txt')).toBe('[]');
  });

  it('copies folders whole, keeps what git does not ignore out of every commit, and leaves alone what git carries; the folders for signal files are there too, kasmos’s where the repo has that', async () => {
    const on = configured('[worktree]\ncopy = ["conf", "data"]\n');
    const { repo } = on;
    mkdirSync(join(repo, 'conf', 'deep'), { recursive: true });
    writeFileSync(join(repo, 'conf', 'carried.txt'), 'committed\n');
    git(repo, 'add', 'conf');
    git(repo, 'commit', '-qm', 'conf');
    writeFileSync(join(repo, 'conf', 'carried.txt'), 'changed by hand\n');
    writeFileSync(join(repo, 'conf', 'deep', 'own.txt'), 'own\n');
    symlinkSync('own.txt', join(repo, 'conf', 'deep', 'link'));
    mkdirSync(join(repo, 'data'));
    writeFileSync(join(repo, 'data', 'a.bin'), 'a\n');
    mkdirSync(join(repo, '.kasmos'));
    const engine = await startEngine({ on });
    const tell = (tool: string) => `touch ${tool}/signals/staging/x && mv ${tool}/signals/staging/x ${tool}/signals/.x`;
    const work = `${tell('.stator')} && ${tell('.kasmos')} && cat conf/carried.txt conf/deep/link data/a.bin > seen.txt`;
    await begin(engine, 'copies', planText([work]));
    await untilStatus(engine, 'copies', 'done');
    expect(git(repo, 'show', 'plan/copies:seen.txt')).toBe('committed\nown\na');
    expect(git(repo, 'diff', '--name-only', 'main', 'plan/copies')).toBe('seen.txt');
  });

  it('that fails is a failed start, with the command, its code and the end of its output, and at the last attempt leaves no worktree, no branch and no ref of what it half made', async () => {
    const on = configured("[worktree]\nsetup = '''echo half > half.txt\necho no such package\nexit 7'''\n");
    const engine = await startEngine({ on });
    await begin(engine, 'broken', planText(['echo a > a.txt']));
    await untilPhase(engine, 'broken', 'wave_waiting');
    const [instance] = await engine.client.instances({});
    expect(instance).toMatchObject({ state: 'failed', reason: 'start-failed' });
    const lines = await engine.client.history('demo', 'broken');
    expect(JSON.stringify(lines)).toContain('run_exited');
    const [signal] = (await engine.client.signals({ project: 'demo', plan: 'broken' })).filter(
      (one) => one.type === 'run_exited',
    );
    expect(signal?.payload).toMatchObject({ cause: 'start-failed' });
    const detail = (signal?.payload as { detail: string } | undefined)?.detail; // as the engine wrote it
    expectProse(
      detail ?? '',
      ' 7: echo half > half.txt echo no such package exit 7: no such package\n',
      '\nno such package\n',
    );
    expect(existsSync(join(on.repo, '.worktrees', 'plan-broken-w1-t1', 'a.txt'))).toBe(false);
    const worktrees = () => git(on.repo, 'worktree', 'list').split('\n');
    await until(() => worktrees().length === 1 && !git(on.repo, 'branch').includes('-w1-t1'));
    expect(git(on.repo, 'for-each-ref', '--format=%(refname)', 'refs/stator/attempts')).toBe('');
    writeFileSync(join(on.repo, '.stator', 'config.toml'), '');
    await engine.client.addRepo(on.repo, { trust: true });
    await say(engine, 'broken', 'retry_wave');
    await untilStatus(engine, 'broken', 'done');
    expect(git(on.repo, 'show', 'plan/broken:a.txt')).toBe('a');
  });

  it('that fails at the last attempt keeps the branch with what an earlier attempt did', async () => {
    const on = configured('[worktree]\nsetup = "true"\n');
    const engine = await startEngine({ on });
    await begin(
      engine,
      'some',
      planText([
        'echo a > a.txt; git add a.txt; git -c core.hooksPath=/dev/null -c commit.gpgSign=false commit -qm mine; exit 1',
      ]),
    );
    await untilPhase(engine, 'some', 'wave_waiting');
    const mine = git(on.repo, 'rev-parse', 'plan/some-w1-t1');
    writeFileSync(join(on.repo, '.stator', 'config.toml'), '[worktree]\nsetup = "exit 7"\n');
    await engine.client.addRepo(on.repo, { trust: true });
    await say(engine, 'some', 'retry_wave');
    await untilPhase(engine, 'some', 'wave_waiting');
    await until(() => git(on.repo, 'worktree', 'list').split('\n').length === 1);
    expect(git(on.repo, 'for-each-ref', '--format=%(objectname)', 'refs/stator/attempts').split('\n')).toContain(mine);
  });

  it('runs once for a worktree, again where it never succeeded, and again when another command was trusted', async () => {
    const on = configured('');
    const { repo, root } = on;
    const count = join(root, 'count');
    const toml = (command: string) => `[worktree]\nsetup = "${command}"\n`;
    const write = (command: string) => writeFileSync(join(repo, '.stator', 'config.toml'), toml(command));
    write(`echo one >> ${count}; test -e ${join(root, 'works')}`);
    const engine = await startEngine({ on });
    await begin(engine, 'once', planText(['echo a > a.txt; exit 1']));
    await untilPhase(engine, 'once', 'wave_waiting');
    expect(readFileSync(count, 'utf8')).toBe('one\n');
    openGate(join(root, 'works'));
    for (const times of [2, 2]) {
      await say(engine, 'once', 'retry_wave');
      await untilPlan(engine, 'once', (plan) => plan.phase === 'wave_waiting');
      expect(readFileSync(count, 'utf8').split('\n')).toHaveLength(times + 1);
    }
    write(`echo two >> ${count}`);
    await engine.client.addRepo(repo, { trust: true });
    await say(engine, 'once', 'retry_wave');
    await untilPlan(engine, 'once', (plan) => plan.phase === 'wave_waiting');
    expect(readFileSync(count, 'utf8')).toBe('one\none\ntwo\n');
    // The command may read what is copied.
    writeFileSync(join(repo, '.stator', 'config.toml'), `${toml(`echo two >> ${count}`)}copy = [".env"]\n`);
    await engine.client.addRepo(repo, { trust: true });
    await say(engine, 'once', 'retry_wave');
    await untilPlan(engine, 'once', (plan) => plan.phase === 'wave_waiting');
    expect(readFileSync(count, 'utf8')).toBe('one\none\ntwo\ntwo\n');
  });

  it('that hangs is ended with all its processes when its time is over', async () => {
    const on = configured('');
    const { repo, root } = on;
    const pidFile = join(root, 'pid');
    writeFileSync(
      join(repo, '.stator', 'config.toml'),
      `[worktree]\nsetup = "sleep 600 & echo $! > ${pidFile}; wait"\n`,
    );
    let aheadMs = 0;
    const engine = await startEngine({ on, clock: { nowMs: () => Date.now() + aheadMs } });
    await begin(engine, 'hangs', planText(['echo a > a.txt']));
    await untilFile(pidFile);
    expect((await engine.client.instances({}))[0]?.state).toBe('starting');
    aheadMs = 11 * 60_000;
    await untilPhase(engine, 'hangs', 'wave_waiting');
    expect(isGone(readFileSync(pidFile, 'utf8').trim())).toBe(true);
    const [signal] = (await engine.client.signals({ project: 'demo', plan: 'hangs' })).filter(
      (one) => one.type === 'run_exited',
    );
    expect(JSON.stringify(signal?.payload)).toContain('10m');
  });

  it('is stopped with its plan, and taken up by the next engine where the one that started it went away', async () => {
    const on = configured('');
    const { repo, root } = on;
    const [pidFile, go, count] = [join(root, 'pid'), join(root, 'go'), join(root, 'count')];
    const script = `echo x >> ${count}; echo $$ > ${pidFile}; ${gate(go)}`;
    writeFileSync(join(repo, '.stator', 'config.toml'), `[worktree]\nsetup = """${script}"""\n`);
    const first = await startEngine({ on });
    await begin(first, 'adopted', planText(['echo a > a.txt']));
    await untilFile(pidFile);
    await first.engine.stop({ agents: 'leave' });
    const second = await startEngine({ on });
    openGate(go);
    await untilStatus(second, 'adopted', 'done');
    expect(readFileSync(count, 'utf8')).toBe('x\n');
    await until(() => isGone(readFileSync(pidFile, 'utf8').trim()));

    const never = join(root, 'never');
    writeFileSync(
      join(repo, '.stator', 'config.toml'),
      `[worktree]\nsetup = """echo $$ > ${pidFile}.2; ${gate(never)}"""\n`,
    );
    await second.client.addRepo(repo, { trust: true });
    await begin(second, 'stopped', planText(['echo a > a.txt']));
    await untilFile(`${pidFile}.2`);
    await say(second, 'stopped', 'cancel');
    const pid = readFileSync(`${pidFile}.2`, 'utf8').trim();
    await until(() => isGone(pid));
  });

  it('names what is to be copied and is not there, leads out of the repo, or is git’s own', async () => {
    const on = configured('[worktree]\ncopy = ["secrets.txt"]\n');
    const { repo, root } = on;
    const engine = await startEngine({ on });
    const failed = async (plan: string) => {
      await register(engine, plan, planText(['echo a > a.txt']));
      await say(engine, plan, 'implement_start');
      await untilPhase(engine, plan, 'wave_waiting');
      return engine.client.capture({ project: 'demo', title: `${plan}-w1-t1` });
    };
    expectProse(await failed('missing'), 'secrets.txt');
    writeFileSync(join(root, 'outside.txt'), 'secret\n');
    symlinkSync(join(root, 'outside.txt'), join(repo, 'secrets.txt'));
    await expectFailure(failed('exchanged'), 'untrusted', 'secrets.txt');
    await engine.client.trustRepo({ project: 'demo' });
    expectProse(await failed('outside'), 'secrets.txt');
    writeFileSync(join(repo, '.stator', 'config.toml'), '[worktree]\ncopy = [".git/config"]\n');
    await engine.client.addRepo(repo, { trust: true });
    expectProse(await failed('gits'), '.git/config');
    // The branch has a link where the checkout has a folder.
    mkdirSync(join(root, 'elsewhere'));
    symlinkSync(join(root, 'elsewhere'), join(repo, 'keys'));
    git(repo, 'add', 'keys');
    git(repo, 'commit', '-qm', 'a link');
    rmSync(join(repo, 'keys'));
    mkdirSync(join(repo, 'keys'));
    writeFileSync(join(repo, 'keys', 'own'), 'secret\n');
    writeFileSync(join(repo, '.stator', 'config.toml'), '[worktree]\ncopy = ["keys/own"]\n');
    await engine.client.addRepo(repo, { trust: true });
    expect(await failed('linked')).toContain('keys/own, which leads out of the worktree');
    expect(existsSync(join(root, 'elsewhere', 'own'))).toBe(false);
  });
});

describe('the folder of the worktrees', () => {
  it.each([
    ['elsewhere by an absolute path', (on: Ground) => ({ dir: join(on.root, 'trees'), real: join(on.root, 'trees') })],
    [
      'elsewhere by an absolute path through a link',
      (on: Ground) => {
        mkdirSync(join(on.root, 'disk'));
        symlinkSync(join(on.root, 'disk'), join(on.root, 'linked'));
        return { dir: join(on.root, 'linked'), real: join(on.root, 'disk') };
      },
    ],
    ['a folder deep inside', (on: Ground) => ({ dir: 'a/b [c]', real: join(on.repo, 'a/b [c]') })],
  ])('may be %s, and git never sees it', async (_what, place) => {
    const on = configured('');
    const { dir, real } = place(on);
    writeFileSync(join(on.repo, '.stator', 'config.toml'), `[worktree]\ndir = "${dir}"\n`);
    const engine = await startEngine({ on });
    const go = join(on.root, 'go');
    await begin(engine, 'placed', planText([`${gate(go)}; echo a > a.txt; git commit -q --allow-empty -m x`]));
    await untilPlan(engine, 'placed', (plan) => plan.tasks_by_wave[0]?.tasks[0]?.attempts === 1);
    const [instance] = await engine.client.instances({});
    expect(instance?.worktree).toBe(join(realpathSync(real), 'plan-placed-w1-t1'));
    expect(git(on.repo, 'status', '--porcelain')).toBe('');
    openGate(go);
    await untilStatus(engine, 'placed', 'done');
    expect(git(on.repo, 'show', 'plan/placed:a.txt')).toBe('a');
    expect(git(on.repo, 'diff', '--name-only', 'main', 'plan/placed')).toBe('a.txt');
  });

  it('may not lie among git’s own files, by a link neither', async () => {
    const on = configured('[worktree]\ndir = "trees"\n');
    symlinkSync('.git', join(on.repo, 'trees'));
    const engine = await startEngine({ on, adds: false });
    await expectFailure(engine.client.addRepo(on.repo, { trust: true }), 'bad_config', 'trees');
  });
});
