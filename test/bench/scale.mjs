/** How a daemon starts and answers over a store of 1,000 repositories and 10,000 plans, most of which sleep. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planTree } from '../../dist/machines/ids.js';
import { attach } from '../../dist/runtime/control/client.js';
import { createHouse } from '../../dist/runtime/house.js';
import { createLog } from '../../dist/runtime/log.js';
import { openSupervisor } from '../../dist/runtime/moment.js';
import { planText } from './ground.mjs';

const repos = Number(process.env.REPOS ?? 1_000);
const plansOfRepo = Number(process.env.PLANS ?? 10);
const main = join(import.meta.dirname, '../../dist/cli/main.js');
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

/** One plan in ten is under way, with its agents queued. */
async function lay(paths) {
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), `repos = ${JSON.stringify(paths)}\n[agents.default]\npreset = "sh"\n`);
  const house = createHouse({
    home,
    clock: { nowMs: () => Date.now() },
    log: createLog((line) => process.stderr.write(line), 'error'),
    onEffects: () => {},
    settled: async () => {},
    watch: () => () => {},
    mayStart: () => false,
  });
  await openSupervisor(house);
  await house.commands.registerListed();
  await house.pump.drain();
  const content = planText(3);
  for (let index = 0; index < repos; index += 1) {
    const project = `repo-${index}`;
    const { policy } = house.projects.get(project).config;
    house.store.transaction(() => {
      for (let plan = 0; plan < plansOfRepo; plan += 1) {
        const tree = planTree(project, `plan-${plan}`);
        const payload = { content, branch: `plan/plan-${plan}`, topic: null, generation: 0, policy };
        const at = Date.now();
        house.store.signals.insert({ tree, type: 'plan_opened', payload, origin: 'engine', at });
        if (plan === 0) house.store.signals.insert({ tree, type: 'pause', payload: {}, origin: 'person', at });
        if (plan === 0)
          house.store.signals.insert({ tree, type: 'implement_start', payload: {}, origin: 'person', at });
      }
    });
  }
  await house.pump.drain();
  house.store.close();
}

async function timed(work) {
  const startedMs = performance.now();
  const value = await work();
  return { value, ms: Math.round(performance.now() - startedMs) };
}

async function untilAnswered() {
  for (;;) {
    const client = await attach(home, env).catch(() => null);
    if (client !== null) {
      const status = await client.status();
      if (status.waiting === null && status.repo_count === repos) return client;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

try {
  const laid = await timed(async () => lay(makeRepos()));
  console.log(`laid ${repos} repos and ${repos * plansOfRepo} plans in ${Math.round(laid.ms / 1_000)} s`);
  const child = spawn(process.execPath, [main, 'daemon', 'start', '--foreground'], { env, stdio: 'ignore' });
  const start = await timed(untilAnswered);
  const client = start.value;
  const memoryMb = () =>
    Number(execFileSync('ps', ['-o', 'rss=', '-p', String(child.pid)], { encoding: 'utf8' })) / 1024;
  console.log(`start until the first whole status: ${start.ms} ms, ${Math.round(memoryMb())} MB`);
  const times = [];
  for (let asked = 0; asked < 20; asked += 1) times.push((await timed(() => client.status())).ms);
  times.sort((a, b) => a - b);
  console.log(`status: median ${times[10]} ms, worst ${times[19]} ms`);
  const pings = [];
  for (let asked = 0; asked < 200; asked += 1) {
    pings.push((await timed(() => client.repos())).ms);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  pings.sort((a, b) => a - b);
  console.log(
    `repos, while the repos are looked at: median ${pings[100]} ms, worst ${pings[199]} ms, ${Math.round(memoryMb())} MB`,
  );
  child.kill('SIGTERM');
  await new Promise((resolve) => child.on('exit', resolve));
} finally {
  rmSync(root, { recursive: true, force: true });
}
