/** The document of a plan at work is edited: what no agent has begun begins with the new text, also where the daemon is killed in between. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { daemonGround, shAgents } from '../support/daemon.ts';
import { gate, openGate } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

it('begins a task that waits for a slot, and one that waits for another, as they were edited, once each', async () => {
  const ground = daemonGround(`max_agents = 1\n${shAgents}`);
  const { root, repo } = ground;
  const go = join(root, 'go');
  const sh = (text: string) => `\`\`\`sh\n${text}\n\`\`\``;
  const planFile = join(repo, 'p.md');
  const write = (second: string, third: string) =>
    writeFileSync(
      planFile,
      `# P\n\n## Wave 1\n### Task 1: one\n${sh(`touch '${root}/begun'\n${gate(go)}\necho 1 > a.txt`)}\n### Task 2: two\n${second}\n### Task 3: three\n**After:** 1\n${third}\n`,
    );
  const two = (word: string) =>
    `${sh(`echo ${word} >> b.txt\necho ${word} >> '${root}/two'`)}\n**Check:** grep ${word} b.txt`;
  write(two('old'), sh('echo old > c.txt'));
  expect((await ground.stator(['daemon', 'start'])).code).toBe(0);
  await ground.client().addRepo(repo, { trust: true });
  expect((await ground.stator(['plan', 'register', 'p.md'])).code).toBe(0);
  expect((await ground.stator(['plan', 'advance', 'p', 'implement-start'])).code).toBe(0);
  await until(() => existsSync(join(root, 'begun')));

  write(two('new'), `${sh('echo new > c.txt')}\n**Check:** grep new c.txt`);
  const update = ['plan', 'update-content', 'p', '--file', 'p.md'];
  expect(await ground.stator(update)).toMatchObject({ code: 0 });
  const owner = ground.owner();
  process.kill(owner?.pid ?? 0, 'SIGKILL');
  await until(() => ground.owner() === null);
  expect((await ground.stator(['daemon', 'start'])).code).toBe(0);

  // What is at work keeps its words, and nothing of a document that would change them is taken.
  writeFileSync(planFile, `# P\n\n## Wave 1\n### Task 1: one\n${sh('echo other')}\n### Task 2: two\n${two('other')}\n`);
  const refused = await ground.stator(update);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('what was begun is fixed: task 1 of wave 1 cannot change');

  openGate(go);
  await until(async () => (await ground.client().plan('demo', 'p')).status === 'done');
  const shown = (file: string) => git(repo, 'show', `plan/p:${file}`).trim();
  expect([shown('a.txt'), shown('b.txt'), shown('c.txt')]).toEqual(['1', 'new', 'new']);
  const runs = (await ground.client().instances({ plan: 'p' })).map(({ title, attempt }) => `${title} ${attempt}`);
  expect(runs.sort()).toEqual(['p-w1-t1 1', 'p-w1-t2 1', 'p-w1-t3 1']);
});
