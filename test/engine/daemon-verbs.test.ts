import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { attach } from '../../runtime/engine/attach.ts';
import { planOf, steady } from '../support/cli.ts';
import { daemonGround, isAlive, makeRepo } from '../support/daemon.ts';
import { gate, openGate, untilFile } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

describe('a daemon', () => {
  it('is started, shows its repos, and is stopped; each verb says what is so', async () => {
    const ground = daemonGround();
    const none = await ground.stator(['daemon', 'status']);
    expect(none.code).toBe(69);
    expectProse(none.stderr, 'stator daemon start');
    const started = await ground.stator(['daemon', 'start']);
    expect(started).toMatchObject({ code: 0, stderr: '' });
    const pid = ground.owner()?.pid ?? 0;
    expectProse(started.stdout, `pid ${pid}`);
    expect(readFileSync(join(ground.home, 'daemon.pid'), 'utf8')).toBe(`${pid}\n`);
    makeRepo(join(ground.root, 'my-lib'));
    expect(await ground.stator(['daemon', 'add', '.'])).toMatchObject({ code: 0 });
    expect(await ground.stator(['daemon', 'add', '../my-lib', '--json'])).toMatchObject({ code: 0 });
    const shown = await ground.stator(['daemon', 'status']);
    expect(shown.code).toBe(0);
    expect(steady(shown.stdout, ground).replace(/uptime: (?:\d+m )?\d+s/, 'uptime: <n>s')).toBe(
      [
        'daemon running (uptime: <n>s)',
        'repos (2):',
        '  demo    <root>/demo    active: 0',
        '  my-lib  <root>/my-lib  active: 0',
        '',
      ].join('\n'),
    );
    const document = JSON.parse((await ground.stator(['daemon', 'status', '--json'])).stdout);
    expect(document).toMatchObject({ running: true, pid, repo_count: 2, waiting: null, problems: [], instances: [] });
    const again = await ground.stator(['daemon', 'add', '.']);
    expect(again).toMatchObject({ code: 1 });
    expectProse(again.stderr, ground.repo);
    const stopped = await ground.stator(['daemon', 'stop']);
    expect(stopped.code).toBe(0);
    expectProse(stopped.stdout, `pid ${pid}`);
    await until(() => !isAlive(pid));
    expect(existsSync(join(ground.home, 'daemon.pid'))).toBe(false);
    for (const verb of [['stop'], ['status'], ['reload'], ['add', '.'], ['remove', 'demo']])
      expect(await ground.stator(['daemon', ...verb])).toMatchObject({ code: 69 });
    expect((await ground.stator(['daemon', 'logs', '--lines', '1'])).stdout).toMatch(/Z info /);
    const entries = JSON.parse((await ground.stator(['daemon', 'logs', '--lines', '2', '--json'])).stdout);
    const entry = { at: expect.any(String), level: 'info', message: expect.any(String) };
    expect(entries).toEqual([entry]);
  });

  it('that runs already is no failure to start, keeps its home for itself, and is stopped by no agent', async () => {
    const ground = daemonGround();
    await ground.stator(['daemon', 'start']);
    const pid = ground.owner()?.pid;
    const second = await ground.stator(['daemon', 'start']);
    expect(second).toMatchObject({ code: 0, stdout: '' });
    expectProse(steady(second.stderr, ground).replace(String(pid), '<pid>'), 'stator daemon restart');
    const document = await ground.stator(['daemon', 'start', '--json']);
    expect(document).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(document.stdout)).toMatchObject({ status: 'running', pid });
    for (const how of [['--config', 'other.toml'], ['--foreground']]) {
      const other = await ground.stator(['daemon', 'start', ...how]);
      expect(other.code).toBe(69);
      expectProse(other.stderr, `pid ${pid}`, 'stator daemon status');
    }
    const said = await ground.stator(['daemon', 'stop'], { env: { STATOR_TOKEN: 'some' } });
    expect(said.code).toBe(1);
    expectProse(said.stderr);
    expect(ground.owner()?.pid).toBe(pid);

    // One of a home that was copied is not taken for one of the copy.
    await ground.client().addRepo(ground.repo, { trust: true });
    const copy = join(ground.root, 'copy');
    cpSync(ground.home, copy, { recursive: true });
    expect(readFileSync(join(copy, 'owner.json'), 'utf8')).toContain(ground.owner()?.socketPath);
    expect(await attach(copy, {})).toBeNull();
    const client = await attach(ground.home, {});
    expect(await client?.repos()).toMatchObject([{ project: 'demo' }]);
  });

  it('starts once where two start it at once, and both say that it runs', async () => {
    const ground = daemonGround();
    const both = await Promise.all([ground.stator(['daemon', 'start']), ground.stator(['daemon', 'start'])]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
  });

  it('is not what a `stator run` has: starting, stopping and asking say so', async () => {
    const ground = daemonGround();
    const [begun, go] = [join(ground.root, 'begun'), join(ground.root, 'go')];
    ground.write('held.md', planOf([`echo x > '${begun}'\n${gate(go)}`]));
    const run = ground.start(['run', 'held.md']);
    await untilFile(begun);
    const start = await ground.stator(['daemon', 'start']);
    expect(start.code).toBe(69);
    expectProse(start.stderr, `pid ${run.child.pid}`);
    for (const verb of ['stop', 'status']) {
      const said = await ground.stator(['daemon', verb]);
      expect(said).toMatchObject({ code: 69 });
      expectProse(said.stderr, `pid ${run.child.pid}`);
    }
    openGate(go);
    expect((await run.ended).code).toBe(0);
  });

  it('leaves its agents running where it is restarted, told to stop, or killed, and takes up their ends; told to, it stops them first, and no attempt is spent', async () => {
    const ground = daemonGround();
    await ground.stator(['daemon', 'start']);
    const agents = [1, 2, 3, 4].map((n) => ({
      begun: join(ground.root, `begun-${n}`),
      go: join(ground.root, `go-${n}`),
    }));
    const tasks = agents.map(({ begun, go }, n) => [`echo $$ > '${begun}'\n${gate(go)}\necho done > done-${n}.txt`]);
    await ground.client().addRepo(ground.repo, { trust: true });
    await ground.client().registerPlan({ project: 'demo', plan: 'long', content: planOf(...tasks) });
    await ground.client().send({ project: 'demo', plan: 'long', type: 'implement_start' });
    /** The next agent, once the daemon has noted that it runs. */
    const next = async (number: number) => {
      const { begun, go } = agents[number - 1] ?? { begun: '', go: '' };
      await untilFile(begun);
      await until(async () => (await runOf(number))?.state === 'running');
      return { pid: Number(readFileSync(begun, 'utf8')), go };
    };
    const runOf = async (number: number) =>
      (await ground.client().instances({})).find(({ title }) => title === `long-w${number}-t1`);
    const succeeded = { state: 'succeeded', exit_code: 0, attempt: 1 };

    const first = await next(1);
    const before = ground.owner()?.pid;
    expect(await ground.stator(['daemon', 'restart'])).toMatchObject({ code: 0 });
    expect(ground.owner()?.pid).not.toBe(before);
    expect(isAlive(first.pid)).toBe(true);
    expect(await runOf(1)).toMatchObject({ state: 'running', attempt: 1 });
    openGate(first.go);

    const second = await next(2);
    expect(await runOf(1)).toMatchObject(succeeded);
    expect(await ground.stator(['daemon', 'stop'])).toMatchObject({ code: 0 });
    expect(isAlive(second.pid)).toBe(true);
    openGate(second.go);
    await ground.stator(['daemon', 'start']);

    const third = await next(3);
    expect(await runOf(2)).toMatchObject(succeeded);
    const owner = ground.owner();
    process.kill(owner?.pid ?? 0, 'SIGKILL');
    await until(() => ground.owner() === null);
    // Its pid file and its socket hinder nobody.
    expect(existsSync(join(ground.home, 'daemon.pid'))).toBe(true);
    expect(existsSync(owner?.socketPath ?? '')).toBe(true);
    openGate(third.go);
    await until(() => !isAlive(third.pid));
    expect(await ground.stator(['daemon', 'start'])).toMatchObject({ code: 0 });
    expect(readFileSync(join(ground.home, 'daemon.pid'), 'utf8')).toBe(`${ground.owner()?.pid}\n`);

    const last = await next(4);
    expect(await runOf(3)).toMatchObject(succeeded);
    expect(await ground.stator(['daemon', 'stop', '--agents'])).toMatchObject({ code: 0 });
    expect(isAlive(last.pid)).toBe(false);
    openGate(last.go);
    await ground.stator(['daemon', 'start']);
    await until(async () => (await ground.client().plan('demo', 'long')).status === 'done');
    expect(await runOf(4)).toMatchObject({ state: 'succeeded', attempt: 1 });
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('stops in order on %s, and its agents go on', async (word) => {
    const ground = daemonGround();
    const running = ground.start(['daemon', 'start', '--foreground']);
    await until(() => running.stderr().includes('Ctrl-C stops it, its agents go on'));
    running.child.kill(word);
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(ground.owner()).toBeNull();
  });

  it('may be told to stop while it is still starting', async () => {
    const ground = daemonGround();
    const running = ground.start(['daemon', 'start', '--foreground']);
    await until(() => ground.owner() !== null);
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(ground.owner()).toBeNull();
    expect(existsSync(join(ground.home, 'owner.json'))).toBe(false);
  });

  it('starts beside a pid file of a process that is somebody else', async () => {
    const ground = daemonGround();
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    try {
      writeFileSync(join(ground.home, 'daemon.pid'), `${stranger.pid}\n`);
      expect(await ground.stator(['daemon', 'stop'])).toMatchObject({ code: 69 });
      expect(await ground.stator(['daemon', 'start'])).toMatchObject({ code: 0 });
      expect(await ground.stator(['daemon', 'stop'])).toMatchObject({ code: 0 });
      expect(stranger.exitCode).toBeNull();
      expect(stranger.signalCode).toBeNull();
    } finally {
      stranger.kill('SIGKILL');
    }
  });
});

describe('a daemon that cannot start says why, and its exit code is passed on', () => {
  it('a key of daemon.toml that nobody knows: the key, the line, the nearest', async () => {
    const ground = daemonGround('max_agents = 2\nmax_agnts_per_repo = 1\n');
    const said = await ground.stator(['daemon', 'start']);
    expect(said.code).toBe(78);
    expectProse(said.stderr, `${ground.home}/daemon.toml, line 2`, 'max_agnts_per_repo', 'max_agents_per_repo');
    const document = JSON.parse((await ground.stator(['daemon', 'start', '--json'])).stderr);
    expect(document).toMatchObject({ code: 'bad_config' });
    expect(ground.owner()).toBeNull();
  });

  it('a file of --config that is not there; one that is rules, also where its socket was left by a killed one, and a restart keeps to it', async () => {
    const ground = daemonGround();
    expect(await ground.stator(['daemon', 'start', '--config', 'none.toml'])).toMatchObject({ code: 78 });
    const socket = join(ground.root, 'other.sock');
    const child = spawn(process.execPath, ['-e', `require('net').createServer().listen(${JSON.stringify(socket)})`]);
    await until(() => existsSync(socket));
    child.kill('SIGKILL');
    await until(() => child.signalCode !== null);
    expect(existsSync(socket)).toBe(true);
    ground.write('other.toml', `socket_path = "${socket}"\n`);
    expect(await ground.stator(['daemon', 'start', '--config', 'other.toml'])).toMatchObject({ code: 0 });
    expect(ground.owner()?.socketPath).toBe(socket);
    expect((await ground.client().status()).running).toBe(true);
    expect(await ground.stator(['daemon', 'restart'], { cwd: ground.root })).toMatchObject({ code: 0 });
    expect(ground.owner()?.socketPath).toBe(socket);
  });

  it('a socket path that does not fit into an address', async () => {
    const path = `/tmp/${'s'.repeat(115)}`;
    const ground = daemonGround(`socket_path = "${path}"\n`);
    const said = await ground.stator(['daemon', 'start']);
    expect(said.code).toBe(78);
    expectProse(said.stderr, '120', '107', 'socket_path');
  });

  it('a home that cannot be written', async () => {
    const ground = daemonGround();
    // To root no mode is a wall; a place that is no folder is one to everybody.
    const home = join(ground.root, 'file', 'home');
    writeFileSync(join(ground.root, 'file'), '');
    const said = await ground.stator(['daemon', 'start', '--foreground'], { env: { STATOR_HOME: home } });
    expect(said.code).toBe(78);
    expectProse(said.stderr, home);
  });

  it('a store that is damaged, or of a newer version, which stays as it was', async () => {
    const ground = daemonGround();
    const file = join(ground.home, 'taskstore.db');
    const text = 'this is no database, and somebody may still want it\n'.repeat(200);
    writeFileSync(file, text);
    const said = await ground.stator(['daemon', 'start']);
    expect(said.code).toBe(78);
    expectProse(said.stderr, file);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(ground.owner()).toBeNull();
  });

  it('something at its socket that is no socket', async () => {
    const ground = daemonGround();
    const path = join(ground.root, 'taken');
    mkdirSync(path);
    ground.configure(`socket_path = "${path}"\n`);
    const said = await ground.stator(['daemon', 'start']);
    expect(said.code).toBe(78);
    expectProse(said.stderr, path);
  });
});
