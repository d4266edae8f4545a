/** Commands for user-defined machines: begin a tree, and send it signals. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AnyDefinition } from '../../../actors/definition.ts';
import type { Waiter } from '../../../actors/kind.ts';
import { outputAwaited, storedWaiters, waiterOf } from '../../../actors/output-wait.ts';
import { lanesOf, ownBirth, treeDeleted } from '../../../actors/own-machine.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { isMachineName, isTreeId, machineTree, repoTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { namesThere } from '../../../machines/vocabulary/slips.ts';
import { didYouMean } from '../../base/config/nearest.ts';
import { admit, keyProblem, payloadOf } from '../../core/inbox/admission.ts';
import { noOutput } from '../../core/inbox/signal-row.ts';
import { type Change, mustCommit } from '../../core/store/port.ts';
import type { NewLine, SignalRow } from '../../core/store/rows.ts';
import type { MachineSwitched, MachineTreeDeleted, MachineVerdict } from '../contract/machines.ts';
import type { MachineTreeViews } from '../queries/machine-trees.ts';
import type { CommandDependencies } from './command-dependencies.ts';

export interface StartMachine {
  readonly machine: string;
  readonly id: string;
  readonly input: unknown;
  readonly waitMs: number;
}

export interface SendMachine {
  readonly machine: string;
  readonly id: string;
  readonly type: string;
  readonly payload: unknown;
  readonly dedupeKey: string | null;
  readonly waitMs: number;
}

export interface DeleteMachine {
  readonly machine: string;
  readonly id: string;
  /** Also deletes a tree that has not ended: its requests are stopped. */
  readonly force: boolean;
}

/** A machine, or one lane of it. */
export interface MachinePart {
  readonly machine: string;
  /** Default: all of it. */
  readonly lane?: string | undefined;
}

/** A tree that steps all the time is read at most this often. */
const deleteTries = 20;

/** Readers of its facts learn that no more facts will follow. */
function deletedLine(tree: TreeAddress, at: number): NewLine {
  const said = { type: treeDeleted, origin: 'person', event: treeDeleted };
  return { ...said, at, tree, signal: null, actor: '', from: '', to: '', effects: [], refused: null };
}

interface MachineCommandParts
  extends Pick<CommandDependencies, 'store' | 'cache' | 'kinds' | 'clock' | 'addSignal' | 'onChange' | 'onLines'> {
  readonly views: Pick<
    MachineTreeViews,
    'machineNamed' | 'machinePauses' | 'mustReadTree' | 'plansWatchedBy' | 'machineVerdict'
  >;
}

/** Throws `refused` for a signal that was not taken, with the reason. */
function mustBeTaken(verdict: MachineVerdict): MachineVerdict {
  const { status, refused, result, type, id } = verdict.signal;
  if (status !== 'failed') return verdict;
  const why =
    refused === null
      ? typeof result === 'object' && result !== null && 'error' in result
        ? String(result.error)
        : JSON.stringify(result)
      : refusalText(refused);
  const takes = refused === null || refused.accepts.length === 0 ? '' : `; it takes: ${refused.accepts.join(', ')}`;
  const hint =
    refused === null ? `look at it with: stator signal show ${id}` : `ask again when it has moved on${takes}`;
  throw new EngineError('refused', `${type} was not taken: ${why}`, hint);
}

/** A chart may have no states; a refusal by its guards names none of those that have no name. */
function refusalText({ state, guard }: NonNullable<MachineVerdict['signal']['refused']>): string {
  const where = state === '' ? [] : [`it is in ${state}`];
  const by = guard === null ? [] : [`its guard ${guard} refuses it`];
  return [...where, ...by].join(', and ') || 'a guard refuses it';
}

export function createMachineCommands(parts: MachineCommandParts) {
  const { store, cache, kinds, clock, views, addSignal, onChange, onLines } = parts;

  /**
   * The changes that delete the tree in its present state, with all of its requests. Throws `machine_unknown`, `not_found`, and `conflict` for a tree that has
   * not ended.
   */
  async function removal({ machine, id, force }: DeleteMachine): Promise<Change[]> {
    const tree = machineTree(machine, id);
    const status = isMachineName(machine) && isTreeId(id) ? await store.treeStatus(tree) : null;
    // It never began, so only the failed signals to it can be deleted.
    if (status === null && (await setAsideOf(machine, tree)).length > 0)
      return [{ do: 'signal.void-tree', tree, at: clock.nowMs() }];
    // Rows of a machine that this engine does not have can be deleted as well.
    if (status === null) await views.mustReadTree(machine, id);
    if (status === null) throw new Error(`${tree} came to be while it was deleted`);
    const { steps, endedAt } = status;
    if (endedAt === null && !force)
      throw new EngineError(
        'conflict',
        `${machine} ${id} has not ended`,
        `what would end it: stator machine explain ${machine} ${id}; or give up all that it waits for: stator machine delete ${machine} ${id} --force`,
      );
    const at = clock.nowMs();
    const gone = { error: `${tree} was deleted` };
    const watched = new Set((await views.plansWatchedBy(tree)).map(({ project }) => project));
    return [
      { do: 'tree.remove', address: tree, before: steps, at },
      { do: 'signal.void-tree', tree, at },
      ...(await waitersOf(tree)).map((waiter) => noOutput(waiter, gone, at)),
      { do: 'journal.append', line: deletedLine(tree, at), input: null },
      ...[...watched].map((project): Change => {
        const unwatched = { type: 'plan_unwatched', payload: { watcher: tree }, origin: 'engine', at } as const;
        return { do: 'signal.insert', tree: repoTree(project), ...unwatched };
      }),
    ];
  }

  async function setAsideOf(machine: string, tree: TreeAddress) {
    return (await store.setAsideOfMachines(machine)).filter((signal) => signal.tree === tree);
  }

  /** Trees that wait for its output, including trees whose signal about that has not reached it yet. */
  async function waitersOf(tree: TreeAddress): Promise<Waiter[]> {
    const row = await store.tree(tree).catch((thrown: unknown) => {
      if (thrown instanceof EngineError && thrown.code === 'snapshot_unknown') return null; // its row cannot be read
      throw thrown;
    });
    const [pending, held] = await Promise.all(
      (['pending', 'held'] as const).map((status) => store.signals({ project: '', plan: '', tree, status })),
    );
    const coming = [...(pending ?? []), ...(held ?? [])].filter(({ type }) => type === outputAwaited);
    return [
      ...(row === null ? [] : storedWaiters(row.stored.snapshot)),
      ...coming.map(({ origin, payload }) => waiterOf({ origin, payload: JSON.parse(payload) })),
    ];
  }

  /** A paused part can be resumed even if this engine does not have its machine, or its lane no longer exists. */
  async function turn(
    status: MachineSwitched['status'],
    { machine, lane: named }: MachinePart,
  ): Promise<MachineSwitched> {
    const lane = named ?? null;
    const pausesOfIt = async () => (await views.machinePauses()).filter((pause) => pause.machine === machine);
    const isPaused = (await pausesOfIt()).some((pause) => pause.lane === lane);
    if (!isPaused) mustHaveLane(views.machineNamed(machine), lane);
    const changed = isPaused === (status === 'resumed');
    const part = { machine, lane: lane ?? '' };
    const at = clock.nowMs();
    if (changed)
      await mustCommit(store, [
        status === 'paused' ? { do: 'machine.pause', ...part, at } : { do: 'machine.resume', ...part },
      ]);
    onChange();
    return { status, changed, machine, lane, pauses: await pausesOfIt() };
  }

  return {
    /**
     * From now on no effect or promise of that machine begins, or with `lane` none of that lane, in this engine and in later ones. What runs goes on. Throws
     * `machine_unknown`, and `bad_request` for a lane that it does not have.
     */
    pauseMachine: (part: MachinePart) => turn('paused', part),
    /** Ends that one pause. Throws as `pauseMachine`. */
    resumeMachine: (part: MachinePart) => turn('resumed', part),
    /**
     * Deletes a tree: its row at once, its journal when it is old enough (`stator gc`). Throws `machine_unknown`, `not_found`, `conflict` if it has not ended
     * and `force` is not set.
     */
    async deleteMachine(command: DeleteMachine): Promise<MachineTreeDeleted> {
      const { machine, id } = command;
      // A lost commit means that the tree has moved on meanwhile: the decision is repeated.
      for (let tries = 1; (await store.commit(await removal(command))).status === 'lost'; tries += 1)
        if (tries === deleteTries)
          throw new EngineError(
            'conflict',
            `${machine} ${id} takes step after step`,
            'ask again when it has come to rest',
          );
      // A step that has just ended keeps the tree in the cache for the rest of this turn.
      await nextTurn();
      cache.forget(machineTree(machine, id));
      onLines();
      onChange();
      return { status: 'deleted', machine, id };
    },
    /**
     * Begins a tree; an existing one stays unchanged (`result` is then `already`). Throws `machine_unknown`, `bad_request` for an id that cannot
     * be used, `bad_payload`, `too_large`, `refused`.
     */
    async startMachine({ machine, id, input, waitMs }: StartMachine): Promise<MachineVerdict> {
      views.machineNamed(machine);
      if (!isTreeId(id))
        throw new EngineError(
          'bad_request',
          `"${id.slice(0, 200)}" cannot be the id of a ${machine}`,
          'take up to 128 letters, digits, dots, dashes and underscores; the first is a letter or a digit',
        );
      const tree = machineTree(machine, id);
      const payload = payloadOf(`the input of ${machine}`, input);
      const at = clock.nowMs();
      const signal = await addSignal({ tree, type: ownBirth, payload, origin: 'person', at }, waitMs);
      return mustBeTaken(await views.machineVerdict(signal));
    },
    /** For the engine itself: nobody waits for its verdict. `before` is written in the same commit. Throws `bad_payload`, `too_large`, `CommitLost`. */
    async beginTree(tree: TreeAddress, input: unknown, before: readonly Change[]): Promise<void> {
      const payload = payloadOf(`the input of ${tree}`, input);
      await addSignal({ tree, type: ownBirth, payload, origin: 'engine', at: clock.nowMs() }, 0, before);
    },
    /**
     * Throws `machine_unknown`, `not_found`, `unknown_signal`, `bad_payload`, `too_large`, `refused`, `bad_request` for a key of the engine's own, and
     * `conflict` for a key of another signal.
     */
    async sendMachine({ machine, id, type, payload: given, dedupeKey, waitMs }: SendMachine): Promise<MachineVerdict> {
      views.machineNamed(machine);
      await views.mustReadTree(machine, id);
      const tree = machineTree(machine, id);
      const admission = admit(kinds.of(tree), { type, payload: given, origin: 'person' });
      if (admission.kind === 'refused') throw admission.error;
      const taken = keyProblem(kinds, dedupeKey);
      if (taken !== null) throw taken;
      const { payload } = admission;
      const at = clock.nowMs();
      const signal = await addSignal({ tree, type, payload, origin: 'person', dedupeKey, at }, waitMs);
      if (dedupeKey !== null) mustBeSame(await store.signal(signal), { tree, type });
      return mustBeTaken(await views.machineVerdict(signal));
    },
  };
}

/** Throws `conflict` if the signal that has the key goes to another tree, or is of another type. */
function mustBeSame(sent: SignalRow | null, { tree, type }: Pick<SignalRow, 'tree' | 'type'>): void {
  if (sent === null || (sent.tree === tree && sent.type === type)) return;
  throw new EngineError(
    'conflict',
    `the key "${sent.dedupe_key}" is of signal ${sent.id}, ${sent.type} to ${sent.tree ?? sent.plan}: nothing was sent`,
    'a key counts for all plans and trees: put the id of the tree, and what is sent, into it',
  );
}

/** Throws `bad_request` with the nearest name. */
function mustHaveLane(definition: AnyDefinition, lane: string | null): void {
  const lanes = lanesOf(definition);
  if (lane === null || lanes.includes(lane)) return;
  throw new EngineError(
    'bad_request',
    `machine ${definition.name} has no lane "${lane}"`,
    lanes.length === 0 ? 'it has no effects and no promises' : `${didYouMean(lane, lanes)}${namesThere(lanes)}`,
  );
}
