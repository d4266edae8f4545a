import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../../runtime/engine/connect.ts';
import { createEngine, type Engine, type Faults } from '../../runtime/engine/engine.ts';
import { createGrounds, kill, type Scenario } from '../support/crash.ts';
import { expectNothingLost, openEffects } from '../support/crash-proof.ts';
import { until } from '../support/ground.ts';

const { make, clear } = createGrounds();
const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.stop();
  clear();
});

/** An engine in this process. */
async function engineOf({ home, env }: Scenario, faults: Faults = () => {}): Promise<Engine> {
  const agents = { default: { preset: 'sh' as const } };
  const engine = await createEngine({ home, env, agents, faults, graceMs: 2_000, waitForHomeMs: 5_000 });
  engines.push(engine);
  return engine;
}

async function leave(engine: Engine): Promise<void> {
  engines.splice(engines.indexOf(engine), 1);
  await engine.stop();
}

async function send({ client }: Pick<Engine, 'client'>, type: string, payload: unknown = {}): Promise<string> {
  return (await client.send({ project: 'demo', plan: 'crash', type, payload })).signal.status;
}

async function untilStatus({ client }: Engine, wanted: string): Promise<void> {
  const seen = async () => {
    const { status, phase } = await client.plan('demo', 'crash');
    return `${status} ${phase}`;
  };
  await until(async () => (await seen()).includes(wanted), seen);
}

async function untilSettled({ client }: Engine): Promise<void> {
  await until(async () => (await client.queue()).every(({ state }) => state !== 'pending' && state !== 'notified'));
}

async function register(engine: Engine, { repo, content }: Scenario): Promise<void> {
  await engine.client.addRepo(repo, { trust: true });
  await engine.client.registerPlan({ project: 'demo', plan: 'crash', content });
}

/** An engine that does this once, at the first run that is about to get its worktree, so before any run is claimed. */
async function engineThatAtFirst(scenario: Scenario, act: (engine: Engine) => Promise<unknown>): Promise<Engine> {
  let acted: Promise<unknown> | null = null;
  const engine: Engine = await engineOf(scenario, (point) => {
    if (point === 'agent-run.before-worktree') acted ??= act(engine);
  });
  await register(engine, scenario);
  await send(engine, 'implement_start');
  await until(() => acted !== null);
  await acted;
  return engine;
}

function claims({ home }: Scenario): string[] {
  const root = join(home, 'runs');
  return readdirSync(root)
    .map((name) => join(root, name, 'claim'))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8').trim());
}

/** Stops the engine once all that it began is settled, and looks at everything. */
async function proveAfter(engine: Engine, scenario: Scenario, options: { eachOnce: boolean }): Promise<void> {
  await untilStatus(engine, 'done');
  await until(() => openEffects(scenario.home) === 0);
  await leave(engine);
  await expectNothingLost(scenario, options);
}

describe('a stop that comes before an agent was claimed', () => {
  it('cancels the plan without a single start; reopened, each task runs once', async () => {
    const scenario = make();
    const engine = await engineThatAtFirst(scenario, (own) => send(own, 'cancel'));
    await untilStatus(engine, 'cancelled');
    await untilSettled(engine);
    expect(scenario.entries()).toEqual([]);
    expect(claims(scenario).filter((claim) => claim !== 'void')).toEqual([]);
    await until(async () => (await send(engine, 'reopen')) === 'done');
    await untilStatus(engine, 'ready');
    await send(engine, 'implement_start');
    await proveAfter(engine, scenario, { eachOnce: true });
  });

  it('pauses the plan; resumed, each task runs once and no attempt is spent', async () => {
    const scenario = make();
    const engine = await engineThatAtFirst(scenario, (own) => send(own, 'pause'));
    await until(async () => (await engine.client.instances({})).every(({ state }) => state === 'queued'));
    expect(scenario.entries()).toEqual([]);
    await send(engine, 'resume');
    await proveAfter(engine, scenario, { eachOnce: true });
    expect(scenario.entries().map(({ attempt }) => attempt)).toEqual(scenario.entries().map(() => 1));
  });

  it('kills one agent; its task fails, the others go on, and a retry runs it once', async () => {
    const scenario = make();
    const engine = await engineThatAtFirst(scenario, (own) =>
      own.client.killInstance({ project: 'demo', title: 'crash-w1-t1' }),
    );
    await untilStatus(engine, 'wave_waiting');
    expect(scenario.entries().filter(({ title }) => title === 'crash-w1-t1')).toEqual([]);
    const [failed] = (await engine.client.plan('demo', 'crash')).tasks_by_wave[0]?.tasks ?? [];
    expect(failed).toMatchObject({ status: 'failed', reason: 'killed' });
    await send(engine, 'retry_wave');
    await proveAfter(engine, scenario, { eachOnce: true });
  });

  it('holds when it comes after the owner died and before the next one', async () => {
    const scenario = make();
    const fault = { point: 'agent-run.before-spawn', nth: 2, isLate: true } as const;
    expect((await scenario.live({ fault }).ended).how).toBe('killed');
    const client = await connect({ env: scenario.env, mode: 'write' });
    expect(await send({ client }, 'cancel')).toBe('done');
    await client.close();
    const engine = await engineOf(scenario);
    await untilStatus(engine, 'cancelled');
    await untilSettled(engine);
    await until(() => scenario.processes().length === 0);
    const begun = scenario.entries().filter(({ word }) => word === 'start');
    expect(new Set(begun.map(({ title }) => title)).size).toBe(begun.length);
    expect((await engine.client.instances({})).map(({ state }) => state)).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
    ]);
  });
});

describe('a wrapper that is late', () => {
  it('finds its work undisturbed by the owner that came meanwhile', async () => {
    const scenario = make();
    const fault = { point: 'agent-run.before-spawn', nth: 1, isLate: true, wrapperLateS: 0.6 } as const;
    expect((await scenario.live({ fault }).ended).how).toBe('killed');
    const hasWorked = () => scenario.entries().some(({ word }) => word === 'end');
    // The engine that is about to prepare a worktree is held until the late agent has left its work in one.
    const engine = await engineOf(scenario, (point) => {
      const untilMs = Date.now() + 3_000;
      while (point === 'agent-run.before-worktree' && !hasWorked() && Date.now() < untilMs);
    });
    await proveAfter(engine, scenario, { eachOnce: true });
  });
});

describe('an agent that speaks while nobody owns the home', () => {
  const inGate = (root: string) => `while [ ! -e '${root}/gate' ]; do sleep 0.02; done`;

  /** Runs until the agent of the first task waits at its gate, kills the engine, and opens the gate. */
  async function orphanAtGate(scenario: Scenario, said: string): Promise<void> {
    const life = scenario.live();
    await until(() => scenario.entries().some(({ title }) => title === 'crash-w1-t1'));
    kill(life.process.pid);
    await life.ended;
    writeFileSync(join(scenario.root, 'gate'), '');
    await until(() => scenario.entries().some(({ word }) => word === said));
  }

  it('has its question answered, and goes on with the answer', async () => {
    const ask = "stator signal emit needs_decision --payload 'which colour?'";
    const scenario = make(({ wave, task, note, root }) =>
      wave === 1 && task === 1
        ? `if ! grep -q "bl[u]e" "$STATOR_PROMPT_FILE"; then\n${inGate(root)}\n${ask}\n${note('asked')}\nexit 1\nfi`
        : '',
    );
    await orphanAtGate(scenario, 'asked');
    const { how, said } = await scenario.carry();
    expect(how, said).toBe('stuck');
    const client = await connect({ env: scenario.env, mode: 'write' });
    expect((await client.plan('demo', 'crash')).blocked).toMatchObject({
      reason: 'question 1 of crash-w1-t1: which colour?',
      source: 'agent',
    });
    expect(await send({ client }, 'resolve', 'blue')).toBe('done');
    await client.close();
    expect(await scenario.carry()).toMatchObject({ how: 'done' });
    await expectNothingLost(scenario, { eachOnce: false });
    const starts = scenario.entries().filter(({ word }) => word === 'start');
    expect(starts.map(({ title, attempt }) => `${title} ${attempt}`).sort()).toEqual([
      'crash-w1-t1 1',
      'crash-w1-t1 1',
      'crash-w1-t2 1',
      'crash-w1-t3 1',
      'crash-w2-t1 1',
      'crash-w2-t2 1',
      'crash-w2-t3 1',
    ]);
  });

  it('is believed that its task is finished, whatever its exit code', async () => {
    const emit = `stator signal emit implement_task_finished --payload '{"wave_number": 1, "task_number": 1}'`;
    const scenario = make(({ wave, task, note, root }) =>
      wave === 1 && task === 1 ? `${inGate(root)}\necho 1-1 > w1-t1.txt\n${emit}\n${note('end')}\nexit 7` : '',
    );
    await orphanAtGate(scenario, 'end');
    expect(await scenario.carry()).toMatchObject({ how: 'done' });
    await expectNothingLost(scenario, { eachOnce: true });
  });
});
