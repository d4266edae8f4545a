/**
 * A whole plan from outside: `stator run` of small tasks, beside a shell loop that does the same git work by hand (`git worktree add`, a commit, a merge,
 * `git worktree remove`), by turns; and how many git processes each task of the plan took, for a small and a larger plan. Processor time is that of all children.
 * `--json` prints one object; `STATOR_BENCH_ROUNDS`: 3.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRepo, median, notedGit, print, round } from './ground.mjs';

const rounds = Number(process.env.STATOR_BENCH_ROUNDS ?? 3);
const waves = 3;
const tasks = 8;
const atOnce = 4;
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const counted = join(root, 'git-calls');
const bin = notedGit(root, counted);
const clockTicks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** The same work by hand, in a repository that is there. */
const byHand = `
set -eu
piece() {
  set -eu
  git worktree add -q -b "plan-$1-$2" ".wt/$1-$2" plan
  (cd ".wt/$1-$2"; sh -c "echo $1.$2 > f-$1-$2.txt"; git add -A; git commit -qm "task $1.$2")
}
export -f piece
git branch plan; git worktree add -q .wt/plan plan
for w in $(seq ${waves}); do
  seq ${tasks} | xargs -P${atOnce} -I@ bash -c "piece $w @"
  for t in $(seq ${tasks}); do
    git -C .wt/plan merge -q --no-ff -m "merge $w.$t" "plan-$w-$t"
    git worktree remove --force ".wt/$w-$t"; git branch -q -D "plan-$w-$t"
  done
done
[ "$(git ls-tree -r --name-only plan | grep -c '^f-')" = ${waves * tasks} ]
`;

function planText(ofWaves) {
  const task = (w, t) => `### Task ${t}: piece ${w}.${t}\n\n\`\`\`sh\necho ${w}.${t} > f-${w}-${t}.txt\n\`\`\`\n`;
  const wave = (w) => `## Wave ${w}\n\n${Array.from({ length: tasks }, (_, at) => task(w, at + 1)).join('\n')}`;
  return `# Bench\n\n${Array.from({ length: ofWaves }, (_, at) => wave(at + 1)).join('\n')}`;
}

let places = 0;
function place() {
  places += 1;
  const folder = join(root, `place-${places}`);
  mkdirSync(folder);
  return folder;
}

/** Seconds of processor of all children that have ended: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function childrenSeconds() {
  const text = readFileSync('/proc/self/stat', 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / clockTicks;
}

function timed(program, args, options) {
  const cpuBefore = childrenSeconds();
  const begun = performance.now();
  const { status, stderr, stdout } = spawnSync(program, args, { encoding: 'utf8', ...options });
  const seconds = (performance.now() - begun) / 1_000;
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stdout}${stderr}`);
  return { seconds, cpu: childrenSeconds() - cpuBefore };
}

/** Git's own worktrees that are made at the same time get in each other's way now and then: then it is begun anew. */
function loopTime(tries = 5) {
  try {
    return timed('bash', ['-c', byHand], { cwd: makeRepo(place(), 'demo') });
  } catch (thrown) {
    if (tries === 1) throw thrown;
    return loopTime(tries - 1);
  }
}

/** `env`: more of it. */
function runTime({ ofWaves = waves, env = {} } = {}) {
  const folder = place();
  const home = join(folder, 'home');
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), `max_agents = ${atOnce}\n`);
  const repo = makeRepo(folder, 'demo');
  mkdirSync(join(repo, '.stator'));
  writeFileSync(join(repo, '.stator/config.toml'), 'isolation = "task"\n\n[agents.default]\npreset = "sh"\n');
  writeFileSync(join(repo, 'plan.md'), planText(ofWaves));
  return timed(process.execPath, [main, 'run', 'plan.md', '--trust', '--yes'], {
    cwd: repo,
    env: { ...process.env, STATOR_SANDBOX: 'off', ...env, HOME: folder, STATOR_HOME: home },
  });
}

/** Git processes for each task of a plan of so many waves. */
function gitCalls(ofWaves) {
  writeFileSync(counted, '');
  runTime({ ofWaves, env: { PATH: `${bin}:${process.env.PATH}` } });
  const calls = readFileSync(counted, 'utf8').split('\n').length - 1;
  return round(calls / (ofWaves * tasks));
}

try {
  const [hand, run, walled] = [[], [], []];
  for (let each = 0; each < rounds; each += 1) {
    hand.push(loopTime());
    run.push(runTime());
    walled.push(runTime({ env: { STATOR_SANDBOX: '' } }));
  }
  const ratio = (of, key) => round(median(of.map((each, at) => each[key] / hand[at][key])));
  print('loop', {
    tasks: waves * tasks,
    by_hand_s: round(median(hand.map(({ seconds }) => seconds))),
    run_s: round(median(run.map(({ seconds }) => seconds))),
    run_to_hand: ratio(run, 'seconds'),
    run_to_hand_cpu: ratio(run, 'cpu'),
    walled_to_hand: ratio(walled, 'seconds'),
    git_processes_per_task_of_8: gitCalls(1),
    git_processes_per_task_of_24: gitCalls(3),
    git_processes_per_task_of_64: gitCalls(8),
  });
} finally {
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
