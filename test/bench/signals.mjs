/**
 * How many signals an engine handles: the pump over a real store at synchronous=FULL, beside the same writes without an engine and
 * beside another queue on the same library. Machines are shared and noisy, so the ratios are what counts. `--json` prints one object.
 */
import {
  closeSync,
  cpSync,
  fdatasyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { better, defineQueue } from 'plainjob';
import { planTree } from '../../dist/machines/vocabulary/ids.js';
import { handleBatch } from '../../dist/runtime/core/inbox/transaction.js';
import { layGround, makeRepo, median, openBenchCore, percentile, print, round } from './ground.mjs';
import { recordWrites, replayWrites } from './recording.mjs';

const plans = Number(process.env.STATOR_BENCH_PLANS ?? 200);
const tasks = 3;
const singles = 1_000;
const rounds = Number(process.env.STATOR_BENCH_ROUNDS ?? 3);
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));

let copies = 0;
function copyOf(home) {
  copies += 1;
  const copy = join(root, `home-${copies}`);
  cpSync(home, copy, { recursive: true });
  return copy;
}

function inboxSize(home) {
  const db = new Database(join(home, 'taskstore.db'), { readonly: true });
  const { count } = db
    .prepare(`SELECT count(*) AS count FROM signals WHERE status = 'pending' AND deliver_at = 0`)
    .get();
  db.close();
  return count;
}

/** An engine that is at work has its trees alive; what waking one costs is measured for itself. */
async function wakeTrees(core) {
  for (let i = 0; i < plans; i += 1) await core.cache.get(planTree('demo', `plan-${i}`));
}

/** The pump over everything that waits; milliseconds. Other signals come up on the way (grants, timers of later); they are part of it. */
async function drainTime(home) {
  const core = await openBenchCore(home);
  await wakeTrees(core);
  const before = await core.store.lastLine();
  const begun = performance.now();
  await core.pump.drain();
  const took = performance.now() - begun;
  const lines = (await core.store.lastLine()) - before;
  core.close();
  return { took, lines };
}

/** One signal of the inbox at a time, each in a transaction of its own: milliseconds each. */
async function singleTimes(home) {
  const core = await openBenchCore(home);
  const { trees, cache, faults, projects, timeline } = core;
  const store = core.store;
  const { policyOf, hooksOf } = projects;
  const parts = { store, trees, cache, faults, timeline, policyOf, hooksOf };
  await wakeTrees(core);
  const times = [];
  for (let i = 0; i < singles; i += 1) {
    const begun = performance.now();
    const now = { keptMs: timeline.nowMs(), wallMs: Date.now() };
    await handleBatch(parts, await store.claim(now, { limit: 1 }), Date.now());
    times.push(performance.now() - begun);
  }
  core.close();
  return times;
}

/** The other queue over jobs that lie in it: taken and marked as done, one at a time. */
function plainjobTime(count) {
  const file = join(root, `plainjob-${copies}.db`);
  copies += 1;
  const db = new Database(file);
  const queue = defineQueue({ connection: better(db), logger: { error() {}, warn() {}, info() {}, debug() {} } });
  queue.addMany(
    'bench',
    Array.from({ length: count }, (_, i) => ({ i })),
  );
  db.pragma('synchronous = FULL');
  const begun = performance.now();
  for (let i = 0; i < count; i += 1) queue.markJobAsDone(queue.getAndMarkJobAsProcessing('bench').id);
  const took = performance.now() - begun;
  queue.close();
  return took;
}

async function activateTimes(home) {
  const core = await openBenchCore(home);
  const times = [];
  for (let i = 0; i < Math.min(plans, 100); i += 1) {
    const begun = performance.now();
    await core.cache.get(planTree('demo', `plan-${i}`));
    times.push(performance.now() - begun);
  }
  core.close();
  return times;
}

async function heapOfLiveTree(home) {
  const core = await openBenchCore(home);
  await core.cache.get(planTree('demo', 'plan-0'));
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  for (let i = 1; i < Math.min(plans, 101); i += 1) await core.cache.get(planTree('demo', `plan-${i}`));
  globalThis.gc();
  const after = process.memoryUsage().heapUsed;
  core.close();
  return Math.round((after - before) / Math.min(plans - 1, 100));
}

function fdatasyncTimes() {
  const file = join(root, 'sync');
  const fd = openSync(file, 'w');
  const times = [];
  for (let i = 0; i < 300; i += 1) {
    writeSync(fd, 'x'.repeat(4_096));
    const begun = performance.now();
    fdatasyncSync(fd);
    times.push(performance.now() - begun);
  }
  closeSync(fd);
  return times;
}

try {
  if (typeof globalThis.gc !== 'function') throw new Error('start it with: npm run bench, or node --expose-gc');
  const home = join(root, 'home');
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), '');
  await layGround({ home, repo: makeRepo(root, 'demo'), plans, tasks });
  const count = inboxSize(home);
  const writes = await recordWrites(() => drainTime(copyOf(home)));
  const bare = await recordWrites(async () => void (await singleTimes(copyOf(home))));
  const batched = [];
  const raw = [];
  const singleRates = [];
  const rawSingle = [];
  const plain = [];
  const latencies = [];
  for (let round = 0; round < rounds; round += 1) {
    batched.push(count / ((await drainTime(copyOf(home))).took / 1_000));
    raw.push(count / (replayWrites(join(copyOf(home), 'taskstore.db'), writes) / 1_000));
    const singleHome = copyOf(home);
    const times = await singleTimes(singleHome);
    latencies.push(...times);
    singleRates.push(times.length / (times.reduce((sum, time) => sum + time, 0) / 1_000));
    rawSingle.push(singles / (replayWrites(join(copyOf(home), 'taskstore.db'), bare) / 1_000));
    plain.push(singles / (plainjobTime(singles) / 1_000));
  }
  print('signals', {
    signals: count,
    batched_per_s: Math.round(median(batched)),
    single_per_s: Math.round(median(singleRates)),
    raw_batched_per_s: Math.round(median(raw)),
    raw_single_per_s: Math.round(median(rawSingle)),
    plainjob_per_s: Math.round(median(plain)),
    batched_to_raw: round(median(batched.map((rate, i) => rate / raw[i]))),
    single_to_plainjob: round(median(singleRates.map((rate, i) => rate / plain[i]))),
    p50_ms: round(percentile(latencies, 0.5)),
    p99_ms: round(percentile(latencies, 0.99)),
    activate_ms: round(median(await activateTimes(copyOf(home)))),
    live_heap_bytes: await heapOfLiveTree(copyOf(home)),
    fdatasync_p50_ms: round(percentile(fdatasyncTimes(), 0.5)),
  });
} finally {
  rmSync(root, { recursive: true, force: true });
}
