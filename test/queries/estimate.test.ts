import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Course, estimateOf } from '../../runtime/api/queries/estimate.ts';
import { begin, gate, openGate, planText, say, startEngine, untilPlan, untilStatus } from '../support/engine.ts';

const minuteMs = 60_000;

type Task = Course['waves'][number]['tasks'][number];

function run(title: string, fromMinute: number, toMinute: number | null): Course['runs'][number] {
  return {
    title,
    started_at: fromMinute * minuteMs,
    ended_at: toMinute === null ? null : toMinute * minuteMs,
  };
}

function wave(number: number, ...statuses: readonly Task['status'][]): Course['waves'][number] {
  return { number, tasks: statuses.map((status, index) => ({ number: index + 1, status })) };
}

function course(more: Partial<Course>): Course {
  return {
    plan: 'p',
    waves: [wave(1, 'done', 'done'), wave(2, 'pending', 'pending', 'pending')],
    runs: [run('p-w1-t1', 1, 3), run('p-w1-t2', 1, 7)],
    sinceMs: minuteMs,
    slots: { most: 3, now: 3 },
    nowMs: 8 * minuteMs,
    ...more,
  };
}

function minutes(more: Partial<Course>): [number, number] | null {
  const estimate = estimateOf(course(more));
  return estimate === null ? null : [estimate.from_ms / minuteMs, estimate.to_ms / minuteMs];
}

describe('the estimate', () => {
  it('goes from the quickest done task in all slots to the slowest in those that are left', () => {
    expect(minutes({})).toEqual([2, 6]);
    expect(minutes({ slots: { most: 3, now: 1 } })).toEqual([2, 18]);
    expect(minutes({ slots: { most: 2, now: 2 } })).toEqual([4, 12]);
    // Slots that other agents use do not count, but one is always assumed.
    expect(minutes({ slots: { most: 3, now: -1 } })).toEqual([2, 18]);
  });

  it('takes off what a task has worked already, and gives one that takes longer than any as long again', () => {
    const waves = [wave(1, 'done', 'done'), wave(2, 'working')];
    const runs = course({}).runs;
    expect(minutes({ waves, runs: [...runs, run('p-w2-t1', 7, null)] })).toEqual([1, 5]);
    expect(minutes({ waves, runs: [...runs, run('p-w2-t1', 1, null)], nowMs: 9 * minuteMs })).toEqual([0, 8]);
  });

  it('takes a failed attempt as a part of the time of its task, and none of an earlier pass', () => {
    const retried = [run('p-w1-t1', 1, 3), run('p-w1-t1', 4, 8), run('p-w1-t2', 1, 7)];
    expect(minutes({ runs: retried })).toEqual([6, 6]);
    expect(minutes({ runs: [run('p-w1-t1', 0, 1), ...course({}).runs] })).toEqual([2, 6]);
  });

  it('counts one wave after the other', () => {
    const waves = [wave(1, 'done', 'done'), wave(2, 'pending'), wave(3, 'pending')];
    expect(minutes({ waves })).toEqual([4, 12]);
  });

  it.each([
    ['one task is done', { waves: [wave(1, 'done', 'working')] }],
    ['nothing is left', { waves: [wave(1, 'done', 'done')] }],
    ['a task has failed, so that a person decides', { waves: [wave(1, 'done', 'done', 'failed'), wave(2, 'pending')] }],
    ['a person passed over tasks while one of them worked', { runs: [run('p-w1-t1', 1, 3)] }],
  ] satisfies [string, Partial<Course>][])('says nothing where %s', (_why, more) => {
    expect(estimateOf(course(more))).toBeNull();
  });
});

describe('a plan that works', () => {
  it('has an estimate once two of its tasks are done, and none while it waits for a person', async () => {
    const engine = await startEngine();
    const [go, asked] = [join(engine.root, 'go'), join(engine.root, 'asked')];
    const asks = `echo x > x\ntest -e '${asked}' || { touch '${asked}'; stator signal emit needs_decision --payload "left?"; }`;
    await begin(engine, 'p', planText(['echo a > a', 'echo b > b', `${gate(go)}\n${asks}`], ['echo c > c']));
    const { estimate } = await untilPlan(engine, 'p', ({ tasks_done: done }) => done === 2);
    expect(estimate).toMatchObject({ tasks: 2, from_ms: expect.any(Number) });
    expect(estimate?.to_ms).toBeGreaterThan(0);
    await say(engine, 'p', 'pause', { wait: true });
    expect((await engine.client.plan('demo', 'p')).estimate).toBeNull();
    await say(engine, 'p', 'resume');
    openGate(go);
    const asking = await untilPlan(engine, 'p', ({ blocked }) => blocked !== null);
    expect(asking.estimate).toBeNull();
    await say(engine, 'p', 'resolve', 'left');
    expect((await untilStatus(engine, 'p', 'done')).estimate).toBeNull();
  });
});
