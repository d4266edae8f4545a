/** `stator repo remove`, where no daemon runs: it takes a repo out as the daemon does. */
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

it('takes a repo out by its name or any way to its folder, keeps its plans, and says what it does not know', async () => {
  const { stator, write, repo } = working();
  write('p.md', planOf(['true']));
  await stator(['plan', 'register', 'p.md', '--trust']);
  const unknown = await stator(['repo', 'remove', 'nope']);
  expect(unknown).toMatchObject({ code: 1, stdout: '' });
  expectRefusal(unknown.stderr, 'nope');
  const { code, stdout, stderr } = await stator(['repo', 'remove', '.']);
  expect(code).toBe(0);
  expectProse(`${stdout}${stderr}`, `demo (${repo})`, `stator repo add ${repo}`);
  expect((await stator(['repo', 'remove', 'demo'])).code).toBe(1);
  expect(JSON.parse((await stator(['repo', 'list', '--json'])).stdout)).toEqual([]);
  await stator(['repo', 'add', '.', '--trust']);
  expect(JSON.parse((await stator(['plan', 'list', '--json'])).stdout)).toMatchObject([{ plan: 'p' }]);
  expect(JSON.parse((await stator(['repo', 'remove', 'demo', '--json'])).stdout)).toMatchObject({ status: 'removed' });
});
