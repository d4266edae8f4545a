/** What the machines do in a simulation they do in the real store and pump: the same states, the same snapshots, to the byte. */
import { mkdirSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createTrees } from '../actors/tree.ts';
import { agentMachine } from '../machines/agent.ts';
import type { TreeAddress } from '../machines/ids.ts';
import { planMachine } from '../machines/plan.ts';
import { handleBatch } from '../runtime/batch.ts';
import { noFaults } from '../runtime/faults.ts';
import { openHouse } from '../runtime/store/store.ts';
import { createTreeCache } from '../runtime/tree-cache.ts';
import { leavesOf } from './support/cells.ts';
import { plan, repo, type World } from './support/chaos.ts';
import { type Move, move } from './support/chaos-moves.ts';
import { begin, exit, run, say, titles } from './support/hands.ts';
import { makeGround } from './support/house.ts';
import { stands } from './support/stands.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** States that events pass through without resting. */
const passing = /(^|\.)(choosing|judging)$/;
/** Reached by engine signals that this release's world does not send by itself. */
const elsewhere = /^pullRequest\./;

function openReal() {
  const { home, remove } = makeGround();
  cleanups.push(remove);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const store = openHouse(home);
  cleanups.push(() => store.close());
  const trees = createTrees();
  const cache = createTreeCache({ store, trees });
  const parts = { store, trees, cache, faults: noFaults, policyOf: () => null };
  return {
    /** Every input of the world's tree as a row of its own, handled alone; the live tree is thrown away now and then. */
    replay(world: World, address: TreeAddress): void {
      for (const [index, { type, payload, origin, run, at }] of world.inputsOf(address).entries()) {
        if (index % 7 === 6) cache.forget(address);
        const { id } = store.transaction(() => store.signals.insert({ tree: address, type, payload, origin, run, at }));
        const row = store.signals.read(id);
        if (row !== null) handleBatch(parts, [row], at);
        expect(store.signals.read(id), `${type} in ${address}`).toMatchObject({ status: 'done', result: '"done"' });
      }
    },
    snapshot: (address: TreeAddress) => store.trees.read(address)?.stored.snapshot,
    /** The states that the journal names, of the root and of agents. */
    visited: (address: TreeAddress) =>
      store.journal.ofTree(address).map(({ actor, to }) => ({
        isAgent: /(^|\/)(agent|planner|architect|reviewer|verifier)(\.\d+)?$/.test(actor),
        actor,
        to,
      })),
  };
}

const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.record({
    kind: fc.nat({ max: 1_000 }),
    a: fc.nat({ max: 1_000 }),
    b: fc.nat({ max: 1_000 }),
    drains: fc.boolean(),
  }),
  { minLength: 60, maxLength: 60 },
);
/** An agent that works, asks for a permission, is frozen and goes on, and where it is a reviewer asks a person: what chance alone seldom finds. */
function rest(world: World, title: string): void {
  const open = run(world, title);
  const row = open.state === 'queued' ? begin(world, title) : open;
  row.isBegun = true;
  world.post(plan, 'run_waiting', { detail: 'may I?' }, { run: row.effect.id });
  world.post(plan, 'run_going', {}, { run: row.effect.id });
  world.drain();
  for (const type of ['agent_pause', 'agent_resume'] as const) world.person(type, { title });
  if (row.effect.role !== 'reviewer') return;
  say(world, row, 'needs_decision', { reason: 'is it wanted at all?' });
  exit(world, row);
}

const planStates = new Set<string>();
const agentStates = new Set<string>();

describe('in the real store and pump', () => {
  for (const [place, stand] of Object.entries(stands)) {
    it(`a plan comes to ${place}, and goes on from there, as in the simulation`, () => {
      for (const list of fc.sample(moves, { numRuns: 2, seed: 20_261_120 })) {
        const world = stand();
        world.person('pause', { wait: true });
        world.person('resume');
        for (const title of titles(world).slice(0, 1)) rest(world, title);
        // In this place the plan's request was lost on purpose, so nothing can go on from there.
        if (place !== 'underway.implementing.fixing.requesting') for (const one of list) move(world, one);
        const real = openReal();
        for (const address of [repo, plan]) {
          real.replay(world, address);
          const live = world.live.get(address);
          expect(live, address).toBeDefined();
          if (live !== undefined)
            expect(JSON.stringify(real.snapshot(address))).toBe(JSON.stringify(world.trees.persist(live).snapshot));
        }
        for (const { isAgent, actor, to } of real.visited(plan)) {
          if (actor === '') planStates.add(to);
          else if (isAgent) agentStates.add(to);
        }
      }
    });
  }

  it('and these ways together lead through every state of plans and agents', () => {
    const missing = (leaves: string[], seen: Set<string>) =>
      leaves.filter((leaf) => !passing.test(leaf) && !elsewhere.test(leaf) && !seen.has(leaf));
    expect(missing(leavesOf(planMachine), planStates)).toEqual([]);
    expect(missing(leavesOf(agentMachine), agentStates)).toEqual([]);
  });
});
