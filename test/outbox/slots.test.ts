/** Who gets the slots of a lane: the limits, the resources and the turns, as tables. */
import { describe, expect, it } from 'vitest';
import type { Lane } from '../../machines/vocabulary/effect.ts';
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

/** `project/resource`, or `project/resource!priority`. */
function rowsOf(lane: Lane, ...names: string[]): EffectRow[] {
  return names.map((name, id) => {
    const [, project, resource, priority = '0'] = /^([^/]*)\/([^!]+)(?:!(\d+))?$/.exec(name) ?? [];
    return { id, lane, project, resource, priority: Number(priority) } as EffectRow; // all that slots look at
  });
}

function taken(lane: Lane, names: readonly string[], more: Partial<Parameters<typeof takeSlots>[0]> = {}): string[] {
  const claim = { lane, candidates: rowsOf(lane, ...names), busy: new Map(), limits, servedLast: '', ...more };
  return takeSlots(claim).map(({ project, resource }) => `${project}/${resource}`);
}

describe('the slots of a lane', () => {
  it('are as many as the limit says, less those that are taken', () => {
    const four = ['a/1', 'b/2', 'c/3', 'd/4'];
    expect(taken('worker', four)).toEqual(['a/1', 'b/2', 'c/3']);
    expect(taken('worker', four, { busy: new Map([['z', 1]]) })).toEqual(['a/1', 'b/2']);
    expect(taken('worker', four, { busy: new Map([['z', 2], ['y', 1]]) })).toEqual([]); // biome-ignore format: a table
    expect(taken('worker', four, { busy: new Map([['z', 9]]) })).toEqual([]);
    expect(freeSlots({ lane: 'worker', busy: new Map([['z', 9]]), limits })).toBe(-6);
  });

  it('of coordinators are others than those of workers', () => {
    expect(taken('coordinator', ['a/1', 'b/2', 'c/3'])).toEqual(['a/1', 'b/2']);
    expect(taken('coordinator', ['a/1', 'a/2'], { limits: { ...limits, workersPerRepo: 1 } })).toEqual(['a/1', 'a/2']);
  });

  it('go to one effect of each resource; one name in two repos is two resources', () => {
    expect(taken('git', ['a/refs', 'a/refs', 'a/other', 'b/refs'])).toEqual(['a/refs', 'b/refs', 'a/other']);
  });

  it('of workers are bounded for one repo where max_agents_per_repo says so', () => {
    const names = ['a/1', 'a/2', 'a/3', 'b/1'];
    expect(taken('worker', names)).toEqual(['a/1', 'b/1', 'a/2']);
    const perRepo = { limits: { ...limits, workersPerRepo: 1 } };
    expect(taken('worker', names, perRepo)).toEqual(['a/1', 'b/1']);
    expect(taken('worker', names, { ...perRepo, busy: new Map([['a', 1]]) })).toEqual(['b/1']);
  });

  it.each([
    ['git', 4, 3],
    ['check', 2, 1],
    ['process', 4, 3],
    ['hook', 16, 12],
    ['forge', 4, 3],
    ['machine', 64, 64],
  ] as const)('of %s are %i, and one repo leaves some of them to the others: it has %i', (lane, all, ofRepo) => {
    expect(freeSlots({ lane, busy: new Map(), limits })).toBe(all);
    expect(slotsOfRepo(lane, limits)).toBe(ofRepo);
    const many = Array.from({ length: 80 }, (_, index) => `a/x:${index}:${index}`);
    expect(taken(lane, many)).toHaveLength(ofRepo);
  });

  it('of hooks: one that hangs has four, whichever plans it is of', () => {
    const slow = [1, 2, 3, 4, 5, 6].map((plan) => `a/hook:${plan}:slow`);
    expect(taken('hook', [...slow, 'a/hook:1:quick'])).toEqual([...slow.slice(0, 4), 'a/hook:1:quick']);
    expect(taken('hook', slow, { running: rowsOf('hook', 'a/hook:7:slow', 'a/hook:8:slow', 'b/hook:9:slow') })).toEqual(
      slow.slice(0, 2),
    );
    expect(taken('hook', slow, { running: rowsOf('git', 'a/hook:7:slow') })).toEqual(slow.slice(0, 4));
  });

  it('of a machine’s own lane are bounded by the machine', () => {
    const runs = ['/machine:release:publish:1', '/machine:release:publish:2', '/machine:other:publish:3'];
    expect(taken('machine', runs, { machineLimit: () => 1 })).toEqual([runs[0], runs[2]]);
    expect(taken('machine', runs)).toEqual(runs);
  });

  it('are a condition of the commit that takes them, over all hosts for agents and for each host for the rest', () => {
    const [row] = rowsOf('worker', 'a/1') as [EffectRow];
    expect(slotsRequired('worker', [row], { limits, host: undefined })).toEqual({
      ...{ do: 'slots.require', lane: 'worker', all: 3, projects: {} },
    });
    const perRepo = { ...limits, workersPerRepo: 1 };
    expect(slotsRequired('worker', [row], { limits: perRepo, host: 'h' })).toEqual({
      ...{ do: 'slots.require', lane: 'worker', all: 3, projects: { a: 1 }, host: 'h' },
    });
    expect(slotsRequired('worker', [row], { limits: { ...limits, workers: 1, workersPerRepo: 1 }, host: undefined })).toMatchObject({ projects: {} }); // biome-ignore format: a table
    expect(slotsRequired('worker', [row], { limits: { ...limits, workers: Number.POSITIVE_INFINITY }, host: undefined })).toMatchObject({ all: null }); // biome-ignore format: a table
    expect(['worker', 'coordinator', 'git'].map((lane) => countedHost(lane as Lane, 'h'))).toEqual([undefined, undefined, 'h']); // biome-ignore format: a table
    expect(countedHost('git', '')).toBeUndefined();
    expect([slotsOfRepo('worker', limits), slotsOfRepo('worker', perRepo), slotsOfRepo('coordinator', limits)]).toEqual([3, 1, 2]); // biome-ignore format: a table
  });
});

describe('the turn', () => {
  const orderOf = (last: string, ...names: string[]) =>
    inTurn(rowsOf('worker', ...names), last).map(({ project, resource }) => `${project}/${resource}`);

  it('goes from project to project, in their own order, and begins after the one that was served last', () => {
    const names = ['b/1', 'a/1', 'b/2', 'a/2', 'c/1'];
    expect(orderOf('', ...names)).toEqual(['a/1', 'b/1', 'c/1', 'a/2', 'b/2']);
    expect(orderOf('a', ...names)).toEqual(['b/1', 'c/1', 'a/1', 'b/2', 'a/2']);
    expect(orderOf('aa', ...names)).toEqual(['b/1', 'c/1', 'a/1', 'b/2', 'a/2']);
    expect(orderOf('c', ...names)).toEqual(['a/1', 'b/1', 'c/1', 'a/2', 'b/2']);
  });

  it('is that of a higher priority first', () => {
    expect(orderOf('a', 'a/1', 'b/1', 'a/2!5', 'c/1!1')).toEqual(['a/2', 'c/1', 'b/1', 'a/1']);
    expect(orderOf('')).toEqual([]);
  });
});
