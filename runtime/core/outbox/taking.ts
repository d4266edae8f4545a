/** Takes slots: chooses which requested effects of a lane may start now, and marks them as running in one commit. */
import { isDeepStrictEqual } from 'node:util';
import { shareOf } from '../../../machines/vocabulary/budget.ts';
import type { AgentRun, Lane } from '../../../machines/vocabulary/effect.ts';
import type { Clock } from '../../base/platform/clock.ts';
import type { Change, StartQuery, Store } from '../store/port.ts';
import type { EffectOwner, EffectRow } from '../store/rows.ts';
import type { Timeline } from '../store/timeline.ts';
import { type BudgetParts, lookAtBudget, reachedSignal, roomRequired } from './budget.ts';
import type { ProfileChoices } from './profile-choices.ts';
import type { createSettlement } from './settlement.ts';
import { countedHost, freeSlots, type Limits, partedLanes, slotsRequired, takeSlots } from './slots.ts';

export interface TakingParts {
  readonly store: Store;
  readonly clock: Clock;
  /** The timeline of `next_at` and `stop_at`. */
  readonly timeline: Timeline;
  /** The owner under which effects are claimed here. */
  readonly owner: EffectOwner;
  /** Whether this process still owns the home: asked before it acts. */
  isOwner(): boolean;
  limits(): Limits;
  /** The project that was served last, for each lane: the next turn begins after it. Default: only this dispatcher uses it. */
  readonly servedLast?: Map<Lane, string>;
  /** Whether a plan's budget has room for one more run of an agent. Default: always. */
  budget?: Budget;
  /** Which profile is used for each role now: no agent of a limited account starts. Default: no limit is known. */
  profileChoices?(): Promise<ProfileChoices>;
  /** How many of the lane of a machine's effect run at a time. Default: as many as there are slots. */
  machineLimit?(row: EffectRow): number;
  onSignals(): void;
}

/** How often in a row a lane is read again if its candidates change meanwhile; then it waits for the next round. */
const lookLimit = 10;

/** Limits on the effects that may start in a lane, in addition to the limits in the store. */
export type MayStart = Pick<StartQuery, 'closed' | 'agents' | 'hostNames' | 'ofOthers' | 'trees'>;

/** What the dispatcher knows of its own effects. */
interface Own {
  readonly signalOf: ReturnType<typeof createSettlement>['signalOf'];
  /** No effect is started any more. */
  readonly abort: AbortSignal;
  /** The effects that are carried out here, or are about to be. */
  here(): readonly EffectRow[];
}

/** `take` answers null if the lane changed too often while it was read: it is to be read again soon. */
export function createTaking(parts: TakingParts, { signalOf, abort, here }: Own) {
  const { store, clock, timeline, owner, servedLast = new Map<Lane, string>(), machineLimit } = parts;

  /**
   * Marks effects that get a slot as running, and returns their new rows. If an effect was withdrawn, or may no longer start, between the reading and the
   * commit, neither it nor the others of that commit begin: the lane is read again.
   */
  async function take(lane: Lane, asked: () => MayStart): Promise<EffectRow[] | null> {
    for (let look = 0; look < lookLimit; look += 1) {
      const may = asked();
      const limits = parts.limits();
      const host = countedHost(lane, owner.host);
      const busy = await store.effectCounts(lane, 'running', host);
      const free = freeSlots({ lane, busy, limits });
      if (free <= 0) return [];
      const profileChoices = await choicesOf(lane);
      const isLimited = profileChoices !== null && profileChoices.limits.size > 0;
      const held = isLimited ? profileChoices.held(await store.slotWaiters({ isNamed: true })) : [];
      // If parts of a lane have limits of their own, parts at their limit may be before the others.
      const limit = partedLanes.has(lane) ? {} : { limit: free };
      const candidates = await store.startable({ lane, nowMs: timeline.nowMs(), ...may, held, ...limit });
      if (candidates.length === 0) return [];
      const last = servedLast.get(lane) ?? '';
      const running = partedLanes.has(lane) ? here() : [];
      const parted = machineLimit === undefined ? {} : { machineLimit };
      const choose = (open: readonly EffectRow[]) =>
        takeSlots({ lane, candidates: open, busy, limits, servedLast: last, running, ...parted });
      const { rows, conditions, signals } = await withinBudget(candidates, choose, parts.budget);
      if ((rows.length === 0 && signals.length === 0) || abort.aborted || !parts.isOwner()) return [];
      if (!isDeepStrictEqual(asked(), may)) continue;
      const at = clock.nowMs();
      const { status } = await store.commit([
        ...conditions,
        ...signals,
        ...rows.flatMap((row) => changesOf(row, { at, profileChoices })),
        // Another dispatcher may have taken a slot since the reading. If none starts, the messages alone are committed.
        ...(rows.length === 0 ? [] : [slotsRequired(lane, rows, { limits, host })]),
      ]);
      if (status === 'lost') continue;
      if (signals.length > 0) parts.onSignals();
      servedLast.set(lane, rows.at(-1)?.project ?? last);
      return rows.map((row) => ({ ...row, status: 'running', ...owner, started_at: at, attempts: row.attempts + 1 }));
    }
    return null;
  }

  /** null: no agent of that lane is started. */
  async function choicesOf(lane: Lane): Promise<ProfileChoices | null> {
    const isOfAgents = lane === 'worker' || lane === 'coordinator';
    return isOfAgents ? ((await parts.profileChoices?.()) ?? null) : null;
  }

  function changesOf(
    row: EffectRow,
    { at, profileChoices }: { at: number; profileChoices: ProfileChoices | null },
  ): Change[] {
    const taken: Change = { do: 'effect.take', id: row.id, owner, at };
    if (row.kind !== 'agent.run') return [taken];
    const { role, start, attempt, agent } = JSON.parse(row.payload) as AgentRun; // the row has that kind
    const choice = profileChoices?.choiceOf(row.project, role, attempt, agent) ?? null;
    const starting = { type: 'run_starting', payload: {}, run: row.name } as const;
    const started: Change = { do: 'signal.insert', ...signalOf(row, starting, `${row.key}:starting`) };
    if (choice === null) return [taken, started];
    const { account, profile } = choice;
    const noted: Change = { do: 'run.note', key: row.key, set: { profile: profile.name, account } };
    // Another run may have noticed meanwhile that the account is rate limited. A person who restarts an agent wants it tried.
    const required: Change[] = account === null || start === 'restart' ? [] : [{ do: 'account.require', account, at }];
    return [...required, taken, noted, started];
  }

  return take;
}

export type Budget = BudgetParts;

interface Choice {
  readonly rows: readonly EffectRow[];
  /** Conditions of the commit: the budget has room left. */
  readonly conditions: readonly Change[];
  /** Signals to the plans whose budget is used up: they need a person. */
  readonly signals: readonly Change[];
}

/** `choose`: returns the candidates that get a slot. If the budget of a plan is used up, it gets none, and the next plan gets the slot. */
async function withinBudget(
  candidates: readonly EffectRow[],
  choose: (open: readonly EffectRow[]) => readonly EffectRow[],
  budget: Budget | undefined,
): Promise<Choice> {
  if (budget === undefined) return { rows: choose(candidates), conditions: [], signals: [] };
  const conditions = new Map<string, Change | null>();
  const signals = new Map<string, Change>();
  // Each round decides at least one more plan.
  for (;;) {
    const rows = choose(candidates.filter(({ tree }) => !signals.has(tree)));
    const unasked = rows.filter(({ kind, tree }) => kind === 'agent.run' && !conditions.has(tree));
    if (unasked.length === 0) {
      const needed = new Set(rows.map(({ tree }) => tree));
      const required = [...conditions].flatMap(([tree, change]) =>
        change === null || !needed.has(tree as EffectRow['tree']) ? [] : [change],
      );
      return { rows, conditions: required, signals: [...signals.values()] };
    }
    for (const row of unasked) {
      if (conditions.has(row.tree) || signals.has(row.tree)) continue;
      const look = await lookAtBudget(budget, row);
      const reached = look?.uses.find((use) => shareOf(use) >= 1) ?? null;
      if (look === null || reached === null) conditions.set(row.tree, look === null ? null : roomRequired(look));
      else signals.set(row.tree, reachedSignal(look, reached, { run: row.key, at: budget.nowMs() }));
    }
  }
}
