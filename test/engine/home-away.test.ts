/** A disk drops out under a plan at work and comes back: nothing is spent, nothing is done again, and it continues by itself. */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { type DaemonGround, daemonGround, isAlive, shAgents } from '../support/daemon.ts';
import { gate, openGate, untilFile } from '../support/engine.ts';
import { until } from '../support/ground.ts';

/** One task, then another; `begun` has a line for each time that something of them was started. */
async function atWork(does: (root: string) => { agent: string; check?: string }) {
  const ground = daemonGround(shAgents.replace('attempts = 1', 'attempts = 2'));
  const { root } = ground;
  const begun = join(root, 'begun');
  const { agent, check } = does(root);
  const note = (word: string) => `echo ${word} >> '${begun}'`;
  const sh = (text: string) => `\`\`\`sh\n${text}\n\`\`\``;
  const first = `${sh(`${note('one')}\n${agent}\necho 1 > a.txt\n`)}\n${check === undefined ? '' : `**Check:** ${note('check')}; ${check}\n`}`;
  ground.write(
    'p.md',
    `# P\n\n## Wave 1\n### Task 1: one\n${first}\n## Wave 2\n### Task 1: two\n${sh(`${note('two')}\necho 2 > b.txt`)}\n`,
  );
  expect((await ground.stator(['daemon', 'start'])).code).toBe(0);
  await ground.client().addRepo(ground.repo, { trust: true });
  expect((await ground.stator(['plan', 'register', 'p.md'])).code).toBe(0);
  expect((await ground.stator(['plan', 'advance', 'p', 'implement-start'])).code).toBe(0);
  const last = check === undefined ? 'one' : 'check';
  await until(() => existsSync(begun) && readFileSync(begun, 'utf8').includes(last));
  return { ground, begun };
}

function untilAnswered({ owner, client }: DaemonGround): Promise<void> {
  return until(async () => typeof owner()?.socketPath === 'string' && (await client().status()).waiting === null);
}

async function expectDoneOnce({ ground, begun }: { ground: DaemonGround; begun: string }): Promise<string[]> {
  await until(async () => (await ground.client().plan('demo', 'p')).status === 'done');
  const runs = await ground.client().instances({ plan: 'p' });
  expect(runs.map(({ title, attempt, state }) => `${title} ${attempt} ${state}`).toSorted()).toEqual([
    'p-w1-t1 1 succeeded',
    'p-w2-t1 1 succeeded',
  ]);
  return readFileSync(begun, 'utf8').trim().split('\n');
}

/** The home is moved away, until its daemon answers for nothing any more. */
async function takeAway({ home, owner }: DaemonGround): Promise<() => void> {
  const socket = owner()?.socketPath ?? '';
  const away = `${home}.away`;
  renameSync(home, away);
  const ping = callSocket(socket.startsWith(home) ? `${away}${socket.slice(home.length)}` : socket, undefined);
  await until(async () => (await ping('GET', '/v1/ping')).status === 503);
  return () => renameSync(away, home);
}

describe('a home that is away for a while', () => {
  it('is waited for by its daemon, and an agent that ended meanwhile has ended well', async () => {
    const made = await atWork((root) => ({ agent: `${gate(join(root, 'go'))}\necho over > '${root}/over'` }));
    const { root, owner } = made.ground;
    const pid = owner()?.pid ?? 0;
    const bringBack = await takeAway(made.ground);
    openGate(join(root, 'go'));
    await untilFile(join(root, 'over'));
    bringBack();
    await untilAnswered(made.ground);
    expect(await expectDoneOnce(made)).toEqual(['one', 'two']);
    expect(owner()?.pid).toBe(pid);
  });

  it.each(['goes on', 'is killed'])('spends nothing of a check that is at work, where its daemon %s', async (what) => {
    const made = await atWork((root) => ({ agent: 'true', check: gate(join(root, 'go')) }));
    const { root, owner, stator } = made.ground;
    const pid = owner()?.pid ?? 0;
    const bringBack = await takeAway(made.ground);
    if (what === 'is killed') {
      process.kill(pid, 'SIGKILL');
      await until(() => !isAlive(pid));
    }
    bringBack();
    if (what === 'is killed') expect((await stator(['daemon', 'start'])).code).toBe(0);
    await untilAnswered(made.ground);
    openGate(join(root, 'go'));
    expect(await expectDoneOnce(made)).toEqual(['one', 'check', 'two']);
  });
});

it('prompts that are missing with their disk: the next agent gets the text that was trusted, after a restart too', async () => {
  const ground = daemonGround(shAgents.replace('preset = "sh"', 'preset = "command"\nprogram = "true"'));
  const { repo, client, stator } = ground;
  ground.write('.stator/prompts/coder.md', 'Do {{title}} as we do it here.\n');
  ground.write('p.md', '# P\n\n## Wave 1\n### Task 1: one\nfirst\n');
  expect((await stator(['daemon', 'start'])).code).toBe(0);
  await client().addRepo(repo, { trust: true });
  expect((await stator(['plan', 'register', 'p.md'])).code).toBe(0);
  const promptText = async () => (await client().prompt('demo', 'p', { task: 'w1-t1' })).prompt;
  const before = await promptText();
  expect(before).toContain('as we do it here');
  const prompts = join(repo, '.stator', 'prompts');
  renameSync(prompts, join(ground.root, 'prompts'));
  expect(await promptText()).toBe(before);
  expect((await stator(['daemon', 'restart'])).code).toBe(0);
  expect(await promptText()).toBe(before);
  renameSync(join(ground.root, 'prompts'), prompts);
  expect((await stator(['daemon', 'reload'])).code).toBe(0);
  expect(await promptText()).toBe(before);
});
