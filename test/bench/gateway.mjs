/**
 * What signal files cost. A burst: as many files as asked for, dropped into one folder while the engine runs, until the last is handled and gone.
 * Asleep: 40 repos with 10 worktrees each and folders for signals in all of them, nothing dropped: the share of a processor. Idle: the same of 20 repos
 * that are registered, and nothing else. `--json` prints one object.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createEngine } from '../../dist/runtime/engine/engine.js';
import { makeRepo, print, round } from './ground.mjs';

const files = Number(process.env.STATOR_BENCH_FILES ?? 20_000);
const repos = Number(process.env.STATOR_BENCH_REPOS ?? 40);
const worktrees = Number(process.env.STATOR_BENCH_WORKTREES ?? 10);
const idleRepos = 20;
const settleMs = 12_000;
const asleepMs = 30_000;
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
const say = () => {};
const log = { debug: say, info: say, warn: (line) => process.stderr.write(`${line}\n`), error: say };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The longest time for which the event loop did not turn, while `work` is done. */
async function withLongestStop(work) {
  let longestMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - last - 10);
    last = performance.now();
  }, 10);
  await work();
  clearInterval(timer);
  return longestMs;
}

/** Every file is a signal for a plan that is not there: the longest way there is, through the inbox and back into `failed/`. */
async function burst() {
  const home = join(root, 'home-burst');
  const repo = makeRepo(root, 'burst');
  const engine = await createEngine({ home, env: process.env, log, serve: false });
  await engine.client.addRepo(repo, { trust: true });
  const folder = join(repo, '.stator', 'signals');
  mkdirSync(folder, { recursive: true });
  const writer = `const { writeFileSync } = require('node:fs');
    const [files, folder] = process.argv.slice(1);
    for (let file = 0; file < files; file += 1) writeFileSync(folder + '/review-changes-nobody-' + file, 'no. ' + file);`;
  const begun = performance.now();
  const cpu = process.cpuUsage();
  let writtenMs = 0;
  const longestStopMs = await withLongestStop(async () => {
    const child = spawn(process.execPath, ['-e', writer, String(files), folder], { stdio: 'inherit' });
    await new Promise((resolve) => child.once('close', resolve));
    writtenMs = performance.now() - begun;
    const isGone = (path) => readdirSync(path).every((name) => ['processing', 'failed'].includes(name));
    while (!isGone(folder) || !isGone(join(folder, 'processing'))) await pause(100);
  });
  const tookMs = performance.now() - begun;
  const used = process.cpuUsage(cpu);
  await engine.stop();
  const db = new Database(join(home, 'taskstore.db'), { readonly: true });
  const rows = db.prepare(`SELECT count(*) FROM signals WHERE origin = 'file'`).pluck().get();
  db.close();
  const failed = readdirSync(join(folder, 'failed')).filter((name) => !name.endsWith('.reason')).length;
  const cpuMs = (used.user + used.system) / 1_000;
  return { files, rows, failed, writtenMs, tookMs, cpuMs, longestStopMs };
}

/** The share of a processor that an engine takes for this many idle repos. */
async function shareOf(name, { repos, worktrees }) {
  const home = join(root, `home-${name}`);
  const engine = await createEngine({ home, env: process.env, log, serve: false });
  for (let number = 0; number < repos; number += 1) {
    const repo = makeRepo(root, `${name}-${number}`);
    for (let tree = 0; tree < worktrees; tree += 1)
      mkdirSync(join(repo, '.worktrees', `w${tree}`, '.stator', 'signals', 'failed'), { recursive: true });
    await engine.client.addRepo(repo, { trust: true });
  }
  await pause(settleMs);
  const begun = process.cpuUsage();
  await pause(asleepMs);
  const used = process.cpuUsage(begun);
  await engine.stop();
  return (used.user + used.system) / 1_000 / asleepMs;
}

try {
  const { tookMs, writtenMs, cpuMs, longestStopMs, ...counts } = await burst();
  const idle = await shareOf('idle', { repos: idleRepos, worktrees: 0 });
  const asleep = await shareOf('asleep', { repos, worktrees });
  const s = (ms) => round(ms / 1_000);
  print('gateway', {
    files: counts.files,
    written_s: s(writtenMs),
    handled_s: s(tookMs),
    processor_s: s(cpuMs),
    in_inbox: counts.rows,
    back_in_failed: counts.failed,
    loop_stood_still_ms: Math.round(longestStopMs),
    folders_asleep: repos * (worktrees + 1),
    asleep_processor_percent: round(asleep * 100),
    repos_idle: idleRepos,
    idle_processor_percent: round(idle * 100),
  });
} finally {
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
