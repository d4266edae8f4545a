/** Signals of requests: each is put into the inbox and waited for, in the way of the engine's mode. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { placeOf } from '../../machines/vocabulary/ids.ts';
import { keyed } from '../api/commands/signal-sender.ts';
import { namedOrigin } from '../api/control/principal.ts';
import type { ArrivingSignal } from '../core/inbox/arrivals.ts';
import type { Verdicts } from '../core/inbox/facts.ts';
import type { Pump } from '../core/inbox/pump.ts';
import type { Dispatcher } from '../core/outbox/dispatcher.ts';
import { type Change, insertSignal, type Store } from '../core/store/port.ts';
import type { Projects } from '../work/repos/registry.ts';

/**
 * How signals are handled. `stays`: the engine handles them itself, and carries out their effects. `verb`: they are handled while the sender waits,
 * and agents that must stop are stopped; nothing is started. `inbox`: they are left to the owner of the home. `reads`: there are none.
 */
export type EngineMode = 'stays' | 'verb' | 'inbox' | 'reads';

/** The part that carries out effects. */
export interface EffectRunner {
  readonly dispatcher: Pick<Dispatcher, 'carryOut'>;
  /** Resolves when no agent of the project runs any more. Throws `unavailable` where one does not end. */
  runsEnded(project: string): Promise<void>;
}

interface SentParts {
  readonly mode: EngineMode;
  readonly store: Store;
  readonly pump: Pump;
  readonly verdicts: Verdicts;
  readonly projects: Pick<Projects, 'isElsewhere'>;
  runner(): EffectRunner | null;
}

export function createSentSignals({ mode, store, pump, verdicts, projects, runner }: SentParts) {
  /** Resolves when the signal has its verdict, if the caller waits for one. */
  async function settled(id: number, waitMs: number): Promise<void> {
    if (mode === 'stays') {
      pump.wake();
      await verdicts.wait(id, waitMs);
    } else if (mode === 'verb') {
      await pump.drain();
      // Another host handles signals for its repos.
      if (store.hosts !== undefined) await verdicts.wait(id, waitMs);
      // The home is owned only for the merge or the pull request that a person asked for.
      await runner()?.dispatcher.carryOut('plan.merge', 'git');
      await runner()?.dispatcher.carryOut('plan.pull', 'forge');
      await pump.drain();
    }
  }

  /** For an engine of one verb: lands what is in line, until none of that can be done now. */
  async function carryLandings(): Promise<void> {
    for (;;) {
      const open = (await store.effects({ by: 'open' })).find(({ kind }) => kind.startsWith('landing.'));
      if (open === undefined) return;
      await runner()?.dispatcher.carryOut(open.kind, open.lane);
      await pump.drain();
      if (open.status === (await store.effect(open.key))?.status) return;
    }
  }

  async function addSignal(given: ArrivingSignal, waitMs: number, before: readonly Change[] = []): Promise<number> {
    const signal = keyed({ ...given, origin: namedOrigin(given.origin) });
    const isHere = !projects.isElsewhere(placeOf(signal.tree).project);
    const isWaitedFor = waitMs > 0 && before.length === 0 && isHere;
    const { id, isSettled } = isWaitedFor
      ? await pump.add(signal)
      : { id: await insertSignal(store, signal, before), isSettled: false };
    if (isSettled) return id;
    await settled(id, waitMs);
    if (mode === 'verb' && signal.type === 'land' && waitMs > 0) await carryLandings();
    await mustBeOwn(id, signal);
    return id;
  }

  /** The verdict on another signal is no answer. Throws `unavailable`. */
  async function mustBeOwn(id: number, { type, tree, dedupeKey = null }: ArrivingSignal): Promise<void> {
    const row = await store.signal(id);
    const { project, plan } = placeOf(tree);
    const isSame = row !== null && row.type === type && row.project === project && row.plan === plan;
    if (isSame || (dedupeKey !== null && row?.dedupe_key === dedupeKey)) return;
    throw new EngineError(
      'unavailable',
      `signal ${id} of the store is another one than the ${type} that was sent for ${tree}`,
      `see what became of it: stator signal list`,
    );
  }

  return { settled, addSignal };
}
