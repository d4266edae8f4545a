/** Which of the waiting effects begin: by the limits, by the repos' turns, and each with exclusive use of its resource. */
import { describe, expect, it } from 'vitest';
import { type Lane, lanes } from '../../machines/vocabulary/effect.ts';
import { inTurn } from '../../runtime/core/outbox/fair-order.ts';
import {
  countedHost,
  freeSlots,
  type Limits,
  slotsOfRepo,
  slotsRequired,
  takeSlots,
} from '../../runtime/core/outbox/slots.ts';
import type { EffectRow } from '../../runtime/core/store/rows.ts';

const limits: Limits = { workers: 3, workersPerRepo: 0, coordinators: 2 };

interface Waiting {
  readonly lane?: Lane;
  readonly resource?: string;
  readonly priority?: number;
}

let rows = 0;

/** Named as `a1`: its project is `a`. */
function waits(name: string, { lane = 'worker', resource, priority = 0 }: Waiting = {}): EffectRow {
  rows += 1;
  const row = { id: rows, name, project: name.slice(0, 1), lane, resource: resource ?? `worktree:${name}`, priority };
  return row as EffectRow; // all that is looked at
}

const many = (project: string, count: number, how?: Waiting) =>
  Array.from({ length: count }, (_, index) => waits(`${project}${index + 1}`, how));

type Claim = Parameters<typeof takeSlots>[0];

/** The names of the effects that begin, in order. */
function begun(candidates: readonly EffectRow[], claim: Partial<Claim> = {}): string {
  const lane = candidates[0]?.lane ?? 'worker';
  return takeSlots({ lane, candidates, busy: new Map(), limits, servedLast: '', ...claim })
    .map(({ name }) => name)
    .join(' ');
}

describe('turns', () => {
  const names = (last: string, ...candidates: EffectRow[]) =>
    inTurn(candidates, last)
      .map(({ name }) => name)
      .join(' ');
  const waiting = () => [...many('b', 3), ...many('a', 1), ...many('c', 2)];

  it('go round the repos by name, and each repo keeps its own order', () => {
    expect(names('', ...waiting())).toBe('a1 b1 c1 b2 c2 b3');
  });

  it('begin after the repo that was served last, there or not', () => {
    expect(names('a', ...waiting())).toBe('b1 c1 a1 b2 c2 b3');
    expect(names('b', ...waiting())).toBe('c1 a1 b1 c2 b2 b3');
    expect(names('c', ...waiting())).toBe('a1 b1 c1 b2 c2 b3');
    expect(names('aa', ...waiting())).toBe('b1 c1 a1 b2 c2 b3');
    expect(names('z', ...waiting())).toBe('a1 b1 c1 b2 c2 b3');
  });

  it('are taken within one priority, and the higher one goes first', () => {
    const [low, high, highest] = [many('a', 2), many('b', 2, { priority: 1 }), many('c', 1, { priority: 5 })];
    expect(names('', ...low, ...high, ...highest)).toBe('c1 b1 b2 a1 a2');
    expect(names('', ...highest, ...high, ...low)).toBe('c1 b1 b2 a1 a2');
  });

  it('are empty if nothing waits', () => {
    expect(names('a')).toBe('');
  });
});

describe('slots', () => {
  /** How many effects of one repo begin at a time, if it is alone and if another repo waits too. */
  const byLane: Record<Lane, [alone: number, together: number]> = {
    worker: [3, 3],
    coordinator: [2, 2],
    git: [3, 4],
    check: [1, 2],
    process: [3, 4],
    hook: [12, 16],
    forge: [3, 4],
    machine: [64, 64],
  };

  for (const lane of lanes)
    it(`of ${lane}: ${byLane[lane][0]} for one repo, ${byLane[lane][1]} for all`, () => {
      // Hooks of one name share a limit, so each has another name here.
      const of = (project: string) =>
        Array.from({ length: 70 }, (_, index) =>
          waits(`${project}${index}`, { lane, resource: `hook:plan:${project}${index}` }),
        );
      const count = (candidates: readonly EffectRow[]) =>
        takeSlots({ lane, candidates, busy: new Map(), limits, servedLast: '' }).length;
      expect([count(of('a')), count([...of('a'), ...of('b')])]).toEqual(byLane[lane]);
      expect(freeSlots({ lane, busy: new Map(), limits })).toBe(byLane[lane][1]);
      expect(slotsOfRepo(lane, limits)).toBe(byLane[lane][0]);
    });

  it('that are taken are not free, and a limit that was lowered meanwhile starts nothing', () => {
    const busy = new Map([
      ['a', 2],
      ['b', 3],
    ]);
    expect(freeSlots({ lane: 'worker', busy, limits })).toBe(-2);
    expect(begun(many('c', 2), { busy })).toBe('');
    expect(begun(many('c', 3), { busy: new Map([['a', 2]]) })).toBe('c1');
  });

  it('of workers have a limit for each repo where it is configured, which what runs counts towards', () => {
    const each = { ...limits, workersPerRepo: 1 };
    expect(begun([...many('a', 2), ...many('b', 2)], { limits: each })).toBe('a1 b1');
    expect(begun([...many('a', 2), ...many('b', 2)], { limits: each, busy: new Map([['a', 1]]) })).toBe('b1');
    expect(slotsOfRepo('worker', each)).toBe(1);
    expect(slotsOfRepo('worker', { ...limits, workersPerRepo: 9 })).toBe(3);
    const coordinators = many('a', 3, { lane: 'coordinator' });
    expect(begun(coordinators, { limits: each })).toBe('a1 a2');
  });

  it('are given in turn after the repo that was served last', () => {
    expect(begun([...many('a', 2), ...many('b', 2)], { servedLast: 'a' })).toBe('b1 a1 b2');
  });

  it('are for one effect of a resource at a time, within its repo', () => {
    const resource = 'worktree:main';
    expect(begun([...many('a', 2, { resource }), waits('a3'), waits('b1', { resource })])).toBe('a1 b1 a3');
  });

  it('of a hook are four over all plans, and a hook of another repo with the same name is not counted', () => {
    const hook = (name: string, plan: string, hooks = 'chat') =>
      waits(name, { lane: 'hook', resource: `hook:${plan}:${hooks}` });
    const chat = (project: string) =>
      Array.from({ length: 6 }, (_, index) => hook(`${project}${index}`, `plan-${index}`));
    expect(begun([...chat('a'), hook('a9', 'plan-9', 'mail')])).toBe('a0 a1 a2 a3 a9');
    expect(begun(chat('a'), { running: chat('a').slice(0, 3) })).toBe('a0');
    expect(begun(chat('a'), { running: chat('b') })).toBe('a0 a1 a2 a3');
    const others = chat('a').map((row) => ({ ...row, lane: 'git' as const }));
    expect(begun(chat('a'), { running: others })).toBe('a0 a1 a2 a3');
  });

  it('of a machine’s lane are as many as the machine says, over all its trees', () => {
    const effect = (name: string, lane: string) =>
      waits(name, { lane: 'machine', resource: `lane:release:${lane}:${name}` });
    const asked = [effect('a1', 'deploy'), effect('a2', 'deploy'), effect('b1', 'deploy'), effect('b2', 'notify')];
    const machineLimit = (row: EffectRow) => (row.resource.includes('deploy') ? 1 : 5);
    expect(begun(asked, { machineLimit })).toBe('a1 b2');
    expect(begun(asked, { machineLimit, running: [effect('c1', 'deploy')] })).toBe('b2');
    expect(begun(asked)).toBe('a1 b1 a2 b2');
  });
});

describe('the limits in the commit that takes slots', () => {
  const required = (lane: Lane, of: Limits, host?: string) => {
    const taken = [...many('a', 2, { lane }), ...many('b', 1, { lane })];
    const { all, projects, ...rest } = slotsRequired(lane, taken, { limits: of, host });
    return { all, projects, ...rest };
  };

  it('are those of the lane, and those of a repo where these are lower', () => {
    expect(required('worker', limits)).toEqual({ do: 'slots.require', lane: 'worker', all: 3, projects: {} });
    expect(required('worker', { ...limits, workersPerRepo: 3 }).projects).toEqual({});
    expect(required('worker', { ...limits, workersPerRepo: 2 }).projects).toEqual({ a: 2, b: 2 });
    expect(required('git', limits)).toMatchObject({ all: 4, projects: { a: 3, b: 3 } });
    expect(required('machine', limits)).toMatchObject({ all: 64, projects: {} });
  });

  it('are null if the limit is infinite', () => {
    expect(required('worker', { ...limits, workers: Number.POSITIVE_INFINITY }).all).toBe(null);
  });

  it('are those of one host where slots are counted by host: of agents over all hosts', () => {
    expect(required('git', limits, 'one')).toHaveProperty('host', 'one');
    expect(required('git', limits)).not.toHaveProperty('host');
    const counted = lanes.map((lane) => [lane, countedHost(lane, 'one')]);
    expect(Object.fromEntries(counted)).toEqual({
      worker: undefined,
      coordinator: undefined,
      ...Object.fromEntries(['git', 'check', 'process', 'hook', 'forge', 'machine'].map((lane) => [lane, 'one'])),
    });
    expect(countedHost('git', '')).toBe(undefined);
  });
});
