import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  agentClient,
  gate,
  ground,
  leaveToken,
  openGate,
  planText,
  register,
  say,
  script,
  startEngine,
  untilBlocked,
  untilStatus,
} from '../support/engine.ts';
import { fromFiles } from '../support/gateway.ts';
import { until } from '../support/ground.ts';

it('what an agent says by a file in its worktree as the last thing it does counts before its end, and its question is answered to it', async () => {
  const on = ground();
  const program = script(
    join(on.root, 'planner'),
    `cd .stator/signals
    grep -q blue "$STATOR_PROMPT_FILE" && { echo "it is planned" > planner-finished-login; exit 0; }
    echo "which colour?" > needs-decision-login; sleep 0.1; echo "too late" > planner-finished-login`,
  );
  const engine = await startEngine({
    on,
    agents: { default: { preset: 'sh', attempts: 1 }, planner: { preset: 'command', program, attempts: 1 } },
  });
  await register(engine, 'login', planText(['echo a > a.txt']));
  await say(engine, 'login', 'plan_start');
  expect((await untilBlocked(engine, 'login')).questions).toMatchObject([{ title: 'login-plan' }]);
  await until(async () => (await fromFiles(engine)).length === 2);
  await say(engine, 'login', 'resolve', { body: 'blue' });
  await untilStatus(engine, 'login', 'done');
  const signals = await fromFiles(engine);
  expect(signals.map(({ type, result, payload }) => ({ type, result, payload }))).toEqual([
    { type: 'needs_decision', result: 'done', payload: { reason: 'which colour?' } },
    { type: 'planner_finished', result: 'stale', payload: { body: 'too late' } },
    { type: 'planner_finished', result: 'done', payload: { body: 'it is planned' } },
  ]);
  const instances = await engine.client.instances({ project: 'demo', plan: 'login' });
  expect(instances.find(({ role }) => role === 'planner')).toMatchObject({ state: 'succeeded', attempt: 1 });
  const history = await engine.client.history('demo', 'login');
  const atOf = (event: string) => history.findLastIndex((line) => line.event === event);
  expect(atOf('planner_finished')).toBeGreaterThan(-1);
  expect(atOf('planner_finished')).toBeLessThan(atOf('run_exited'));
  expect(readdirSync(on.repo)).toContain('README.md');
});

it('what one of several planners says by a file counts for its own draft, whatever the file holds', async () => {
  const on = ground();
  const at = (what: string) => join(on.root, what);
  const says = 'mkdir -p .stator/signals && echo 2 > .stator/signals/planner-finished-login';
  const planner = (number: number) =>
    [leaveToken(at(`token-${number}`)), gate(at(`once-${number}`)), says, gate(at(`twice-${number}`)), says].join('\n');
  const program = script(at('planner'), `case "$STATOR_TITLE" in *-1)\n${planner(1)};;\n*)\n${planner(2)};;\nesac`);
  const engine = await startEngine({
    on,
    daemon: 'planner_drafts = 2\nmax_coordinators = 2\nauto_advance = false\n',
    agents: { default: { preset: 'sh', attempts: 1 }, planner: { preset: 'command', program, attempts: 1 } },
  });
  await register(engine, 'login', '# A plan\n');
  await say(engine, 'login', 'plan_start');
  const states = async () => (await engine.client.plan('demo', 'login')).drafts.map(({ state }) => state);
  const heard = async () =>
    (await fromFiles(engine)).map(({ type, payload, status }) => [type, JSON.stringify(payload).slice(0, 23), status]);
  const [first, second] = [await agentClient(at('token-1')), await agentClient(at('token-2'))];
  const word = (draft: number, status: string) => ['planner_draft_finished', `{"planner_id":"draft-${draft}.`, status];
  // The second planner has handed in nothing yet.
  openGate(at('once-2'));
  await until(async () => (await heard())[0]?.[2] === 'failed');
  await first.updateContent('demo', 'login', planText(['true']));
  openGate(at('once-1'));
  await until(async () => (await states())[0] === 'finished');
  expect(await states()).toEqual(['finished', 'writing']);
  await second.updateContent('demo', 'login', planText(['true', 'true']));
  openGate(at('twice-2'));
  const { drafts } = await untilBlocked(engine, 'login');
  expect(drafts.map(({ state, tasks }) => [state, tasks])).toEqual([
    ['finished', 1],
    ['finished', 2],
  ]);
  expect(await heard()).toEqual([word(2, 'failed'), word(1, 'done'), word(2, 'done')]);
  openGate(at('twice-1'));
});
