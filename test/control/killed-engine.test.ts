/** Verbs whose engine is killed before it answers, and started again: they say what became of what they asked for. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type DaemonGround, daemonGround } from '../support/daemon.ts';
import { planText, startDaemonHere } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

const reference = 'git.example.test/acme/shop#3';

/** A daemon with a repo, how it is killed, and the engine that goes on. */
async function started() {
  const made = daemonGround();
  git(made.repo, 'remote', 'add', 'origin', 'https://git.example.test/acme/shop.git');
  const again = async () => expect((await made.stator(['daemon', 'start'])).code).toBe(0);
  await again();
  expect((await made.stator(['repo', 'add', made.repo, '--trust'])).code).toBe(0);
  const kill = () => process.kill(made.owner()?.pid ?? 0, 'SIGKILL');
  return { made, again, goOn: () => startDaemonHere(made), kill };
}

function heads({ repo }: DaemonGround): number {
  const folder = join(repo, '.git/refs/heads');
  return existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()).length
    : 0;
}

it.each([0, 40])(
  'a session that was begun is reported even if its engine is killed %i ms after its branch was made',
  async (afterMs) => {
    const { made, goOn, kill } = await started();
    const before = heads(made);
    const verb = made.watch(['issue', 'start', reference, '```sh\nsleep 2; echo a > a.txt\n```']);
    await until(() => heads(made) > before);
    await delay(afterMs);
    kill();
    await goOn();
    const { code, stderr } = await verb.ended;
    expect([code, stderr.includes('had destroyed all of it')]).toEqual([0, false]);
    const sessions = await made.client().issues();
    expect(sessions).toHaveLength(1);
  },
);

it('a plan is registered once, whenever its engine is killed meanwhile', async () => {
  const { made, again, goOn, kill } = await started();
  for (const [index, afterMs] of [40, 120].entries()) {
    made.write(`p${index}.md`, planText(['true']));
    const verb = made.start(['plan', 'register', `p${index}.md`]);
    await delay(afterMs);
    kill();
    await (index === 0 ? again() : goOn());
    expect((await verb.ended).code).toBe(0);
  }
  const opened = (await made.client().signals({})).filter(({ type }) => type === 'plan_opened');
  expect(opened).toHaveLength(2);
});

// 10 s are what a daemon that starts again is waited for.
it('a session whose daemon does not come back is queued for the next one, and that is said', async () => {
  const { made, kill } = await started();
  const before = heads(made);
  const verb = made.start(['issue', 'start', reference, '```sh\nsleep 2; echo a > a.txt\n```']);
  await until(() => heads(made) > before);
  kill();
  const { stdout, stderr } = await verb.ended;
  // Its engine may have answered in the last moment.
  expect(stdout + stderr).toMatch(/no engine starts its agents now; start one with: stator daemon start|^started: /m);
  const { stdout: listed } = await made.stator(['issue', 'list', '--json']);
  expect(JSON.parse(listed)).toHaveLength(1);
});

it('a merge is reported even if its engine is killed while it is carried out', async () => {
  const { made, goOn, kill } = await started();
  made.write('p.md', planText(['echo a > a.txt']));
  expect((await made.stator(['run', 'p.md', '--yes'])).code).toBe(0);
  const verb = made.watch(['plan', 'merge', 'p', '--yes']);
  await until(async () => (await made.client().signals({})).some(({ type }) => type === 'merge'));
  kill();
  await goOn();
  const { code, stdout, stderr } = await verb.ended;
  expect([code, stdout + stderr]).toEqual([0, expect.stringContaining('is merged')]);
});
