/** Counts what the seeds have reached: transitions of the machines, and injected failures. */
import type { AnyStateNode } from 'xstate';
import { machines } from '../../runtime/base/charts/machines.ts';
import type { Change, Commit } from '../../runtime/core/store/port.ts';
import type { NewLine } from '../../runtime/core/store/rows.ts';
import { passedPoints } from './story.ts';

/** A transition of a state. A line of the journal names only the final target, so guarded alternatives count as one. */
interface Way {
  readonly name: string;
  readonly source: string;
}

export interface Reached {
  readonly transitions: { readonly reached: number; readonly all: number; readonly never: readonly string[] };
  /** The passed fault points and the kills there, the kinds of happenings, and the store's failures. */
  readonly points: ReadonlyMap<string, number>;
  readonly neverDiedAt: readonly string[];
}

export type Coverage = ReturnType<typeof createCoverage>;

export function createCoverage() {
  const points = new Map<string, number>();
  const ways = waysByEvent();
  const taken = new Set<string>();
  const seen = new Set<string>();

  function line({ tree, actor, event, from, to, refused }: NewLine): void {
    const machine = machineOf(tree, actor);
    const what = `${machine} ${event} ${from} ${to}`;
    if (refused !== null || seen.has(what)) return;
    seen.add(what);
    for (const { name, source } of ways.get(`${machine} ${event}`) ?? []) if (isIn(from, source)) taken.add(name);
  }

  return {
    point(name: string): void {
      points.set(name, (points.get(name) ?? 0) + 1);
    },
    commit(changes: readonly Change[], { status }: Commit): void {
      if (status === 'lost') this.point('a commit is lost');
      else for (const change of changes) if (change.do === 'journal.append') line(change.line);
    },
    reached(): Reached {
      const all = [...new Set([...ways.values()].flat().map(({ name }) => name))];
      const never = all.filter((name) => !taken.has(name));
      return {
        transitions: { reached: all.length - never.length, all: all.length, never },
        points,
        neverDiedAt: passedPoints.filter((point) => !points.has(`${point}: dies`)),
      };
    },
  };
}

/** Whether a state is the other one, or inside it. */
function isIn(state: string, outer: string): boolean {
  return outer === '' || state === outer || state.startsWith(`${outer}.`);
}

function machineOf(tree: string, actor: string): string {
  const last = actor.split('/').at(-1) ?? '';
  if (last === '') return tree.split(':')[0] ?? '';
  return last.startsWith('wave') ? 'wave' : last.startsWith('task') ? 'task' : 'agent';
}

/** Every transition with a target, by its machine and event. Automatic transitions are part of another one. */
function waysByEvent(): Map<string, Way[]> {
  const ways = new Map<string, Way[]>();
  const walk = (machine: string, node: AnyStateNode): void => {
    for (const [type, transitions] of node.transitions) {
      if (!transitions.some(({ target }) => target !== undefined)) continue;
      const event = type.startsWith('xstate.done.actor') ? 'ended' : type;
      const source = node.path.join('.');
      const key = `${machine} ${event}`;
      ways.set(key, [...(ways.get(key) ?? []), { name: `${machine} ${source}: ${event}`, source }]);
    }
    for (const child of Object.values(node.states)) walk(machine, child);
  };
  for (const [name, machine] of Object.entries(machines)) walk(name, machine.root);
  return ways;
}
