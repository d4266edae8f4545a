/** `stator repo remove`, where no daemon runs: it takes a repo out as the daemon does. */
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';

it('takes a repo out by its name or any way to its folder, keeps its plans, and says what it does not know', async () => {
  const { stator, write, repo } = working();
  write('p.md', planOf(['true']));
  await stator(['plan', 'register', 'p.md', '--trust']);
  const unknown = await stator(['repo', 'remove', 'nope']);
  expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('repo not registered: nope') });
  const { code, stdout, stderr } = await stator(['repo', 'remove', '.']);
  expect([code, stdout]).toEqual([0, `removed demo (${repo})\n`]);
  expect(stderr).toContain(`its plan is kept: stator repo add ${repo} brings it back`);
  expect((await stator(['repo', 'remove', 'demo'])).code).toBe(1);
  expect(JSON.parse((await stator(['repo', 'list', '--json'])).stdout)).toEqual([]);
  await stator(['repo', 'add', '.', '--trust']);
  expect(JSON.parse((await stator(['plan', 'list', '--json'])).stdout)).toMatchObject([{ plan: 'p' }]);
  expect(JSON.parse((await stator(['repo', 'remove', 'demo', '--json'])).stdout)).toMatchObject({ status: 'removed' });
});
