/** `stator plan merge` as a person types it, with and without an engine; and a `run` that merges by itself. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { git, until } from '../support/ground.ts';

describe('stator plan merge', () => {
  it('merges without an engine, says where the plan is, and says so again', async () => {
    const made = working();
    made.write('p.md', planOf(['true']));
    git(made.repo, 'add', '-A');
    git(made.repo, 'commit', '-qm', 'plan');
    const early = await made.stator(['plan', 'register', 'p.md', '--trust']);
    expect(early.code).toBe(0);
    const refused = await made.stator(['plan', 'merge', 'p']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('refused: merge: p is in ready.planned');
    expect(refused.stderr).toContain('only a done plan is merged');
    expect((await made.stator(['run', 'p.md'])).code).toBe(0);

    made.write('w1t1.txt', 'mine\n');
    const overlap = await made.stator(['plan', 'merge', 'p']);
    expect(overlap).toMatchObject({ code: 1, stdout: '' });
    expect(overlap.stderr).toContain('p is not merged:');
    expect(overlap.stderr).toContain('has changes of its own in w1t1.txt');
    expect(readFileSync(join(made.repo, 'w1t1.txt'), 'utf8')).toBe('mine\n');
    const json = await made.stator(['plan', 'merge', 'p', '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      merged: null,
      merge_refused: { why: 'overlap', files: ['w1t1.txt'] },
    });

    rmSync(join(made.repo, 'w1t1.txt'));
    const merged = await made.stator(['plan', 'merge', 'p']);
    const head = git(made.repo, 'rev-parse', 'main').slice(0, 12);
    expect(merged).toMatchObject({ code: 0, stdout: `p is merged: plan/p is in main, ${head}\n` });
    expect(await made.stator(['plan', 'merge', 'p'])).toMatchObject({
      code: 0,
      stdout: `p is merged already: plan/p is in main, ${head}\n`,
    });
    expect((await made.stator(['plan', 'show', 'p'])).stdout).toContain(`merged   into main, ${head}`);
    git(made.repo, 'branch', 'dev', 'main~1');
    const elsewhere = await made.stator(['plan', 'merge', 'p', '--into', 'dev']);
    const dev = git(made.repo, 'rev-parse', 'dev').slice(0, 12);
    expect(elsewhere).toMatchObject({ code: 0, stdout: `p is merged: plan/p is in dev, ${dev}\n` });
    expect(git(made.repo, 'show', 'dev:w1t1.txt')).toBe('made');
  });

  it('of a task waits while somebody looks at the branch, and a run in a pipe says so', async () => {
    const made = working();
    made.write('p.md', planOf([`git -C '${made.repo}' switch -q plan/p`, 'true', 'true']));
    const run = made.start(['run', 'p.md', '--trust']);
    await until(() => / waits: plan\/p is checked out in .*switch --detach/.test(run.stdout()));
    const explained = await made.stator(['plan', 'explain', 'p', '--json']);
    expect(explained.stdout).toContain('"kind":"repo"');
    git(made.repo, 'switch', '-q', 'main');
    const { code } = await run.ended;
    expect(code).toBe(0);
  }, 60_000);

  it('is done by a run where auto_merge is on: the run ends when the plan is merged', async () => {
    const made = working();
    made.write('p.md', planOf(['true']));
    made.write('.stator/config.toml', 'auto_merge = true\n[agents.default]\npreset = "sh"\nattempts = 1\n');
    git(made.repo, 'add', '-A');
    git(made.repo, 'commit', '-qm', 'plan');
    const { code, stdout } = await made.stator(['run', 'p.md', '--trust']);
    expect(stdout).toContain('p is done and merged into main');
    expect(code).toBe(0);
    expect(readFileSync(join(made.repo, 'w1t1.txt'), 'utf8')).toBe('made\n');
  });
});
