/** The verbs of an issue that its forge is asked for, at the command line. */
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { untilBlocked } from '../support/engine.ts';
import { addPull } from '../support/forge-server.ts';
import { until } from '../support/ground.ts';
import { callHere } from '../support/in-process.ts';
import { issueScene } from '../support/issue-life.ts';

it('a comment is written on the issue; a session whose pull request is recorded and open is destroyed with --even-if-pr-open only', async () => {
  const { engine, forge, reference, plan, worktree } = await issueScene('gitea');
  const { repo: cwd, env } = engine;
  const stator = (...args: string[]) => callHere({ args, cwd, env, input: '' });
  const sessions = async () => JSON.parse((await stator('issue', 'list', '--json')).stdout) as unknown[];
  expect(await stator('issue', 'start', reference, 'look at it')).toMatchObject({ code: 0 });
  await untilBlocked(engine, plan);
  // It asked while its process still ran.
  await until(async () => (await engine.client.instances({ plan }))[0]?.state === 'waiting');

  const written = await stator('issue', 'comment', reference, 'A fix is on its way.');
  expect([written.code, forge.state.issues.get(12)?.comments.at(-1)?.body]).toEqual([0, 'A fix is on its way.']);

  const { number } = addPull(forge.state, { head: 'fix/issue-12', base: 'main' });
  const url = `${forge.url}/acme/shop/pulls/${number}`;
  expect((await stator('issue', 'set-pr', reference, 'no address')).code).toBe(64);
  expect(await stator('issue', 'set-pr', reference, url)).toMatchObject({ code: 0 });
  expect(await sessions()).toMatchObject([{ reference, pull_request: url }]);

  const refused = await stator('issue', 'destroy', reference, '--yes');
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--even-if-pr-open')]);
  expect([existsSync(worktree), await sessions()]).toMatchObject([true, [{ reference }]]);
  expect(await stator('issue', 'destroy', reference, '--yes', '--even-if-pr-open')).toMatchObject({ code: 0 });
  expect([existsSync(worktree), await sessions()]).toEqual([false, []]);
});
