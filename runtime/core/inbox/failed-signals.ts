/** Signals that cannot be handled: each is tried again, then set aside. Then its plan stops, and its sender, people and hooks are notified. */
import type { Kinds } from '../../../actors/kind.ts';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { parseTree, planTree, repoTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import type { Clock } from '../../base/platform/clock.ts';
import type { Log } from '../../base/platform/log.ts';
import { withTrace } from '../../base/platform/trace-context.ts';
import { type HookInForce, hookRows } from '../store/hook-rows.ts';
import type { Change, PlanKey, Store } from '../store/port.ts';
import type { JournalLine, NewLine, PlanRow, SignalRow } from '../store/rows.ts';
import { endedText } from '../store/suspected.ts';
import { tracePartOf } from '../store/trace-ids.ts';
import { dependentPlan, isAddress, noticeToSender, treeOf } from './signal-row.ts';
import { notification } from './transaction.ts';

export interface FailedSignalsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly kinds: Kinds;
  hooksOf(project: string): readonly HookInForce[];
  isElsewhere(project: string): boolean;
  /** An effect was withdrawn. */
  onEffects(): void;
}

/** A signal that throws this often is set aside. */
const maxTries = 3;

/** Engines ended while they handled the signal, so it is not begun again. */
export class EngineEnded extends Error {
  constructor(times: number) {
    super(endedText(times, { did: 'handled', what: 'its machine' }));
  }
}

export type FailedSignals = ReturnType<typeof createFailedSignals>;

export function createFailedSignals({ store, clock, log, kinds, hooksOf, isElsewhere, onEffects }: FailedSignalsParts) {
  const faultOf = (key: PlanKey, plan: PlanRow | null, fault: Fault) =>
    faultChanges(key, { ...fault, plan, hooks: hooksOf(key.project) });

  async function stopOf(row: SignalRow, fault: Fault & { readonly error: string }): Promise<Change[]> {
    const key = dependentPlan(row);
    if (key === null)
      return noticeOfMachine(treeOf(kinds, row), { message: `${fault.why}: ${fault.error}`, at: fault.at });
    return faultOf(key, await store.plan(key.project, key.plan), fault);
  }

  return {
    /** Counts a try that threw; after the last one the signal is set aside. Returns the lines of the journal about that. */
    async count(row: SignalRow, thrown: unknown): Promise<JournalLine[]> {
      const at = clock.nowMs();
      const { id, type, origin } = row;
      const tree = treeOf(kinds, row);
      const { what, counts, result } = failureOf(row, thrown);
      await aboutPlan(store, row, () => log.error(`signal ${id} (${type} for ${tree}) ${what}`, thrown));
      if (result === null) {
        await store.commit(counts);
        return [];
      }
      const fields = { type, origin, actor: '', event: 'set_aside', from: '', to: '', effects: [], refused: result };
      const line: NewLine = { at, tree, signal: id, ...fields };
      const commit = await store.commit([
        ...counts,
        { do: 'signal.set-aside', id, result, at },
        ...(await stopOf(row, { signal: id, why: `signal ${id} (${type}) was set aside`, error: result.error, at })),
        ...noticeToSender(row, result, at),
        { do: 'journal.append', line, input: null },
      ]);
      // The commit is lost if another process has handled it meanwhile.
      return commit.status === 'lost' ? [] : [{ seq: commit.lines[0] ?? 0, ...line }];
    },
    /**
     * Holds the signal if it threw because its tree, of a user-defined machine, cannot be read by this engine: it waits for one that can. A person is notified
     * once.
     */
    async isHeld(row: SignalRow, thrown: unknown): Promise<boolean> {
      const tree = treeOf(kinds, row);
      if (!(thrown instanceof EngineError) || thrown.code !== 'snapshot_unknown') return false;
      if (!isAddress(tree) || parseTree(tree).kind !== 'machine') return false;
      const { id, type } = row;
      log.error(`signal ${id} (${type} for ${tree}) waits until the tree can be read`, thrown);
      const message = `signal ${id} (${type}) waits: ${messageOf(thrown)}; ${thrown.hint}`;
      const first = row.attempts > 0 ? [] : noticeOfMachine(tree, { message, at: clock.nowMs() });
      const counts: Change[] = row.attempts > 0 ? [] : [{ do: 'signal.count-attempt', id }];
      await store.commit([...counts, ...first, { do: 'signal.hold', id, tree }]);
      return true;
    },
    /**
     * Rows with numbers that cannot be read get others, and are set aside: each blocks its own plan, and no other. false: not all of them, since another
     * writer was faster.
     */
    async unreadable(): Promise<boolean> {
      let isWhole = true;
      for (const found of await store.unreadableSignals()) {
        if (isElsewhere(found.project)) continue;
        const at = clock.nowMs();
        const id = (await store.lastSignal()) + 1;
        const { number, project, plan, type } = found;
        const key = { project, plan };
        const known = plan === '' ? null : await store.plan(project, plan);
        const why = `signal ${id} (${type}) was set aside: its number was ${number}, which no engine can read`;
        log.error(`${why}; it is of ${project}/${plan}`, null);
        const hint = `look at it with: stator signal show ${id}; deliver it with: stator signal retry ${id}`;
        const result = { error: why, code: 'internal', hint };
        const tree = known === null ? repoTree(project) : planTree(project, plan);
        const fault = known === null ? [] : faultOf(key, known, { signal: id, why, at });
        const commit = await store.commit([{ do: 'signal.renumber', number, id, tree, result, at }, ...fault]);
        if (commit.status === 'lost') isWhole = false;
        else onEffects();
      }
      return isWhole;
    },
  };
}

interface Fault {
  readonly signal: number;
  readonly why: string;
  readonly at: number;
}

/** Whether a signal whose handling threw is tried again (`result` null), and `what` the log says of it. */
export function failureOf({ id, attempts }: Pick<SignalRow, 'id' | 'attempts'>, thrown: unknown) {
  const isEnded = thrown instanceof EngineEnded;
  const tries = attempts + 1;
  const counts: Change[] = isEnded ? [] : [{ do: 'signal.count-attempt', id }];
  const hint = `look at it with: stator signal show ${id}; try it again with: stator signal retry ${id}`;
  return {
    what: isEnded ? 'is set aside' : `threw, try ${tries} of ${maxTries}`,
    counts,
    result: tries < maxTries && !isEnded ? null : { error: messageOf(thrown), code: 'internal', hint },
  };
}

/** The stop of a plan whose signal was set aside. An earlier fault stays, and its hooks were already called: resolving it delivers all later signals too. */
export function faultChanges(
  key: PlanKey,
  { signal, why, at, plan, hooks }: Fault & { readonly plan: PlanRow | null; readonly hooks: readonly HookInForce[] },
): Change[] {
  const stop: Change[] = [
    { do: 'plan.set-fault', key, signal, isFirst: true, at },
    notification(key, { type: 'plan_blocked', message: `fault: ${why}`, at }),
  ];
  if (plan === null || plan.faultSignal !== null) return stop;
  const base = { from: plan.status, to: plan.status };
  const blocked = { event: 'blocked', ...base, details: { blocked_reason: why, blocked_source: 'fault' } } as const;
  const notice = { event: 'plan_blocked', ...base, details: { message: `fault: ${why}` } } as const;
  return [...stop, ...hookRows(key, [blocked, notice], { hooks, at })];
}

/** A tree of a user-defined machine goes on without the signal; a person is notified. */
function noticeOfMachine(tree: TreeAddress, { message, at }: { message: string; at: number }): Change[] {
  if (!isAddress(tree) || parseTree(tree).kind !== 'machine') return [];
  return [notification({ project: '', plan: tree }, { type: 'machine_notice', message: `fault: ${message}`, at })];
}

/** The log lines of `work` name the trace of the signal's plan. */
export async function aboutPlan(store: Pick<Store, 'plan'>, row: SignalRow, work: () => void): Promise<void> {
  const key = dependentPlan(row);
  withTrace(key === null ? null : await tracePartOf(store, { ...key, part: '' }), work);
}
