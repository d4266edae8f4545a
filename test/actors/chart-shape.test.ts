/** By a chart's shape an engine tells whether the chart changed since the last engine: what a stored tree could notice does, what only people read does not. */
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, assign, createMachine, fromCallback, fromPromise, fromTransition, setup } from 'xstate';
import { chartShape } from '../../actors/chart-shape.ts';

const door = {
  id: 'door',
  initial: 'shut',
  states: { shut: { on: { open: 'ajar' } }, ajar: { entry: 'ring' } },
};
/** A chart without types: some fields are none of XState's. */
const chart = (config: object): AnyStateMachine => createMachine(config as never);
const shapeOf = (more: object = {}) => chartShape(chart({ ...door, ...more }));
const work = fromPromise(async () => 1);

it('says what the chart is, and what it may start', () => {
  const inner = createMachine({ initial: 'on', states: { on: {} } });
  const machine = setup({
    actors: { inner, work, counter: fromTransition((count: number) => count, 0) },
    actions: { ring: () => {}, note: assign({}) },
    guards: { isLate: () => true },
  }).createMachine({
    id: 'bell',
    context: { rung: 0, big: 10n as never, none: null },
    invoke: [{ src: 'inner' }, { src: fromPromise(async () => 2) as never }],
    on: { go: { guard: 'isLate', actions: ['ring', { type: 'note' }] } },
    after: {
      100: {
        actions: [assign({ rung: 1 }), function fall() {}],
      },
    },
    entry: (() => () => {})(),
  } as never);
  expect(JSON.parse(chartShape(machine as never))).toMatchInlineSnapshot(`
    [
      {
        "after": {
          "100": {
            "actions": [
              "assign",
              "fall",
            ],
          },
        },
        "context": {
          "big": "10",
          "none": null,
          "rung": 0,
        },
        "entry": "function",
        "id": "bell",
        "invoke": [
          {
            "src": "inner",
          },
          {
            "src": "promise",
          },
        ],
        "on": {
          "go": {
            "actions": [
              "ring",
              {
                "type": "note",
              },
            ],
            "guard": "isLate",
          },
        },
      },
      [
        [
          "inner",
          "machine",
          {
            "initial": "on",
            "states": {
              "on": {},
            },
          },
        ],
        [
          "work",
          "promise",
          null,
        ],
        [
          "counter",
          "transition",
          null,
        ],
        [
          "(root):1",
          "promise",
          null,
        ],
      ],
    ]
  `);
});

it('differs where a stored tree could notice it', () => {
  const same = shapeOf();
  expect(shapeOf()).toBe(same);
  const changes: object[] = [
    { id: 'gate' },
    { initial: 'ajar' },
    { states: { ...door.states, locked: {} } },
    { states: { shut: { on: { open: { target: 'ajar', guard: 'isUnlocked' } } }, ajar: {} } },
    { context: { knocks: 0 } },
    { tags: ['seen'] },
    { entry: ['ring'] },
    { entry: ['ring', 'note'] },
    { entry: [{ type: 'ring', params: { loud: true } }] },
    { invoke: { src: work } },
    { invoke: { src: chart({}) } },
    { invoke: { src: chart({ initial: 'on', states: { on: {} } }) } },
    { invoke: { src: fromCallback(() => {}) } },
  ];
  expect(new Set([same, ...changes.map(shapeOf)]).size).toBe(changes.length + 1);
});

it('is the same where only people read what changed', () => {
  const told = { description: 'a door', version: '2', types: { events: {} }, schemas: { events: {} } };
  expect(shapeOf(told)).toBe(shapeOf());
  const states = { ...door.states, ajar: { ...door.states.ajar, description: 'not shut' } };
  expect(shapeOf({ states })).toBe(shapeOf());
});

describe('a name that the author gives may be any word', () => {
  it.each(['description', 'types', 'schemas', 'version'])('%s', (word) => {
    const changes = [
      { states: { ...door.states, [word]: {} } },
      { on: { [word]: '.shut' } },
      { on: { [word]: '.ajar' } },
      { context: { [word]: '' } },
      { entry: { type: 'ring', params: { [word]: 'a' } } },
      { entry: { type: 'ring', params: { [word]: 'b' } } },
      { invoke: { src: 'other', input: { [word]: 'c' } } },
    ];
    expect(new Set([shapeOf(), ...changes.map(shapeOf)]).size).toBe(changes.length + 1);
  });
});

it('a value that refers to itself, even twice, has a shape', () => {
  const circle: Record<string, unknown> = { name: 'round' };
  Object.assign(circle, { left: circle, right: { back: circle }, all: [circle] });
  expect(JSON.parse(shapeOf({ meta: circle }))[0].meta).toEqual({
    ...{ name: 'round', left: null, right: { back: null }, all: [null] },
  });
  const shared = { word: 'twice' };
  expect(JSON.parse(shapeOf({ meta: { a: shared, b: shared } }))[0].meta).toEqual({ a: shared, b: shared });
});
