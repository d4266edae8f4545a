/** Signals in any order, with duplicates and restarts: nothing is lost, nothing runs twice, no actor is stuck, and the journal has every event. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy, type Policy } from '../../machines/vocabulary/policy.ts';
import { createWorld, type World } from '../support/chaos.ts';
import { bringToDone, type Move, move, settle } from '../support/chaos-moves.ts';
import { runsOf } from '../support/drawn.ts';
import { planText } from '../support/simulation.ts';

const small = fc.nat({ max: 1_000 });
const moves = fc.array(fc.record({ kind: small, a: small, b: small, drains: fc.boolean() }), {
  minLength: 1,
  maxLength: 80,
  size: 'max',
});
const policies: fc.Arbitrary<Policy> = fc
  .record({
    flags: fc.record({
      auto_advance: fc.boolean(),
      auto_advance_waves: fc.boolean(),
      auto_review_fix: fc.boolean(),
      auto_readiness_review: fc.boolean(),
      max_review_fix_cycles: fc.nat({ max: 2 }),
      blueprint_skip_threshold: fc.constantFrom(0, 0, 9),
      require_change: fc.boolean(),
    }),
    on: fc.record({
      planner: fc.boolean(),
      architect: fc.boolean(),
      reviewer: fc.boolean(),
      verifier: fc.boolean(),
    }),
    speaksByExit: fc.boolean(),
  })
  .map(({ flags, on, speaksByExit }) => ({
    ...defaultPolicy,
    ...flags,
    roles: {
      ...defaultPolicy.roles,
      planner: { ...defaultPolicy.roles.planner, on: on.planner },
      architect: { ...defaultPolicy.roles.architect, on: on.architect },
      reviewer: { ...defaultPolicy.roles.reviewer, on: on.reviewer, speaksByExit },
      verifier: { ...defaultPolicy.roles.verifier, on: on.verifier, speaksByExit },
    },
  }));
const contents = fc.constantFrom(
  planText([3, 2]),
  planText([1]),
  planText([3], '**Check:** true'),
  planText([2, 2, 2], '**Files:** a.txt'),
  '# nothing yet\n',
);

/** Undisturbed work before the faults begin, so that the faults also hit plans that are well under way. */
const beginnings = fc.array(small, { maxLength: 30, size: 'max' });

const numRuns = runsOf(200);

interface Story {
  policy: Policy;
  content: string;
  beginning: readonly number[];
  list: readonly Move[];
}
const stories: fc.Arbitrary<Story> = fc.record({
  policy: policies,
  content: contents,
  beginning: beginnings,
  list: moves,
});

function play({ policy, content, beginning, list }: Story): World {
  const world = createWorld({ policy, content });
  if (beginning.length > 0) world.person('implement_start');
  for (const b of beginning) move(world, { kind: 31, a: 0, b, drains: true });
  for (const one of list) move(world, one);
  world.drain();
  world.checkGrant();
  return world;
}

describe('whatever happens to a plan', () => {
  it('every run belongs to one agent, a restart changes nothing, and the journal folds into what is stored', () => {
    fc.assert(
      fc.property(stories, (story) => {
        const world = play(story);
        world.restart();
        world.checkReplay();
      }),
      { numRuns },
    );
  });

  it('a person can always bring it to done', () => {
    fc.assert(
      fc.property(stories, (story) => {
        const world = play(story);
        bringToDone(world);
        expect(world.lifecycle()).toBe('done');
        expect(world.open()).toEqual([]);
        expect(world.held()).toEqual([]);
      }),
      { numRuns },
    );
  });

  it('a person can always cancel it, and then no part of it is alive', () => {
    fc.assert(
      fc.property(stories, (story) => {
        const world = play(story);
        if (!world.lifecycle().startsWith('cancelled')) expect(world.person('cancel').verdict.status).toBe('done');
        settle(world);
        expect(world.lifecycle()).toBe('cancelled.ended');
        expect(world.context().liveChildren).toEqual({});
        expect(world.open()).toEqual([]);
      }),
      { numRuns },
    );
  });
});
