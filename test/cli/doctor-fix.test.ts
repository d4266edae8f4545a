/** `stator doctor --fix` as it is typed: what it would do, and what it does. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startEngine } from '../support/engine.ts';
import { until } from '../support/ground.ts';
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
