/**
 * A whole plan from outside: `stator run` of small tasks, beside a shell loop that does the same git work by hand (`git worktree add`, a commit, a merge,
 * `git worktree remove`), by turns; how many git processes each task of the plan took, for a small and a larger plan; and what passes from the end of an
 * agent to the start of the next one while no git process works. Processor time is that of all children.
 * `--json` prints one object; `STATOR_BENCH_ROUNDS`: 3.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gitInFront, makeRepo, median, notedGit, print, round } from './ground.mjs';
import { atOnce, createPlace, root, runPlan, tasksOfWave, timed } from './run-plan.mjs';

const rounds = Number(process.env.STATOR_BENCH_ROUNDS ?? 3);
const waves = 3;
const tasks = tasksOfWave;
const counted = join(root, 'git-calls');
const bin = notedGit(root, counted);
const [agents, gits] = [join(root, 'agent-times'), join(root, 'git-times')];
const timedGit = gitInFront(
  join(root, 'timed-git'),
  (real) =>
    // One that stays open waits for questions most of its time.
    `#!/bin/bash\ncase "$*" in *staysOpen*) exec ${real} "$@" ;; esac\nbegun=$EPOCHREALTIME\n${real} "$@"\ncode=$?\necho "$begun $EPOCHREALTIME" >> '${gits}'\nexit $code\n`,
);

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

/** Git's own worktrees that are made at the same time get in each other's way now and then: then it is begun anew. */
function loopTime(tries = 5) {
  try {
    return timed('bash', ['-c', byHand], { cwd: makeRepo(createPlace(), 'demo') });
  } catch (thrown) {
    if (tries === 1) throw thrown;
    return loopTime(tries - 1);
  }
}

/** Git processes for each task of a plan of so many waves. */
function gitCalls(ofWaves) {
  writeFileSync(counted, '');
  runPlan({ waves: ofWaves, env: { PATH: `${bin}:${process.env.PATH}` } });
  const calls = readFileSync(counted, 'utf8').split('\n').length - 1;
  return round(calls / (ofWaves * tasks));
}

/** Seconds since 1970 in the lines of a file. */
const secondsIn = (file) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));

/** How long at least one of the intervals lasted between two times. */
function covered(intervals, from, to) {
  let [sum, end] = [0, from];
  for (const [begun, ended] of [...intervals].sort(([a], [b]) => a - b)) {
    const [first, last] = [Math.max(begun, end), Math.min(ended, to)];
    if (last > first) [sum, end] = [sum + last - first, last];
  }
  return sum;
}

/** Milliseconds from the end of an agent to the start of the next one, one agent at a time: in all, and without those of git processes. */
function gaps() {
  for (const file of [agents, gits]) writeFileSync(file, '');
  const script = (name) => `date +%s.%N >> ${agents}\necho x > f-${name}.txt\ndate +%s.%N >> ${agents}`;
  runPlan({ waves: 1, agents: 1, script, env: { PATH: `${timedGit}:${process.env.PATH}` } });
  const times = secondsIn(agents).flat();
  const work = secondsIn(gits);
  const found = [];
  for (let at = 1; at + 1 < times.length; at += 2) {
    const [ended, begun] = [times[at], times[at + 1]];
    found.push({ all: (begun - ended) * 1_000, own: (begun - ended - covered(work, ended, begun)) * 1_000 });
  }
  return found;
}

try {
  const [hand, run, walled] = [[], [], []];
  for (let each = 0; each < rounds; each += 1) {
    hand.push(loopTime());
    run.push(runPlan({ waves }));
    walled.push(runPlan({ waves, env: { STATOR_SANDBOX: '' } }));
  }
  const between = Array.from({ length: rounds }, gaps).flat();
  const ratio = (of, key) => round(median(of.map((each, at) => each[key] / hand[at][key])));
  print('loop', {
    tasks: waves * tasks,
    by_hand_s: round(median(hand.map(({ seconds }) => seconds))),
    run_s: round(median(run.map(({ seconds }) => seconds))),
    run_to_hand: ratio(run, 'seconds'),
    run_to_hand_cpu: ratio(run, 'cpu'),
    walled_to_hand: ratio(walled, 'seconds'),
    exit_to_start_ms: Math.round(median(between.map(({ all }) => all))),
    exit_to_start_without_git_ms: Math.round(median(between.map(({ own }) => own))),
    git_processes_per_task_of_8: gitCalls(1),
    git_processes_per_task_of_24: gitCalls(3),
    git_processes_per_task_of_64: gitCalls(8),
  });
} finally {
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
