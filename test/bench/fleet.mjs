/**
 * Whether one plan or repo slows another one down. Held: the time from a signal to its verdict, with and without a plan that has as many signals waiting for an
 * answer, by turns. Hanging: the time for a signal and for a whole plan in one repo while git hangs in another one, and without that. `--json` prints one
 * object.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createEngine } from '../../dist/runtime/engine/engine.js';
import { gitInFront, makeRepo, median, print, round } from './ground.mjs';

const held = Number(process.env.STATOR_BENCH_HELD ?? 1_000);
const words = 300;
const wholePlans = 5;
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
const say = () => {};
const log = { debug: say, info: say, warn: say, error: (line, thrown) => process.stderr.write(`${line} ${thrown}\n`) };
const textOf = (script) => `# Bench\n\n## Wave 1\n\n### Task 1: piece\n\n\`\`\`sh\n${script}\n\`\`\`\n`;

async function until(isSo) {
  const endMs = performance.now() + 60_000;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`it never came true: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function openEngine(name, repos) {
  const home = join(root, name);
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), 'max_agents = 8\n[agents.default]\npreset = "sh"\nattempts = 1\n');
  const engine = await createEngine({ home, env: process.env, log, serve: false });
  for (const repo of repos) await engine.client.addRepo(repo, { trust: true });
  return { home, engine, client: engine.client };
}

/** Milliseconds from the signal to its verdict. */
async function timeOfWord({ client }, project, number) {
  const begun = performance.now();
  const type = number % 2 === 0 ? 'pause' : 'resume';
  const { signal } = await client.send({ project, plan: 'free', type });
  if (signal.status !== 'done') throw new Error(JSON.stringify(signal));
  return performance.now() - begun;
}

/** One plan that asks a person, and signals of files that wait until the person has answered. */
async function layHeld({ home, client }, project, asked) {
  await client.registerPlan({
    project,
    plan: 'asking',
    content: textOf(`while [ ! -e '${asked}' ]; do sleep 0.2; done`),
  });
  await client.send({ project, plan: 'asking', type: 'implement_start' });
  await client.send({ project, plan: 'asking', type: 'needs_decision', payload: { reason: 'which way?' } });
  const db = new Database(join(home, 'taskstore.db'), { timeout: 5_000 });
  const insert = db.prepare(
    `INSERT INTO signals (project, plan, type, payload, origin) VALUES (?, 'asking', 'implement_finished', '{}', 'file')`,
  );
  db.transaction(() => {
    for (let row = 0; row < held; row += 1) insert.run(project);
  })();
  const count = db.prepare(`SELECT count(*) FROM signals WHERE status = 'held'`).pluck();
  await until(() => count.get() === held);
  db.close();
}

async function besideHeld() {
  const with_ = await openEngine('held', [makeRepo(root, 'held-repo')]);
  const without = await openEngine('free', [makeRepo(root, 'free-repo')]);
  const asked = join(root, 'asked');
  try {
    for (const [started, project] of [
      [with_, 'held-repo'],
      [without, 'free-repo'],
    ])
      await started.client.registerPlan({ project, plan: 'free', content: textOf('true') });
    await layHeld(with_, 'held-repo', asked);
    const times = { with_: [], without: [] };
    for (let word = 0; word < words; word += 1) {
      times.with_.push(await timeOfWord(with_, 'held-repo', word));
      times.without.push(await timeOfWord(without, 'free-repo', word));
    }
    return { p50: median(times.with_), p50Without: median(times.without) };
  } finally {
    writeFileSync(asked, '');
    await with_.engine.stop({ agents: 'stop' });
    await without.engine.stop({ agents: 'stop' });
  }
}

/** From its registration to its end: worktrees, an agent, a commit, a merge. */
async function timeOfPlan({ client }, name) {
  const begun = performance.now();
  await client.registerPlan({ project: 'quick', plan: name, content: textOf(`echo x > ${name}.txt`) });
  await client.send({ project: 'quick', plan: name, type: 'implement_start' });
  await until(async () => (await client.plan('quick', name)).status === 'done');
  return performance.now() - begun;
}

async function round_(started, name) {
  const times = [];
  for (let word = 0; word < words; word += 1) times.push(await timeOfWord(started, 'quick', word));
  const plans = [];
  for (let plan = 0; plan < wholePlans; plan += 1) plans.push(await timeOfPlan(started, `${name}-${plan}`));
  return { word: median(times), plan: median(plans) };
}

/** A git that hangs in one folder as long as a file is there. */
function layGit(slow, hanging) {
  const bin = gitInFront(
    join(root, 'bin'),
    (real) =>
      `#!/bin/sh\ncase "$PWD" in '${slow}'*) while [ -e '${hanging}' ]; do : > '${hanging}.seen'; sleep 0.1; done;; esac\nexec ${real} "$@"\n`,
  );
  process.env.PATH = `${bin}:${process.env.PATH}`;
}

async function besideHanging() {
  const slow = makeRepo(root, 'slow');
  const hanging = join(root, 'git-hangs');
  layGit(slow, hanging);
  const started = await openEngine('hanging', [slow, makeRepo(root, 'quick')]);
  try {
    await started.client.registerPlan({ project: 'quick', plan: 'free', content: textOf('true') });
    await started.client.registerPlan({ project: 'slow', plan: 'stuck', content: textOf('echo x > x.txt') });
    await timeOfPlan(started, 'warm');
    const without = await round_(started, 'before');
    writeFileSync(hanging, '');
    const stuck = started.client.send({ project: 'slow', plan: 'stuck', type: 'implement_start' });
    await until(() => existsSync(`${hanging}.seen`));
    const during = await round_(started, 'during');
    rmSync(hanging);
    await stuck;
    return { without, during };
  } finally {
    rmSync(hanging, { force: true });
    await started.engine.stop({ agents: 'stop' });
  }
}

try {
  const beside = await besideHeld();
  const { without, during } = await besideHanging();
  print('fleet', {
    held_rows: held,
    word_p50_ms: round(beside.p50Without),
    word_p50_beside_held_ms: round(beside.p50),
    beside_held_to_without: round(beside.p50 / beside.p50Without),
    plan_ms: Math.round(without.plan),
    plan_beside_hanging_git_ms: Math.round(during.plan),
    word_beside_hanging_git_to_without: round(during.word / without.word),
    plan_beside_hanging_git_to_without: round(during.plan / without.plan),
  });
} finally {
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
