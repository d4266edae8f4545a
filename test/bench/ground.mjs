/** A home with plans under way and, waiting in its inbox, the results of all their runs: what a busy night looks like to the pump. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { planTree } from '../../dist/machines/vocabulary/ids.js';
import { createLog } from '../../dist/runtime/base/platform/log.js';
import { attach } from '../../dist/runtime/engine/attach.js';
import { createCore } from '../../dist/runtime/engine/core.js';
import { openSupervisor } from '../../dist/runtime/engine/one-shot.js';

const log = createLog((line) => process.stderr.write(line), 'error');

/** Another repository with one commit. */
export function makeRepo(root, name) {
  const repo = join(root, name);
  mkdirSync(repo);
  const git = (...args) => execFileSync('git', args, { cwd: repo });
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'Ada');
  git('config', 'user.email', 'ada@example.com');
  git('commit', '-q', '--allow-empty', '-m', 'begin');
  return repo;
}

/** A new folder for PATH with a git of that text, which is given the path of the real one in quotes. */
export function gitInFront(folder, textOf) {
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  mkdirSync(folder);
  writeFileSync(join(folder, 'git'), textOf(`'${real}'`), { mode: 0o755 });
  return folder;
}

/** A git that writes its arguments to a file, a line for each call, and then runs the real one. */
export function notedGit(root, file) {
  return gitInFront(join(root, 'bin'), (real) => `#!/bin/sh\necho "$*" >> '${file}'\nexec ${real} "$@"\n`);
}

/** A client of the daemon of that home, as soon as it answers and its status is good. */
export async function untilAnswered(home, env, { isGood = () => true, everyMs = 25 } = {}) {
  for (;;) {
    const client = await attach(home, env).catch(() => null);
    const status = await client?.status();
    if (client !== null && status.waiting === null && isGood(status)) return client;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
export const percentile = (values, p) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))];
export const round = (value) => Math.round(value * 100) / 100;

/** The figures of one part of the report: one object with `--json`, else one per line. */
export function print(part, figures) {
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify(figures));
    return;
  }
  console.log(part);
  const width = Math.max(...Object.keys(figures).map((key) => key.length));
  for (const [key, value] of Object.entries(figures))
    console.log(`  ${key.padEnd(width)}  ${String(value).padStart(10)}`);
}

export function openBenchCore(home, machines = []) {
  // Nobody owns the home; a lock of a repository names its mark all the same.
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'owner.db'), '', { flag: 'a' });
  return createCore({
    home,
    machines,
    clock: { nowMs: () => Date.now() },
    log,
    overrides: { agents: { default: { preset: 'sh', attempts: 5 } } },
    mode: 'verb',
  });
}

export function planText(tasks) {
  const body = Array.from(
    { length: tasks },
    (_, t) => `### Task ${t + 1}: piece ${t + 1}\n\`\`\`sh\ntrue\n\`\`\`\n`,
  ).join('');
  return `# Bench\n\n**Goal:** measure\n\n## Wave 1\n${body}## Wave 2\n### Task 1: last\n\`\`\`sh\ntrue\n\`\`\`\n`;
}

/** Registers `plans` plans with `tasks` tasks each and starts them; then lays the five signals of every task's run into the inbox. */
export async function layGround({ home, repo, plans, tasks, signals = true, project = 'demo' }) {
  const core = await openBenchCore(home);
  await openSupervisor(core);
  await core.commands.addRepo(repo, { trust: true, way: 'api' });
  const content = planText(tasks);
  const names = Array.from({ length: plans }, (_, p) => `plan-${p}`);
  for (const plan of names) await core.commands.registerPlan({ project, plan, content, branch: null, topic: null });
  await core.store.commit(names.map((plan) => signal(project, plan, 'implement_start', {}, null)));
  await core.pump.drain();
  if (signals) await layResults(core, project, names);
  core.close();
}

function signal(project, plan, type, payload, run) {
  return { do: 'signal.insert', tree: planTree(project, plan), type, payload, origin: 'engine', run, at: Date.now() };
}

/** Run starting, started, exited; then committed and merged: stage by stage over all tasks of all plans, as they would come in. */
async function layResults(core, project, names) {
  const sha = 'a'.repeat(40);
  const open = await core.store.effects({ by: 'open' });
  const runs = names.flatMap((plan) =>
    open
      .filter((row) => row.tree === planTree(project, plan) && row.kind === 'agent.run')
      .map((row) => ({ plan, run: row.name, task: row.name.slice(0, row.name.lastIndexOf('/')) })),
  );
  const stages = [
    ['run_starting', () => ({}), ({ run }) => run],
    ['run_started', () => ({ base: sha }), ({ run }) => run],
    ['run_exited', () => ({ code: 0, cause: 'exit', detail: 'all well', until: null }), ({ run }) => run],
    ['work_committed', () => ({ head: sha, base: 'b'.repeat(40), changed: true }), ({ task }) => `${task}#1`],
    ['work_merged', () => ({ head: sha }), ({ task }) => `${task}#2`],
  ];
  await core.store.commit(
    stages.flatMap(([type, payload, about]) =>
      runs.map((run) => signal(project, run.plan, type, payload(), about(run))),
    ),
  );
}
