/**
 * How a daemon starts and answers over a store of 1,000 repositories and 10,000 plans, mostly idle ones, and how much of its memory such a plan takes. `--json`
 * prints one object.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planTree } from '../../dist/machines/vocabulary/ids.js';
import { createLog } from '../../dist/runtime/base/platform/log.js';
import { createCore } from '../../dist/runtime/engine/core.js';
import { openSupervisor } from '../../dist/runtime/engine/one-shot.js';
import { median, planText, print, untilAnswered } from './ground.mjs';

const repos = Number(process.env.REPOS ?? 1_000);
const plansOfRepo = Number(process.env.PLANS ?? 10);
const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const root = mkdtempSync(join(tmpdir(), 'stator-scale-'));
const home = join(root, 'home');
const env = { ...process.env, STATOR_HOME: home, XDG_RUNTIME_DIR: root };

function makeRepos() {
  const first = join(root, 'seed');
  mkdirSync(first);
  const git = (...args) => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: first });
  git('init', '-q', '-b', 'main');
  git('commit', '-q', '--allow-empty', '-m', 'begin');
  rmSync(join(first, '.git/hooks'), { recursive: true, force: true });
  return Array.from({ length: repos }, (_, index) => {
    const path = join(root, `repo-${index}`);
    cpSync(first, path, { recursive: true });
    return path;
  });
}

function openStore() {
  return createCore({
    home,
    clock: { nowMs: () => Date.now() },
    log: createLog((line) => process.stderr.write(line), 'error'),
    mode: 'verb',
  });
}

/** The heap of a core over the present store, once it has reported all its repos and plans. */
async function heapBytes() {
  const core = await openStore();
  await openSupervisor(core);
  await core.commands.registerListed();
  await core.pump.drain();
  await core.views.repos();
  globalThis.gc();
  const { heapUsed } = process.memoryUsage();
  core.close();
  return heapUsed;
}

/** One plan in ten is under way, with its agents queued. Answers the heap of the core without plans. */
async function lay(paths) {
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), `repos = ${JSON.stringify(paths)}\n[agents.default]\npreset = "sh"\n`);
  await heapBytes(); // what is loaded once is loaded
  const withoutPlans = await heapBytes();
  const core = await openStore();
  await openSupervisor(core);
  await core.commands.registerListed();
  await core.pump.drain();
  const content = planText(3);
  for (let index = 0; index < repos; index += 1) {
    const project = `repo-${index}`;
    const { policy } = core.projects.get(project).config;
    const changes = [];
    for (let plan = 0; plan < plansOfRepo; plan += 1) {
      const tree = planTree(project, `plan-${plan}`);
      const payload = { content, branch: `plan/plan-${plan}`, topic: null, generation: 0, policy };
      const at = Date.now();
      changes.push({ do: 'signal.insert', tree, type: 'plan_opened', payload, origin: 'engine', at });
      if (plan === 0) changes.push({ do: 'signal.insert', tree, type: 'pause', payload: {}, origin: 'person', at });
      if (plan === 0)
        changes.push({ do: 'signal.insert', tree, type: 'implement_start', payload: {}, origin: 'person', at });
    }
    await core.store.commit(changes);
  }
  await core.pump.drain();
  core.close();
  return withoutPlans;
}

async function timed(work) {
  const startedMs = performance.now();
  const value = await work();
  return { value, ms: Math.round(performance.now() - startedMs) };
}

try {
  if (typeof globalThis.gc !== 'function') throw new Error('start it with: npm run bench, or node --expose-gc');
  const withoutPlans = await lay(makeRepos());
  const perPlan = ((await heapBytes()) - withoutPlans) / (repos * plansOfRepo);
  const child = spawn(process.execPath, [main, 'daemon', 'start', '--foreground'], { env, stdio: 'ignore' });
  const start = await timed(() =>
    untilAnswered(home, env, { isGood: ({ repo_count: count }) => count === repos, everyMs: 5 }),
  );
  const client = start.value;
  const memoryMb = () =>
    Math.round(Number(execFileSync('ps', ['-o', 'rss=', '-p', String(child.pid)], { encoding: 'utf8' })) / 1024);
  const startMemoryMb = memoryMb();
  const early = [];
  for (let asked = 0; asked < 200; asked += 1) {
    early.push((await timed(() => client.repos())).ms);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const times = [];
  for (let asked = 0; asked < 20; asked += 1) times.push((await timed(() => client.status())).ms);
  const lists = [];
  for (let asked = 0; asked < 5; asked += 1) lists.push((await timed(() => client.plans())).ms);
  const verb = [];
  for (let asked = 0; asked < 5; asked += 1)
    verb.push(
      (await timed(() => execFileSync(process.execPath, [main, 'status'], { env, cwd: root, stdio: 'ignore' }))).ms,
    );
  print('scale', {
    repos,
    plans: repos * plansOfRepo,
    start_ms: start.ms,
    start_memory_mb: startMemoryMb,
    status_median_ms: median(times),
    status_worst_ms: Math.max(...times),
    plans_median_ms: median(lists),
    status_verb_median_ms: median(verb),
    repos_while_looked_at_median_ms: median(early),
    repos_while_looked_at_worst_ms: Math.max(...early),
    later_memory_mb: memoryMb(),
    heap_per_sleeping_plan_bytes: Math.round(perPlan),
  });
  child.kill('SIGTERM');
  await new Promise((resolve) => child.on('exit', resolve));
} finally {
  rmSync(root, { recursive: true, force: true });
}
