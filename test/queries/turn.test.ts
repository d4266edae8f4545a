/** One function decides whose turn it is in a plan, so that all views show the same. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { look } from '../../cli/status/look.ts';
import { statusOf } from '../../cli/status/sort.ts';
import { groupOf, needOf } from '../../page/needs.ts';
import { begin, gate, ground, openGate, planText, startEngine, untilPhase, untilStatus } from '../support/engine.ts';
import { until } from '../support/ground.ts';

describe('whose turn it is', () => {
  it('is alike for status, the board, the page and explain while an agent starts', async () => {
    const on = ground();
    const go = join(on.root, 'go');
    mkdirSync(join(on.repo, '.stator'), { recursive: true });
    writeFileSync(join(on.repo, '.stator', 'config.toml'), `[worktree]\nsetup = """${gate(go)}"""\n`);
    const engine = await startEngine({ on });
    const { client } = engine;
    await begin(engine, 'starts', planText(['echo a > a.txt']));
    await until(async () => (await client.instances({}))[0]?.state === 'starting');
    const seen = await look(client, 'demo');
    const [plan] = seen.plans;
    if (plan === undefined) throw new Error('there is a plan');
    const status = statusOf(seen);
    expect(status.running.map((each) => each.agents.map(({ state }) => state))).toEqual([['starting']]);
    expect(status.waiting).toEqual([]);
    expect(groupOf(plan)).toBe('works');
    expect((await client.explain('demo', 'starts')).waiting_for?.kind).toBe('agent');
    expect(plan).toMatchObject({ turn: 'agents', need: null });
    expect(seen.agents.map(({ live }) => live)).toEqual([true]);
    openGate(go);
    await untilStatus(engine, 'starts', 'done');
    expect((await client.plan('demo', 'starts')).turn).toBe('nobody');
  });

  it('is a person’s where a wave has failed, with one reason and the same commands for all', async () => {
    const engine = await startEngine();
    await begin(engine, 'broken', planText(['exit 1']));
    await untilPhase(engine, 'broken', 'wave_waiting');
    const seen = await look(engine.client, 'demo');
    const [plan] = seen.plans;
    if (plan === undefined) throw new Error('there is a plan');
    const [need] = statusOf(seen).needs_you;
    expect(plan.need).toMatchObject({
      source: 'wave',
      do: expect.arrayContaining(['stator plan advance broken retry-wave']),
    });
    expect(need).toMatchObject({ plan: 'broken', why: plan.need?.why, do: plan.need?.do });
    expect([groupOf(plan), needOf(plan)?.why]).toEqual(['asks', plan.need?.why]);
  });
});
