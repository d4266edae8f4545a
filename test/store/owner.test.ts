import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { statorBuild, statorVersion } from '../../runtime/base/platform/version.ts';
import { acquireOwner, type Owner, readOwner } from '../../runtime/core/store/sqlite/owner.ts';
import { ownerByLock } from '../../runtime/core/store/sqlite/owner-facts.ts';
import { hangMs } from '../support/hang.ts';
import { expectError, expectProse } from '../support/prose.ts';

let home: string;
const children: ChildProcessWithoutNullStreams[] = [];
const owners: Owner[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'stator-owner-'));
});
afterEach(async () => {
  for (const owner of owners.splice(0)) owner.release();
  await Promise.all(children.splice(0).map(killed));
  rmSync(home, { recursive: true, force: true });
});

const script = join(import.meta.dirname, '../support/scripts', 'owner.mjs');
const nowMs = () => Date.UTC(2026, 10, 20, 1, 2, 3, 456);

async function own(waitMs = 0): Promise<Owner> {
  const owner = await acquireOwner(home, { waitMs, nowMs });
  owners.push(owner);
  return owner;
}

async function refused(waitMs = 0): Promise<EngineError> {
  const outcome = await own(waitMs).catch((thrown: unknown) => thrown);
  if (outcome instanceof EngineError) return outcome;
  throw new Error('it was not refused');
}

function started(...words: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [script, ...words]);
  children.push(child);
  child.stderr.pipe(process.stderr);
  return child;
}

async function killed(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

interface Holder {
  readonly child: ChildProcessWithoutNullStreams;
  readonly said: { epoch?: number; pid?: number; error?: string; code?: string; hint?: string };
}

async function holder(waitMs = 0): Promise<Holder> {
  const child = started('hold', home, String(waitMs));
  const [line] = await once(createInterface(child.stdout), 'line');
  return { child, said: JSON.parse(String(line)) };
}

test('the owner says who it is and where it listens, and takes it all away when it leaves', async () => {
  expect(readOwner(home)).toBeNull();
  const owner = await own();
  const facts = {
    pid: process.pid,
    since: '2026-11-20T01:02:03Z',
    socketPath: null,
    epoch: 1,
    kind: 'engine',
    starts: 'nothing',
    config: null,
    version: statorVersion(),
    build: statorBuild(),
  };
  expect(readOwner(home)).toEqual(facts);
  owner.publish({ socketPath: '/run/stator.sock' });
  expect(readOwner(home)).toEqual({ ...facts, socketPath: '/run/stator.sock' });
  expect(readFileSync(join(home, 'daemon.pid'), 'utf8')).toBe(`${process.pid}\n`);
  expect(owner.isHeld()).toBe(true);
  owner.release();
  owner.release();
  expect(owner.isHeld()).toBe(false);
  expect(readOwner(home)).toBeNull();
  expect(existsSync(join(home, 'daemon.pid'))).toBe(false);
});

test('the files of the owner are private', async () => {
  await own();
  for (const name of ['owner.db', 'owner.json']) {
    expect((statSync(join(home, name)).mode & 0o077).toString(8)).toBe('0');
  }
});

test('of two that start at once exactly one owns the home, and the other names it', async () => {
  for (let round = 1; round <= 5; round += 1) {
    const both = await Promise.all([holder(), holder()]);
    const [winner, loser] = both[0].said.epoch === undefined ? [both[1], both[0]] : both;
    expect(winner.said.epoch).toBe(round);
    expect(loser.said.code).toBe('owner_taken');
    // The time of its start, by a person's clock.
    expect(loser.said.error).toMatch(new RegExp(`\\bpid ${winner.said.pid}, since [-\\d: ]+$`));
    expect(loser.said.hint).toContain(`kill ${winner.said.pid}`);
    await killed(winner.child);
  }
});

test('two engines of one process cannot own the same home either', async () => {
  const owner = await own();
  expectProse((await refused()).message, 'an engine of this very process');
  expect(owner.isHeld()).toBe(true);
});

test('a kill -9 of the owner frees the home at once, and nothing that it left is believed', async () => {
  const { child } = await holder();
  await killed(child);
  expect(existsSync(join(home, 'owner.json'))).toBe(true);
  expect(readOwner(home)).toBeNull();
  expect((await own()).epoch).toBe(2);
});

test('the pid file of a dead owner goes when the next one comes', async () => {
  writeFileSync(join(home, 'daemon.pid'), '4242\n');
  await own();
  expect(existsSync(join(home, 'daemon.pid'))).toBe(false);
});

test('an owner that is merely stopped keeps the home', async () => {
  const { child, said } = await holder();
  child.kill('SIGSTOP');
  await expect.poll(() => readFileSync(`/proc/${child.pid}/stat`, 'utf8')).toContain(') T ');
  expect((await refused(100)).message).toContain(`pid ${said.pid}`);
  expect(readOwner(home)?.pid).toBe(said.pid);
});

test('a waiting process gets the home when the owner leaves, and the event loop goes on meanwhile', async () => {
  const { child } = await holder();
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
    if (ticks === 40) child.stdin.end();
  }, 5);
  const owner = await own(30_000);
  clearInterval(timer);
  expect(owner.epoch).toBe(2);
  expect(ticks).toBeGreaterThanOrEqual(40);
});

test('a process that waits in vain is refused after that time', async () => {
  await holder();
  const startedMs = performance.now();
  expect((await refused(300)).code).toBe('owner_taken');
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(300);
});

test('looking at the owner, also from its own process, takes nothing from it', async () => {
  const owner = await own();
  for (let look = 0; look < 500; look += 1) expect(readOwner(home)?.epoch).toBe(1);
  expect(owner.isHeld()).toBe(true);
  const { said } = await holder();
  expect(said.code).toBe('owner_taken');
});

test('the epoch rises with every owner, whichever way the one before it went', async () => {
  for (let epoch = 1; epoch <= 6; epoch += 2) {
    const { child, said } = await holder();
    expect(said.epoch).toBe(epoch);
    await killed(child);
    const owner = await own();
    expect(owner.epoch).toBe(epoch + 1);
    owner.release();
  }
});

test('killed on whichever line, an owner leaves a home that is free, and facts that nobody believes', async () => {
  let last = 0;
  for (let round = 0; round < 12; round += 1) {
    const child = started('cycle', home);
    await once(child.stdout, 'data');
    const untilMs = performance.now() + Math.random() * 40;
    await expect.poll(() => performance.now(), { interval: 1 }).toBeGreaterThan(untilMs);
    await killed(child);
    expect(readOwner(home)).toBeNull();
    const owner = await own();
    expect(owner.epoch).toBeGreaterThan(last);
    last = owner.epoch;
    owner.release();
    rmSync(join(home, 'room'), { force: true });
  }
});

test('many owners that come and go never overlap, and a reader sees a living one or none', async () => {
  const crowd = ['a', 'b', 'c'].map(() => started('cycle', home));
  const pids = crowd.map((child) => child.pid);
  const epochs: number[] = [];
  for (const child of crowd) {
    createInterface(child.stdout).on('line', (line) => epochs.push(Number(JSON.parse(line).epoch)));
  }
  let seen = 0;
  let lastSeen = 0;
  const look = () => {
    const facts = readOwner(home);
    if (facts === null) return;
    expect(pids).toContain(facts.pid);
    expect(facts.epoch).toBeGreaterThanOrEqual(lastSeen);
    seen += 1;
    lastSeen = facts.epoch;
  };
  await expect
    .poll(
      () => {
        for (let looks = 0; looks < 20; looks += 1) look();
        return Math.min(seen, epochs.length);
      },
      { interval: 1, timeout: hangMs },
    )
    .toBeGreaterThan(60);
  expect(crowd.map((child) => child.exitCode)).toEqual([null, null, null]);
  expect(new Set(epochs).size).toBe(epochs.length);
});

test('an owner whose lock file was replaced knows that it owns nothing any more, and takes nothing from its successor', async () => {
  const owner = await own();
  renameSync(join(home, 'owner.db'), join(home, 'owner.db.old'));
  expect(owner.isHeld()).toBe(false);
  const { said } = await holder();
  expect(said.epoch).toBe(owner.epoch + 1);
  expect(owner.isHeld()).toBe(false);
  expect(() => owner.publish({ socketPath: '/run/stator.sock' })).toThrow('owns');
  owner.release();
  expect(readOwner(home)?.pid).toBe(said.pid);
});

test('a lock that no stator holds is not taken for an owner, and who is in the way can be found', async () => {
  writeFileSync(join(home, 'owner.json'), 'no facts');
  const stranger = new BetterSqlite3(join(home, 'owner.db'));
  stranger.exec('BEGIN EXCLUSIVE');
  expect(readOwner(home)).toBeNull();
  const error = await refused();
  expectError(error, 'owner_taken', `${home}/owner.db`);
  stranger.close();
});

test('a lock file that is no database is named, with the way out', async () => {
  writeFileSync(join(home, 'owner.db'), 'noise '.repeat(1000));
  const error = await refused();
  expectError(error, 'store_corrupt', `rm ${home}/owner.db`);
  expect(() => readOwner(home)).toThrow('damaged');
});

test.runIf(process.platform === 'linux')(
  'the kernel names the owner as SQLite does, and no other process',
  async () => {
    expect(ownerByLock(home)).toBeNull();
    const { child, said } = await holder();
    const facts = readOwner(home);
    expect(facts).toMatchObject({ pid: said.pid, epoch: said.epoch });
    expect(ownerByLock(home)).toEqual(facts);
    child.kill('SIGSTOP');
    expect(ownerByLock(home)).toEqual(facts);
    const left = readFileSync(join(home, 'owner.json'));
    await killed(child);
    // Its last owner file is still there, and nobody holds the lock: neither a reading process nor one that only begins to own the home.
    expect(readFileSync(join(home, 'owner.json'))).toEqual(left);
    expect(ownerByLock(home)).toBeNull();
    const db = new BetterSqlite3(join(home, 'owner.db'));
    db.exec('BEGIN');
    db.pragma('user_version');
    expect(ownerByLock(home)).toBeNull();
    db.exec('COMMIT; BEGIN IMMEDIATE');
    expect(ownerByLock(home)).toBeNull();
    db.close();
    const heir = await holder();
    expect(ownerByLock(home)).toMatchObject({ pid: heir.said.pid, epoch: 2 });
    renameSync(join(home, 'owner.db'), join(home, 'aside.db'));
    expect(ownerByLock(home)).toBeNull();
    writeFileSync(join(home, 'owner.db'), '');
    expect(ownerByLock(home)).toBeNull();
  },
);
