/** A daemon whose own files are removed while it runs: it reports that, confirms nothing that could be lost, and continues. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { planOf } from '../support/cli.ts';
import { type DaemonGround, daemonGround } from '../support/daemon.ts';
import { gate } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { expectAnswer, expectProse } from '../support/prose.ts';

/** A daemon that knows the repo, with one plan that is not started. */
async function running() {
  const ground = daemonGround();
  expect((await ground.stator(['daemon', 'start'])).code).toBe(0);
  await ground.client().addRepo(ground.repo, { trust: true });
  await register(ground, 'first');
  return { ground, file: join(ground.home, 'taskstore.db') };
}

async function register(ground: DaemonGround, plan: string): Promise<void> {
  await ground.client().registerPlan({ project: 'demo', plan, content: planOf(['true']) });
}

async function plansOf(ground: DaemonGround): Promise<string[]> {
  return (await ground.client().plans()).map(({ plan }) => plan).sort();
}

async function ping(ground: DaemonGround): Promise<{ status: number; body: unknown }> {
  const answer = await callSocket(ground.owner()?.socketPath ?? '', undefined)('GET', '/v1/ping');
  return { status: answer.status, body: await answer.json() };
}

/** Waits longer than the 50 ms for which a check counts: within these the daemon answers as just before. */
async function pingAfterALook(ground: DaemonGround): Promise<{ status: number; body: unknown }> {
  await delay(100);
  return ping(ground);
}

function untilWorking(ground: DaemonGround): Promise<void> {
  return until(
    async () => (await ground.client().status()).waiting === null,
    () => readFileSync(join(ground.home, 'daemon.log'), 'utf8'),
  );
}

describe('a store that is taken away under a daemon', () => {
  it('is reported by every request, accepts no signal, and is used again when the same file is back', async () => {
    const { ground, file } = await running();
    const aside = join(ground.root, 'aside.db');
    const { uptime } = await ground.client().status();
    const begunMs = performance.now();
    renameSync(file, aside);
    const asked = await pingAfterALook(ground);
    expect(asked.status).toBe(503);
    expectAnswer(asked.body, 'unavailable', file);
    const lost = (await ground.client().status()).waiting ?? '';
    expectProse(lost, file);
    expect((await ground.stator(['daemon', 'status'])).stdout).toContain(`waiting: ${lost}`);
    const doctor = await ground.stator(['doctor']);
    expect(doctor.code).toBe(1);
    expect(doctor.stdout).toContain(lost);
    const refused = await ground.stator(['plan', 'advance', 'first', 'implement-start']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(lost) });
    expect(existsSync(file)).toBe(false);
    renameSync(aside, file);
    await untilWorking(ground);
    expect(await plansOf(ground)).toEqual(['first']);
    expect(await ping(ground)).toMatchObject({ status: 200 });
    await register(ground, 'second');
    expect(await plansOf(ground)).toEqual(['first', 'second']);
    // The engine is another one, the daemon is the same.
    const passedS = (performance.now() - begunMs) / 1_000;
    expect((await ground.client().status()).uptime).toBeGreaterThanOrEqual(Math.floor(uptime + passedS));
  });

  it('is gone on with from another file, and nothing of the old log comes into it', async () => {
    const { ground, file } = await running();
    const backup = join(ground.root, 'backup.db');
    // A restart has folded the log in: the copy is whole.
    expect((await ground.stator(['daemon', 'stop'])).code).toBe(0);
    copyFileSync(file, backup);
    expect((await ground.stator(['daemon', 'start'])).code).toBe(0);
    await register(ground, 'second');
    rmSync(file);
    expect((await pingAfterALook(ground)).status).toBe(503);
    copyFileSync(backup, file);
    await untilWorking(ground);
    expect(await plansOf(ground)).toEqual(['first']);
    await register(ground, 'third');
    expect((await ground.stator(['daemon', 'restart'])).code).toBe(0);
    expect(await plansOf(ground)).toEqual(['first', 'third']);
  });

  it('is gone on with from an older copy, and a run that is newer than the copy is taken over, not started again', async () => {
    const { ground, file } = await running();
    const [ran, go] = [join(ground.root, 'ran'), join(ground.root, 'gate')];
    const work = (name: string) => `echo ${name} >> '${ran}'; ${gate(`${go}-${name}`)}; touch ${name}`;
    const content = planOf([work('a')], [work('b')]);
    const client = () => ground.client();
    await client().registerPlan({ project: 'demo', plan: 'waves', content });
    await client().send({ project: 'demo', plan: 'waves', type: 'implement_start' });
    const begun = () => (existsSync(ran) ? readFileSync(ran, 'utf8').trim().split('\n') : []);
    await until(() => begun().includes('a'));
    const copy = join(ground.root, 'copy.db');
    expect((await ground.stator(['store', 'backup', copy])).code).toBe(0);
    writeFileSync(`${go}-a`, '');
    await until(() => begun().includes('b'));
    renameSync(copy, file);
    await pingAfterALook(ground);
    await untilWorking(ground);
    writeFileSync(`${go}-b`, '');
    await until(async () => (await client().plan('demo', 'waves')).status === 'done');
    expect(begun()).toEqual(['a', 'b']);
    expect(readFileSync(join(ground.home, 'daemon.log'), 'utf8')).toContain('the store is a copy from before 1 run');
  });

  it('is an older copy that somebody put in its place while no daemon ran: a newer run is taken over by the next one', async () => {
    const { ground, file } = await running();
    const [ran, go, copy] = ['ran', 'gate', 'copy.db'].map((name) => join(ground.root, name)) as [
      string,
      string,
      string,
    ];
    const work = `echo a >> '${ran}'; ${gate(go)}; touch a`;
    const client = () => ground.client();
    await client().registerPlan({ project: 'demo', plan: 'late', content: planOf([work]) });
    expect((await ground.stator(['store', 'backup', copy])).code).toBe(0);
    await client().send({ project: 'demo', plan: 'late', type: 'implement_start' });
    await until(() => existsSync(ran));
    expect((await ground.stator(['daemon', 'stop'])).code).toBe(0);
    for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
    copyFileSync(copy, file);
    // A verb that owns the home for a moment finds it, before it writes an event of its own.
    expect(await ground.stator(['plan', 'advance', 'late', 'implement-start'])).toMatchObject({ code: 0 });
    expect((await ground.stator(['daemon', 'start'])).code).toBe(0);
    writeFileSync(go, '');
    await until(async () => (await client().plan('demo', 'late')).status === 'done');
    expect(readFileSync(ran, 'utf8')).toBe('a\n');
  });

  it('loses nothing that was answered where only its log is deleted', async () => {
    const { ground, file } = await running();
    await register(ground, 'second');
    for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`);
    // The first question finds it, and has what was committed brought into the file.
    const asked = await pingAfterALook(ground);
    expect(asked.status).toBe(503);
    expectAnswer(asked.body, 'unavailable', file);
    await untilWorking(ground);
    await register(ground, 'third');
    const { pid } = ground.owner() ?? {};
    expect(pid).toBeDefined();
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await until(() => ground.owner() === null);
    const listed = await ground.stator(['plan', 'list', '--json']);
    expect(JSON.parse(listed.stdout).map(({ plan }: { plan: string }) => plan)).toEqual(
      expect.arrayContaining(['first', 'second', 'third']),
    );
  });
});

describe('a lock of the home that is deleted under a daemon', () => {
  it('is taken anew, under a higher epoch', async () => {
    const { ground } = await running();
    const before = ground.owner();
    rmSync(join(ground.home, 'owner.db'));
    await until(() => ground.owner()?.pid === before?.pid && ground.owner()?.socketPath !== null);
    await untilWorking(ground);
    expect(ground.owner()?.epoch).toBeGreaterThan(before?.epoch ?? Number.POSITIVE_INFINITY);
    await register(ground, 'second');
    expect(await plansOf(ground)).toEqual(['first', 'second']);
  });
});

describe('a socket that is removed under a daemon', () => {
  it('is made again with its folder, as private as before', async () => {
    const { ground } = await running();
    const socket = ground.owner()?.socketPath ?? '';
    rmSync(dirname(socket), { recursive: true });
    await until(() => existsSync(socket));
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect((await ground.stator(['daemon', 'status'])).code).toBe(0);
    expect(await plansOf(ground)).toEqual(['first']);
    rmSync(socket);
    const emitted = await ground.stator(['signal', 'emit', 'plan_start', 'first']);
    expect(emitted.code, emitted.stderr).toBe(0);
    await until(() => existsSync(socket));
    expect((await ground.stator(['daemon', 'stop'])).code).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  it('and replaced by one at which nobody listens is made again', async () => {
    const { ground } = await running();
    const socket = ground.owner()?.socketPath ?? '';
    const dead = `${socket}.dead`;
    const left = spawnSync(process.execPath, [
      '-e',
      `require('node:net').createServer().listen(${JSON.stringify(dead)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    expect(left.signal).toBe('SIGKILL');
    renameSync(dead, socket);
    await until(async () => (await ground.stator(['daemon', 'status'])).code === 0);
    expect(await plansOf(ground)).toEqual(['first']);
  });

  it('and replaced by one of another program is left to it as long as that listens', async () => {
    const { ground } = await running();
    const socket = ground.owner()?.socketPath ?? '';
    const other = createServer();
    await once(other.listen(`${socket}.other`), 'listening');
    renameSync(`${socket}.other`, socket);
    const { ino } = statSync(socket);
    await until(() => readFileSync(join(ground.home, 'daemon.log'), 'utf8').includes('another program listens at'));
    expect(statSync(socket).ino).toBe(ino);
    await new Promise((closed) => other.close(closed));
    await until(async () => (await ground.stator(['daemon', 'status'])).code === 0);
    expect(await plansOf(ground)).toEqual(['first']);
  });
});
