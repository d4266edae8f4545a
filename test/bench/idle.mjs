/**
 * What a daemon costs that has nothing to do: the processor's time of a real one with so many repos, as a share of one core, after it has settled: about
 * 30 s after the last work V8 gives memory back, once, which costs a third of a second. `STATOR_BENCH_REPOS` (20), `STATOR_BENCH_SETTLE_S` (45),
 * `STATOR_BENCH_IDLE_S` (60). `--json` prints one object.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { attach } from '../../dist/runtime/engine/connect.js';
import { makeRepo, print, round } from './ground.mjs';

const repos = Number(process.env.STATOR_BENCH_REPOS ?? 20);
const settleS = Number(process.env.STATOR_BENCH_SETTLE_S ?? 45);
const idleS = Number(process.env.STATOR_BENCH_IDLE_S ?? 60);
const main = join(import.meta.dirname, '../../dist/cli/main.js');
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
const home = join(root, 'home');
const env = { ...process.env, STATOR_HOME: home, XDG_RUNTIME_DIR: root };

async function untilAnswered() {
  for (;;) {
    const client = await attach(home, env).catch(() => null);
    if (client !== null && (await client.status()).waiting === null) return client;
    await delay(25);
  }
}

/** Fields 14 and 15 of its stat, in ticks of the kernel; and how often it was woken. */
function costOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [, wakes = '0'] = /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return { ticks: Number(fields[11]) + Number(fields[12]), wakes: Number(wakes) };
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
let daemon = null;
try {
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), '[agents.default]\npreset = "sh"\n');
  daemon = spawn(process.execPath, [main, 'daemon', 'start', '--foreground'], { env, stdio: 'ignore' });
  const client = await untilAnswered();
  for (let repo = 0; repo < repos; repo += 1) await client.addRepo(makeRepo(root, `repo-${repo}`), { trust: true });
  await client.close();
  await delay(settleS * 1_000);
  const before = costOf(daemon.pid);
  const begun = performance.now();
  await delay(idleS * 1_000);
  const after = costOf(daemon.pid);
  const seconds = (performance.now() - begun) / 1_000;
  print('idle', {
    repos,
    percent_of_a_core: round(((after.ticks - before.ticks) / ticksPerSecond / seconds) * 100),
    wakes_a_second: round((after.wakes - before.wakes) / seconds),
  });
} finally {
  if (daemon !== null) {
    daemon.kill('SIGTERM');
    await new Promise((resolve) => daemon.once('exit', resolve));
  }
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
