import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf } from '../support/cli.ts';
import { daemonGround, shAgents } from '../support/daemon.ts';
import { startDaemonProcess } from '../support/fleet.ts';
import { until } from '../support/ground.ts';

it('a configuration that cannot be put in force is reported by the reload, and by every status until it is fixed', async () => {
  const ground = daemonGround();
  await startDaemonProcess(ground);
  await ground.client().addRepo(ground.repo, { trust: true });
  const file = join(ground.repo, '.stator', 'config.toml');
  mkdirSync(join(ground.repo, '.stator'), { recursive: true });
  writeFileSync(file, '[agents.coder\n');
  // The engine's own file is reported first, also where another one was read before it.
  await until(async () => (await ground.client().status()).problems.length === 1);
  ground.configure(`max_agnts = 2\nmax_agent = 2\n${shAgents}`);
  const told = [
    `changed, not in force: ${ground.home}/daemon.toml has 2 problems:`,
    '  line 1: unknown key max_agnts; did you mean max_agents?',
    '  line 2: unknown key max_agent; did you mean max_agents?',
  ].join('\n');
  const reload = await ground.stator(['daemon', 'reload']);
  expect(reload).toMatchObject({ code: 78, stdout: 'reloaded, but for:\n' });
  expect(reload.stderr).toContain(`${told}\ndemo: changed, not in force: ${file}, line 1`);
  const status = await ground.stator(['daemon', 'status']);
  expect(status.stdout).toContain(`problem: ${told}\nproblem: demo: changed, not in force: ${file}, line 1`);
  // Nothing is started by a repo whose file nobody can read; it recovers by itself when the file is mended.
  const stateOf = async () => (await ground.client().repos())[0];
  await until(async () => (await stateOf())?.state === 'degraded');
  expect((await stateOf())?.reason).toContain(`${file}, line 1`);
  ground.configure(shAgents);
  writeFileSync(file, 'priority = 3\n');
  expect(await ground.stator(['daemon', 'reload'])).toMatchObject({ code: 0, stdout: 'reloaded\n', stderr: '' });
  await until(async () => (await stateOf())?.state === 'active');
  expect((await ground.client().status()).problems).toEqual([]);
});

it('everything under way is in the status, however many plans exist', async () => {
  const count = 30;
  const ground = daemonGround();
  await startDaemonProcess(ground);
  const client = ground.client();
  await client.addRepo(ground.repo, { trust: true });
  await client.pauseQueue();
  const names = Array.from({ length: count }, (_, plan) => `plan-${plan}`);
  for (const plan of [...names, 'ended']) {
    await client.registerPlan({ project: 'demo', plan, content: planOf(['true']) });
    await client.send({ project: 'demo', plan, type: 'implement_start' });
  }
  // A plan that is cancelled before its branch is made has no agent.
  await until(async () => (await client.instances({})).length === count + 1);
  await client.send({ project: 'demo', plan: 'ended', type: 'cancel' });
  const { running, waiting } = JSON.parse((await ground.stator(['status', '--json'])).stdout);
  const told = [...running, ...waiting] as { plan: string; agents?: { title: string }[] }[];
  expect(told.map(({ plan }) => plan).sort()).toEqual([...names].sort());
  expect(told.flatMap(({ agents = [] }) => agents.map(({ title }) => title)).sort()).toEqual(
    running.map(({ plan }: { plan: string }) => `${plan}-w1-t1`).sort(),
  );
});
