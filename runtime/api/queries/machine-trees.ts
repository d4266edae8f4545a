/** Trees of user-defined machines for people: the state of each, what it waits for, and the signals that it accepts. */
import type { AnyMachineSnapshot } from 'xstate';
import { snapshotOf } from '../../../actors/addressee.ts';
import type { AnyDefinition } from '../../../actors/definition.ts';
import { awaitedOutputs, mayBeTaken, ownBirth, viewOf, workOf } from '../../../actors/own-machine.ts';
import { readAtRest, type SnapshotAtRest } from '../../../actors/snapshot-at-rest.ts';
import type { Tree } from '../../../actors/tree.ts';
import type { RepoContext } from '../../../machines/repo/machine.ts';
import type { MachineEffect } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { machineTree, parseTree, pathOfRequest, repoTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { namesThere } from '../../../machines/vocabulary/slips.ts';
import { didYouMean } from '../../base/config/nearest.ts';
import { groupBy } from '../../base/platform/group-by.ts';
import { outcomeOf } from '../../core/inbox/signal-row.ts';
import type { MachinePause as MachinePauseRow, SetAsideSignal, TreeRow } from '../../core/store/rows.ts';
import type {
  MachineExplanation,
  MachinePause,
  MachineTreeEntry,
  MachineTreeReplay,
  MachineTreeShow,
  MachineVerdict,
} from '../contract/machines.ts';
import type { HistoryEntry } from '../contract/plans.ts';
import { createFactView } from './facts.ts';
import { type PointInTime, replayTo } from './replay.ts';
import { timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

/** The most trees in one list. */
const listLimit = 1_000;

/** How trees of stator's own machines are shown. */
const ownLooks: Readonly<Record<string, string>> = {
  supervisor: 'stator daemon status',
  repo: 'stator repo show <project>',
  plan: 'stator plan show <plan>',
  wave: 'stator plan show <plan>',
  task: 'stator plan show <plan>',
  agent: 'stator agent show <title>',
};

/** Throws `machine_unknown` with the nearest name. */
function machineIn({ machines }: Pick<MachineTreeParts, 'machines'>, name: string): AnyDefinition {
  const found = machines.find((machine) => machine.name === name);
  if (found !== undefined) return found;
  const names = machines.map((machine) => machine.name);
  const look = Object.hasOwn(ownLooks, name) ? ownLooks[name] : undefined;
  const hint =
    look !== undefined
      ? `it is a machine of stator itself: ${look}`
      : names.length === 0
        ? 'there are none: name the file of one under [machines] in daemon.toml'
        : `${didYouMean(name, names)}${namesThere(names)}`;
  throw new EngineError('machine_unknown', `no user-defined machine is called "${name}"`, hint);
}

interface MachineTreeParts
  extends Pick<ViewDependencies, 'store' | 'cache' | 'clock' | 'timeline' | 'machines' | 'kinds'> {
  readonly projects: Pick<ViewDependencies['projects'], 'list'>;
}

export type MachineTreeViews = ReturnType<typeof createMachineTreeViews>;

export function createMachineTreeViews(parts: MachineTreeParts) {
  const { store } = parts;

  return {
    /** By their machines and lanes; the pause of a whole machine comes before those of its lanes. */
    async machinePauses(): Promise<MachinePause[]> {
      const pauses = await store.machinePauses();
      return pauses.map(({ machine, lane, pausedAt }) => ({
        machine,
        lane: lane === '' ? null : lane,
        since: timeText(pausedAt),
      }));
    },
    /** Quarantined signals to trees of machines, a line for each tree. */
    machinesSetAside: () => machinesSetAside(parts),
    /** Throws `machine_unknown` with the nearest name. */
    machineNamed: (name: string): AnyDefinition => machineIn(parts, name),
    mustReadTree: (machine: string, id: string) => mustReadTree(parts, machine, id),
    plansWatchedBy: (tree: TreeAddress) => plansWatchedBy(parts, tree),
    /** Up to 1,000 trees of a machine by their ids, after that one. */
    machineTrees: (machine: string, after: string | null) => machineTrees(parts, machine, after),
    machineTree: async (machine: string, id: string): Promise<MachineTreeShow> =>
      showOf(parts, machine, id, snapshotOf((await mustReadTree(parts, machine, id)).root)),
    /** A tree as it was after a line of its journal. Throws also what `replayTo` throws. */
    async machineReplay(machine: string, id: string, moment: PointInTime): Promise<MachineTreeReplay> {
      await mustReadTree(parts, machine, id);
      const address = machineTree(machine, id);
      const { tree, line } = await replayTo(parts, address, moment);
      return { ...showOf(parts, machine, id, snapshotOf(tree.root)), seq: line.seq, at: timeText(line.at) };
    },
    async machineHistory(machine: string, id: string, after: number): Promise<HistoryEntry[]> {
      await mustReadTree(parts, machine, id);
      const tree = machineTree(machine, id);
      // A tree with the id of a deleted one has the lines of both.
      const first = await store.firstLine(tree);
      const lines = await store.journal({ tree, after: Math.max(after, first - 1) });
      return Promise.all(lines.map(createFactView(parts).historyEntry));
    },
    machineVerdict: (signalId: number) => machineVerdict(parts, signalId),
    machineExplanation: (machine: string, id: string) => machineExplanation(parts, machine, id),
  };
}

async function machinesSetAside({ store }: MachineTreeParts): Promise<string[]> {
  const byTree = groupBy(await store.setAsideOfMachines(), ({ tree }) => tree);
  return [...byTree].map(([tree, signals]) => {
    const [first] = signals;
    const others = signals.length === 1 ? '' : `, and ${signals.length - 1} more`;
    const again = `deliver it again with: stator signal retry ${first?.id}`;
    const parsed = parseTree(tree);
    if (first?.type === ownBirth && parsed.kind === 'machine') {
      const giveUp = `stator machine delete ${parsed.machine} ${parsed.id}`;
      return `${tree} did not begin, by signal ${first.id}${others}: ${first.error}; ${again}; or give it up with: ${giveUp}`;
    }
    return `${tree} did not take signal ${first?.id} (${first?.type})${others}: ${first?.error}; ${again}`;
  });
}

async function machineTrees(
  parts: MachineTreeParts,
  machine: string,
  after: string | null,
): Promise<MachineTreeEntry[]> {
  machineIn(parts, machine);
  const from = after === null ? '' : machineTree(machine, after);
  const [rows, setAside, pauses] = await Promise.all([
    parts.store.treeRowsOf(machine, { after: from, limit: listLimit }),
    parts.store.setAsideOfMachines(machine),
    parts.store.machinePauses(),
  ]);
  const paused = isPaused(pauses, { machine, lane: '' }) ? { paused: true } : {};
  const readRow = readAtRest(parts.kinds);
  const setAsideByTree = groupBy(setAside, ({ tree }) => tree);
  const entries: MachineTreeEntry[] = [];
  for (const { address, row } of rows) {
    const parsed = parseTree(address);
    if (parsed.kind !== 'machine') continue;
    const entry = entryOf(parts, machine, parsed.id, { row, readRow });
    const its = setAsideByTree.get(address);
    entries.push({ ...entry, ...paused, ...(its === undefined ? {} : { set_aside: its.map(shownSetAside) }) });
  }
  return entries;
}

/** A tree that cannot be read does not hide the others: it is listed with the reason. */
function entryOf(
  parts: MachineTreeParts,
  machine: string,
  id: string,
  { row, readRow }: { readonly row: TreeRow | EngineError; readonly readRow: SnapshotAtRest },
): MachineTreeEntry {
  try {
    if (row instanceof EngineError) throw row;
    const snapshot = readRow(machineTree(machine, id), row.stored);
    const { context: _context, output: _output, ...shown } = showOf(parts, machine, id, snapshot);
    return shown;
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    const problem = `${thrown.message}; ${thrown.hint}`;
    return { machine, id, status: 'error', value: null, tags: [], view: {}, problem };
  }
}

async function machineVerdict(parts: MachineTreeParts, signalId: number): Promise<MachineVerdict> {
  const row = await parts.store.signal(signalId);
  if (row?.tree == null) throw new Error(`signal ${signalId} is gone`);
  const parsed = parseTree(row.tree);
  const entry = parsed.kind === 'machine' ? await parts.cache.get(machineTree(parsed.machine, parsed.id)) : null;
  return {
    signal: outcomeOf(row),
    tree:
      entry === null || parsed.kind !== 'machine'
        ? null
        : showOf(parts, parsed.machine, parsed.id, snapshotOf(entry.tree.root)),
  };
}

async function machineExplanation(parts: MachineTreeParts, machine: string, id: string): Promise<MachineExplanation> {
  const live = await mustReadTree(parts, machine, id);
  const { root, memory } = live;
  const snapshot = snapshotOf(root);
  const tree = machineTree(machine, id);
  const definition = machineIn(parts, machine);
  const [effects, waiting, held, setAside, refused, pauses] = await Promise.all([
    parts.store.effects({ by: 'tree', tree }),
    parts.store.signals({ project: '', plan: '', tree, status: 'pending' }),
    parts.store.signals({ project: '', plan: '', tree, status: 'held' }),
    parts.store.setAsideOfMachines(machine),
    parts.store.lastRefused(tree),
    parts.store.machinePauses(),
  ]);
  const at = parts.clock.nowMs();
  return {
    machine,
    id,
    status: showOf(parts, machine, id, snapshot).status,
    value: snapshot.value,
    events: Object.keys(definition.signals ?? {}).map((type) => offerOf(snapshot, type, at)),
    effects: effects.map(({ name, key, status, attempts, next_at: nextAt, error, payload }) => ({
      effect: pathOfRequest(name),
      key,
      status: status === 'running' ? 'running' : 'queued',
      tries: attempts,
      next_at: nextAt === 0 || status === 'running' ? null : timeText(parts.timeline.wallOf(nextAt)),
      error,
      host: workOf(definition, (JSON.parse(payload) as MachineEffect).effect)?.host ?? null, // of that kind
      paused: status === 'queued' && isPaused(pauses, JSON.parse(payload) as MachineEffect), // as above
    })),
    timers: waiting
      .filter(({ type, run }) => type === 'timer_due' && run !== null && memory.open[run] !== undefined)
      .map(({ run, deliver_at: dueAt }) => ({
        timer: pathOfRequest(run ?? ''),
        due_at: timeText(parts.timeline.wallOf(dueAt)),
      })),
    outputs: awaitedOutputs(definition, live),
    plans: await plansWatchedBy(parts, tree),
    held: held.map(({ id: signal, type }) => ({ id: signal, type })),
    set_aside: setAside.filter((signal) => signal.tree === tree).map(shownSetAside),
    refused_last: refused === null ? null : await createFactView(parts).historyEntry(refused),
  };
}

/** Throws `machine_unknown`, `not_found`, and `snapshot_unknown` for a damaged one. */
async function mustReadTree(parts: MachineTreeParts, machine: string, id: string): Promise<Tree> {
  machineIn(parts, machine);
  const entry = await parts.cache.get(machineTree(machine, id));
  if (entry !== null) return entry.tree;
  throw new EngineError(
    'not_found',
    `there is no ${machine} "${id.slice(0, 200)}"`,
    `see the existing ones with: stator machine list ${machine}; begin one with: stator machine start ${machine} <id>`,
  );
}

/** The plans of all repos that this tree waits for. */
async function plansWatchedBy(
  { store, cache, projects }: MachineTreeParts,
  tree: TreeAddress,
): Promise<MachineExplanation['plans']> {
  const found: MachineExplanation['plans'] = [];
  for (const { project } of projects.list()) {
    const repo = await cache.get(repoTree(project));
    if (repo === null) continue;
    const { watchers } = snapshotOf(repo.tree.root).context as RepoContext; // of a repo's tree
    for (const [plan, trees] of Object.entries(watchers)) {
      if (!trees.includes(tree)) continue;
      found.push({ project, plan, status: (await store.plan(project, plan))?.status ?? null });
    }
  }
  return found;
}

function showOf(parts: MachineTreeParts, machine: string, id: string, snapshot: AnyMachineSnapshot): MachineTreeShow {
  const { status, value, context, output = null } = snapshot;
  const definition = machineIn(parts, machine);
  const shown = status === 'stopped' ? 'error' : status; // trees are never stopped
  return {
    machine,
    id,
    status: shown,
    value,
    tags: [...snapshot.tags],
    view: viewOf(definition, snapshot),
    context,
    output,
  };
}

/** A guard may read the signal's payload, which is not known yet. */
function offerOf(snapshot: AnyMachineSnapshot, type: string, at: number): MachineExplanation['events'][number] {
  if (!mayBeTaken(snapshot, type))
    return { type, accepted: false, in_state: false, why_not: 'not in the states that it is in now' };
  try {
    // Not `can`: it says no to a transition that changes nothing, for which no signal is refused.
    const accepted = snapshot.machine.getTransitionData(snapshot, { type, at }).length > 0;
    return { type, accepted, in_state: true, why_not: accepted ? null : 'a guard says no to one that carries nothing' };
  } catch {
    return { type, accepted: true, in_state: true, why_not: null };
  }
}

/** Whether effects of that lane do not begin; `''`: no effect of the machine begins. */
function isPaused(
  pauses: readonly MachinePauseRow[],
  { machine, lane }: Pick<MachineEffect, 'machine' | 'lane'>,
): boolean {
  return pauses.some((pause) => pause.machine === machine && (pause.lane === '' || pause.lane === lane));
}

function shownSetAside({ id, type, error }: SetAsideSignal): MachineExplanation['set_aside'][number] {
  return { id, type, error };
}
