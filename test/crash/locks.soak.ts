import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../runtime/engine/engine.ts';
import { createGrounds, kill, type Life, type Scenario } from '../support/crash.ts';
import { expectNothingLost, expectRunsToBelong, openEffects } from '../support/crash-proof.ts';
import { until } from '../support/ground.ts';

const { make, clear } = createGrounds();
const engines: Engine[] = [];
const holders: ChildProcess[] = [];
afterEach(async () => {
  for (const holder of holders.splice(0)) kill(holder.pid);
  for (const engine of engines.splice(0)) await engine.stop();
  clear();
});

const writerScript = fileURLToPath(new URL('../support/scripts/store-writer.mjs', import.meta.url));
/** Longer than any wait of ours for a lock in one go. */
const holdMs = 2_500;

async function untilUp({ home }: Scenario, { process: engine }: Life): Promise<void> {
  let said = '';
  engine.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(
    () => said.includes('up'),
    () => `${home}: ${said}`,
  );
}

/** Another program takes the store's write lock; the returned function makes it let go. */
async function hold({ home }: Scenario): Promise<() => Promise<void>> {
  for (;;) {
    const holder = spawn(process.execPath, [writerScript, join(home, 'taskstore.db')], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    holders.push(holder);
    const closed = new Promise<void>((resolve) => holder.once('close', () => resolve()));
    const isLocked = await Promise.race([
      new Promise<boolean>((resolve) => holder.stdout?.once('data', () => resolve(true))),
      closed.then(() => false),
    ]);
    if (!isLocked) continue;
    return async () => {
      holder.stdin?.end();
      await closed;
    };
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe('a home', () => {
  it('has one owner: a second engine is refused with an error that names the owner', async () => {
    const { home, env } = make();
    engines.push(await createEngine({ home, env }));
    const second = createEngine({ home, env });
    await expect(second).rejects.toMatchObject({
      code: 'owner_taken',
      message: `an engine of this very process owns this home: ${home}`,
    });
  });

  it('is not taken from an owner that is merely stopped', async () => {
    const scenario = make();
    const { home, env } = scenario;
    const life = scenario.live();
    await untilUp(scenario, life);
    life.process.kill('SIGSTOP');
    const second = createEngine({ home, env, waitForHomeMs: 300 });
    await expect(second).rejects.toMatchObject({
      code: 'owner_taken',
      message: expect.stringContaining(`${life.process.pid}`),
    });
    life.process.kill('SIGCONT');
    expect(await life.ended).toMatchObject({ how: 'done' });
    await expectNothingLost(scenario, { eachOnce: true });
  });
});

describe('a store that another program locks', () => {
  it('is waited for, by an engine that works and by one that starts, and no attempt is spent', async () => {
    const scenario = make();
    const first = scenario.live();
    await untilUp(scenario, first);
    let release = await hold(scenario);
    await pause(holdMs);
    await release();
    await until(() => scenario.entries().length > 0);
    kill(first.process.pid);
    await first.ended;
    release = await hold(scenario);
    const second = scenario.live();
    await pause(holdMs);
    await release();
    expect(await second.ended).toMatchObject({ how: 'done' });
    await expectNothingLost(scenario, { eachOnce: true });
  });

  it('takes a signal as soon as it is free again', async () => {
    const scenario = make();
    const { home, env, repo, content } = scenario;
    const engine = await createEngine({ home, env });
    engines.push(engine);
    await engine.client.addRepo(repo, { trust: true });
    await engine.client.registerPlan({ project: 'demo', plan: 'crash', content });
    const release = await hold(scenario);
    const answer = engine.client.send({ project: 'demo', plan: 'crash', type: 'pause' });
    await pause(500);
    await release();
    expect((await answer).signal.status).toBe('done');
  });
});

describe('a store that is full', () => {
  it('says so, and goes on when there is room again; each task ran once', async () => {
    const scenario = make();
    const { home, env, repo, content } = scenario;
    const agents = { default: { preset: 'sh' as const } };
    const first = await createEngine({ home, env, agents });
    await first.client.addRepo(repo, { trust: true });
    await first.client.registerPlan({ project: 'demo', plan: 'crash', content });
    await first.stop();
    const db = new BetterSqlite3(join(home, 'taskstore.db'), { timeout: 5_000 });
    db.exec('CREATE TABLE filler (x BLOB); INSERT INTO filler VALUES (zeroblob(2000000))');
    const pages = Number(db.pragma('page_count', { simple: true }));
    const warned: string[] = [];
    const warn = (message: string, thrown?: unknown) => void warned.push(`${message} ${String(thrown ?? '')}`);
    const log = { debug: () => {}, info: () => {}, warn, error: warn };
    const engine = await createEngine({ home, env, agents, log, maxPageCount: pages + 8 });
    engines.push(engine);
    await engine.client.send({ project: 'demo', plan: 'crash', type: 'implement_start', waitMs: 0 });
    await until(() => warned.some((line) => line.includes('the disk is full')));
    const refused = engine.client.send({
      project: 'demo',
      plan: 'crash',
      type: 'pause',
      payload: { body: 'x'.repeat(60_000) },
    });
    await expect(refused).rejects.toMatchObject({ code: 'store_full', hint: expect.stringContaining('df -h') });
    expectRunsToBelong(home);
    db.exec('DROP TABLE filler');
    db.close();
    await until(
      async () => (await engine.client.plan('demo', 'crash')).status === 'done',
      () => warned.join('\n'),
    );
    await until(() => openEffects(home) === 0);
    engines.pop();
    await engine.stop();
    await expectNothingLost(scenario, { eachOnce: true });
  });
});

describe('a limit of one agent', () => {
  it('is kept over every restart: an agent that is adopted keeps its slot', async () => {
    const scenario = make();
    await createEngine({ home: scenario.home, env: scenario.env }).then((engine) => engine.stop());
    writeFileSync(join(scenario.home, 'daemon.toml'), 'max_agents = 1\n');
    const faults = [
      { point: 'agent-run.after-spawn', nth: 1 },
      { point: 'lanes.before-settle', nth: 1 },
      { point: 'lanes.after-settle', nth: 2 },
      { point: 'agent-run.after-spawn', nth: 1 },
      { point: 'lanes.after-claim', nth: 2 },
    ] as const;
    for (const fault of faults) expect(await scenario.live({ fault }).ended).toMatchObject({ how: 'killed' });
    expect(await scenario.carry()).toMatchObject({ how: 'done' });
    await expectNothingLost(scenario, { eachOnce: true });
    expect(scenario.entries().map(({ word }) => word)).toEqual(
      Array.from({ length: 6 }, () => ['start', 'end']).flat(),
    );
  });
});
