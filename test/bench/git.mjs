/**
 * How many git processes a task costs from pending to merged and tidied away: one plan of one wave whose tasks run side by side, each in a worktree of its own;
 * without walls, inside walls, and inside walls where each agent commits by itself (its own `add` and `commit` are not counted). A git that logs its arguments
 * is first on PATH. `--json` prints one object; `--commands` says to standard error which commands there were, and how often.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probeBubblewrap } from '../../dist/runtime/base/platform/bubblewrap.js';
import { createEngine } from '../../dist/runtime/engine/engine.js';
import { makeRepo, notedGit, print, round } from './ground.mjs';

const tasks = Number(process.env.STATOR_BENCH_TASKS ?? 4);
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
const noted = join(root, 'commands');
const say = () => {};
const log = { debug: say, info: say, warn: say, error: (line, thrown) => process.stderr.write(`${line} ${thrown}\n`) };

const leaves = '';
const commits = `; /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$HOME" sh -c 'git add -A && git commit -qm own'`;
const planOf = (count, then) =>
  `# Bench\n\n## Wave 1\n\n${Array.from({ length: count }, (_, at) => `### Task ${at + 1}: piece ${at + 1}\n\n\`\`\`sh\necho x > piece-${at + 1}.txt${then}\n\`\`\`\n`).join('\n')}`;

/** The commands from the word to begin until the plan is done, and its tasks' worktrees and branches are gone. */
async function commandsOf({ client }, repo, { plan, count, then = leaves }) {
  await client.registerPlan({ project: 'demo', plan, content: planOf(count, then) });
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

function printTimes(commands) {
  const counts = new Map();
  for (const command of commands) {
    const kind = command.replace(/[0-9a-f]{40}/g, 'ID').replace(/(refs\/\S*|\/)\S+/g, '$1…');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  for (const [kind, count] of [...counts].sort((a, b) => b[1] - a[1])) process.stderr.write(`${count}  ${kind}\n`);
}

/** `sandbox`: off, or auto where bubblewrap works. */
async function perTask(sandbox, thens) {
  const place = join(root, sandbox);
  mkdirSync(place);
  const home = join(place, 'home');
  mkdirSync(home, { mode: 0o700 });
  const profile = `[agents.default]\npreset = "sh"\nattempts = 1\nsandbox = "${sandbox}"\n`;
  writeFileSync(join(home, 'daemon.toml'), `max_agents = 8\n${profile}`);
  const repo = makeRepo(place, 'demo');
  mkdirSync(join(repo, '.stator'));
  writeFileSync(join(repo, '.stator', 'config.toml'), 'isolation = "task"\n');
  const engine = await createEngine({ home, env: process.env, log, serve: sandbox !== 'off' });
  try {
    await engine.client.addRepo(repo, { trust: true });
    await commandsOf(engine, repo, { plan: 'warm', count: 1 });
    const counts = [];
    for (const [at, then] of thens.entries()) {
      const commands = await commandsOf(engine, repo, { plan: `several-${at}`, count: tasks, then });
      if (process.argv.includes('--commands')) printTimes(commands);
      counts.push(commands.length);
    }
    return counts;
  } finally {
    await engine.stop({ agents: 'stop' });
  }
}

try {
  process.env.PATH = `${notedGit(root, noted)}:${process.env.PATH}`;
  const [plain] = await perTask('off', [leaves]);
  const found = await probeBubblewrap(process.env);
  const [walled = null, committed = null] = found.kind === 'works' ? await perTask('bwrap', [leaves, commits]) : [];
  const each = (count) => (count === null ? null : round(count / tasks));
  print('git', {
    tasks,
    git_processes_of_plan: plain,
    git_processes_per_task: each(plain),
    git_processes_per_task_in_walls: each(walled),
    git_processes_per_task_in_walls_with_commits: each(committed),
  });
} finally {
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
