/** The shape by which two engines see whether their charts are the same: what a chart does is in it, and what is only said of it is not. */
import { expect, it } from 'vitest';
import { type AnyStateMachine, createMachine, fromPromise, setup } from 'xstate';
import { chartShape } from '../../actors/chart-shape.ts';

const shapeOf = (machine: unknown) => JSON.parse(chartShape(machine as AnyStateMachine)); // of any types
const config = (given: object) => shapeOf(createMachine(given as never))[0];

it('has states, transitions and names, functions by their names, and numbers too large for JSON as text', () => {
  function isOld() {
    return true;
  }
  const child = createMachine({ id: 'child', initial: 'on', states: { on: {} } });
  const machine = setup({ actors: { child, promise: fromPromise(async () => 1) } }).createMachine({
    id: 'door',
    initial: 'shut',
    context: { size: 3n as unknown as number, none: null, list: [1, 'two', null] },
    states: {
      shut: { on: { open: { target: 'open', guard: isOld, actions: [() => {}, 'bell'] } } },
      open: { invoke: [{ src: 'child' }, { src: 'promise' }], tags: ['wide'] },
    },
  } as never);
  expect(shapeOf(machine)).toEqual([
    {
      id: 'door',
      initial: 'shut',
      context: { size: '3', none: null, list: [1, 'two', null] },
      states: {
        shut: { on: { open: { target: 'open', guard: 'isOld', actions: ['function', 'bell'] } } },
        open: { invoke: [{ src: 'child' }, { src: 'promise' }], tags: ['wide'] },
      },
    },
    [
      ['child', 'machine', { id: 'child', initial: 'on', states: { on: {} } }],
      ['promise', 'promise', null],
    ],
  ]);
});

it('has an actor that stands in the chart itself as its kind, and its machine beside', () => {
  const child = createMachine({ id: 'child' });
  const [chart, below] = shapeOf(createMachine({ invoke: { src: child } }));
  expect(chart).toEqual({ invoke: { src: 'machine' } });
  expect(below).toEqual([[expect.any(String), 'machine', { id: 'child' }]]);
});

it('has nothing of what a chart says for people and for the compiler', () => {
  const said = { description: 'a door', types: { events: { type: 'x' } }, schemas: { a: 1 }, version: '2' };
  expect(config({ id: 'door', ...said, initial: 'shut', states: { shut: { description: 'it is shut' } } })).toEqual({
    id: 'door',
    initial: 'shut',
    states: { shut: {} },
  });
});

it('ends for a value that refers to itself, and goes as deep as a hundred values', () => {
  const circle: Record<string, unknown> = {};
  circle.next = circle;
  expect(() => config({ meta: circle })).not.toThrow();
  const nested = (depth: number): unknown => (depth === 0 ? { end: 1 } : { in: nested(depth - 1) });
  const deepest = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + deepest(Object.values(value)[0]) : 0;
  // The chart is at depth 0, its `meta` at depth 1; an object at depth 100 is still looked into.
  expect(deepest(config({ meta: nested(98) }))).toBe(100);
  expect(JSON.stringify(config({ meta: nested(98) }))).toContain('{"end":1}');
  expect(JSON.stringify(config({ meta: nested(99) }))).toContain('{"end":1}');
  expect(JSON.stringify(config({ meta: nested(100) }))).toContain('{"in":null}');
  const lists = (depth: number): unknown => (depth === 0 ? [{}] : [lists(depth - 1)]);
  expect(JSON.stringify(config({ meta: lists(98) }))).toContain('[{}]');
  expect(JSON.stringify(config({ meta: lists(99) }))).toContain('[null]');
});
