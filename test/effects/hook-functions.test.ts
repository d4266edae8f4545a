/** Hooks that a program brings as functions: called in order, tried again, kept over restarts, and refused where they are wrong. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  createEngine,
  type EngineOptions,
  FatalError,
  type HookMessage,
  RetryAtError,
} from '../../runtime/engine/engine.ts';
import { begin, ground, planText, startEngine, untilStatus } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { expectFailure } from '../support/prose.ts';

const plan = planText(['echo a > a.txt']);

describe('a hook that is a function', () => {
  it('receives what happened to a plan, in order, and only the events that it asked for', async () => {
    const told: HookMessage[] = [];
    const all: string[] = [];
    const at = await startEngine({
      hooks: {
        deploy: { on: ['implement_finished', 'implement_start'], run: async (message) => void told.push(message) },
        audit: { run: ({ event }) => void all.push(event) },
      },
    });
    await begin(at, 'login', plan);
    await untilStatus(at, 'login', 'done');
    await until(() => told.length === 2);
    expect(told).toMatchObject([
      { event: 'implement_start', project: 'demo', plan_file: 'login', hook: 'deploy', sequence: 1 },
      { event: 'implement_finished', from_status: 'implementing', to_status: 'done', sequence: 2 },
    ]);
    await until(() => all.includes('implement_finished'));
    expect(all).toContain('wave_started');
    await until(async () => (await at.client.hooks({ project: 'demo' })).every(({ pending }) => pending === 0));
    expect(await at.client.hooks({ project: 'demo' })).toMatchObject([
      { hook: 'deploy', type: 'function', target: null, state: 'on', delivered: 2 },
      { hook: 'audit', events: [] },
    ]);
  });

  it('that throws is called again with the same id, at the time that it names, and no more where that is fatal', async () => {
    const ids: Record<string, string[]> = { flaky: [], late: [], gone: [] };
    const pausesMs: number[] = [];
    let fromMs = 0;
    const note = (hook: string, { delivery_id: id }: HookMessage) => ids[hook]?.push(id) ?? 0;
    const at = await startEngine({
      hookRetryMs: Array.from({ length: 9 }, () => 10),
      hooks: {
        flaky: {
          on: ['implement_finished'],
          run: async (message) => {
            if (note('flaky', message) < 3) throw new Error('not yet');
          },
        },
        late: {
          on: ['implement_finished'],
          run: async (message) => {
            if (fromMs > 0) pausesMs.push(Date.now() - fromMs);
            fromMs = Date.now();
            // Several times, because a pause is partly random.
            if (note('late', message) < 9) throw new RetryAtError('later', fromMs + 50);
          },
        },
        gone: {
          on: ['implement_finished'],
          run: async (message) => {
            note('gone', message);
            throw new FatalError('nobody lives here');
          },
        },
      },
    });
    await begin(at, 'login', plan);
    await until(async () =>
      (await at.client.hooks({ project: 'demo' })).every(({ delivered, dead }) => delivered + dead === 1),
    );
    expect(ids.flaky).toHaveLength(3);
    expect(new Set(ids.flaky).size).toBe(1);
    expect(ids.late).toHaveLength(9);
    expect(Math.min(...pausesMs)).toBeGreaterThanOrEqual(50);
    expect(ids.gone).toHaveLength(1);
    const [dead] = await at.client.deliveries({ state: 'dead' });
    expect(dead).toMatchObject({ hook: 'gone', attempts: 1, last_error: 'nobody lives here' });
  });

  it('that takes too long is told to end, and called again', async () => {
    const aborted: boolean[] = [];
    const at = await startEngine({
      hookRetryMs: [10],
      hooks: {
        slow: {
          on: ['implement_finished'],
          timeoutMs: 100,
          run: async (_, { signal }) => {
            if (aborted.length > 0) return;
            await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
            aborted.push(signal.aborted);
          },
        },
      },
    });
    await begin(at, 'login', plan);
    await until(async () => (await at.client.hooks({ project: 'demo' }))[0]?.delivered === 1);
    expect(aborted).toEqual([true]);
  });

  it('that was under way when the engine stopped is called by the next one, which was given it', async () => {
    const on = ground();
    const ids: string[] = [];
    const first = await startEngine({
      on,
      hooks: {
        deploy: {
          on: ['implement_finished'],
          run: async ({ delivery_id: id }, { signal }) => {
            ids.push(id);
            await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
          },
        },
      },
    });
    await begin(first, 'login', plan);
    await until(() => ids.length === 1);
    await first.engine.stop();
    const hooks = {
      deploy: { on: ['implement_finished'] as const, run: ({ delivery_id: id }: HookMessage) => void ids.push(id) },
    };
    const second = await startEngine({ on, adds: false, hooks });
    await until(async () => (await second.client.hooks({ project: 'demo' }))[0]?.delivered === 1);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it('gets a numbered name if a hook of the repo has the same one', async () => {
    const on = ground();
    const told: string[] = [];
    const second = await startEngine({
      on,
      adds: false,
      hooks: { deploy: { on: ['implement_finished'], run: ({ hook }) => void told.push(hook) } },
    });
    mkdirSync(join(on.repo, '.stator'), { recursive: true });
    writeFileSync(
      join(on.repo, '.stator/config.toml'),
      '[[hooks]]\ntype = "command"\nname = "deploy"\ncommand = "true"\nevents = ["cancel"]\n',
    );
    await second.client.addRepo(on.repo, { trust: true });
    await begin(second, 'login', plan);
    await until(() => told.length === 1);
    expect(told).toEqual(['deploy-2']);
    expect((await second.client.hooks({ project: 'demo' })).map(({ hook, type }) => `${hook} ${type}`)).toEqual([
      'deploy command',
      'deploy-2 function',
    ]);
  });
});

it('what is wrong with a hook is refused before anything is done', async () => {
  const { root, env } = ground();
  const made = (hooks: object) =>
    createEngine({ home: join(root, 'other'), env, hooks } as EngineOptions as { home: string });
  const run = () => {};
  await expectFailure(made({ deploy: { run: 'curl' } }), 'bad_request', 'hooks.deploy.run');
  await expectFailure(
    made({ deploy: { run, on: ['implement_finish'] } }),
    'bad_request',
    'did you mean implement_finished?',
  );
  await expectFailure(made({ deploy: { run, evnts: [] } }), 'bad_request', '"evnts"');
  await expectFailure(made({ deploy: { run, timeoutMs: 5 } }), 'bad_request', 'timeoutMs is 5');
  await expectFailure(made([]), 'bad_request', 'hooks is no object');
});
