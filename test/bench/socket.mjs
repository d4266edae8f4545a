/**
 * A person's request to its verdict over the daemon's socket: `pause` and `resume` of many plans by the package's client, one at a time and 64 in flight,
 * beside a bare loop of XState and better-sqlite3 at FULL in this very process, by turns. Processor time is the daemon's. `--json` prints one object;
 * `STATOR_BENCH_ROUNDS`: 3.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createActor, setup } from 'xstate';
import { makeRepo, median, planText, print, round, untilAnswered } from './ground.mjs';

const rounds = Number(process.env.STATOR_BENCH_ROUNDS ?? 3);
const alone = { plans: 8, each: 40, atOnce: 1 };
const together = { plans: 64, each: 30, atOnce: 64 };
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
const home = join(root, 'home');
const env = { ...process.env, STATOR_HOME: home, XDG_RUNTIME_DIR: root };
const bin = join(import.meta.dirname, '../../dist/bin/stator.js');
const clockTicks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** A user's own durable machine: a row an actor, no inbox, no journal, no verdict, no effects. */
function openBare() {
  const machine = setup({}).createMachine({
    initial: 'open',
    states: { open: { on: { pause: 'paused' } }, paused: { on: { resume: 'open' } } },
  });
  const db = new Database(join(root, 'bare.db'));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE s (id TEXT PRIMARY KEY, snapshot TEXT)');
  const get = db.prepare('SELECT snapshot FROM s WHERE id = ?').pluck();
  const put = db.prepare('INSERT INTO s VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET snapshot = excluded.snapshot');
  return async (plan, type) => {
    const stored = get.get(plan);
    const actor = createActor(machine, stored === undefined ? {} : { snapshot: JSON.parse(stored) }).start();
    actor.send({ type });
    put.run(plan, JSON.stringify(actor.getPersistedSnapshot()));
    actor.stop();
  };
}

/** `each` requests a plan, the plans by turns, up to `atOnce` of them in flight: how many a second, and how long each took. */
async function drive({ plans, each, atOnce }, send) {
  const jobs = Array.from({ length: plans * each }, (_, job) => [
    `p${job % plans}`,
    Math.floor(job / plans) % 2 === 0 ? 'pause' : 'resume',
  ]);
  const times = [];
  let next = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
        const asked = performance.now();
        await send(...job);
        times.push(performance.now() - asked);
      }
    }),
  );
  return { perSecond: (jobs.length * 1_000) / (performance.now() - begun), times };
}

/** Seconds of processor that a process took: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function secondsOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / clockTicks;
}

let daemon = null;
try {
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), '[agents.default]\npreset = "sh"\n');
  daemon = spawn(process.execPath, [bin, 'daemon', 'start', '--foreground'], { env, stdio: 'ignore' });
  const client = await untilAnswered(home, env);
  await client.addRepo(makeRepo(root, 'demo'), { trust: true });
  for (let plan = 0; plan < together.plans; plan += 1)
    await client.registerPlan({ project: 'demo', plan: `p${plan}`, content: planText(1) });
  const bare = openBare();
  const send = async (plan, type) => {
    const { signal } = await client.send({ project: 'demo', plan, type, waitMs: 30_000 });
    if (signal.status !== 'done') throw new Error(JSON.stringify(signal));
  };
  await drive({ ...together, each: 4 }, send);
  const rates = { alone: [], bareAlone: [], together: [], bareTogether: [] };
  const times = [];
  const processor = [];
  for (let turn = 0; turn < rounds; turn += 1) {
    rates.bareAlone.push((await drive(alone, bare)).perSecond);
    const one = await drive(alone, send);
    rates.alone.push(one.perSecond);
    times.push(...one.times);
    rates.bareTogether.push((await drive(together, bare)).perSecond);
    const before = secondsOf(daemon.pid);
    const many = await drive(together, send);
    rates.together.push(many.perSecond);
    processor.push(((secondsOf(daemon.pid) - before) * 1_000) / many.times.length);
  }
  await client.close();
  times.sort((a, b) => a - b);
  const toBare = (ours, theirs) => round(median(ours.map((rate, turn) => rate / theirs[turn])));
  print('socket', {
    alone_per_s: Math.round(median(rates.alone)),
    alone_p50_ms: round(times[times.length >> 1]),
    alone_p99_ms: round(times[Math.floor(times.length * 0.99)]),
    bare_alone_per_s: Math.round(median(rates.bareAlone)),
    alone_to_bare: toBare(rates.alone, rates.bareAlone),
    together_per_s: Math.round(median(rates.together)),
    bare_together_per_s: Math.round(median(rates.bareTogether)),
    together_to_bare: toBare(rates.together, rates.bareTogether),
    processor_ms_a_request: round(median(processor)),
  });
} finally {
  if (daemon !== null) {
    daemon.kill('SIGTERM');
    await new Promise((resolve) => daemon.once('exit', resolve));
  }
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
