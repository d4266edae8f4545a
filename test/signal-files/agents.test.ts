import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ground, planText, register, say, script, startEngine, untilStatus } from '../support/engine.ts';
import { fromFiles } from '../support/gateway.ts';

it('what an agent says by a file in its worktree as the last thing it does counts before its end', async () => {
  const on = ground();
  const program = script(
    join(on.root, 'planner'),
    'mkdir -p .stator/signals && echo "it is planned" > .stator/signals/planner-finished-login',
  );
  const engine = await startEngine({
    on,
    agents: { default: { preset: 'sh', attempts: 1 }, planner: { preset: 'command', program, attempts: 1 } },
  });
  await register(engine, 'login', planText(['echo a > a.txt']));
  await say(engine, 'login', 'plan_start');
  await untilStatus(engine, 'login', 'done');
  const signals = await fromFiles(engine);
  expect(signals.map(({ type, status, payload }) => ({ type, status, payload }))).toEqual([
    { type: 'planner_finished', status: 'done', payload: { body: 'it is planned' } },
  ]);
  const instances = await engine.client.instances({ project: 'demo', plan: 'login' });
  expect(instances.find(({ role }) => role === 'planner')).toMatchObject({ state: 'succeeded', attempt: 1 });
  const history = await engine.client.history('demo', 'login');
  const atOf = (event: string) => history.findIndex((line) => line.event === event);
  expect(atOf('planner_finished')).toBeGreaterThan(-1);
  expect(atOf('planner_finished')).toBeLessThan(atOf('run_exited'));
  expect(readdirSync(on.repo)).toContain('README.md');
});
