/** An agent that changes its branch, worktree and repository with random git commands of a seed: what happens to its plan and its work. */
import { expect } from 'vitest';
import { begin, planText, startEngine, type TestEngine, untilPlan } from './engine.ts';
import { git } from './ground.ts';
import { randomOf } from './random.ts';
import { outputOf, runSmall } from './small-shell.ts';

const commit = 'git -c core.hooksPath=/dev/null -c commit.gpgSign=false commit -q';

/** Each command as an agent would type it: `$R` is a unique name, `$REPO` the person's checkout, `$PLAN` the plan's branch. */
const acts = [
  'git checkout -q -b side-$R',
  'git checkout -q --detach',
  'git reset -q --hard HEAD~1',
  'git reset -q --soft HEAD~1',
  `${commit} --amend -m amended`,
  `echo more > more-$R.txt; git add -A; ${commit} -m more`,
  'echo open > open-$R.txt',
  'echo open > stashed-$R.txt; git stash -q -u',
  'git merge -q main',
  'git rebase -q main',
  'git worktree add -q sub-$R -b sub-$R; echo sub > sub-$R/sub.txt',
  `git worktree add -q --detach .claude/w-$R; cd .claude/w-$R && echo in > in.txt && git add -A && ${commit} -m in; cd "$TOP"`,
  'git clone -q . copy-$R',
  'git init -q inner-$R; echo inner > inner-$R/f.txt; git add -A',
  'git branch -m own-$R',
  'git update-ref refs/heads/$PLAN main',
  'git update-ref -d refs/heads/$PLAN',
  'git symbolic-ref HEAD refs/heads/none-$R',
  'git pack-refs --all; git tag tag-$R',
  'git worktree prune; git worktree unlock .',
  'rm -f .git',
  'git update-ref HEAD HEAD~1',
  'git -C "$REPO" branch -m own-$R',
  'git -C "$REPO" symbolic-ref HEAD refs/heads/none-$R',
  'git -C "$REPO" update-ref -d refs/heads/main',
  ': > "$(git rev-parse --git-dir)/index.lock"',
  'git rm -r -q --cached .',
  `git -C "$REPO" ${commit.slice(4)} --allow-empty -m elsewhere`,
] as const;

const tasks = 2;
const mostActs = 4;

export interface GitLife {
  readonly plans: number;
  readonly done: number;
  readonly blocked: number;
  readonly failed: number;
}

/**
 * Plays that many plans one after the other in one repository. If a plan does not end as promised, it fails with the seed and the plan's commands.
 */
export async function playGitLife({
  plans,
  seed,
}: {
  readonly plans: number;
  readonly seed: number;
}): Promise<GitLife> {
  const daemon = 'blueprint_skip_threshold = 0\n[agents.default]\nsandbox = "off"\n';
  const made = await startEngine({ daemon, agents: { default: { preset: 'sh', attempts: 1 } } });
  const random = randomOf(seed);
  const ends = { done: 0, blocked: 0, failed: 0 };
  for (let number = 1; number <= plans; number += 1) {
    const plan = `p${number}`;
    const scripts = Array.from({ length: tasks }, (_, at) => scriptOf(made, { plan, task: at + 1, random }));
    await begin(made, plan, planText(scripts.map((lines) => lines.join('\n'))));
    const story = `seed ${seed}, ${plan}:\n${scripts.map((lines) => lines.join('\n')).join('\n---\n')}`;
    ends[await endOf(made, plan, story)] += 1;
    await putAllBack(made, plan);
    expect(git(made.repo, 'rev-parse', '--symbolic-full-name', 'HEAD'), story).toBe('refs/heads/main');
  }
  return { plans, ...ends };
}

function scriptOf(
  { repo }: TestEngine,
  { plan, task, random }: { readonly plan: string; readonly task: number; readonly random: () => number },
): string[] {
  const begins = [
    `R=${plan}-${task} REPO='${repo}' PLAN=plan/${plan} TOP="$PWD"`,
    `echo ${plan} > ${fileOf(plan, task)}; git add -A; ${commit} -m work`,
  ];
  const count = 1 + Math.floor(random() * mostActs);
  const drawn = Array.from({ length: count }, () => acts[Math.floor(random() * acts.length)] ?? acts[0]);
  // The next command follows, whatever git answers.
  return [...begins, ...drawn.map((act) => `{ ${act}; } > /dev/null 2>&1 || true; cd "$TOP"`)];
}

const fileOf = (plan: string, task: number) => `${plan}-${task}.txt`;

/**
 * When nothing moves, a plan is done with the work of all its tasks on its branch, or says why not: the reason of a failed task, or the refs with
 * lost work. Work that an agent abandoned or stashed is not on the branch, and a ref has it.
 */
async function endOf(made: TestEngine, plan: string, story: string): Promise<keyof Omit<GitLife, 'plans'>> {
  const shown = await untilPlan(made, plan, ({ status, phase, blocked, waiting_for: waiting }) => {
    if (waiting?.kind === 'repo') putBack(waiting.detail);
    return status === 'done' || phase === 'wave_waiting' || blocked !== null;
  }).catch((cause: unknown) => {
    throw new Error(`it came to no end: ${story}`, { cause });
  });
  const files = filesOn(made, `plan/${plan}`);
  const all = shown.tasks_by_wave.flatMap(({ tasks: of }) => of);
  if (shown.blocked?.source === 'lost_work') {
    const refs = shown.blocked.reason.match(/refs\/stator\/\S+/g) ?? [];
    expect(refs.length, story).toBeGreaterThan(0);
    const kept = refs.flatMap((ref) => filesOn(made, ref));
    for (const { number, status } of all)
      if (status === 'done') expect([...files, ...kept], story).toContain(fileOf(plan, number));
    return 'blocked';
  }
  if (shown.blocked !== null) {
    expect(shown.blocked.reason, story).not.toBe('');
    return 'blocked';
  }
  for (const { number, status, reason } of all)
    if (status === 'done') expect([...files, ...filesBeside(made, plan)], story).toContain(fileOf(plan, number));
    else expect(reason, story).not.toBeNull();
  return shown.status === 'done' ? 'done' : 'failed';
}

/** The person runs the printed commands: agents have left the checkout on a missing branch. */
function putBack(message: string): void {
  const [, command] = /put it back: (git -C \S+ (?:symbolic-ref HEAD|update-ref) .+?)(?:; |$)/.exec(message) ?? [];
  if (command !== undefined) outputOf('sh', ['-c', command], '/');
}

/**
 * The person runs the commands in the notices about HEAD and branches. If two notices are about the same branch, the second one finds it repaired.
 */
async function putAllBack({ client }: TestEngine, plan: string): Promise<void> {
  const noted = (await client.history('demo', plan)).flatMap(({ event, why }) =>
    event === 'run_noted' ? [why ?? ''] : [],
  );
  for (const line of noted.join('\n').split('\n')) {
    const [, command] = /^(?:HEAD|refs\/heads\/\S+): .*; back: (.+)$/.exec(line) ?? [];
    if (command !== undefined) runSmall('sh', ['-c', command], '/');
  }
}

/**
 * The files in the refs that preserve work which the plan's agents abandoned or had in separate worktrees, and in the stash, which they share with
 * the person.
 */
function filesBeside(made: TestEngine, plan: string): string[] {
  const kept = git(made.repo, 'for-each-ref', '--format=%(refname)', 'refs/stator/attempts').split('\n');
  const ofPlan = kept.filter(
    (ref) => ref.startsWith(`refs/stator/attempts/${plan}#`) && /-(taken-back|nested)-/.test(ref),
  );
  const stash = git(made.repo, 'stash', 'list', '--format=%H %P').split(/\s/);
  return [...ofPlan, ...stash].flatMap((name) => filesOn(made, name));
}

function filesOn({ repo }: TestEngine, name: string): string[] {
  try {
    return git(repo, 'ls-tree', '-r', '--name-only', name).split('\n');
  } catch {
    return []; // there is no such ref
  }
}
