import { closeSync, openSync, renameSync, rmSync, symlinkSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { daemonGround } from '../support/daemon.ts';
import { until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

it('a daemon.toml of kasmos is taken, and start, status and doctor say what has no effect', async () => {
  const ground = daemonGround('poll_interval_sec = 2.0\n[pr_monitor]\nenabled = true\n');
  const note = `${join(ground.home, 'daemon.toml')}, line 1: poll_interval_sec `;
  const started = await ground.stator(['daemon', 'start']);
  expect(started.code).toBe(0);
  expectProse(started.stderr, note, 'line 3: pr_monitor.enabled ');
  const status = await ground.stator(['daemon', 'status']);
  expect(status.stdout).toContain(`note: ${note}`);
  expect(status.stdout).toContain('line 3: pr_monitor.enabled ');
  expect((await ground.stator(['doctor'])).stdout).toContain(note);
});

describe('a daemon whose store cannot be used', () => {
  it('is up while another program has it locked, says so, and goes on when it can', async () => {
    const ground = daemonGround();
    const file = join(ground.home, 'taskstore.db');
    const lock = new BetterSqlite3(file);
    lock.exec('CREATE TABLE x (a); DROP TABLE x; BEGIN EXCLUSIVE');
    const started = await ground.stator(['daemon', 'start']);
    expect(started.code).toBe(0);
    expectProse(started.stderr, file);
    const shown = await ground.stator(['daemon', 'status']);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/^daemon running \(uptime: (?:\d+m )?\d+s\)\nwaiting: .*SQLITE_BUSY.*\n$/);
    const refused = await ground.stator(['plan', 'list']);
    expect(refused.code).toBe(1);
    expectProse(refused.stderr, file);
    lock.exec('ROLLBACK');
    lock.close();
    await until(async () => (await ground.client().status()).waiting === null);
    expect(await ground.client().addRepo(ground.repo, { trust: true })).toMatchObject({ project: 'demo' });
  });

  it('is up while it is not there, and is stopped meanwhile like any other', async () => {
    const ground = daemonGround();
    const disk = join(ground.root, 'disk');
    symlinkSync(join(disk, 'taskstore.db'), join(ground.home, 'taskstore.db'));
    expectProse((await ground.stator(['daemon', 'start'])).stderr, join(ground.home, 'taskstore.db'));
    expect(await ground.stator(['daemon', 'stop'])).toMatchObject({ code: 0 });
    expect(ground.owner()).toBeNull();
    renameSync(join(ground.home, 'taskstore.db'), join(ground.root, 'gone'));
    expect((await ground.stator(['daemon', 'start'])).stderr).toBe('');
  });

  it('is damaged under it says so, and goes on with the copy that is put in its place', async () => {
    const ground = daemonGround();
    const file = join(ground.home, 'taskstore.db');
    await ground.stator(['daemon', 'start']);
    await ground.client().addRepo(ground.repo, { trust: true });
    const kept = join(ground.root, 'kept.db');
    const reading = new BetterSqlite3(file, { readonly: true });
    await reading.backup(kept);
    reading.close();
    const damaged = openSync(file, 'r+');
    writeSync(damaged, Buffer.alloc(4_096, 'x'));
    closeSync(damaged);
    truncateSync(`${file}-wal`);
    const waits = async () => (await ground.client().status()).waiting;
    await until(async () => (await waits()) !== null);
    expect(await waits()).toMatch(/taskstore\.db is damaged, or no database/);
    expect((await ground.stator(['daemon', 'status'])).stdout).toMatch(/\nwaiting: .*damaged/);
    expectProse((await ground.stator(['status'])).stderr, file);
    rmSync(`${file}-wal`, { force: true });
    rmSync(`${file}-shm`, { force: true });
    renameSync(kept, file);
    await until(async () => (await waits()) === null);
    expect((await ground.client().status()).repo_count).toBe(1);
  });

  it('answers all the while another program holds it in the middle of its work', async () => {
    const ground = daemonGround();
    await ground.stator(['daemon', 'start']);
    const client = ground.client();
    await client.addRepo(ground.repo, { trust: true });
    const lock = new BetterSqlite3(join(ground.home, 'taskstore.db'));
    lock.exec('BEGIN IMMEDIATE');
    try {
      const writing = client.pauseRepo({ project: 'demo' });
      const answers: number[] = [];
      for (let asked = 0; asked < 20; asked += 1) answers.push((await client.status()).repo_count);
      expect(answers).toEqual(Array.from({ length: 20 }, () => 1));
      lock.exec('ROLLBACK');
      expect(await writing).toEqual({ status: 'paused', project: 'demo' });
    } finally {
      lock.close();
    }
  });
});
