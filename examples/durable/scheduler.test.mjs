/** A job runs again and again, even if a run fails. Runs that were missed while no engine ran are made up for once. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createEngine } from 'stator/durable';
import { scheduler } from './scheduler.mjs';

test('a job runs again and again, stands still while it is paused, and a failed run ends nothing', async () => {
  let runs = 0;
  const schedule = scheduler(async (job) => {
    runs += 1;
    if (runs === 2) throw new Error('no room on the disk');
    return `${job} ${runs}`;
  });
  const engine = await createEngine({ file: ':memory:', machines: [schedule] });
  try {
    const { schedule: schedules } = engine.machines;
    await schedules.start('backup', { job: 'copy', everyMs: 20 });
    const seen = [];
    for await (const { to } of schedules.facts('backup')) {
      if (to === 'waiting') seen.push((await schedules.get('backup')).context.last);
      if (runs >= 3) break;
    }
    assert.ok(seen.includes('no room on the disk'));
    await schedules.send('backup', { type: 'pause' });
    await delay(100);
    const paused = runs;
    await delay(100);
    assert.equal(runs, paused);
    await schedules.send('backup', { type: 'stop' });
    assert.equal((await schedules.get('backup')).status, 'done');
  } finally {
    await engine.stop();
  }
});

test('what was due while no engine ran begins once with the next one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'schedule-'));
  let runs = 0;
  const schedule = scheduler(async () => {
    runs += 1;
    return `run ${runs}`;
  });
  const open = () => createEngine({ file: join(folder, 'app.db'), machines: [schedule] });
  let engine = await open();
  try {
    await engine.machines.schedule.start('report', { job: 'report', everyMs: 1_000 });
    await engine.stop();
    await delay(3_000);
    engine = await open();
    for await (const { to } of engine.machines.schedule.facts('report')) if (to === 'working') break;
    await delay(500);
    assert.equal(runs, 1);
  } finally {
    await engine.stop();
    await rm(folder, { recursive: true });
  }
});
