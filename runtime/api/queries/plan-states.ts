/** The states and contexts of a plan's actors, read from its live tree, or from the tree that its journal gives for an earlier moment. */
import type { AnyActorRef } from 'xstate';
import { childrenOf, snapshotOf } from '../../../actors/addressee.ts';
import type { Kinds } from '../../../actors/kind.ts';
import { regionsOf } from '../../../actors/recorder.ts';
import type { Tree } from '../../../actors/tree.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type PlanTree, planTree } from '../../../machines/vocabulary/ids.ts';
import type { Store } from '../../core/store/port.ts';
import type { JournalLine } from '../../core/store/rows.ts';
import type { PlanStates } from '../contract/plans.ts';
import { replayTo } from './replay.ts';
import { shownContext } from './shown-actor.ts';
import { timeText } from './time-text.ts';

type Actor = PlanStates['actors'][number];

export interface StatesQuestion {
  readonly project: string;
  readonly plan: string;
  /** The states after that line of its journal; null: now. */
  readonly at: number | null;
}

/** The tree is the plan's present one. */
export async function planStates(
  { store, kinds }: { store: Store; kinds: Kinds },
  tree: Tree,
  { project, plan, at }: StatesQuestion,
): Promise<PlanStates> {
  const address = planTree(project, plan);
  const { chartAt } = kinds.of(address);
  const machineOf = (actor: string) => chartAt(actor).id as Actor['machine']; // a plan's tree has no other machines
  if (at !== null) {
    try {
      const { tree: then, line } = await replayTo({ store, kinds }, address, { seq: at, atMs: null });
      return { project, plan, seq: line.seq, at: timeText(line.at), actors: actorsIn(then.root) };
    } catch (thrown) {
      // Lines of an earlier version cannot be replayed, but they still name the states.
      if (!(thrown instanceof EngineError)) throw thrown;
      return { project, plan, ...(await fold({ store, machineOf }, address, at)) };
    }
  }
  // The newest line of the store is at least as new as this plan's lines: a tree that is read after it can only be newer.
  const seq = await store.lastLine();
  return { project, plan, seq, at: null, actors: actorsIn(tree.root) };
}

function actorsIn(ref: AnyActorRef): Actor[] {
  const { machine, value, context } = snapshotOf(ref);
  const actor = typeof context.path === 'string' ? context.path : '';
  const states = Object.entries(regionsOf(machine, value)).map(([region, state]) => join(region, state));
  const shown = shownContext({ machine, context }) as Actor['context']; // every context is a record
  const own: Actor = { actor, machine: machine.id as Actor['machine'], states, context: shown }; // a plan's tree has no other machines
  return [own, ...childrenOf(ref).flatMap(actorsIn)];
}

function join(region: string, state: string): string {
  return region === '' ? state : `${region}.${state}`;
}

/** The state of each actor after each line; a refusal changes none. */
async function fold(
  { store, machineOf }: { store: Store; machineOf(actor: string): Actor['machine'] },
  tree: PlanTree,
  at: number,
): Promise<Pick<PlanStates, 'seq' | 'at' | 'actors'>> {
  const actors = new Map<string, Map<string, string>>();
  let last: JournalLine | null = null;
  // A plan that was deleted and registered again has the lines of both plans.
  let after = (await store.firstLine(tree)) - 1;
  for (;;) {
    const page = await store.journal({ tree, after });
    for (const line of page) {
      if (line.seq > at) break;
      last = line;
      if (line.refused === null && line.to !== '') note(actors, line);
    }
    after = page.at(-1)?.seq ?? at;
    if (page.length === 0 || after >= at) break;
  }
  return {
    seq: last?.seq ?? 0,
    at: last === null ? null : timeText(last.at),
    actors: [...actors].map(([actor, states]) => ({
      actor,
      machine: machineOf(actor),
      states: [...states.values()],
      context: null,
    })),
  };
}

/** Only the plan's own machine has regions, and their names come first. */
function note(actors: Map<string, Map<string, string>>, { actor, to }: JournalLine): void {
  const states = actors.get(actor) ?? new Map<string, string>();
  actors.set(actor, states);
  states.set(actor === '' ? (to.split('.')[0] ?? '') : '', to);
}
