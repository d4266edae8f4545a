/**
 * How many git processes a task costs from pending to merged and tidied away: one plan of one wave whose tasks run side by side, each in a worktree of its own. A git
 * that notes its words stands first on PATH. `--json` prints one object; `--commands` says to standard error which commands there were, and how often.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from '../../dist/runtime/engine/engine.js';
import { makeRepo, print, round } from './ground.mjs';

const tasks = Number(process.env.STATOR_BENCH_TASKS ?? 4);
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
const noted = join(root, 'commands');
const say = () => {};
const log = { debug: say, info: say, warn: say, error: (line, thrown) => process.stderr.write(`${line} ${thrown}\n`) };

function layGit() {
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const bin = join(root, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'git'), `#!/bin/sh\necho "$*" >> '${noted}'\nexec '${real}' "$@"\n`, { mode: 0o755 });
  process.env.PATH = `${bin}:${process.env.PATH}`;
}

const planOf = (count) =>
  `# Bench\n\n## Wave 1\n\n${Array.from({ length: count }, (_, at) => `### Task ${at + 1}: piece ${at + 1}\n\n\`\`\`sh\necho x > piece-${at + 1}.txt\n\`\`\`\n`).join('\n')}`;

/** The commands from the word to begin until the plan is done, and its tasks' worktrees and branches are gone. */
async function commandsOf({ client }, repo, plan, count) {
  await client.registerPlan({ project: 'demo', plan, content: planOf(count) });
  writeFileSync(noted, '');
  await client.send({ project: 'demo', plan, type: 'implement_start' });
  const endMs = performance.now() + 120_000;
  // The mark goes last when a task is tidied away.
  const marks = join(repo, '.git', 'refs', 'stator', 'owned', 'plan');
  const isOver = async () =>
    (await client.plan('demo', plan)).status === 'done' &&
    readdirSync(marks).filter((name) => name.startsWith(`${plan}-`)).length === 0;
  while (!(await isOver())) {
    if (performance.now() > endMs) throw new Error(`${plan} does not come to its end`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const lines = readFileSync(noted, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => line.replace(/^(-c \S+ )+/, ''));
}

function tell(commands) {
  const counts = new Map();
  for (const command of commands) {
    const kind = command.replace(/[0-9a-f]{40}/g, 'ID').replace(/(refs\/\S*|\/)\S+/g, '$1…');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  for (const [kind, count] of [...counts].sort((a, b) => b[1] - a[1])) process.stderr.write(`${count}  ${kind}\n`);
}

try {
  const home = join(root, 'home');
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), 'max_agents = 8\n[agents.default]\npreset = "sh"\nattempts = 1\n');
  const repo = makeRepo(root, 'demo');
  mkdirSync(join(repo, '.stator'));
  writeFileSync(join(repo, '.stator', 'config.toml'), 'isolation = "task"\n');
  layGit();
  const engine = await createEngine({ home, env: process.env, log, serve: false });
  try {
    await engine.client.addRepo(repo, { trust: true });
    await commandsOf(engine, repo, 'warm', 1);
    const several = await commandsOf(engine, repo, 'several', tasks);
    if (process.argv.includes('--commands')) tell(several);
    print('git', {
      tasks,
      git_processes_of_plan: several.length,
      git_processes_per_task: round(several.length / tasks),
    });
  } finally {
    await engine.stop({ agents: 'stop' });
  }
} finally {
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
