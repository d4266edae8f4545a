/** A sparse file of any size is made in a moment and uses no disk, but git would read all of it. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { begin, planText, startEngine, untilPhase } from '../support/engine.ts';

it.each([
  ['a new file', 'big'],
  ['a file that git tracks', 'a.txt'],
])('%s of a terabyte is named, and nothing waits for git to read it', async (_what, file) => {
  const engine = await startEngine();
  await begin(engine, 'huge', planText([`echo x > x; truncate -s 1T ${file}`]));
  const shown = await untilPhase(engine, 'huge', 'wave_waiting');
  const why = shown.tasks_by_wave.flatMap(({ tasks }) => tasks)[0]?.why;
  expect(why).toContain(join(engine.repo, '.worktrees', 'plan-huge-w1-t1', file));
  await begin(engine, 'next', planText(['echo y > y']));
});
