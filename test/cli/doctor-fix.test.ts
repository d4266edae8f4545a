/** `stator doctor --fix` as it is typed: what it would do, and what it does. */
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { working } from '../support/cli.ts';
import { startEngine } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { callHere } from '../support/in-process.ts';

it('--dry-run says what --fix would do, and does none of it', async () => {
  const on = await startEngine();
  const left = join(on.repo, '.worktrees', '.removing-plan-x');
  mkdirSync(left, { recursive: true });
  /** As `doctor` names it: while engines of other tests may use the repository, nothing is taken. */
  const mended = async (...flags: string[]) => {
    const words = ['doctor', '--fix', '--json', ...flags];
    let text = '';
    await until(async () => {
      text = (await callHere({ args: words, cwd: on.repo, env: on.env, input: '' })).stdout;
      return !text.includes('may use it');
    });
    const { repairs } = JSON.parse(text) as { repairs: { orphans: { name: string; state: string }[] } };
    return repairs.orphans.filter(({ name }) => name.endsWith('.removing-plan-x')).map(({ state }) => state);
  };
  const alone = await callHere({ args: ['doctor', '--dry-run'], cwd: on.repo, env: on.env, input: '' });
  expect([alone.code, alone.stderr]).toEqual([64, expect.stringContaining('--fix')]);
  expect(await mended('--dry-run')).toEqual(['fixable']);
  expect(existsSync(left)).toBe(true);
  expect(await mended()).toEqual(['fixed']);
  expect(existsSync(left)).toBe(false);
});

it('names the filters of git that do not run: not set for the user, or without their program', async () => {
  const made = working();
  const filters = async () => {
    const { stdout } = await made.stator(['doctor', '--json']);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean; detail: string; hint: string }[] };
    return checks.find(({ name }) => name === 'git filters');
  };
  expect(await filters()).toMatchObject({ ok: true, detail: 'none needed' });
  made.write('sub/.gitattributes', '# *.c filter=none\n*.bin filter=lfs -text\n');
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'attributes');
  git(made.repo, 'config', 'filter.lfs.smudge', 'cat');
  expect(await filters()).toMatchObject({
    ok: false,
    detail: expect.stringMatching(/^lfs: /),
    hint: expect.stringContaining('git lfs install'),
  });
  appendFileSync(
    join(made.root, 'gitconfig'),
    '[filter "lfs"]\n\trequired = true\n\tclean = no-such-lfs clean -- %f\n',
  );
  expect(await filters()).toMatchObject({ ok: false, detail: 'no-such-lfs is not there' });
  appendFileSync(join(made.root, 'gitconfig'), '[filter "lfs"]\n\tclean = cat\n');
  expect(await filters()).toMatchObject({ ok: true, detail: 'lfs' });
});
