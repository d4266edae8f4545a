/**
 * What a verb costs a person while the engine is busy: 200 plans, 8 agents at a time, one start after the other. Each verb runs beside a bare `node -e 0`, by
 * turns, for a minute, or for `STATOR_BENCH_SECONDS`. `--json` prints one object.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRepo, median, percentile, print, round, untilAnswered } from './ground.mjs';

const seconds = Number(process.env.STATOR_BENCH_SECONDS ?? 60);
const plans = 200;
const slots = 8;
/** The last so many are paused and resumed by turns. Their turn is not to come: a pause ends the runs of a plan. */
const paused = 20;
/** More than the time allows: nothing is to run out. */
const tasks = Math.ceil((seconds * slots) / (plans - paused)) + 4;
const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
const home = join(root, 'home');
const env = { ...process.env, HOME: root, STATOR_HOME: home, STATOR_SANDBOX: 'off', XDG_RUNTIME_DIR: root };

const p95 = (values) => percentile(values, 0.95);

function planText() {
  const task = (_, at) =>
    `### Task ${at + 1}: piece ${at + 1}\n\n\`\`\`sh\nsleep 1\necho x > f-${at + 1}.txt\n\`\`\`\n`;
  return `# Bench\n\n## Wave 1\n\n${Array.from({ length: tasks }, task).join('\n')}`;
}

/** Milliseconds of each call. */
function callFor(repo) {
  const times = { node: [], plan_list: [], signal_emit: [] };
  const timed = (name, args) => {
    const begun = performance.now();
    const { status } = spawnSync(process.execPath, args, { cwd: repo, env, stdio: 'ignore' });
    if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`);
    times[name].push(performance.now() - begun);
  };
  const endMs = performance.now() + seconds * 1_000;
  for (let turn = 0; performance.now() < endMs; turn += 1) {
    timed('node', ['-e', '0']);
    timed('plan_list', [main, 'plan', 'list']);
    // Paused, and with the next turn resumed.
    const word = turn % 2 === 0 ? 'pause' : 'resume';
    timed('signal_emit', [main, 'signal', 'emit', word, `plan-${plans - 1 - (Math.floor(turn / 2) % paused)}`]);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  return times;
}

let daemon = null;
try {
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), `max_agents = ${slots}\n[agents.default]\npreset = "sh"\n`);
  const repo = makeRepo(root, 'demo');
  daemon = spawn(process.execPath, [main, 'daemon', 'start', '--foreground'], { env, stdio: 'ignore' });
  const client = await untilAnswered(home, env);
  await client.addRepo(repo, { trust: true });
  for (let plan = 0; plan < plans; plan += 1) {
    const name = `plan-${plan}`;
    await client.registerPlan({ project: 'demo', plan: name, content: planText() });
    await client.send({ project: 'demo', plan: name, type: 'implement_start' });
  }
  const { node, plan_list: list, signal_emit: emit } = callFor(repo);
  const runs = (await client.plans('demo')).reduce((sum, plan) => sum + plan.tasks_done, 0);
  print('busy', {
    seconds,
    calls: node.length * 3,
    tasks_done: runs,
    node_median_ms: Math.round(median(node)),
    node_p95_ms: Math.round(p95(node)),
    plan_list_p95_ms: Math.round(p95(list)),
    signal_emit_p95_ms: Math.round(p95(emit)),
    plan_list_p95_to_node_p95: round(p95(list) / p95(node)),
    signal_emit_p95_to_node_p95: round(p95(emit) / p95(node)),
    plan_list_p95_to_node_median: round(p95(list) / median(node)),
    signal_emit_p95_to_node_median: round(p95(emit) / median(node)),
  });
} finally {
  if (daemon !== null) {
    spawnSync(process.execPath, [main, 'daemon', 'stop', '--agents'], { env, stdio: 'ignore' });
    daemon.kill('SIGKILL');
  }
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
