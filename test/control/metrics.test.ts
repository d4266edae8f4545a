/** The numbers for Prometheus: in its format, true to what the engine says elsewhere, and for nobody who may not see them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metrics } from '../../runtime/api/contract/metrics.ts';
import { metricsText } from '../../runtime/api/queries/metrics.ts';
import type { Engine } from '../../runtime/engine/engine.ts';
import { ask, routeOf } from '../support/api.ts';
import { begin, gate, ground, planText, script, startEngine, untilPhase, untilStatus } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { sampleOf, samplesOf, sum } from '../support/metrics.ts';
import { served } from '../support/team.ts';

const scrape = async (engine: Engine) => samplesOf((await ask(engine, 'GET /metrics')).text);

/** Speaks as claude does, and fails the first time. */
const agentWith = (mark: string) => `test -e '${mark}' || { touch '${mark}'; exit 3; }
echo more > made.txt
echo '${JSON.stringify({ type: 'result', session_id: 'abc', result: 'done', total_cost_usd: 0.25, usage: { input_tokens: 100, output_tokens: 7 } })}'`;

describe('the numbers of an engine', () => {
  it('are there before it has done anything', async () => {
    const { engine } = await startEngine();
    const first = await scrape(engine);
    expect(sampleOf(first, 'stator_repos', { state: 'active' })).toBe(1);
    expect(sampleOf(first, 'stator_slots', { lane: 'worker' })).toBe((await engine.client.queueStats()).max_agents);
    expect(sampleOf(first, 'stator_store_writable')).toBe(1);
    expect(sampleOf(first, 'stator_store_bytes')).toBeGreaterThan(0);
    expect(sampleOf(first, 'stator_queue_oldest_seconds')).toBe(0);
    expect(first.filter(({ name }) => name === 'stator_runs_total')).toEqual([]);
    // Nothing is measured until somebody asks.
    expect(first.filter(({ name }) => name === 'stator_event_loop_delay_seconds')).toEqual([]);
    await until(
      async () => sampleOf(await scrape(engine), 'stator_event_loop_delay_seconds', { quantile: '1' }) !== undefined,
    );
    expect((await ask(engine, 'GET /metrics')).status).toBe(200);
  });

  it('have the type of content that Prometheus asks for', async () => {
    const { engine } = await startEngine({ adds: false });
    const answer = await engine.fetch(new Request('http://stator/metrics'));
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    await answer.text();
  });

  it('count runs by the reason why they did not count, with their tokens and their cost, from zero in each engine', async () => {
    const on = ground();
    const agents = {
      default: { preset: 'claude', program: './agent.sh', attempts: 2 },
      reviewer: { enabled: false },
    } as const;
    const setup = {
      on,
      agents,
      env: { ...on.env, IS_SANDBOX: '1' },
      daemon: 'blueprint_skip_threshold = 0\n',
    };
    const before = await startEngine(setup);
    script(join(on.repo, 'agent.sh'), agentWith(join(on.root, 'failed')));
    await begin(before, 'twice', planText([{ sh: null }]));
    await untilStatus(before, 'twice', 'done');
    const found = await scrape(before.engine);
    const claude = { project: 'demo', preset: 'claude' };
    expect(found.filter(({ name }) => name === 'stator_runs_total')).toEqual([
      { name: 'stator_runs_total', labels: { ...claude, state: 'failed', reason: 'exit-code' }, value: 1 },
      { name: 'stator_runs_total', labels: { ...claude, state: 'succeeded', reason: '' }, value: 1 },
    ]);
    const { usage } = await before.client.plan('demo', 'twice');
    expect(usage).toMatchObject({ input_tokens: 100, output_tokens: 7, cost_usd: 0.25 });
    expect(sampleOf(found, 'stator_tokens_total', { ...claude, direction: 'input' })).toBe(usage.input_tokens);
    expect(sampleOf(found, 'stator_tokens_total', { ...claude, direction: 'output' })).toBe(usage.output_tokens);
    expect(sampleOf(found, 'stator_cost_usd_total', claude)).toBe(usage.cost_usd);
    expect(sampleOf(found, 'stator_plans', { project: 'demo', status: 'done' })).toBe(1);
    expect(sampleOf(found, 'stator_signal_latency_seconds', { quantile: '0.5' })).toBeGreaterThanOrEqual(0);
    // Without a trace of what is not bounded.
    expect(JSON.stringify(found)).not.toContain('twice');
    await before.engine.stop();
    const after = await startEngine({ ...setup, adds: false });
    expect(sum(await scrape(after.engine), 'stator_runs_total')).toBe(0);
    expect(sampleOf(await scrape(after.engine), 'stator_plans', { project: 'demo', status: 'done' })).toBe(1);
  });

  it('say what waits: for a slot, for a pause and for a person', async () => {
    const engine = await startEngine({ daemon: 'max_agents = 1\nblueprint_skip_threshold = 0\n' });
    const go = join(engine.root, 'go');
    await begin(engine, 'two', planText([`${gate(go)}\nexit 1`, `${gate(go)}\nexit 1`]));
    await until(async () => (await engine.client.queueStats()).running === 1);
    const busy = await scrape(engine.engine);
    expect(sampleOf(busy, 'stator_slots_used', { lane: 'worker' })).toBe(1);
    expect(sampleOf(busy, 'stator_effects_queued', { lane: 'worker' })).toBe(1);
    expect(sampleOf(busy, 'stator_queue_agents', { state: 'pending' })).toBe(1);
    expect(sampleOf(busy, 'stator_queue_agents', { state: 'notified' })).toBe(1);
    expect(sampleOf(busy, 'stator_plans_waiting_for_person', { project: 'demo' })).toBe(0);
    await until(async () => (sampleOf(await scrape(engine.engine), 'stator_queue_oldest_seconds') ?? 0) > 0);
    await engine.client.pauseQueue();
    const paused = await scrape(engine.engine);
    expect(sampleOf(paused, 'stator_queue_paused')).toBe(1);
    expect(sampleOf(paused, 'stator_queue_agents', { state: 'held' })).toBe(1);
    // Who is paused waits for a person, and not for a slot.
    expect(sampleOf(paused, 'stator_queue_oldest_seconds')).toBe(0);
    await engine.client.resumeQueue();
    writeFileSync(go, '');
    await untilPhase(engine, 'two', 'wave_waiting');
    expect(sampleOf(await scrape(engine.engine), 'stator_plans_waiting_for_person', { project: 'demo' })).toBe(1);
  });

  it('are one answer for all who ask at the same time', async () => {
    const { engine } = await startEngine({ adds: false });
    const texts = await Promise.all(Array.from({ length: 8 }, async () => (await ask(engine, 'GET /metrics')).text));
    const times = texts.map((text) => sampleOf(samplesOf(text), 'process_cpu_seconds_total'));
    expect(new Set(times).size).toBe(1);
  });

  it('are for everybody with a token, and for no agent on its own socket', async () => {
    const { tokenFor, say, ask: askAs } = await served();
    expect((await askAs('GET /metrics')).status).toBe(401);
    const answer = await say('GET /metrics', tokenFor('prometheus', 'look'));
    expect(answer.status).toBe(200);
    expect(sum(samplesOf(answer.text), 'stator_info')).toBe(1);
    expect(routeOf('GET /metrics').definition.inRuns ?? false).toBe(false);
  });
});

describe('the text of the numbers', () => {
  it('quotes what a label has, so that a name is no second line', () => {
    const project = 'a"b\\c\nstator_info{version="9"} 1';
    const text = metricsText([{ name: 'stator_plans_waiting_for_person', labels: { project }, value: 2 }]);
    expect(text.split('\n').filter((line) => !line.startsWith('#'))).toHaveLength(2);
    expect(samplesOf(text)).toEqual([{ name: 'stator_plans_waiting_for_person', labels: { project }, value: 2 }]);
  });

  it('has each metric once, with its type before it', () => {
    const waiting = { name: 'stator_forge_up', value: 1 } as const;
    const text = metricsText([
      { ...waiting, labels: { project: 'a' } },
      { name: 'stator_info', labels: { version: '1' }, value: 1 },
      { ...waiting, labels: { project: 'b' } },
    ]);
    expect(text.split('\n').map((line) => line.replace(/^(# HELP \S+) .*/, '$1'))).toEqual([
      '# HELP stator_info',
      '# TYPE stator_info gauge',
      'stator_info{version="1"} 1',
      '# HELP stator_forge_up',
      '# TYPE stator_forge_up gauge',
      'stator_forge_up{project="a"} 1',
      'stator_forge_up{project="b"} 1',
      '',
    ]);
  });

  it('has names and help as Prometheus wants them', () => {
    for (const [name, { type, help }] of Object.entries(metrics)) {
      expect(name).toMatch(/^(?:stator|process)_[a-z_]+$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(help, name).toMatch(/^[^\\\n]{5,200}\.$/);
    }
  });
});
