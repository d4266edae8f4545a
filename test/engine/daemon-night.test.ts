import { existsSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { type Daemon, startDaemon } from '../../runtime/engine/daemon.ts';
import { planOf } from '../support/cli.ts';
import { type DaemonGround, daemonGround } from '../support/daemon.ts';
import { untilFile } from '../support/engine.ts';
import { left, signalsOf } from '../support/gateway.ts';
import { until } from '../support/ground.ts';
import { machineClock } from '../support/machine-clock.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

const daemons: Daemon[] = [];

afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.stop({ agents: 'stop' });
});

/** A daemon in this very process. */
async function daemonIn(ground: DaemonGround, options: Parameters<typeof startDaemon>[0] = {}): Promise<Daemon> {
  const daemon = await startDaemon({ home: ground.home, env: ground.env, ...options });
  daemons.push(daemon);
  return daemon;
}

const config = 'blueprint_skip_threshold = 0\n[agents.default]\npreset = "sh"\nattempts = 1\n';

async function withPlan(ground: DaemonGround, ...scripts: string[]): Promise<void> {
  const client = ground.client();
  await client.addRepo(ground.repo, { trust: true });
  await client.registerPlan({ project: 'demo', plan: 'p', content: planOf(scripts) });
}

describe('daemon start', () => {
  it('is refused where the home, or its log, is something else, and finds the home that a relative STATOR_HOME means', async () => {
    const ground = daemonGround();
    const file = join(ground.root, 'file');
    writeFileSync(file, '');
    for (const home of [file, join(file, 'below')]) {
      const refused = await ground.stator(['daemon', 'start'], { env: { STATOR_HOME: home } });
      expect(refused.code, home).toBe(78);
      expectRefusal(refused.stderr, home);
    }
    symlinkSync(ground.root, join(ground.home, 'daemon.log'));
    const noLog = await ground.stator(['daemon', 'start']);
    expect(noLog.code).toBe(78);
    expectProse(noLog.stderr, join(ground.home, 'daemon.log'));
    rmSync(join(ground.home, 'daemon.log'));
    const relative = await ground.stator(['daemon', 'start'], { cwd: ground.root, env: { STATOR_HOME: 'home' } });
    expect(relative).toMatchObject({ code: 0, stderr: '' });
    expect(ground.owner()).toMatchObject({ kind: 'daemon' });
    expect(existsSync(join(ground.home, 'home'))).toBe(false);
  });

  it('tells a full disk by its name', async () => {
    const ground = daemonGround();
    symlinkSync('/dev/full', join(ground.home, 'owner.json.new'));
    const refused = await ground.stator(['daemon', 'start']);
    expect(refused.code).toBe(78);
    expectProse(refused.stderr, 'ENOSPC');
  });

  it('goes on with the same socket where the disk was full in the middle of it', async () => {
    const ground = daemonGround();
    const draft = join(ground.home, 'owner.json.new');
    let isFirst = true;
    const clock = {
      nowMs() {
        if (isFirst) symlinkSync('/dev/full', draft);
        isFirst = false;
        return Date.now();
      },
    };
    const daemon = await daemonIn(ground, { clock });
    await until(() => daemon.waiting()?.includes('the disk is full') === true);
    expect((await ground.client().status()).waiting).toContain('the disk is full');
    rmSync(draft);
    await until(async () => (await ground.client().status()).waiting === null);
    expect(await ground.client().addRepo(ground.repo, { trust: true })).toMatchObject({ project: 'demo' });
  });
});

it('daemon status counts no time that a clock which was set seems to have passed', async () => {
  const ground = daemonGround();
  const machine = machineClock();
  await daemonIn(ground, { clock: machine.clock });
  machine.setWall(3_600_000);
  expect((await ground.client().status()).uptime).toBeLessThan(3_600);
});

describe('daemon restart', () => {
  it('does not give up the daemon that runs for a daemon.toml that none can be started with', async () => {
    const ground = daemonGround();
    await ground.stator(['daemon', 'start']);
    const before = ground.owner()?.pid;
    ground.configure('max_agent = 3\n');
    const refused = await ground.stator(['daemon', 'restart']);
    expect(refused.code).toBe(78);
    expectProse(refused.stderr, 'daemon.toml, line 1', 'max_agents');
    expect(ground.owner()?.pid).toBe(before);
    ground.configure(config);
    expect(await ground.stator(['daemon', 'restart'])).toMatchObject({ code: 0 });
    expect(ground.owner()?.pid).not.toBe(before);
  });
});

describe('what an agent says is not lost', () => {
  it('where the daemon waits for its store', async () => {
    const ground = daemonGround();
    await daemonIn(ground);
    await withPlan(ground, 'true');
    await daemons.pop()?.stop();
    const lock = new BetterSqlite3(join(ground.home, 'taskstore.db'));
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
    try {
      await daemonIn(ground);
      const said = await ground.stator(['signal', 'emit', 'implement_finished', 'p']);
      expect(said.code).toBe(0);
      expectProse(said.stderr, 'SQLITE_BUSY', 'implement-finished-p');
      expect(left(signalsOf(ground.repo))).toEqual(['implement-finished-p']);
    } finally {
      lock.exec('ROLLBACK');
      lock.close();
    }
    await until(() => left(signalsOf(ground.repo)).length === 0);
  });

  it('where the daemon runs but does not answer; a command that only reads fails with the reason', async () => {
    const ground = daemonGround();
    await ground.stator(['daemon', 'start']);
    await withPlan(ground, 'true');
    const pid = ground.owner()?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      const [said, asked] = await Promise.all([
        ground.stator(['signal', 'emit', 'implement_finished', 'p']),
        ground.stator(['status']),
      ]);
      expect(asked.code).toBe(1);
      expectProse(asked.stderr, ' 5 s');
      expect(said.code).toBe(0);
      expect(said.stdout).toMatch(/^pending: implement_finished is signal \d+/);
      expect(left(signalsOf(ground.repo))).toEqual([]);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const word = async () => (await ground.client().signals({ plan: 'p' })).find(({ origin }) => origin === 'person');
    await until(async () => (await word())?.status === 'failed');
    expect(await word()).toMatchObject({ type: 'implement_finished' });
  });
});

it('daemon stop ends a daemon that somebody has stopped with SIGSTOP', async () => {
  const ground = daemonGround();
  await ground.stator(['daemon', 'start']);
  process.kill(ground.owner()?.pid ?? 0, 'SIGSTOP');
  expect((await ground.stator(['daemon', 'stop'])).code).toBe(0);
});

describe('POST /v1/stop', () => {
  it('takes no field that it does not know, and no more than it needs', async () => {
    const ground = daemonGround();
    const daemon = await daemonIn(ground);
    const call = callSocket(daemon.socketPath, undefined);
    const answerOf = async (body: unknown) => {
      const answer = await call('POST', '/v1/stop', { body });
      return { ...((await answer.json()) as object), status: answer.status };
    };
    expect(await answerOf({ agent: 'stop' })).toMatchObject({ status: 400, code: 'bad_request' });
    expect(await answerOf({ agents: 'some' })).toMatchObject({ status: 400, code: 'bad_request' });
    expect(await answerOf([])).toMatchObject({ status: 400, code: 'bad_request' });
    expect(await answerOf('x'.repeat(2_000))).toMatchObject({ status: 413, code: 'too_large' });
    expect((await ground.client().status()).running).toBe(true);
    expect(await answerOf({ agents: 'leave' })).toMatchObject({ status: 202, agents: 'leave' });
    await daemon.ended;
  });

  it('as well as POST /v1/inspect, is answered while it waits for its store', async () => {
    const ground = daemonGround();
    const lock = new BetterSqlite3(join(ground.home, 'taskstore.db'));
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
    try {
      const daemon = await daemonIn(ground);
      expect(daemon.waiting()).toContain('SQLITE_BUSY');
      const call = callSocket(daemon.socketPath, undefined);
      const page = await call('POST', '/v1/inspect', { body: {} });
      expect([page.status, await page.json()]).toMatchObject([200, { url: expect.stringContaining('127.0.0.1') }]);
      expect((await call('POST', '/v1/inspect', { body: { prot: 1 } })).status).toBe(400);
      expect(await (await call('GET', '/v1/plans')).json()).toMatchObject({ code: 'unavailable' });
      // Nobody can say whose token it is.
      expect((await callSocket(daemon.socketPath, 'nobody')('POST', '/v1/stop', { body: {} })).status).toBe(503);
      expect(daemon.waiting()).toContain('SQLITE_BUSY');
      expect((await call('POST', '/v1/stop', {})).status).toBe(202);
      await daemon.ended;
    } finally {
      lock.exec('ROLLBACK');
      lock.close();
    }
  });
});

describe('a repo whose folder is away', () => {
  it('keeps the configuration that was trusted, though somebody reloads or trusts it meanwhile', async () => {
    const ground = daemonGround('');
    ground.write('.stator/config.toml', config);
    await daemonIn(ground);
    const client = ground.client();
    const { enables } = await client.addRepo(ground.repo, { trust: true });
    expect(enables).toEqual(['agents: sh']);
    const away = `${ground.repo}.away`;
    renameSync(ground.repo, away);
    expectProse((await client.reload()).problems.join('\n'), ground.repo);
    await expect(client.trustRepo({ project: 'demo' })).rejects.toMatchObject({
      code: 'bad_config',
      hint: expect.stringContaining('stator repo move demo'),
    });
    renameSync(away, ground.repo);
    expect(await client.repo({ project: 'demo' })).toMatchObject({ enables, untrusted: [], problem: null });
    // An empty mount point is a folder, and no repository.
    renameSync(join(ground.repo, '.git'), join(ground.root, 'git'));
    rmSync(join(ground.repo, '.stator'), { recursive: true });
    await client.reload();
    expect(await client.repo({ project: 'demo' })).toMatchObject({
      enables,
      problem: `${ground.repo} is no git repository any more`,
    });
    renameSync(join(ground.root, 'git'), join(ground.repo, '.git'));
    await client.reload();
    // That its files are gone is a change as well: what works here then, nobody has said yes to.
    expect(await client.repo({ project: 'demo' })).toMatchObject({ enables, changes: ['- agents: sh'], problem: null });
    expect(await client.trustRepo({ project: 'demo' })).toMatchObject({ enables: [], changes: ['- agents: sh'] });
  });

  it('is taken out by one, and no work of it begins, though another asks for it meanwhile without stopping its agents', async () => {
    const ground = daemonGround(`max_agents = 1\n${config}`);
    await daemonIn(ground, { graceMs: 1_500 });
    const [begun, other] = [join(ground.root, 'begun'), join(ground.root, 'other')];
    await withPlan(ground, `trap '' TERM\necho x >> '${begun}'\nwhile :; do sleep 0.1; done`);
    const client = ground.client();
    await client.registerPlan({ project: 'demo', plan: 'q', content: planOf([`echo x >> '${other}'`]) });
    await client.send({ project: 'demo', plan: 'p', type: 'implement_start' });
    await untilFile(begun);
    await client.send({ project: 'demo', plan: 'q', type: 'implement_start' });
    await until(async () => (await client.explain('demo', 'q')).waiting_for?.kind === 'slot');
    const removed = client.removeRepo({ project: 'demo', stop: true });
    await until(async () => (await client.instances({ project: 'demo' })).some(({ state }) => state === 'stopping'));
    await expect(client.removeRepo({ project: 'demo' })).rejects.toMatchObject({ code: 'conflict' });
    ground.configure(`max_agents = 2\n${config}`);
    await client.reload();
    expect(await removed).toMatchObject({ status: 'removed', project: 'demo' });
    expect(existsSync(other)).toBe(false);
  });
});

describe('beside a daemon that waits for its store', () => {
  it('a run and a monitor say so once, and go on when the daemon does', async () => {
    const ground = daemonGround(config);
    ground.write('p.md', planOf(['true']));
    await daemonIn(ground);
    await ground.client().addRepo(ground.repo, { trust: true });
    await daemons.pop()?.stop();
    const lock = new BetterSqlite3(join(ground.home, 'taskstore.db'));
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
    const daemon = await daemonIn(ground);
    await until(() => daemon.waiting()?.includes('is locked') === true);
    const both = [ground.start(['run', 'p.md']), ground.start(['monitor'])] as const;
    const [run, monitor] = both;
    const textOf = ({ stdout, stderr }: (typeof both)[number]) => stdout() + stderr();
    try {
      for (const each of both) await until(() => textOf(each).includes('the daemon waits'));
      // As long as each of them takes to ask again, and more.
      for (let asked = 0; asked < 60; asked += 1) await until(async () => (await ground.client().status()).running);
    } finally {
      lock.exec('ROLLBACK');
      lock.close();
    }
    expect((await run.ended).code).toBe(0);
    await until(() => monitor.stdout().includes('demo/p done'));
    for (const each of both) {
      expect(textOf(each).split('the daemon waits')).toHaveLength(2);
      expect(textOf(each)).not.toContain('went away');
    }
    monitor.child.kill('SIGINT');
    await monitor.ended;
  });
});
