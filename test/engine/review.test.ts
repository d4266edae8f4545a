import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EngineOptions, HistoryEntry } from '../../runtime/engine/engine.ts';
import {
  begin,
  planText,
  runFile,
  runFolders,
  say,
  script,
  startEngine,
  untilBlocked,
  untilPhase,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

type Agents = NonNullable<EngineOptions['agents']>;

function agents(given: Agents): Agents {
  return { default: { preset: 'sh', attempts: 1 }, ...given };
}

const command = (program: string, attempts = 1) => ({ preset: 'command', program, attempts }) as const;

/** The events that the plan itself received, without those that its pull request made of them. */
function movesOf(lines: readonly HistoryEntry[]): string[] {
  return lines.filter(({ actor, to }) => actor === '' && !to.startsWith('pullRequest')).map(({ event }) => event);
}

describe('a review by exit code', () => {
  it('asks for changes once, is fixed and then approves', async () => {
    const engine = await startEngine({
      agents: agents({ reviewer: command('./review.sh'), fixer: command('./fix.sh') }),
    });
    const { repo, home, client } = engine;
    script(join(repo, 'review.sh'), 'grep -q fixed a.txt && exit 0\necho "please fix a.txt"\nexit 1');
    script(join(repo, 'fix.sh'), 'cat > prompt-seen.txt; echo fixed > a.txt');
    await begin(engine, 'good', planText(['echo wrong > a.txt']));
    const done = await untilStatus(engine, 'good', 'done');
    expect(done.review_cycle).toBe(1);
    expect(git(repo, 'show', 'plan/good:a.txt')).toBe('fixed');
    expect(git(repo, 'show', 'plan/good:prompt-seen.txt')).toContain('please fix a.txt');
    expect(git(repo, 'log', '-1', '--format=%s', 'plan/good')).toBe('fix round 1 (good)');
    const titles = (await client.instances({ plan: 'good' })).map(({ title, state }) => `${title} ${state}`);
    expect(titles.sort()).toEqual(
      ['good-fix-1', 'good-review-1', 'good-review-2', 'good-w1-t1'].map((t) => `${t} succeeded`),
    );
    expect(Object.keys(done.timestamps)).toEqual(['implementing_at', 'reviewing_at', 'done_at']);
    const [fixerRun] = runFolders(home, 'good').filter((name) => name.includes('fixer'));
    expect(runFile(home, fixerRun ?? '', 'prompt')).toContain('What the last review, or a person, asked for');
    const path = movesOf(await client.history('demo', 'good'));
    expect(path.slice(-4)).toEqual([
      'implement_finished',
      'review_changes_requested',
      'implement_finished',
      'review_approved',
    ]);
  });

  it('that cannot make up its mind blocks the plan and says what to do, and goes on after an answer', async () => {
    const engine = await startEngine({ agents: agents({ reviewer: command('./review.sh', 2) }) });
    const { repo, root } = engine;
    script(
      join(repo, 'review.sh'),
      `if [ -e '${join(root, 'ready')}' ]; then exit 0; fi\necho "my licence is over"\nexit 2`,
    );
    await begin(engine, 'unsure', planText(['echo a > a.txt']));
    const shown = await untilBlocked(engine, 'unsure');
    expect(shown).toMatchObject({ status: 'reviewing', blocked: { source: 'failed' } });
    expectProse(shown.blocked?.reason ?? '', '2 runs', 'my licence is over');
    script(join(root, 'ready'), '');
    await say(engine, 'unsure', 'resolve');
    await untilStatus(engine, 'unsure', 'done');
  });

  it('stops after as many fix rounds as are allowed; an answer grants one more', async () => {
    const engine = await startEngine({
      daemon: `max_review_fix_cycles = 1\n${waves}`,
      agents: agents({ reviewer: command('./review.sh'), fixer: command('./fix.sh') }),
    });
    const { repo } = engine;
    script(join(repo, 'review.sh'), '[ "$(wc -l < a.txt)" -ge 3 ] && exit 0\necho "more lines"\nexit 1');
    script(join(repo, 'fix.sh'), 'echo line >> a.txt');
    await begin(engine, 'rounds', planText(['echo line > a.txt']));
    const shown = await untilBlocked(engine, 'rounds');
    expect(shown).toMatchObject({
      status: 'implementing',
      phase: 'fixing',
      review_cycle: 2,
      blocked: { source: 'cycle_limit' },
    });
    expectProse(shown.blocked?.reason ?? '', 'more lines');
    await say(engine, 'rounds', 'resolve', 'one more');
    const done = await untilStatus(engine, 'rounds', 'done');
    expect(done.blocked).toBeNull();
    expect(git(repo, 'show', 'plan/rounds:a.txt')).toBe('line\nline\nline');
  });

  it('that is never satisfied asks a person after three rounds of fixing, where nobody set a limit', async () => {
    const engine = await startEngine({
      daemon: waves,
      agents: agents({ reviewer: command('./review.sh'), fixer: command('./fix.sh') }),
    });
    const { repo, client } = engine;
    script(join(repo, 'review.sh'), 'echo "not yet"\nexit 1');
    script(join(repo, 'fix.sh'), 'echo line >> a.txt');
    await begin(engine, 'never', planText(['echo line > a.txt']));
    const shown = await untilBlocked(engine, 'never');
    expect(shown).toMatchObject({ phase: 'fixing', review_cycle: 4, blocked: { source: 'cycle_limit' } });
    const titles = (await client.instances({ plan: 'never' })).map(({ title }) => title);
    expect(titles.filter((title) => title.startsWith('never-fix-'))).toHaveLength(3);
  });

  it('waits for a person where fixing by itself is off', async () => {
    const engine = await startEngine({
      daemon: `auto_review_fix = false\n${waves}`,
      agents: agents({ reviewer: command('./review.sh'), fixer: command('./fix.sh') }),
    });
    const { repo } = engine;
    script(join(repo, 'review.sh'), 'grep -q fixed a.txt && exit 0\necho "fix it"\nexit 1');
    script(join(repo, 'fix.sh'), 'echo fixed > a.txt');
    await begin(engine, 'slow', planText(['echo line > a.txt']));
    const shown = await untilBlocked(engine, 'slow');
    expect(shown.blocked).toMatchObject({ source: 'review' });
    expectProse(shown.blocked?.reason ?? '', 'fix it');
    await say(engine, 'slow', 'resolve');
    await untilStatus(engine, 'slow', 'done');
  });
});

describe('a plan', () => {
  it('that is small is done by one coder in the plan’s own worktree', async () => {
    const engine = await startEngine({ daemon: '' });
    const { repo, client } = engine;
    await begin(
      engine,
      'small',
      planText(['echo 1 > a.txt'], [{ sh: 'cat a.txt; echo 2 >> a.txt', fields: '**Check:** test -s a.txt' }]),
    );
    const done = await untilStatus(engine, 'small', 'done');
    const each = { status: 'done', attempts: 1, usage: { runs: 0 } };
    expect(done.tasks_by_wave.flatMap(({ tasks }) => tasks)).toMatchObject([each, each]);
    expect((await client.instances({ plan: 'small' })).map((one) => one.title)).toEqual(['small-coder']);
    expect(git(repo, 'show', 'plan/small:a.txt')).toBe('1\n2');
    expect(git(repo, 'rev-list', '--count', 'main..plan/small')).toBe('1');
  });

  it('takes tasks in the order of After and Files, and counts a task when its check passes', async () => {
    const engine = await startEngine({ agents: agents({ default: { preset: 'sh', attempts: 2 } }) });
    const { repo, root, home } = engine;
    const order = join(root, 'order');
    const note = (n: number) => `echo ${n} >> '${order}'`;
    const content = planText([
      { sh: `${note(1)}\nsleep 0.2; cat b.txt; echo 1 > a.txt`, fields: '**After:** 2\n**Files:** shared.txt' },
      // The check of the first attempt fails, since the file is there only once.
      {
        sh: `${note(2)}\necho try >> '${join(root, 'tries')}'\necho 2 > b.txt`,
        fields: `**Check:** test "$(wc -l < '${join(root, 'tries')}')" = 2`,
      },
      { sh: `${note(3)}\necho 3 > shared.txt`, fields: '**After:** 2\n**Files:** shared.txt' },
    ]);
    await begin(engine, 'order', content);
    const done = await untilStatus(engine, 'order', 'done');
    expect(readFileSync(order, 'utf8').trim().split('\n')).toEqual(['2', '2', '1', '3']);
    expect(done.tasks_by_wave[0]?.tasks.map((task) => task.attempts)).toEqual([1, 2, 1]);
    const [, again] = runFolders(home, 'order').filter((name) => name.includes('task-2'));
    const prompt = runFile(home, again ?? '', 'prompt');
    expect(prompt).toContain('(check-failed)');
    expect(prompt).toContain('wave 1 task 2');
    expect(git(repo, 'show', 'plan/order:a.txt')).toBe('1');
  });

  it('asks a fixer for no check of a task that a person went on without', async () => {
    const engine = await startEngine({
      agents: agents({ reviewer: command('./review.sh'), fixer: command('./fix.sh') }),
    });
    const { repo } = engine;
    script(
      join(repo, 'review.sh'),
      'test -e good.txt && grep -q fixed a.txt && exit 0\necho "please fix a.txt"\nexit 1',
    );
    script(join(repo, 'fix.sh'), 'echo fixed >> a.txt; cp a.txt good.txt');
    const content = planText([
      { sh: 'echo a > a.txt', fields: '**Check:** test -e a.txt' },
      { sh: 'echo b > b.txt', fields: '**Check:** false' },
      { sh: 'echo c > c.txt', fields: '**After:** 2\n**Check:** test -e c.txt' },
    ]);
    await begin(engine, 'without', content);
    await untilPhase(engine, 'without', 'wave_waiting');
    await say(engine, 'without', 'advance_wave');
    const done = await untilStatus(engine, 'without', 'done');
    expect(done).toMatchObject({ review_cycle: 1, blocked: null });
    expect(done.run_list.filter(({ role }) => role === 'fixer').map(({ reason }) => reason)).toEqual([null]);
  });

  it('that a person approves after a failed review is verified at the current head of its branch, commits by others included', async () => {
    const engine = await startEngine({
      agents: agents({ reviewer: command('./review.sh'), verifier: { ...command('./verify.sh'), enabled: true } }),
    });
    const { root, repo, client } = engine;
    script(join(repo, 'review.sh'), 'exit 2');
    script(join(repo, 'verify.sh'), 'test -f late.txt');
    await begin(engine, 'late', planText(['echo a > a.txt']));
    await untilBlocked(engine, 'late');
    const worktree = join(root, 'mine');
    git(repo, 'worktree', 'add', '-q', worktree, 'plan/late');
    writeFileSync(join(worktree, 'late.txt'), 'late\n');
    git(worktree, 'add', 'late.txt');
    git(worktree, 'commit', '-qm', 'a word of a person');
    git(repo, 'worktree', 'remove', worktree);
    await say(engine, 'late', 'review_approved');
    await untilStatus(engine, 'late', 'done');
    expect(git(repo, 'show', 'plan/late:late.txt')).toBe('late');
    const events = movesOf(await client.history('demo', 'late'));
    expect(events).toContain('head_moved');
    expect(events.at(-1)).toBe('verify_approved');
  });
});
