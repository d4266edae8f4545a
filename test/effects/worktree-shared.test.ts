/** `isolation = "plan"`: the tasks of a plan share one worktree and one branch, one after the other. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  say,
  startEngine,
  untilFile,
  untilPhase,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { type Ground, git } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

function sharing(toml = 'isolation = "plan"\n', on: Ground = ground()): Ground {
  mkdirSync(join(on.repo, '.stator'), { recursive: true });
  writeFileSync(join(on.repo, '.stator', 'config.toml'), toml);
  return on;
}

describe('tasks that share a worktree', () => {
  it('say in explain who waits for the worktree', async () => {
    const on = sharing();
    const engine = await startEngine({ on });
    const [begun, go] = [join(on.root, 'begun'), join(on.root, 'go')];
    await begin(engine, 'waits', planText([`echo x > ${begun}; ${gate(go)}; echo a > a.txt`, 'echo b > b.txt']));
    await untilFile(begun);
    const shown = await untilPlan(engine, 'waits', (plan) => plan.waiting_for?.kind === 'agent');
    const [agent = '', ...rest] = shown.waiting_for?.detail.split('; ') ?? [];
    expect(agent).toContain('waits-w1-t1');
    expectProse(rest.join('; '), '1');
    openGate(go);
    await untilStatus(engine, 'waits', 'done');
  });

  it('work one after the other, each on what the one before left, and nothing is merged', async () => {
    const on = sharing();
    const engine = await startEngine({ on });
    const note = (word: string) =>
      `echo "${word} $(ls *.txt 2>/dev/null | tr '\\n' ' ')" >> ${join(on.root, 'ledger')}`;
    const task = (name: string) =>
      `${note(`start ${name}`)}; sleep 0.1; echo ${name} > ${name}.txt; ${note(`end ${name}`)}`;
    await begin(engine, 'shared', planText([task('a'), task('b'), task('c')], [task('d')]));
    const shown = await untilStatus(engine, 'shared', 'done');
    expect(
      readFileSync(join(on.root, 'ledger'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual([
      'start a',
      'end a a.txt',
      'start b a.txt',
      'end b a.txt b.txt',
      'start c a.txt b.txt',
      'end c a.txt b.txt c.txt',
      'start d a.txt b.txt c.txt',
      'end d a.txt b.txt c.txt d.txt',
    ]);
    expect(git(on.repo, 'log', '--reverse', '--format=%s', 'main..plan/shared').split('\n')).toEqual([
      'task 1 (shared w1 t1)',
      'task 2 (shared w1 t2)',
      'task 3 (shared w1 t3)',
      'task 1 (shared w2 t1)',
    ]);
    expect(shown.isolation).toBe('plan');
    expect(new Set(shown.tasks_by_wave.flatMap((wave) => wave.tasks.map((one) => one.branch)))).toEqual(
      new Set(['plan/shared']),
    );
    expect(git(on.repo, 'for-each-ref', '--format=%(refname)', 'refs/heads').split('\n')).toEqual([
      'refs/heads/main',
      'refs/heads/plan/shared',
    ]);
  });

  it('that failed leave nothing to the next: what they committed is taken back, and kept', async () => {
    const on = sharing();
    const engine = await startEngine({ on });
    const own = 'echo half > half.txt; git add -A; git commit -qm half; echo loose > loose.txt; exit 1';
    await begin(
      engine,
      'failing',
      planText([own, 'ls > seen.txt', { sh: 'echo c > c.txt', fields: '**Check:** test -e nowhere' }]),
    );
    await untilPhase(engine, 'failing', 'wave_waiting');
    const files = () => git(on.repo, 'ls-tree', '--name-only', 'plan/failing').split('\n');
    expect(git(on.repo, 'show', 'plan/failing:seen.txt').split('\n')).toEqual(['README.md', 'seen.txt']);
    await untilPlan(engine, 'failing', () => !files().includes('c.txt'));
    expect(files()).toEqual(['README.md', 'seen.txt']);
    const kept = git(on.repo, 'for-each-ref', '--format=%(refname)', 'refs/stator/attempts').split('\n');
    const trees = kept.map((ref) => git(on.repo, 'ls-tree', '--name-only', ref).split('\n').join(' '));
    expect(trees).toContain('README.md half.txt loose.txt');
    expect(trees).toContain('README.md c.txt seen.txt');
    await say(engine, 'failing', 'advance_wave');
    await untilStatus(engine, 'failing', 'done');
    expect(files()).toEqual(['README.md', 'seen.txt']);
  });

  it('keeps what a person committed on the branch after a task had failed there', async () => {
    const on = sharing();
    const engine = await startEngine({ on });
    const go = join(on.root, 'go');
    await begin(
      engine,
      'person',
      planText(['echo half > half.txt; git add -A; git commit -qm half; exit 1', 'echo b > b.txt']),
    );
    await untilPhase(engine, 'person', 'wave_waiting');
    const worktree = join(on.repo, '.worktrees', 'plan-person');
    writeFileSync(join(worktree, 'mine.txt'), 'mine\n');
    git(worktree, 'add', '-A');
    git(worktree, 'commit', '-qm', 'mine');
    openGate(go);
    await say(engine, 'person', 'retry_wave');
    await untilPlan(
      engine,
      'person',
      (plan) => plan.phase === 'wave_waiting' && (plan.tasks_by_wave[0]?.tasks[0]?.attempts ?? 0) > 1,
    );
    await untilPlan(
      engine,
      'person',
      () => !git(on.repo, 'ls-tree', '--name-only', 'plan/person').includes('half.txt'),
    );
    expect(git(on.repo, 'ls-tree', '--name-only', 'plan/person').split('\n')).toEqual([
      'README.md',
      'b.txt',
      'mine.txt',
    ]);
  });

  it('share one from the next wave on, where that was said while a wave was under way', async () => {
    const on = sharing('');
    const engine = await startEngine({ on });
    const [begun, go] = [join(on.root, 'begun'), join(on.root, 'go')];
    await begin(
      engine,
      'changed',
      planText(
        [`echo x > ${begun}; ${gate(go)}; echo a > a.txt`, 'echo b > b.txt'],
        ['echo c > c.txt', 'echo d > d.txt'],
      ),
    );
    await untilFile(begun);
    writeFileSync(join(on.repo, '.stator', 'config.toml'), 'isolation = "plan"\n');
    await engine.client.addRepo(on.repo, { trust: true });
    expect((await engine.client.plan('demo', 'changed')).isolation).toBe('task');
    openGate(go);
    await untilStatus(engine, 'changed', 'done');
    expect(
      git(on.repo, 'log', '--first-parent', '--reverse', '--format=%s %P', 'main..plan/changed')
        .split('\n')
        .map((line) => line.split(' ').length > 6),
    ).toEqual([true, true, false, false]);
  });
});
