/**
 * What a daemon costs that has nothing to do: the processor's time of a real one with so many repos, as a share of one core, after it has settled: about
 * 30 s after the last work V8 gives memory back, once, which costs a third of a second. Two daemons are measured at once: one whose repos have no plan, and
 * one each of whose repos has plans that are done and approved, while the page of `stator inspect` is served. `STATOR_BENCH_REPOS` (20),
 * `STATOR_BENCH_FINISHED` (20 plans a repo), `STATOR_BENCH_SETTLE_S` (45), `STATOR_BENCH_IDLE_S` (60). `--json` prints one object.
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { makeRepo, planText, print, round, untilAnswered } from './ground.mjs';

const repos = Number(process.env.STATOR_BENCH_REPOS ?? 20);
const finished = Number(process.env.STATOR_BENCH_FINISHED ?? 20);
const settleS = Number(process.env.STATOR_BENCH_SETTLE_S ?? 45);
const idleS = Number(process.env.STATOR_BENCH_IDLE_S ?? 60);
const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));

async function startDaemon(name) {
  const place = join(root, name);
  const home = join(place, 'home');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), '[agents.default]\npreset = "sh"\n');
  const env = { ...process.env, STATOR_HOME: home, XDG_RUNTIME_DIR: place };
  const daemon = spawn(process.execPath, [main, 'daemon', 'start', '--foreground'], { env, stdio: 'ignore' });
  return { place, env, daemon, client: await untilAnswered(home, env) };
}

/** A plan that is done, and verified at its branch's head. */
async function finishPlan(client, { project, path, plan, head }) {
  await client.registerPlan({ project, plan, content: planText(1) });
  execFileSync('git', ['branch', `plan/${plan}`], { cwd: path });
  const say = async (type, payload) => {
    const { signal } = await client.send({ project, plan, type, payload });
    if (signal.status !== 'done') throw new Error(`${type}: ${JSON.stringify(signal)}`);
  };
  await say('set_status', { status: 'verifying' });
  await say('verify_approved', { reviewed_sha: head });
  const { status } = await client.plan(project, plan);
  if (status !== 'done') throw new Error(`${plan} is ${status}`);
}

async function layRepos({ place, client }, plans) {
  for (let repo = 0; repo < repos; repo += 1) {
    const project = `repo-${repo}`;
    const path = makeRepo(place, project);
    await client.addRepo(path, { trust: true });
    const head = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: path, encoding: 'utf8' }).trim();
    for (let at = 0; at < plans; at += 1) await finishPlan(client, { project, path, plan: `plan-${at}`, head });
  }
  await client.close();
}

/** Nanoseconds of its threads on a processor, and how often it was woken. */
function costOf({ pid }) {
  const ofThread = (thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
  const ns = readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + Number(ofThread(thread)[0]), 0);
  const [, wakes = '0'] = /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return { ns, wakes: Number(wakes), atMs: performance.now() };
}

function shareOf(before, after) {
  const seconds = (after.atMs - before.atMs) / 1_000;
  return {
    percent: Math.round(((after.ns - before.ns) / 1e9 / seconds) * 100_000) / 1_000,
    wakes: round((after.wakes - before.wakes) / seconds),
  };
}

const daemons = [];
try {
  const bare = await startDaemon('bare');
  daemons.push(bare.daemon);
  const full = await startDaemon('full');
  daemons.push(full.daemon);
  await layRepos(bare, 0);
  await layRepos(full, finished);
  await promisify(execFile)(process.execPath, [main, 'inspect', '--json'], { env: full.env });
  await delay(settleS * 1_000);
  const before = daemons.map(costOf);
  await delay(idleS * 1_000);
  const [alone, beside] = daemons.map((daemon, index) => shareOf(before[index], costOf(daemon)));
  print('idle', {
    repos,
    percent_of_a_core: alone.percent,
    wakes_a_second: alone.wakes,
    finished_plans: repos * finished,
    percent_of_a_core_with_finished_plans: beside.percent,
    wakes_a_second_with_finished_plans: beside.wakes,
  });
} finally {
  for (const daemon of daemons) {
    const gone = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGTERM');
    await gone;
  }
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
