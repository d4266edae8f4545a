/** `stator repo remove`, where no daemon runs: it takes a repo out as the daemon does. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { begin, gate, openGate, planText, startEngine, untilRunning } from '../support/engine.ts';
import { callHere } from '../support/in-process.ts';
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

it('refuses while an agent of it runs and names it; with --stop the agent is ended first', async () => {
  const on = await startEngine();
  const stator = (...args: string[]) => callHere({ args, cwd: on.repo, env: on.env, input: '' });
  const go = join(on.root, 'go');
  await begin(on, 'p', planText([`${gate(go)}; echo a > a.txt`]));
  await untilRunning(on, 'p-w1-t1');
  const refused = await stator('repo', 'remove', 'demo', '--json');
  expect([refused.code, JSON.parse(refused.stderr)]).toMatchObject([1, { code: 'conflict' }]);
  expect(refused.stderr).toContain('p-w1-t1');
  expect((await on.client.instances({ plan: 'p' }))[0]?.state).toBe('running');
  expect(await stator('repo', 'remove', 'demo', '--stop')).toMatchObject({ code: 0 });
  expect(await on.client.repos()).toEqual([]);
  openGate(go);
});
