/** Plans that ordinary signals have brought into every state, and the effect of one more signal there. */

import { actorsOf, snapshotOf } from '../../actors/addressee.ts';
import type { PersistedTree } from '../../actors/compatibility.ts';
import { stateText } from '../../actors/recorder.ts';
import type { Tree } from '../../actors/tree.ts';
import type { Role } from '../../machines/vocabulary/ids.ts';
import { defaultPolicy, type Policy } from '../../machines/vocabulary/policy.ts';
import type { Origin, Signal, SignalType } from '../../machines/vocabulary/signal.ts';
import { createWorld, plan, repo, type World } from './chaos.ts';
import { answer, settle } from './chaos-moves.ts';
import { begin, exit, say } from './hands.ts';
import { planText } from './simulation.ts';
import { trees } from './trees.ts';

const coordinators = ['planner', 'architect', 'reviewer', 'verifier'] as const;

/** Waves of tasks, and only those coordinators that are named. */
export function policyWith(on: readonly Role[], rest: Partial<Policy> = {}): Policy {
  const roles = { ...defaultPolicy.roles };
  for (const role of coordinators) roles[role] = { ...roles[role], on: on.includes(role) };
  return { ...defaultPolicy, blueprint_skip_threshold: 0, ...rest, roles };
}

export const everyRole: readonly Role[] = coordinators;

interface Start {
  on?: readonly Role[];
  rest?: Partial<Policy>;
  content?: string;
}

export function worldOf({ on = everyRole, rest = {}, content = planText([2, 1]) }: Start = {}): World {
  return createWorld({ policy: policyWith(on, rest), content });
}

/** Ends every agent of the plan for good, as a person would. */
export function killAll(world: World): void {
  for (const actor of [...actorsOf(world.root(plan))]) {
    const { machine, context } = snapshotOf(actor);
    if (machine.id === 'agent') world.person('agent_kill', { title: context.title });
  }
  world.drain();
}

function after(start: Start, ...sent: [SignalType, object?][]): World {
  const world = worldOf(start);
  for (const [type, payload] of sent) {
    const { verdict } = world.person(type, payload ?? {});
    if (verdict.status !== 'done') throw new Error(`${type} is ${JSON.stringify(verdict)} in ${world.lifecycle()}`);
    world.drain();
  }
  return world;
}

const laterText = planText([2, 1]).replace('**Goal:**', '**After:** another\n**Goal:**');

/** A plan that waited for another one, which is now done: its base is requested. */
function released(): World {
  const world = after({ content: laterText }, ['implement_start']);
  world.post(repo, 'plan_done', { plan: 'another' });
  world.drain();
  return world;
}

/** All requested runs begin, and continue. */
function startAll(world: World): void {
  for (const row of world.open()) {
    answer(world, row, 1);
    answer(world, row, 1);
  }
  world.drain();
}

/** Each of several planners is asked for a draft. */
export function drafting({ on = ['planner'], rest = {}, content }: Start = {}): World {
  const text = content === undefined ? {} : { content };
  return after({ on, rest: { planner_drafts: 2, auto_advance: false, ...rest }, ...text }, ['plan_start']);
}

/** That planner hands in its draft, and reports it. */
export function handIn(world: World, number: number, content = planText([number])): void {
  const row = begin(world, `hello-plan-${number}`);
  say(world, row, 'plan_updated', { content });
  say(world, row, 'planner_finished');
  exit(world, row);
}

/** All planners have handed in their drafts. */
export function drafted(start: Start = {}): World {
  const world = drafting(start);
  for (let number = 1; number <= (start.rest?.planner_drafts ?? 2); number += 1) handIn(world, number);
  return world;
}

const force = (status: string): [SignalType, object] => ['set_status', { status }];
const noArchitect = ['planner', 'reviewer', 'verifier'] as const;

/** One world for every leaf of a plan's lifecycle; each by the shortest path of people's and engine signals. */
export const worldsByState: Record<string, () => World> = {
  'ready.draft': () => worldOf({ content: '# nothing yet\n' }),
  'ready.planned': () => worldOf(),
  'planning.stuck': () => after({}, force('planning')),
  'planning.working': () => after({}, ['plan_start']),
  'planning.drafting': () => drafting(),
  'planning.selecting': () => drafted({ on: ['planner', 'architect'] }),
  'planning.deciding': () => drafted(),
  'underway.implementing.stuck': () => after({}, force('implementing')),
  'underway.implementing.requesting': () => after({ content: laterText }, ['implement_start']),
  'underway.implementing.preparing.making': () => released(),
  'underway.implementing.preparing.mending': () => {
    const world = released();
    const [row] = world.open();
    if (row !== undefined) world.report(row, 'base_conflicted', { files: ['a.txt'], detail: 'a.txt', body: 'a.txt' });
    world.drain();
    return world;
  },
  'underway.implementing.preparing.stuck': () => {
    const world = released();
    const [row] = world.open();
    if (row !== undefined) world.report(row, 'base_conflicted', { files: ['a.txt'], detail: 'a.txt' });
    world.drain();
    return world;
  },
  'underway.implementing.architecting.working': () => after({}, ['implement_start']),
  'underway.implementing.architecting.stuck': () => {
    const world = after({}, ['implement_start']);
    killAll(world);
    return world;
  },
  'underway.implementing.single.working': () => after({ rest: { blueprint_skip_threshold: 9 } }, ['implement_start']),
  'underway.implementing.single.stuck': () => {
    const world = after({ rest: { blueprint_skip_threshold: 9 } }, ['implement_start']);
    killAll(world);
    return world;
  },
  'underway.implementing.wave.running': () => after({ on: noArchitect }, ['implement_start']),
  'underway.implementing.wave.waiting': () => {
    const world = after({ on: noArchitect }, ['implement_start']);
    killAll(world);
    return world;
  },
  'underway.implementing.fixing.requesting': () => {
    const world = after({}, force('reviewing'));
    world.person('review_changes_requested', { body: 'no tests' });
    world.inbox.length = 0; // its request never arrives
    return world;
  },
  'underway.implementing.fixing.working': () =>
    after({}, force('reviewing'), ['review_changes_requested', { body: 'no tests' }]),
  'underway.implementing.fixing.stuck': () =>
    after({ rest: { auto_review_fix: false } }, force('reviewing'), ['review_changes_requested', { body: 'no tests' }]),
  'underway.reviewing.stuck': () => after({}, force('reviewing')),
  'underway.reviewing.working': () => after({}, force('reviewing'), ['resolve']),
  'underway.verifying.stuck': () => after({}, force('verifying')),
  'underway.verifying.working': () => after({}, force('verifying'), ['resolve']),
  done: () => after({}, ['mark_done']),
  'cancelled.ending': () => {
    const world = after({ on: noArchitect }, ['implement_start']);
    startAll(world);
    world.person('cancel');
    return world;
  },
  'cancelled.ended': () => after({}, ['cancel']),
};

/** A plan after a successful wave, where each next wave waits for a person. */
export function betweenWaves(): World {
  const world = after({ on: noArchitect, rest: { auto_advance_waves: false } }, ['implement_start']);
  settle(world);
  return world;
}

export interface Copy {
  tree: Tree;
  /** The outcome of one signal: the plan's state, or the verdict and its guard. */
  send(type: SignalType, payload: object, how?: { origin?: Origin; run?: string | null }): string;
  lifecycle(): string;
  attention(): string;
}

/** The plan as its row would restore it: each question gets a fresh copy. */
export function copyOf(world: World): Copy {
  const row = JSON.parse(JSON.stringify(world.trees.persist(liveTree(world)))) as PersistedTree;
  const tree = trees.restore(plan, row);
  const lifecycle = () => stateText(snapshotOf(tree.root).value.lifecycle ?? '');
  return {
    tree,
    lifecycle,
    attention: () => stateText(snapshotOf(tree.root).value.attention ?? ''),
    send(type, payload, how = {}) {
      const signal = {
        type,
        payload,
        origin: how.origin ?? 'person',
        run: how.run ?? null,
        actor: '',
        at: world.now(),
      };
      const { verdict } = trees.step(tree, signal as Signal);
      if (verdict.status === 'refused')
        return verdict.refusal.guard === null ? 'refused' : `refused: ${verdict.refusal.guard}`;
      if (verdict.status === 'held' || verdict.result !== 'done')
        return verdict.status === 'held' ? 'held' : verdict.result;
      return lifecycle();
    },
  };
}

export function liveTree(world: World): Tree {
  const tree = world.live.get(plan);
  if (tree === undefined) throw new Error('the world has no plan');
  return tree;
}

/** The run of the active child, or of the first agent. */
export function someRun(world: World): { run: string; origin: Origin; role: Role } | null {
  for (const actor of actorsOf(world.root(plan))) {
    const { machine, context } = snapshotOf(actor);
    if (machine.id === 'agent') return { run: context.run, origin: `agent:${context.title}`, role: context.role };
  }
  return null;
}
