/** What the machines do in a simulation they do in the real store and pump: the same states, the same snapshots, to the byte. */
import { mkdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTrees } from '../../actors/tree.ts';
import { agentMachine } from '../../machines/agent/machine.ts';
import { planMachine } from '../../machines/plan/machine.ts';
import type { TreeAddress } from '../../machines/vocabulary/ids.ts';
import { systemClock } from '../../runtime/base/platform/clock.ts';
import { handleBatch } from '../../runtime/core/inbox/transaction.ts';
import { createTreeCache } from '../../runtime/core/inbox/tree-cache.ts';
import { insertSignal } from '../../runtime/core/store/port.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';
import { openTimeline } from '../../runtime/core/store/timeline.ts';
import { leavesOf } from '../support/cells.ts';
import { plan, repo, type World } from '../support/chaos.ts';
import { type Move, move } from '../support/chaos-moves.ts';
import { afterwards } from '../support/engine.ts';
import { makeGround } from '../support/ground.ts';
import { begin, exit, reply, run, say, titles } from '../support/hands.ts';
import { worldOf, worldsByState } from '../support/plan-states.ts';

/** States that events pass through without resting. */
const passing = /(^|\.)(choosing|judging|taking)$/;
/** Reached by engine signals that this release's world does not send by itself. */
const elsewhere = /^pullRequest\./;

async function openReal() {
  const { home, remove } = makeGround();
  afterwards(remove);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const store = openStore(home);
  afterwards(() => store.close());
  const trees = createTrees();
  const cache = createTreeCache({ store, trees });
  const timeline = await openTimeline(store, systemClock);
  const parts = {
    store,
    trees,
    cache,
    timeline,
    policyOf: () => null,
    hooksOf: () => [],
    machineHooks: () => [],
  };
  return {
    /** Every input of the world's tree as a row of its own, handled alone; the live tree is thrown away now and then. */
    async replay(world: World, address: TreeAddress): Promise<void> {
      for (const [index, { type, payload, origin, run, at }] of world.inputsOf(address).entries()) {
        if (index % 7 === 6) cache.forget(address);
        const id = await insertSignal(store, { tree: address, type, payload, origin, run, at });
        const row = await store.signal(id);
        if (row !== null) await handleBatch(parts, [row], at);
        expect(await store.signal(id), `${type} in ${address}`).toMatchObject({ status: 'done', result: '"done"' });
      }
    },
    store,
    /** A person's word to a tree; the live one is thrown away first. */
    async say(address: TreeAddress, type: 'pause' | 'resume', at: number): Promise<void> {
      cache.forget(address);
      const signal = { tree: address, type, payload: {}, origin: 'person', at } as const;
      const row = await store.signal(await insertSignal(store, signal));
      if (row !== null) await handleBatch(parts, [row], at);
    },
    snapshot: async (address: TreeAddress) => (await store.tree(address))?.stored.snapshot,
    /** The states that the journal names, of the root and of agents. */
    visited: async (address: TreeAddress) =>
      (await store.journal({ after: 0, tree: address })).map(({ actor, to }) => ({
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
/** An agent that works, asks for a permission, is frozen and goes on, and where it is a reviewer or works on a task asks a person: what chance alone seldom finds. */
function pauseAgent(world: World, title: string): void {
  const open = run(world, title);
  const row = open.state === 'queued' ? begin(world, title) : open;
  row.isBegun = true;
  world.post(
    plan,
    'run_waiting',
    { permission: '9f3a1c2e', tool: 'Bash', detail: 'may I?', limit_ms: 60_000 },
    { run: row.effect.id },
  );
  world.post(plan, 'run_going', { permission: '9f3a1c2e' }, { run: row.effect.id });
  world.drain();
  for (const type of ['agent_pause', 'agent_resume'] as const) world.person(type, { title });
  if (row.effect.role !== 'reviewer' && row.effect.task === null) return;
  say(world, row, 'needs_decision', { reason: 'is it wanted at all?' });
  exit(world, row);
}

const planStates = new Set<string>();
const agentStates = new Set<string>();

describe('in the real store and pump', () => {
  for (const [place, make] of Object.entries(worldsByState)) {
    it(`a plan comes to ${place}, and goes on from there, as in the simulation`, async () => {
      for (const list of fc.sample(moves, { numRuns: 2, seed: 20_261_120 })) {
        const world = make();
        world.person('pause', { wait: true });
        world.person('resume');
        for (const title of titles(world).slice(0, 1)) pauseAgent(world, title);
        // In this place the plan's request was lost on purpose, so nothing can go on from there.
        if (place !== 'underway.implementing.fixing.requesting') for (const one of list) move(world, one);
        const real = await openReal();
        for (const address of [repo, plan]) {
          await real.replay(world, address);
          const live = world.live.get(address);
          expect(live, address).toBeDefined();
          if (live === undefined) continue;
          const text = JSON.stringify(world.trees.persist(live).snapshot);
          expect(JSON.stringify(await real.snapshot(address))).toBe(text);
          expect(world.trees.persistText(live).text).toBe(text);
        }
        for (const { isAgent, actor, to } of await real.visited(plan)) {
          if (actor === '') planStates.add(to);
          else if (isAgent) agentStates.add(to);
        }
      }
    });
  }

  it('a plan that is merged by itself or by hand, and refused at first, goes on as in the simulation', async () => {
    const world = worldOf({ on: ['planner'], rest: { auto_merge: true } });
    const head = 'a'.repeat(40);
    const refused = { why: 'conflict', into: 'main', files: ['a.txt'], detail: 'a.txt' };
    world.person('set_status', { status: 'verifying' });
    world.person('verify_approved');
    reply(world, 'plan.merge', 'merge_refused', refused);
    world.person('resolve');
    world.drain();
    reply(world, 'plan.merge', 'effect_failed', { detail: 'no git' });
    for (const [type, payload] of [
      ['merge_refused', refused],
      ['plan_merged', { head, into: 'main', tip: head }],
    ] as const) {
      world.person('merge');
      world.drain();
      reply(world, 'plan.merge', type, payload);
    }
    const real = await openReal();
    await real.replay(world, plan);
    const live = world.live.get(plan);
    expect(live).toBeDefined();
    if (live !== undefined)
      expect(JSON.stringify(await real.snapshot(plan))).toBe(JSON.stringify(world.trees.persist(live).snapshot));
    for (const { actor, to } of await real.visited(plan)) if (actor === '') planStates.add(to);
  });

  it('a plan that waits in line, is refused there, and lands later goes on as in the simulation', async () => {
    const world = worldOf({ on: ['planner'], rest: { landing_auto: true } });
    const head = 'a'.repeat(40);
    world.person('set_status', { status: 'verifying' });
    world.person('verify_approved');
    const answer = (type: 'merge_refused' | 'plan_merged', payload: object) => {
      reply(world, 'landing.find', 'line_found', { into: 'main' });
      const request: unknown = world.live.get(plan)?.root.getSnapshot().context.merge.work;
      world.post(plan, type, { ...payload, into: 'main', request } as never);
      world.drain();
    };
    answer('merge_refused', { why: 'conflict', files: ['a.txt'], detail: 'a.txt' });
    expect(world.live.get(plan)?.root.getSnapshot().hasTag('needs:person')).toBe(true);
    world.person('resolve');
    world.drain();
    answer('plan_merged', { head, tip: head });
    world.person('land', { into: 'develop' });
    world.drain();
    const real = await openReal();
    await real.replay(world, plan);
    const live = world.live.get(plan);
    expect(live).toBeDefined();
    if (live !== undefined)
      expect(JSON.stringify(await real.snapshot(plan))).toBe(JSON.stringify(world.trees.persist(live).snapshot));
    for (const { actor, to } of await real.visited(plan)) if (actor === '') planStates.add(to);
  });

  it('a plan whose pull request its forge lands, by the line, goes on as in the simulation', async () => {
    const world = worldOf({
      on: ['planner'],
      rest: { landing_auto: true, landing_by: 'forge', auto_create_pr: false },
    });
    const head = 'a'.repeat(40);
    world.person('set_status', { status: 'verifying' });
    world.person('verify_approved');
    world.person('create_pr');
    world.drain();
    reply(world, 'plan.pull', 'pr_opened', { number: 7, url: 'https://forge.test/7', server: 'forge.test', head });
    world.post(plan, 'pr_merge_wanted', { head, ready: true } as never);
    world.drain();
    reply(world, 'landing.find', 'line_found', { into: 'main' });
    const request: unknown = world.live.get(plan)?.root.getSnapshot().context.merge.work;
    world.post(plan, 'plan_merged', { head, tip: head, into: 'main', request } as never);
    world.drain();
    expect(world.live.get(plan)?.root.getSnapshot().hasTag('pull:merged')).toBe(true);
    const real = await openReal();
    await real.replay(world, plan);
    const live = world.live.get(plan);
    expect(live).toBeDefined();
    if (live !== undefined)
      expect(JSON.stringify(await real.snapshot(plan))).toBe(JSON.stringify(world.trees.persist(live).snapshot));
    for (const { actor, to } of await real.visited(plan)) if (actor === '') planStates.add(to);
  });

  it('and these ways together lead through every state of plans and agents', () => {
    const missing = (leaves: string[], seen: Set<string>) =>
      leaves.filter((leaf) => !passing.test(leaf) && !elsewhere.test(leaf) && !seen.has(leaf));
    expect(missing(leavesOf(planMachine), planStates)).toEqual([]);
    expect(missing(leavesOf(agentMachine), agentStates)).toEqual([]);
  });
});
