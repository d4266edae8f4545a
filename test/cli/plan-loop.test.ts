/** A rough idea is planned and carried out by one command, and the same command goes on with it from every point. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { startDaemonHere } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { idea, planners, withPlanner } from '../support/planner.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

const planned = planOf(['true'], ['test ! -e $STATOR_HOME/slow || sleep 60']);

it('by one command to its end; the planned document comes back to the file, but never over an edit', async () => {
  const made = withPlanner(planned);
  const file = join(made.repo, 'idea.md');
  const first = await made.stator(['run', 'idea.md', '--trust']);
  expect(first.code).toBe(0);
  expectProse(first.stdout.slice(first.stdout.search(/^idea is /m)), '\n  stator plan export idea --write\n');
  const already = await made.stator(['run', 'idea.md']);
  expect(already.code).toBe(0);
  expectProse(already.stdout, 'idea ');
  expect((await made.stator(['plan', 'export', 'idea'])).stdout).toBe(planned);

  made.write('idea.md', `${idea}and more\n`);
  const refused = await made.stator(['plan', 'export', 'idea', '--write']);
  expectRefusal(refused.stderr, 'idea.md ', 'stator plan export idea --write --force');
  expect([refused.code, readFileSync(file, 'utf8')]).toEqual([1, `${idea}and more\n`]);

  made.write('idea.md', idea);
  expect((await made.stator(['plan', 'export', 'idea', '--write'])).code).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(planned);
  const last = await made.stator(['run', 'idea.md']);
  expect(last).toMatchObject({ code: 0, stdout: expect.not.stringContaining('plan export') });
  expect(planners(made)).toBe(1);
});

it('with auto_advance off it ends when it is planned, and the same command carries out what the planner wrote', async () => {
  const made = withPlanner(planned, 'auto_advance = false\n');
  await startDaemonHere(made);
  const first = await made.stator(['run', 'idea.md', '--trust']);
  expectProse(first.stdout.slice(first.stdout.search(/^idea is /m)), '\n  stator plan export idea --write\n');
  expect(first.code).toBe(1);
  expect((await made.stator(['run', 'idea.md'])).code).toBe(0);
  expect(planners(made)).toBe(1);
  expect((await made.stator(['plan', 'export', 'idea'])).stdout).toBe(planned);
});

it('after Ctrl-C and kill -9 in the planner, and after Ctrl-C behind it', async () => {
  const made = withPlanner(planned);
  const hold = join(made.home, 'hold');
  const slow = join(made.home, 'slow');
  await made.stator(['repo', 'add', made.repo, '--trust']);
  for (const file of [hold, slow]) writeFileSync(file, '');
  const first = made.start(['run', 'idea.md']);
  await until(() => planners(made) === 1);
  first.child.kill('SIGINT');
  expect((await first.ended).code).toBe(130);
  const second = made.start(['run', 'idea.md']);
  await until(() => planners(made) === 2);
  second.child.kill('SIGKILL');
  await second.ended;
  const third = made.start(['run', 'idea.md']);
  rmSync(hold);
  await until(() => third.stdout().includes('wave 1 done') || third.stdout().includes('working'));
  third.child.kill('SIGINT');
  expect((await third.ended).code).toBe(130);
  rmSync(slow);
  const last = await made.stator(['run', 'idea.md']);
  expect(last).toMatchObject({ code: 0, stderr: '' });
  expect(planners(made)).toBe(2);
});

it('waves with a slip in them are not given to a planner, but their lines to the person', async () => {
  const made = withPlanner(planned);
  made.write('idea.md', `${planned}\n### Task 2\n`);
  const { code, stderr } = await made.stator(['run', 'idea.md', '--trust']);
  expectRefusal(stderr, '\nidea.md:');
  expect([code, planners(made)]).toEqual([1, 0]);
});

it('an edit of the idea after it was registered is an edit, and is planned anew', async () => {
  const made = withPlanner(planned, 'auto_advance = false\n');
  expect((await made.stator(['run', 'idea.md', '--trust'])).code).toBe(1);
  made.write('idea.md', `${idea}and a second thought\n`);
  const { stdout } = await made.stator(['run', 'idea.md']);
  expectProse(stdout.slice(stdout.search(/^idea is /m)), 'stator plan export idea --write');
  expect(planners(made)).toBe(2);
});

it('a plan without a file is printed, and says where it could be written', async () => {
  const made = working();
  await made.stator(['repo', 'add', made.repo, '--trust']);
  await made.stator(['plan', 'create', 'p', '--content', planned]);
  expect((await made.stator(['plan', 'export', 'p'])).stdout).toBe(planned);
  const { code, stderr } = await made.stator(['plan', 'export', 'p', '--write']);
  expectRefusal(stderr, 'stator plan export p > p.md');
  expect(code).toBe(1);
});
