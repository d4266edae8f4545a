/** What could not be started is refused before anything is, with everything that is wrong; what goes away later costs one attempt. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  ground,
  planText,
  register,
  runFolders,
  say,
  script,
  startEngine,
  untilPhase,
  untilStatus,
} from '../support/engine.ts';
import { fakeEnv } from '../support/program.ts';
import { expectFailure } from '../support/prose.ts';

/** Programs that git and the shell are, and nothing else. */
function bare() {
  const on = ground();
  return { on, env: { ...on.env, PATH: '/usr/bin:/bin' } };
}

describe('a plan whose agents cannot start', () => {
  it('is refused with every problem at once, and nothing has begun', async () => {
    const engine = await startEngine({
      ...bare(),
      agents: { default: { preset: 'claude' }, coder: { preset: 'sh' }, verifier: { preset: 'command' } },
    });
    const content = planText([
      { title: 't1', sh: null },
      { title: 't2', sh: null },
    ]);
    const places = ['reviewer, fixer: ', '"claude"', 'verifier: ', '"t1"', '"t2"', '[agents.verifier]'];
    await expectFailure(begin(engine, 'p', content), 'agent_unusable', ...places);
    expect(await engine.client.plan('demo', 'p')).toMatchObject({ status: 'ready', runs: 0 });
    expect(await engine.client.instances({ plan: 'p' })).toEqual([]);
  });

  it('is not refused for roles that are off, for a command line, or for what only planning needs', async () => {
    const engine = await startEngine({
      ...bare(),
      agents: {
        default: { preset: 'claude' },
        coder: { preset: 'command', program: 'echo a > a.txt; exit 0' },
        reviewer: { enabled: false },
        planner: { preset: 'command', program: 'tools/not-there-yet' },
      },
    });
    await begin(engine, 'p', planText(['']));
    await engine.client.plan('demo', 'p');
  });

  it('is refused for a script that the main folder does not have, whatever its branch may bring', async () => {
    const engine = await startEngine({
      ...bare(),
      agents: { default: { preset: 'sh' }, planner: { preset: 'command', program: 'tools/not-there-yet' } },
    });
    await register(engine, 'rough', '# an idea\n');
    const planned = engine.client.send({ project: 'demo', plan: 'rough', type: 'plan_start' });
    await expectFailure(planned, 'agent_unusable', 'planner', 'demo/tools/not-there-yet');
  });

  it('is refused for a planner that is not there, which only planning needs', async () => {
    const engine = await startEngine({
      ...bare(),
      agents: { default: { preset: 'sh' }, planner: { preset: 'codex' } },
    });
    await register(engine, 'rough', '# an idea\n');
    const planned = engine.client.send({ project: 'demo', plan: 'rough', type: 'plan_start' });
    await expectFailure(planned, 'agent_unusable', 'planner', '"codex"', '/usr/bin:/bin');
    await begin(engine, 'p', planText(['echo a > a.txt']));
  });
});

describe('a plan that cannot begin', () => {
  it('is refused where it waits for itself, also by way of plans that are not started, with the circle', async () => {
    const engine = await startEngine();
    const waits = (plan: string) => `**After:** ${plan}\n\n${planText(['true'])}`;
    await register(engine, 'own', waits('own'));
    for (const [plan, other] of ['one two', 'two three', 'three one'].map((pair) => pair.split(' ')))
      await register(engine, String(plan), waits(String(other)));
    await register(engine, 'beside', waits('one'));
    await expectFailure(say(engine, 'own', 'implement_start'), 'conflict', 'own → own', 'update-content own');
    await expectFailure(say(engine, 'one', 'implement_start'), 'conflict', 'one → two → three → one');
    await say(engine, 'beside', 'implement_start');
    await engine.client.updateContent('demo', 'three', planText(['true']));
    await say(engine, 'one', 'implement_start');
  });

  it('is refused as the draft that it is, whatever else its tasks lack', async () => {
    const engine = await startEngine({ agents: { default: { preset: 'sh' } } });
    await register(engine, 'p', '## Wave 1\n### Task 1:\n');
    const answer = await engine.client.send({ project: 'demo', plan: 'p', type: 'implement_start' });
    expect(answer.signal).toMatchObject({ status: 'failed', refused: { state: 'ready.draft' } });
  });

  it('is refused with the command that updates its document, if a task is for a repo that is not a member', async () => {
    const engine = await startEngine();
    await register(engine, 'p', planText(['true']).replace(/(### Task 1.*\n)/, '$1**Repo:** other\n'));
    await expectFailure(say(engine, 'p', 'implement_start'), 'agent_unusable', 'update-content p --file <file>');
  });
});

describe.skipIf(process.getuid?.() !== 0)('claude as root', () => {
  const agents = { default: { preset: 'claude', sandbox: 'off' }, reviewer: { enabled: false } } as const;
  const content = planText([{ title: 'the work', sh: null }]);

  it('is refused without walls before anything starts, with the line that helps', async () => {
    const on = ground();
    const env = { ...fakeEnv(on.env, { root: on.root, says: 'ok' }), IS_SANDBOX: undefined };
    const engine = await startEngine({ on, env, agents });
    await expectFailure(begin(engine, 'p', content), 'agent_unusable', 'coder', 'IS_SANDBOX=1', '[agents.coder]');
    expect(await engine.client.plan('demo', 'p')).toMatchObject({ status: 'ready', runs: 0 });
  });

  it('starts if its env file says that it runs in a container', async () => {
    const on = ground();
    const env = { ...fakeEnv(on.env, { root: on.root, says: 'ok' }), IS_SANDBOX: undefined };
    const file = join(on.root, 'agent.env');
    writeFileSync(file, 'IS_SANDBOX=1\n', { mode: 0o600 });
    const engine = await startEngine({
      on,
      env,
      agents: { ...agents, default: { ...agents.default, env_file: file } },
    });
    await begin(engine, 'p', content);
    await untilStatus(engine, 'p', 'done');
  });
});

describe('an agent whose program went away meanwhile', () => {
  it('has one attempt, not three, and says what is missing', async () => {
    const on = ground();
    const program = script(join(on.root, 'agent'), 'rm "$0"; echo a > a.txt');
    const engine = await startEngine({
      on,
      agents: { default: { preset: 'command', program, attempts: 3 }, reviewer: { enabled: false } },
    });
    await begin(engine, 'p', planText([''], ['']));
    const shown = await untilPhase(engine, 'p', 'wave_waiting');
    expect(shown.tasks_by_wave[1]?.tasks[0]).toMatchObject({ status: 'failed', reason: 'start-failed' });
    expect(runFolders(on.home, 'p').filter((name) => name.includes('wave-2'))).toHaveLength(1);
    expect(await engine.client.capture({ project: 'demo', title: 'p-w2-t1' })).toContain(
      `program "${program}" was not found`,
    );
  });
});
