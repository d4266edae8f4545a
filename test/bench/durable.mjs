/**
 * Durable actors of `stator/durable` on SQLite beside a bare loop of XState and better-sqlite3, beside DBOS on PostgreSQL, and beside Restate with its package for XState, by turns:
 * requests one at a time and 64 in flight, the start of an instance, memory and disk of a sleeping one, and 1,000 timers that are due at once. A request is an event of a chart with two states; of DBOS it is a workflow with one
 * step, which is the least that it does durably. All of them wait for the disk at each commit. Restate's packages and server (220 MB) are installed by npm into the bench's own folder.
 * `--json` prints one object; `STATOR_BENCH_ROUNDS`: 3; `STATOR_BENCH_SLEEPING`: 2000 instances; `STATOR_BENCH_RESTATE=0` leaves Restate out.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DBOS } from '@dbos-inc/dbos-sdk';
import Database from 'better-sqlite3';
import { createActor, setup } from 'xstate';
import { z } from 'zod';
import { createEngine, defineMachine } from '../../dist/runtime/engine/durable.js';
import { startPostgres } from '../../dist/scripts/postgres.js';
import { median, print, round } from './ground.mjs';
import { openRestate } from './restate.mjs';

const rounds = Number(process.env.STATOR_BENCH_ROUNDS ?? 3);
const sleeping = Number(process.env.STATOR_BENCH_SLEEPING ?? 2_000);
const alone = { count: 150, atOnce: 1 };
const together = { count: 1_280, atOnce: 64 };
const timers = 1_000;
/** Until then all of the timers are there. */
const timersAfterMs = 20_000;
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
let fired = 0;

const lampMachine = setup({}).createMachine({
  id: 'lamp',
  initial: 'off',
  states: { off: { on: { flip: 'on' } }, on: { on: { flip: 'off' } } },
});
const sleeperMachine = setup({
  delays: { left: ({ context }) => Math.max(0, context.dueMs - Date.now()) },
  actions: {
    count: () => {
      fired += 1;
    },
  },
}).createMachine({
  id: 'sleeper',
  context: ({ input }) => ({ dueMs: input.dueMs }),
  initial: 'asleep',
  states: { asleep: { after: { left: 'awake' } }, awake: { type: 'final', entry: 'count' } },
});

function openBare() {
  const db = new Database(join(root, 'bare.db'));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE s (id TEXT PRIMARY KEY, snapshot TEXT)');
  const get = db.prepare('SELECT snapshot FROM s WHERE id = ?').pluck();
  const put = db.prepare('INSERT INTO s VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET snapshot = excluded.snapshot');
  const step = (id, type) => {
    const stored = get.get(id);
    const actor = createActor(lampMachine, stored === undefined ? {} : { snapshot: JSON.parse(stored) }).start();
    if (type !== null) actor.send({ type });
    put.run(id, JSON.stringify(actor.getPersistedSnapshot()));
    actor.stop();
  };
  return {
    name: 'bare',
    start: async (id) => step(id, null),
    request: async (id) => step(id, 'flip'),
    stop: async () => void db.close(),
  };
}

async function openDurable() {
  const file = join(root, 'durable.db');
  const lamp = defineMachine({ name: 'lamp', machine: lampMachine, version: 1, signals: { flip: z.strictObject({}) } });
  const sleeper = defineMachine({ name: 'sleeper', machine: sleeperMachine, version: 1 });
  const engine = await createEngine({ file, machines: [lamp, sleeper] });
  const { lamp: lamps, sleeper: sleepers } = engine.machines;
  return {
    name: 'stator',
    start: (id) => lamps.start(id),
    request: (id) => lamps.send(id, { type: 'flip' }),
    sleep: (id, dueMs) => sleepers.start(id, { dueMs }),
    bytes: async () => {
      const db = new Database(file);
      db.pragma('wal_checkpoint(TRUNCATE)');
      db.close();
      return statSync(file).size;
    },
    stop: () => engine.stop(),
  };
}

async function openDbos(postgres) {
  await postgres.createDatabase('dbos');
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: postgres.urlOf('dbos'),
    runAdminServer: false,
    logger: { debug() {}, info() {}, warn() {}, error: console.error },
  });
  const request = DBOS.registerWorkflow(async (id) => DBOS.runStep(async () => id, { name: 'flip' }), {
    name: 'request',
  });
  const sleeper = DBOS.registerWorkflow(
    async (dueMs) => {
      await DBOS.sleep(Math.max(0, dueMs - Date.now()));
      fired += 1;
    },
    { name: 'sleeper' },
  );
  await DBOS.launch();
  return {
    name: 'dbos',
    start: (id) => DBOS.startWorkflow(sleeper, { workflowID: id })(Date.now() + 3_600_000),
    request: (id) => request(id),
    sleep: (id, dueMs) => DBOS.startWorkflow(sleeper, { workflowID: `s${id}` })(dueMs),
    bytes: async () => {
      await postgres.query('dbos', 'VACUUM FULL');
      const [row] = await postgres.query('dbos', "SELECT pg_database_size('dbos') AS bytes");
      return Number(row.bytes);
    },
    stop: () => DBOS.shutdown(),
  };
}

/** How many a second, and how long each took. */
async function drive({ count, atOnce }, ask) {
  const times = [];
  let next = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) {
        const job = next++;
        const asked = performance.now();
        await ask(job);
        times.push(performance.now() - asked);
      }
    }),
  );
  return { perSecond: (count * 1_000) / (performance.now() - begun), times };
}

function p99(times) {
  const sorted = times.sort((a, b) => a - b);
  return round(sorted[Math.floor(sorted.length * 0.99)]);
}

async function heap() {
  for (let turn = 0; turn < 3; turn += 1) {
    globalThis.gc();
    await sleep(20);
  }
  return process.memoryUsage().heapUsed;
}

/** Bytes on the disk and in memory of one that sleeps. */
async function costOfSleep({ sleep: begin, bytes }) {
  // What the first of them makes once is not theirs.
  await drive({ count: 64, atOnce: 64 }, (job) => begin(`first-${job}`, Date.now() + 3_600_000));
  const [disk, memory] = [await bytes(), await heap()];
  await drive({ count: sleeping, atOnce: 64 }, (job) => begin(`sleeping-${job}`, Date.now() + 3_600_000));
  return {
    disk: Math.round(((await bytes()) - disk) / sleeping),
    memory: Math.round(((await heap()) - memory) / sleeping),
  };
}

/** Milliseconds from the time at which all are due to the end of the last one. */
async function timersDue({ sleep: begin }) {
  fired = 0;
  const dueMs = Date.now() + timersAfterMs;
  await drive({ count: timers, atOnce: 64 }, (job) => begin(`due-${job}`, dueMs));
  if (Date.now() >= dueMs) return null;
  while (fired < timers) await sleep(5);
  return Date.now() - dueMs;
}

const postgres = await startPostgres({ isDurable: true });
const systems = [];
try {
  systems.push(openBare(), await openDurable(), await openDbos(postgres));
  let withoutRestate = process.env.STATOR_BENCH_RESTATE === '0' ? 'it was left out' : null;
  if (withoutRestate === null)
    await openRestate(root, { lampMachine, sleeperMachine }).then(
      (restate) => systems.push(restate),
      (thrown) => {
        withoutRestate = thrown.message;
      },
    );
  const found = Object.fromEntries(
    systems.map(({ name }) => [
      name,
      { alone: [], together: [], startAlone: [], start: [], aloneTimes: [], togetherTimes: [] },
    ]),
  );
  for (const { name, start, request } of systems) {
    if (name !== 'dbos') await drive(together, (job) => (job < 64 ? start(`lamp-${job}`) : null));
    await drive({ count: 128, atOnce: 64 }, (job) => request(`lamp-${job % 64}`));
  }
  for (let turn = 0; turn < rounds; turn += 1)
    for (const { name, start, request } of systems) {
      const one = await drive(alone, (job) => request(`lamp-${job % 8}`));
      const many = await drive(together, (job) => request(`lamp-${job % 64}`));
      found[name].alone.push(one.perSecond);
      found[name].together.push(many.perSecond);
      found[name].aloneTimes.push(...one.times);
      found[name].togetherTimes.push(...many.times);
      found[name].start.push((await drive(together, (job) => start(`new-${turn}-${job}`))).perSecond);
    }
  const { bare, stator, dbos, restate } = found;
  const ratio = (ours, theirs) => round(median(ours.map((rate, turn) => rate / theirs[turn])));
  const figures = {};
  for (const [name, { alone: one, together: many, start, aloneTimes, togetherTimes }] of Object.entries(found))
    Object.assign(figures, {
      [`${name}_alone_per_s`]: Math.round(median(one)),
      [`${name}_alone_p99_ms`]: p99(aloneTimes),
      [`${name}_together_per_s`]: Math.round(median(many)),
      [`${name}_together_p99_ms`]: p99(togetherTimes),
      [`${name}_starts_per_s`]: Math.round(median(start)),
    });
  for (const system of systems.slice(1)) {
    const due = await timersDue(system);
    figures[`${system.name}_timers_late_ms`] = due ?? `not all were there in ${timersAfterMs} ms`;
    if (system.bytes === undefined) continue; // of a server with a log that grows: one instance has no size of its own
    const { disk, memory } = await costOfSleep(system);
    Object.assign(figures, {
      [`${system.name}_sleeping_disk_bytes`]: disk,
      [`${system.name}_sleeping_memory_bytes`]: memory,
    });
  }
  print('durable', {
    ...figures,
    alone_to_bare: ratio(stator.alone, bare.alone),
    together_to_bare: ratio(stator.together, bare.together),
    alone_to_dbos: ratio(stator.alone, dbos.alone),
    together_to_dbos: ratio(stator.together, dbos.together),
    starts_to_dbos: ratio(stator.start, dbos.start),
    ...(restate === undefined
      ? { restate: `not measured: ${withoutRestate}` }
      : {
          alone_to_restate: ratio(stator.alone, restate.alone),
          together_to_restate: ratio(stator.together, restate.together),
          starts_to_restate: ratio(stator.start, restate.start),
        }),
    temporal: 'not measured: npm has no server of it',
  });
} finally {
  for (const { stop } of systems) await stop();
  await postgres.stop();
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
// The sleeping workflows of DBOS keep timers of an hour after its shutdown.
process.exit();
