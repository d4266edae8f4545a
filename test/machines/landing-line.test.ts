/** The actions of people and plans on a landing line, in each of its states: only the chart, with recorded effects. */
import { expect, it } from 'vitest';
import { createActor } from 'xstate';
import { landingMachine } from '../../machines/landing/machine.ts';

/** A line in which these plans wait for `main`, each with a request of its own name. `did`: its requests and signals since the last call. */
function lineOf(plans: readonly (string | object)[], { isPaused = false } = {}) {
  const did: unknown[] = [];
  const machine = landingMachine.provide({
    actions: {
      askPrepare: ({ context }) => did.push(`prepare ${context.current?.plan}`),
      askCheck: () => did.push('check'),
      askMerge: () => did.push('merge'),
      stopWork: ({ context }) => did.push(`stop ${context.work}`),
      reportMerged: (_, { entrant, ...rest }) => did.push(['merged', entrant.plan, rest]),
      reportRefused: (_, { entrant, refused }) => did.push(['refused', entrant.plan, refused]),
      reportLeft: (_, { entrant }) => did.push(`left ${entrant.plan}`),
    },
  });
  const actor = createActor(machine, { input: { project: 'demo', branch: 'main', at: 0 } }).start();
  let at = 0;
  const send = (type: string, fields: object = {}) => {
    at += 1;
    actor.send({ at, origin: 'engine', run: null, type, ...fields } as never);
  };
  const join = (given: string | object) => {
    const fields = typeof given === 'string' ? { plan: given } : (given as { plan: string });
    const own = { branch: `plan/${fields.plan}`, message: fields.plan, approval: null, request: fields.plan };
    send('landing_joined', { ...own, ...fields });
  };
  send('landing_paused');
  for (const each of plans) join(each);
  if (!isPaused) send('landing_resumed');
  return {
    send,
    join,
    prepared: (plan: string, fields: object = {}) =>
      send('landing_prepared', {
        commit: `c-${plan}`,
        base: 'b',
        tip: `t-${plan}`,
        check: 'true',
        batch: 2,
        ...fields,
      }),
    line: () => actor.getSnapshot().context.line.map(({ plan, request, since }) => ({ plan, request, since })),
    order: () => actor.getSnapshot().context.line.map(({ plan }) => plan),
    context: () => actor.getSnapshot().context,
    state: () => actor.getSnapshot().value.atHead,
    tags: () => [...actor.getSnapshot().tags],
    /** Returns the actions since the last call. */
    did: () => did.splice(0),
  };
}

it('a person puts a plan first, and the others keep their order; of a plan that is not in the line nothing comes', () => {
  const line = lineOf(['a', 'b', 'c', 'd'], { isPaused: true });
  line.send('landing_first', { plan: 'c' });
  expect(line.order()).toEqual(['c', 'a', 'b', 'd']);
  line.send('landing_first', { plan: 'c' });
  expect(line.order()).toEqual(['c', 'a', 'b', 'd']);
  line.send('landing_first', { plan: 'none' });
  expect(line.order()).toEqual(['c', 'a', 'b', 'd']);
  line.send('landing_resumed');
  expect(line.did()).toEqual(['prepare c']);
});

it('a person takes a plan out, which is told to it; the plan itself leaves with the request that it means', () => {
  const line = lineOf(['a', 'b', 'c'], { isPaused: true });
  line.send('landing_removed', { plan: 'b' });
  expect([line.order(), line.did()]).toEqual([['a', 'c'], ['left b']]);
  line.send('landing_removed', { plan: 'b' });
  line.send('landing_left', { plan: 'a', request: 'an earlier one' });
  expect([line.order(), line.did()]).toEqual([['a', 'c'], []]);
  line.send('landing_left', { plan: 'a', request: 'a' });
  expect([line.order(), line.did()]).toEqual([['c'], []]);
});

it('a plan that joins again waits at the end, with its new request', () => {
  const line = lineOf(['a', 'b'], { isPaused: true });
  line.join({ plan: 'a', request: 'again', pull: 7 });
  expect(line.line()).toEqual([
    { plan: 'b', request: 'b', since: 3 },
    { plan: 'a', request: 'again', since: 4 },
  ]);
  expect(line.context().line.map(({ pull }) => pull)).toEqual([undefined, 7]);
  expect(line.context().at).toBe(4);
});

it.each([
  ['by a person', 'landing_removed', ['left a']],
  ['by itself', 'landing_left', []],
] as const)('a plan leaves the head %s while it is prepared: that work is stopped, and the next begins', (...row) => {
  const [, type, said] = row;
  const line = lineOf(['a', 'b']);
  expect(line.did()).toEqual(['prepare a']);
  line.send(type, { plan: 'a', request: 'another' });
  if (type === 'landing_left') {
    expect(line.did(), 'another request of it').toEqual([]);
    line.send(type, { plan: 'a', request: 'a' });
  }
  expect(line.did()).toEqual(['stop #1', ...said, 'prepare b']);
  expect([line.order(), line.context().current?.plan]).toEqual([[], 'b']);
});

it('a plan leaves those that are checked together: the others keep their places and begin again', () => {
  const line = lineOf(['a', 'b', 'c']);
  line.prepared('a');
  line.prepared('b');
  expect([line.state(), line.did()]).toEqual(['checking', ['prepare a', 'prepare b', 'check']]);
  line.send('landing_removed', { plan: 'a' });
  expect(line.did()).toEqual(['stop #3', 'left a', 'prepare b']);
  expect([line.order(), line.context().batch]).toEqual([['c'], null]);
});

it('nobody leaves while the branch moves: the plan learns that it has landed', () => {
  const line = lineOf(['a', 'b']);
  line.prepared('a', { batch: 1 });
  line.send('check_passed');
  expect([line.state(), line.did().at(-1)]).toEqual(['merging', 'merge']);
  line.send('landing_removed', { plan: 'a' });
  line.send('landing_left', { plan: 'a', request: 'a' });
  expect([line.state(), line.did()]).toEqual(['merging', []]);
  line.send('plan_merged', { head: 'h', into: 'main', tip: 't', note: 'n' });
  expect(line.did()).toEqual([['merged', 'a', { head: 'c-a', tip: 't-a', note: 'n' }], 'prepare b']);
});

it('the commit of a pull request is the one that the forge made', () => {
  const line = lineOf([{ plan: 'a', pull: 7 }]);
  line.prepared('a', { check: '' });
  expect(line.did(), 'without a check').toEqual(['prepare a', 'merge']);
  line.send('plan_merged', { head: 'forge', into: 'main', tip: 't' });
  expect(line.did()).toEqual([['merged', 'a', { head: 'forge', tip: 't-a', note: undefined }]]);
  expect([line.state(), line.context()]).toMatchObject(['waiting', { batch: null, current: null, work: null }]);
});

it('a plan that is on the branch already is done without a check', () => {
  const line = lineOf(['a', 'b']);
  line.did();
  line.send('plan_merged', { head: 'h', into: 'main', tip: 't' });
  expect(line.did()).toEqual([['merged', 'a', { head: 'h', tip: 't' }], 'prepare b']);
});

it('a pause lets what is prepared and checked end, and merges none of it; afterwards it begins anew in the same order', () => {
  const line = lineOf(['a', 'b', 'c']);
  line.send('landing_paused');
  line.prepared('a');
  expect([line.state(), line.did()]).toEqual(['checking', ['prepare a', 'check']]);
  line.send('check_passed');
  expect([line.state(), line.order(), line.did()]).toEqual(['waiting', ['a', 'b', 'c'], []]);
  line.send('landing_resumed');
  expect([line.did(), line.context().current?.plan]).toEqual([['prepare a'], 'a']);
  line.send('landing_paused');
  line.prepared('a', { check: '' });
  expect([line.state(), line.order(), line.did()]).toEqual(['waiting', ['a', 'b', 'c'], []]);
});

it('a plan that cannot be merged learns why, with the words and the commit of it', () => {
  const refusal = { why: 'conflict', into: 'main', files: ['a.ts'], detail: 'both changed it' };
  const line = lineOf(['a', 'b', 'c']);
  line.did();
  line.send('merge_refused', refusal);
  expect(line.did()).toEqual([['refused', 'a', refusal], 'prepare b']);
  line.send('merge_refused', { ...refusal, body: 'for the fixer', head: 'h' });
  expect(line.did()).toEqual([['refused', 'b', { ...refusal, body: 'for the fixer', head: 'h' }], 'prepare c']);
  line.send('effect_failed', { detail: 'no space' });
  expect(line.did()).toEqual([['refused', 'c', { why: 'git', into: 'main', files: [], detail: 'no space' }]]);
  expect([line.state(), line.context()]).toMatchObject(['waiting', { line: [], current: null, batch: null }]);
});

it.each([
  ['merge_refused', { why: 'conflict', into: 'main', files: [], detail: '' }],
  ['effect_failed', { detail: 'no space' }],
  ['plan_merged', { head: 'h', into: 'main', tip: 't' }],
] as const)(
  'what comes to a plan behind others (%s) says nothing about it: it is tried again after them',
  (type, fields) => {
    const line = lineOf(['a', 'b']);
    line.prepared('a');
    line.send(type, fields);
    expect(line.did()).toEqual(['prepare a', 'prepare b', 'check']);
    expect(line.order()).toEqual(['b']);
    line.send('check_passed');
    line.send('plan_merged', { head: 'h', into: 'main', tip: 't' });
    expect(line.did()).toEqual(['merge', ['merged', 'a', { head: 'c-a', tip: 't-a', note: undefined }], 'prepare b']);
  },
);

it.each([
  ['the check', []],
  ['the merge', ['check_passed']],
] as const)('where %s of several fails, half of them are tried, and none is refused', (_what, before) => {
  for (const [type, fields] of [
    ['merge_refused', { why: 'check', into: 'main', files: [], detail: '' }],
    ['effect_failed', { detail: 'no space' }],
  ] as const) {
    const line = lineOf(['a', 'b', 'c']);
    line.prepared('a');
    line.prepared('b');
    for (const each of before) line.send(each);
    line.did();
    line.send(type, fields);
    expect([line.did(), line.context().suspects]).toEqual([['prepare a'], 2]);
    line.prepared('a');
    expect(line.did(), 'one of two').toEqual(['check']);
    line.send(type, fields);
    expect(line.did().map((each) => (Array.isArray(each) ? each.slice(0, 2) : each))).toEqual([
      ['refused', 'a'],
      'prepare b',
    ]);
    expect(line.context().suspects).toBe(1);
  }
});

it('who takes a plan out, or puts one first, ends the search for the one that fails', () => {
  const search = () => {
    const line = lineOf(['a', 'b', 'c', 'd']);
    line.prepared('a');
    line.prepared('b');
    line.send('landing_paused');
    line.send('merge_refused', { why: 'check', into: 'main', files: [], detail: '' });
    expect([line.context().suspects, line.order()]).toEqual([2, ['a', 'b', 'c', 'd']]);
    return line;
  };
  for (const [type, fields] of [
    ['landing_removed', { plan: 'c' }],
    ['landing_left', { plan: 'c', request: 'c' }],
    ['landing_first', { plan: 'c' }],
  ] as const) {
    const line = search();
    line.send(type, fields);
    expect(line.context().suspects).toBe(0);
  }
});

it('counts how many times in a row the branch had moved, until the plan at the head lands, is refused or is another', () => {
  const ends: readonly (readonly [string, object])[] = [
    ['plan_merged', { head: 'h', tip: 't' }],
    ['merge_refused', { why: 'check', into: 'main', files: [], detail: '' }],
  ];
  for (const [type, fields] of ends) {
    const line = lineOf(['a', 'b']);
    for (const times of [1, 2, 3]) {
      line.prepared('a', { batch: 1 });
      line.send('check_passed');
      line.send('landing_moved');
      expect([line.state(), line.context().restarts]).toEqual(['preparing', times]);
    }
    line.prepared('a', { batch: 1 });
    expect(line.context().restarts).toBe(3);
    line.send('check_passed');
    line.send(type, fields);
    expect(line.context().restarts, type).toBe(0);
  }
  const taken = lineOf(['a', 'b']);
  taken.prepared('a', { batch: 1 });
  taken.send('check_passed');
  taken.send('landing_moved');
  taken.send('landing_removed', { plan: 'a' });
  expect([taken.order(), taken.context().restarts]).toEqual([[], 0]);

  const paused = lineOf(['a', 'b', 'c']);
  paused.prepared('a', { batch: 1 });
  paused.send('check_passed');
  paused.send('landing_first', { plan: 'c' });
  paused.send('landing_paused');
  paused.send('landing_moved');
  expect([paused.order(), paused.context().restarts]).toEqual([['a', 'c', 'b'], 1]);
  paused.send('landing_first', { plan: 'b' });
  expect([paused.order(), paused.context().restarts]).toEqual([['b', 'a', 'c'], 0]);
});

it('says by its tags what becomes of the plan at its head, and whether it is paused', () => {
  const line = lineOf(['a'], { isPaused: true });
  expect(line.tags()).toEqual(['landing:empty', 'landing:paused']);
  line.send('landing_resumed');
  expect(line.tags()).toEqual(['landing:preparing']);
  line.prepared('a');
  expect(line.tags()).toEqual(['landing:checking']);
  line.send('check_passed');
  expect([line.tags(), line.context().work]).toEqual([['landing:merging'], '#3']);
  line.send('plan_merged', { head: 'h', into: 'main', tip: 't' });
  expect([line.tags(), line.context().path]).toEqual([['landing:empty'], '']);
});

it('to put a plan first that does not wait changes nothing of a search', () => {
  const line = lineOf(['a', 'b', 'c']);
  line.prepared('a');
  line.prepared('b');
  line.send('landing_paused');
  line.send('merge_refused', { why: 'check', into: 'main', files: [], detail: '' });
  line.send('landing_first', { plan: 'none' });
  expect(line.context().suspects).toBe(2);
});
