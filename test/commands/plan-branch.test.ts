/** The branch that a person names for a plan is checked before anything is registered, and is never taken from its owner. */
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { expectRefusal } from '../support/prose.ts';

const small = planOf(['true']);

it('a name that git takes for no branch is refused before the plan is registered', async () => {
  const made = working();
  made.write('p.md', small);
  for (const branch of ['bad..name', 'ends.lock', 'with space', '-x', 'HEAD']) {
    const { code, stderr } = await made.stator(['run', 'p.md', '--trust', `--branch=${branch}`]);
    expectRefusal(stderr, JSON.stringify(branch));
    expect(code).toBe(64);
  }
  expect((await made.stator(['plan', 'register', 'p.md', '--branch', 'bad..name'])).code).toBe(64);
  expect(JSON.parse((await made.stator(['plan', 'list', '--json'])).stdout)).toEqual([]);
  expect((await made.stator(['run', 'p.md'])).code).toBe(0);
});

it('a branch of the user is refused before the plan is registered, and the hint leaves it alone', async () => {
  const made = working();
  made.write('p.md', small);
  git(made.repo, 'branch', 'mine');
  for (const branch of ['main', 'mine', 'mine/below']) {
    const { code, stderr } = await made.stator(['run', 'p.md', '--trust', '--branch', branch]);
    expectRefusal(stderr, branch);
    expect(stderr).not.toMatch(/branch -[dDmM]/);
    expect(code).toBe(1);
  }
  expect(JSON.parse((await made.stator(['plan', 'list', '--json'])).stdout)).toEqual([]);
  expect((await made.stator(['run', 'p.md', '--branch', 'work/p'])).code).toBe(0);
  expect(git(made.repo, 'branch', '--format=%(refname:short)').split('\n')).toEqual(['main', 'mine', 'work/p']);
});
