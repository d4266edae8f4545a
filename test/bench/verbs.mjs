/**
 * What a verb of the command line costs beside a running daemon, each run beside a bare `node -e 0`: machines are shared and noisy, so the ratio and
 * the processor's time are what counts. And how long `run` shows nothing in a terminal, without a daemon, in a new repository and home each time. `--json` prints one object.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRepo, median, planText, print, round, untilAnswered } from './ground.mjs';

const runs = Number(process.env.STATOR_BENCH_RUNS ?? 15);
const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
const home = join(root, 'home');
const env = { ...process.env, STATOR_HOME: home, XDG_RUNTIME_DIR: root };

const commands = {
  node: ['-e', '0'],
  status: [main, 'status'],
  plan_list: [main, 'plan', 'list'],
  signal_emit: [main, 'signal', 'emit', 'pause', 'one'],
};

/** Milliseconds each, the commands by turns, so that they all run under the same load. */
function timesOf(repo) {
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let run = 0; run < runs; run += 1) {
    for (const [name, args] of Object.entries(commands)) {
      const begun = performance.now();
      spawnSync(process.execPath, args, { cwd: repo, env, stdio: 'ignore' });
      times[name].push(performance.now() - begun);
    }
  }
  return times;
}

function lines(times, suffix) {
  const node = Math.min(...times.node);
  return Object.entries(times).flatMap(([name, values]) => [
    [`${name}${suffix}_min_ms`, Math.round(Math.min(...values))],
    [`${name}${suffix}_median_ms`, Math.round(median(values))],
    ...(name === 'node' ? [] : [[`${name}${suffix}_to_node`, round(Math.min(...values) / node)]]),
  ]);
}

/** Milliseconds until something of it is on a terminal, which `script` provides, or until it ends, where it shows nothing. */
async function timeToSee(args, { cwd, home: own }) {
  const line = [process.execPath, ...args].map((word) => `'${word}'`).join(' ');
  const begun = performance.now();
  const seen = spawn('script', ['-qefc', line, '/dev/null'], {
    cwd,
    env: { ...env, STATOR_HOME: own, STATOR_SANDBOX: 'off' },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const ended = once(seen, 'exit');
  await Promise.race([once(seen.stdout, 'data'), ended]);
  const took = performance.now() - begun;
  if (seen.exitCode === null) process.kill(-seen.pid, 'SIGTERM');
  await ended;
  return took;
}

/** The first lines of `run` and of `node -e 0`, by turns. */
async function firstLines() {
  const times = { node: [], run: [] };
  for (let each = 0; each < runs; each += 1) {
    const place = join(root, `place-${each}`);
    const own = join(place, 'home');
    mkdirSync(own, { recursive: true, mode: 0o700 });
    const repo = makeRepo(place, 'demo');
    writeFileSync(join(own, 'daemon.toml'), '[agents.default]\npreset = "sh"\n');
    writeFileSync(join(repo, 'plan.md'), planText(1));
    const where = { cwd: repo, home: own };
    times.node.push(await timeToSee(['-e', '0'], where));
    times.run.push(await timeToSee([main, 'run', 'plan.md', '--trust', '--yes'], where));
  }
  return {
    run_first_line_median_ms: Math.round(median(times.run)),
    run_first_line_to_node: round(median(times.run.map((time, at) => time / times.node[at]))),
  };
}

let daemon = null;
try {
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), '[agents.default]\npreset = "sh"\n');
  const repo = makeRepo(root, 'demo');
  daemon = spawn(process.execPath, [main, 'daemon', 'start', '--foreground'], { env, stdio: 'ignore' });
  const client = await untilAnswered(home, env);
  await client.addRepo(repo, { trust: true });
  await client.registerPlan({ project: 'demo', plan: 'one', content: planText(3) });
  execFileSync(process.execPath, commands.signal_emit, { cwd: repo, env, stdio: 'ignore' });
  const beside = timesOf(repo);
  daemon.kill('SIGTERM');
  await new Promise((resolve) => daemon.once('exit', resolve));
  daemon = null;
  const { signal_emit: _, ...reading } = timesOf(repo);
  const shown = await firstLines();
  print('verbs', { ...Object.fromEntries([...lines(beside, ''), ...lines(reading, '_alone').slice(2)]), ...shown });
} finally {
  daemon?.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
