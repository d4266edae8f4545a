/** How many plans of a line are tried together, and how the failing one is found: only the chart, with a git and a check that are sets of names. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createActor } from 'xstate';
import { type LandingEvent, landingMachine } from '../../machines/landing/machine.ts';

interface Line {
  readonly plans: readonly string[];
  readonly batch: number;
  /** Plans with which the check fails. */
  readonly bad?: readonly string[];
  /** Plans that conflict with any of the others. */
  readonly clash?: readonly string[];
  /** How often another commit moves the branch just before a merge. */
  readonly moves?: number;
}

/** The actions of a line, in order: `check a b`, `land a b`, `refuse c`. */
function play({ plans, batch, bad = [], clash = [], moves = 0 }: Line): string[] {
  const did: string[] = [];
  const asked: (() => { readonly type: LandingEvent['type']; readonly [field: string]: unknown })[] = [];
  /** Each commit is named by the plans that it contains. */
  const branch: string[] = [];
  const told: string[] = [];
  let moved = 0;
  const commitOf = (names: readonly string[]) => `${names.join(' ')}@${moved}`;
  const chain = (context: { batch: { merged: { entrant: { plan: string } }[] } | null }) =>
    (context.batch?.merged ?? []).map(({ entrant }) => entrant.plan);
  const machine = landingMachine.provide({
    actions: {
      askPrepare: ({ context }) => {
        const plan = context.current?.plan ?? '';
        const before = chain(context);
        const commit = commitOf([...before, plan]);
        const isFree = before.length === 0 || !clash.includes(plan);
        asked.push(() =>
          isFree
            ? { type: 'landing_prepared', commit, base: commitOf([]), tip: plan, check: 'true', batch }
            : { type: 'merge_refused', why: 'conflict', into: 'main', files: [], detail: plan },
        );
      },
      askCheck: ({ context }) => {
        const names = chain(context);
        did.push(`check ${names.join(' ')}`);
        const isGood = !names.some((name) => bad.includes(name));
        asked.push(() =>
          isGood
            ? { type: 'check_passed' }
            : { type: 'merge_refused', why: 'check', into: 'main', files: [], detail: 'x' },
        );
      },
      askMerge: ({ context }) => {
        const names = chain(context);
        const isMoved = moved < moves;
        if (isMoved) moved += 1;
        asked.push(() => {
          if (isMoved) return { type: 'landing_moved' };
          branch.push(...names);
          did.push(`land ${names.join(' ')}`);
          return { type: 'plan_merged', head: commitOf(names), into: 'main', tip: names.at(-1) ?? '' };
        });
      },
      reportMerged: (_, { entrant: { plan }, tip, head }) => {
        // Each plan gets the id of its own commit.
        expect([tip, head.split('@')[0]?.split(' ').at(-1)]).toEqual([plan, plan]);
        told.push(plan);
      },
      reportRefused: (_, { entrant: { plan } }) => {
        did.push(`refuse ${plan}`);
        told.push(plan);
      },
    },
  });
  const actor = createActor(machine, { input: { project: 'demo', branch: 'main', at: 0 } }).start();
  const by = { at: 1, origin: 'engine', run: null } as const;
  const send = (event: object) => actor.send({ ...by, ...event } as never);
  send({ type: 'landing_paused' });
  for (const plan of plans)
    send({ type: 'landing_joined', plan, branch: plan, message: plan, approval: null, request: plan });
  send({ type: 'landing_resumed' });
  for (let answer = asked.shift(); answer !== undefined; answer = asked.shift()) send(answer());
  expect([...told].sort(), 'each plan is told once').toEqual([...plans].sort());
  expect(actor.getSnapshot().context).toMatchObject({ line: [], current: null, batch: null });
  expect(branch).toEqual(did.flatMap((what) => (what.startsWith('land ') ? what.slice(5).split(' ') : [])));
  return did;
}

it('tries each plan alone where batch is 1', () => {
  expect(play({ plans: ['a', 'b', 'c'], batch: 1, bad: ['b'] })).toEqual([
    ...['check a', 'land a', 'check b', 'refuse b', 'check c', 'land c'],
  ]);
});

it('checks several plans once, and halves what fails until the one that fails is alone', () => {
  const plans = ['a', 'b', 'c', 'd', 'e'];
  expect(play({ plans, batch: 4 })).toEqual(['check a b c d', 'land a b c d', 'check e', 'land e']);
  expect(play({ plans, batch: 4, bad: ['c'] })).toEqual([
    ...['check a b c d', 'check a b', 'land a b', 'check c', 'refuse c', 'check d', 'land d', 'check e', 'land e'],
  ]);
  expect(play({ plans, batch: 4, bad: ['a'] })).toEqual([
    ...['check a b c d', 'check a b', 'check a', 'refuse a', 'check b', 'land b', 'check c d e', 'land c d e'],
  ]);
});

it('leaves out what conflicts with the plans before it, and tries that when they have landed', () => {
  expect(play({ plans: ['a', 'b', 'c'], batch: 4, clash: ['b'] })).toEqual([
    ...['check a', 'land a', 'check b c', 'land b c'],
  ]);
});

it('merges and checks all of them anew when the branch has moved', () => {
  expect(play({ plans: ['a', 'b'], batch: 4, moves: 1 })).toEqual(['check a b', 'check a b', 'land a b']);
});

it('lands each good plan once, and refuses each bad one once, whatever fails or conflicts', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  fc.assert(
    fc.property(
      fc.record({
        plans: fc.shuffledSubarray(names, { minLength: 1 }),
        batch: fc.integer({ min: 1, max: 8 }),
        bad: fc.subarray(names),
        clash: fc.subarray(names),
        moves: fc.integer({ min: 0, max: 2 }),
      }),
      (line) => {
        const did = play(line);
        const landed = did.flatMap((what) => (what.startsWith('land ') ? what.slice(5).split(' ') : []));
        expect(landed).toEqual(line.plans.filter((plan) => !line.bad.includes(plan)));
        // Only exactly the checked commits land.
        for (const [at, what] of did.entries())
          if (what.startsWith('land ')) expect(did[at - 1]).toBe(what.replace('land', 'check'));
      },
    ),
  );
});
