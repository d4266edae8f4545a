import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  gate,
  openGate,
  planText,
  runFile,
  runFolders,
  runNameOf,
  startEngine,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

describe('the tasks of a wave', () => {
  it('end in the same second and become one merge commit each, and the checkout is not touched', async () => {
    const engine = await startEngine({ daemon: 'max_agents = 8\n' });
    const { repo, root } = engine;
    const all = join(root, 'go');
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8];
    writeFileSync(join(repo, 'mine.txt'), 'not committed\n');
    writeFileSync(join(repo, 'README.md'), 'changed by its user\n');
    await begin(engine, 'eight', planText(numbers.map((n) => `${gate(all)}\necho ${n} > ${n}.txt`)));
    const { client } = engine;
    await untilPlan(engine, 'eight', (shown) =>
      /^(?:[^,]+, ){4}[^,]+ and 3 more$/.test(shown.waiting_for?.detail ?? ''),
    );
    openGate(all);
    const done = await untilStatus(engine, 'eight', 'done');
    expect(done.tasks_done).toBe(8);
    const merges = git(repo, 'log', '--merges', '--first-parent', '--format=%s', 'plan/eight').split('\n');
    expect(merges.sort()).toEqual(numbers.map((n) => `task ${n} (eight w1 t${n})`));
    expect(git(repo, 'rev-list', '--count', '--first-parent', 'main..plan/eight')).toBe('8');
    for (const n of numbers) expect(git(repo, 'show', `plan/eight:${n}.txt`)).toBe(`${n}`);
    expect(git(repo, 'status', '--porcelain').split('\n')).toEqual(['M README.md', '?? mine.txt']);
    expect(readFileSync(join(repo, 'README.md'), 'utf8')).toBe('changed by its user\n');
    expect(git(repo, 'branch', '--show-current')).toBe('main');
    expect(git(repo, 'log', '--format=%an', '-1', 'plan/eight')).toBe('Ada');
    await untilGone(repo);
    expect((await client.instances({ plan: 'eight' })).map((one) => one.state)).toEqual(numbers.map(() => 'succeeded'));
  });

  it('that change the same line: the later one conflicts, gets the name of the file, and starts again from the new head', async () => {
    const engine = await startEngine({ agents: { default: { preset: 'sh', attempts: 3 } } });
    const { repo, root, home } = engine;
    const first = join(root, 'first-merged');
    // The second task's first attempt holds the old text until the first one is merged.
    const second = `if grep -q one README.md; then echo both > README.md; else ${gate(first)}; echo two > README.md; fi`;
    await begin(engine, 'same', planText(['echo one > README.md', second]));
    await untilPlan(engine, 'same', (shown) => shown.tasks_done === 1);
    openGate(first);
    const done = await untilStatus(engine, 'same', 'done');
    const [wave] = done.tasks_by_wave;
    expect(wave?.tasks.map((task) => task.attempts)).toEqual([1, 2]);
    expect(git(repo, 'show', 'plan/same:README.md')).toBe('both');
    const runs = runFolders(home, 'same').filter((name) => name.includes('task-2'));
    expect(runs).toHaveLength(2);
    const prompt = runFile(home, runs[1] ?? '', 'prompt');
    expect(prompt).toMatch(/conflict.*README\.md/s);
    expect(prompt).toContain(`refs/stator/attempts/${runNameOf(runs[0] ?? '')}`);
    const kept = git(repo, 'for-each-ref', '--format=%(refname)', 'refs/stator/attempts').split('\n');
    for (const run of runFolders(home, 'same')) expect(kept).toContain(`refs/stator/attempts/${runNameOf(run)}`);
    expect(git(repo, 'show', `refs/stator/attempts/${runNameOf(runs[0] ?? '')}:README.md`)).toBe('two');
    expect(git(repo, 'status', '--porcelain')).toBe('');
  });
});

/** Worktrees of tasks go when they are merged. */
async function untilGone(repo: string): Promise<void> {
  await until(() => git(repo, 'worktree', 'list').split('\n').length === 1);
}
