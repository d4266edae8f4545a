/** Work that takes too long times out, and waits last as long as requested, whatever happens to the wall clock. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  begin,
  gate,
  openGate,
  planText,
  startEngine,
  type TestEngine,
  untilFile,
  untilStatus,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { machineClock } from '../support/machine-clock.ts';

const hourMs = 3_600_000;

const agents = { default: { preset: 'sh' as const, attempts: 2, timeout: '1h', idle_timeout: '20m' } };

function waiting({ root }: Pick<TestEngine, 'root'>): string {
  return planText([`echo up > '${root}/up'; ${gate(join(root, 'go'))}; echo a > a.txt`]);
}

async function untilRunning(engine: TestEngine, plan: string): Promise<void> {
  await untilFile(join(engine.root, 'up'));
  await until(async () => (await engine.client.instances({ plan }))[0]?.state === 'running');
}

/** Everything due has been handled: a plan that was started later is done. */
async function otherPlan(engine: TestEngine, plan: string): Promise<void> {
  await begin(engine, plan, planText(['date +%N > b.txt']));
  await untilStatus(engine, plan, 'done');
}

it('a lid that was closed for two hours ends no agent, neither for its time nor for its silence', async () => {
  const { clock, setWall } = machineClock();
  const engine = await startEngine({ agents, clock });
  await begin(engine, 'lid', waiting(engine));
  await untilRunning(engine, 'lid');
  setWall(2 * hourMs);
  await otherPlan(engine, 'other');
  await engine.client.send({ project: 'demo', plan: 'lid', type: 'agent_pause', payload: { title: 'lid-w1-t1' } });
  openGate(join(engine.root, 'go'));
  await engine.client.send({ project: 'demo', plan: 'lid', type: 'agent_resume', payload: { title: 'lid-w1-t1' } });
  const done = await untilStatus(engine, 'lid', 'done');
  expect(done.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'done', attempts: 1, reason: null });
});

it('nor in the next engine, where the lid was closed while none lived', async () => {
  const { clock, setWall } = machineClock();
  const first = await startEngine({ agents, clock });
  await begin(first, 'lid', waiting(first));
  await untilRunning(first, 'lid');
  await first.engine.stop();
  setWall(2 * hourMs);
  const next = await startEngine({ agents, clock, on: first, adds: false });
  await otherPlan(next, 'other');
  openGate(join(next.root, 'go'));
  const done = await untilStatus(next, 'lid', 'done');
  expect(done.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'done', attempts: 1 });
});

it('an agent that has really worked for too long is timed out', async () => {
  const { clock, pass } = machineClock();
  const { idle_timeout: _none, ...timed } = agents.default;
  const engine = await startEngine({ agents: { default: { ...timed, attempts: 1 } }, clock });
  await begin(engine, 'long', waiting(engine));
  await untilRunning(engine, 'long');
  pass(hourMs + 1);
  await until(async () => {
    const [wave] = (await engine.client.plan('demo', 'long')).tasks_by_wave;
    return wave?.tasks[0]?.reason === 'timeout';
  });
});

/** A script that fails the first time and then succeeds. */
function atSecond({ root }: Pick<TestEngine, 'root'>): string {
  return planText([`if [ -e '${root}/up' ]; then echo a > a.txt; else echo up > '${root}/up'; exit 1; fi`]);
}

async function untilBackingOff(engine: TestEngine, plan: string): Promise<void> {
  await until(async () => (await engine.client.instances({ plan }))[0]?.state === 'backing_off');
}

it('a back-off lasts as long as it was to, where the clock is set back by an hour', async () => {
  const { clock, setWall } = machineClock();
  const engine = await startEngine({ agents, clock });
  await begin(engine, 'back', atSecond(engine));
  await untilBackingOff(engine, 'back');
  setWall(-hourMs);
  const done = await untilStatus(engine, 'back', 'done');
  expect(done.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'done', attempts: 2 });
});

it.each(['the next engine', 'the next start of the machine'])('nor does it wait for longer in %s', async (next) => {
  const { clock, setWall, reboot } = machineClock();
  const first = await startEngine({ agents, clock });
  await begin(first, 'back', atSecond(first));
  await untilBackingOff(first, 'back');
  await first.engine.stop();
  setWall(-hourMs);
  if (next.endsWith('machine')) reboot();
  const second = await startEngine({ agents, clock, on: first, adds: false });
  const done = await untilStatus(second, 'back', 'done');
  expect(done.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'done', attempts: 2 });
  expect(existsSync(join(first.root, 'up'))).toBe(true);
});
