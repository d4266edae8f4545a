/** A plan that is tried out in memory: what it says of order, time, cost and failures before anything is started. */
import { describe, expect, test } from 'vitest';
import { defaultPolicy, type Policy } from '../../machines/vocabulary/policy.ts';
import { type SimulateOptions, simulate } from '../../runtime/engine/simulate.ts';
import { planText } from '../support/simulation.ts';

const minute = 60_000;
const lasting = (ms: number) => ({ fromMs: ms, toMs: ms });
const unreviewed: Policy = {
  ...defaultPolicy,
  blueprint_skip_threshold: 0,
  roles: { ...defaultPolicy.roles, reviewer: { ...defaultPolicy.roles.reviewer, on: false } },
};
const of = (options: Partial<SimulateOptions> = {}) =>
  simulate({
    content: planText([3, 2]),
    policy: unreviewed,
    durations: { coder: lasting(minute) },
    ...options,
  });
const briefly = ({ order }: Awaited<ReturnType<typeof simulate>>) =>
  order.map(({ task, start_ms: start, end_ms: end, attempts, outcome }) => [task, start, end, attempts, outcome]);

describe('a simulated plan', () => {
  test('has the order, the slots and the waves of the engine', async () => {
    const two = await of({ agents: 2, durations: { coder: lasting(minute), 'w1-t1': lasting(3 * minute) } });
    expect(briefly(two)).toEqual([
      ['w1-t1', 0, 3 * minute, 1, 'done'],
      ['w1-t2', 0, minute, 1, 'done'],
      ['w1-t3', minute, 2 * minute, 1, 'done'],
      ['w2-t1', 3 * minute, 4 * minute, 1, 'done'],
      ['w2-t2', 3 * minute, 4 * minute, 1, 'done'],
    ]);
    expect(two).toMatchObject({ status: 'done', duration_ms: 4 * minute, peak_agents: 2, asks: [], not_reached: [] });
  });

  test('says with how many agents it takes how long, and from where on more of them do not help', async () => {
    const { with_agents: tried, agents_that_help: enough } = await of();
    expect(tried.map(({ agents, duration_ms: ms }) => [agents, ms / minute])).toEqual([
      [1, 5],
      [2, 3],
      [3, 2],
    ]);
    expect(enough).toBe(3);
    const sharing = await of({ policy: { ...unreviewed, isolation: 'plan' } });
    expect(sharing).toMatchObject({ duration_ms: 5 * minute, peak_agents: 1, agents_that_help: 1 });
  });

  test('has no more agents at a time than one repository may have, and says so', async () => {
    const capped = await of({ agents: 3, agentsPerRepo: 2 });
    expect(capped).toMatchObject({ agents: 2, agents_asked: 3, peak_agents: 2, duration_ms: 3 * minute });
    expect(await of({ agents: 2, agentsPerRepo: 3 })).toMatchObject({ agents: 2, agents_asked: null });
  });

  test('shows where a failure leads: the attempts are used up, the next wave is not reached, and a person is asked', async () => {
    const failed = await of({ fail: { 'w1-t2': 99 } });
    expect(failed).toMatchObject({ status: 'blocked', not_reached: ['w2-t1', 'w2-t2'] });
    expect(briefly(failed)[1]).toEqual(['w1-t2', 0, 3 * minute + 3_000, 3, 'failed']);
    expect(failed.asks).toMatchObject([{ at_ms: failed.duration_ms, kind: 'wave_failed' }]);
    const once = await of({ fail: { 'w1-t2': 1 } });
    expect(once).toMatchObject({ status: 'done', duration_ms: 3 * minute + 1_000 });
    expect(briefly(once)[1]).toEqual(['w1-t2', 0, 2 * minute + 1_000, 2, 'done']);
  });

  test('a review that asks for changes is followed by a fix and the next review', async () => {
    const policy = { ...defaultPolicy, blueprint_skip_threshold: 0 };
    const { order, status } = await of({ policy, fail: { reviewer: 1 }, content: planText([1]) });
    expect(order.map(({ task, outcome }) => `${task} ${outcome}`)).toEqual([
      'w1-t1 done',
      'review-1 changes_requested',
      'fix-1 done',
      'review-2 done',
    ]);
    expect(status).toBe('done');
    expect(await of({ policy, fail: { reviewer: 99 } })).toMatchObject({
      status: 'blocked',
      asks: [{ kind: 'decision' }],
    });
  });

  test('an agent that takes longer than its time limit is stopped, as the engine would', async () => {
    const { status, order } = await of({ content: planText([1]), durations: { coder: lasting(90 * minute) } });
    expect(status).toBe('blocked');
    expect(order).toMatchObject([{ attempts: 3, outcome: 'failed', end_ms: 3 * 60 * minute + 3_000 }]);
  });

  test('says where a person confirms a wave, and goes on', async () => {
    const waits = await of({ policy: { ...unreviewed, auto_advance_waves: false } });
    expect(waits).toMatchObject({ status: 'done', asks: [{ at_ms: minute, kind: 'wave_confirmation' }] });
  });

  test('plans that it waits for are taken for done', async () => {
    const content = planText([1]).replace('**Goal:**', '**After:** other\n**Goal:**');
    expect(await of({ content })).toMatchObject({ status: 'done' });
  });

  test('takes time and cost from earlier runs of the repo', async () => {
    const run = (ms: number, cost: number | null) => ({ duration_ms: ms * minute, failed: false, cost_usd: cost });
    const past = {
      project: 'demo',
      roles: [{ role: 'coder' as const, runs: [run(9, 1), run(2, 2), run(4, null)] }],
      conflicts: [],
    };
    const told = await of({ durations: {}, past });
    expect(told).toMatchObject({ duration_ms: 8 * minute, cost_usd: 7.5, durations: [{ from: 'history' }] });
    const reviewed = await of({ policy: { ...defaultPolicy, blueprint_skip_threshold: 0 }, past });
    expect(reviewed.cost_usd, 'no reviewer has run there before').toBeNull();
  });

  test('of many runs it says how they spread, and the same seed draws the same', async () => {
    const drawn = { durations: { coder: { fromMs: minute, toMs: 9 * minute } }, runs: 9, seed: 7 };
    const first = await of(drawn);
    expect(await of(drawn)).toEqual(first);
    expect(first.runs).toMatchObject({ count: 9, p50_ms: first.duration_ms, statuses: { done: 9 } });
    expect(first.runs?.p10_ms).toBeLessThan(first.runs?.p90_ms ?? 0);
    expect((await of({ ...drawn, seed: 8 })).duration_ms).not.toBe(first.duration_ms);
  });

  test.each([
    ['a task that there is not', { fail: { 'w9-t1': 1 } }, 'bad_request'],
    ['no agents', { agents: 0 }, 'bad_request'],
    ['an option that there is not', { agnets: 2 }, 'bad_request'],
    ['no document', { content: undefined }, 'bad_request'],
    ['too many runs', { runs: 1_001 }, 'bad_request'],
    ['a document without waves', { content: '# an idea\n' }, 'bad_plan'],
  ])('%s is refused', async (_, wrong, code) => {
    await expect(of(wrong as object)).rejects.toMatchObject({ code });
  });
});
