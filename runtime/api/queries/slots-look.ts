/** The slots at one moment: which agents have them, and which agent is next. One reading serves all plans of an answer; a thousand of them may wait. */
import { type PlanTree, planTree } from '../../../machines/vocabulary/ids.ts';
import { groupBy } from '../../base/platform/group-by.ts';
import { covers } from '../../core/store/pause-scope.ts';
import type { PlanKey, SlotWaiter } from '../../core/store/port.ts';
import type { AccountLimitRow, EffectRow, QueueRow, RunRow } from '../../core/store/rows.ts';
import { currentChoices, limitOf, type QueueChoices } from './accounts.ts';
import { type Holder, holderText, inServingOrder, slotText } from './queue-places.ts';
import type { ViewDependencies } from './view-dependencies.ts';

export interface SlotsLook {
  readonly queue: QueueRow;
  /** The agents of that plan that have a slot and no obstacle. */
  workingIn(plan: PlanKey): readonly string[];
  /** The rate limit of the account that keeps a run from a slot; null: there is none. */
  limitOf(run: Pick<RunRow, 'key' | 'project' | 'role'>): AccountLimitRow | null;
  /** The reason why a run without a slot waits, the same for all of its plan: `position 4 of 9, 3 of 3 agents busy: …`. */
  detailOf(run: Pick<RunRow, 'key' | 'project' | 'plan'>): string;
}

/** Each function reads at its first call, and returns the same result later. */
export interface SlotsOnce {
  /** Whether an agent may have an obstacle that others of its plan do not have: a pause of the queue, or a limit of its account. */
  hasExceptions(): Promise<boolean>;
  look(): Promise<SlotsLook>;
}

/** Obstacles that keep agents from free slots. */
interface Obstacles {
  readonly queue: QueueRow;
  readonly profileChoices: QueueChoices;
}

interface SlotHolder extends Holder, Pick<EffectRow, 'key' | 'plan' | 'lane'> {
  /** Whether an obstacle keeps the agent from going on. */
  readonly isKept: boolean;
}

export function slotsOnce(parts: ViewDependencies): SlotsOnce {
  let obstacles: Promise<Obstacles> | null = null;
  let look: Promise<SlotsLook> | null = null;
  const known = () => {
    obstacles ??= readObstacles(parts);
    return obstacles;
  };
  return {
    hasExceptions: async () => areAny(await known()),
    look() {
      look ??= known().then((found) => lookAtSlots(parts, found));
      return look;
    },
  };
}

async function readObstacles(parts: ViewDependencies): Promise<Obstacles> {
  const [queue, profileChoices] = await Promise.all([parts.store.queue(), currentChoices(parts)]);
  return { queue, profileChoices };
}

function areAny({ queue: { pausedAt, pauses }, profileChoices: { limits } }: Obstacles): boolean {
  return pausedAt !== null || pauses.length > 0 || limits.size > 0;
}

async function lookAtSlots(parts: ViewDependencies, obstacles: Obstacles): Promise<SlotsLook> {
  const { store, servedLast } = parts;
  const { queue, profileChoices } = obstacles;
  const [holders, waiters] = await Promise.all([readHolders(parts), store.slotWaiters({ isNamed: areAny(obstacles) })]);
  const laneOf = new Map([...holders, ...waiters].map(({ key, lane }) => [key, lane]));
  const inLine = groupBy(
    waiters.filter((waiter) => !isKept(obstacles, waiter)),
    ({ lane }) => lane,
  );
  const placesIn = new Map(
    [...inLine].map(([lane, ofLane]) => [lane, firstPlaces(ofLane, servedLast.get(lane) ?? '')]),
  );
  const working = groupBy(
    holders.filter(({ isKept }) => !isKept),
    planOf,
  );
  return {
    queue,
    limitOf: (run) => limitOf(profileChoices, run),
    workingIn: (plan) => (working.get(planOf(plan)) ?? []).map(({ text }) => text),
    detailOf(run) {
      const lane = laneOf.get(run.key) ?? 'worker';
      return slotText({
        project: run.project,
        place: placesIn.get(lane)?.get(planOf(run)) ?? 1,
        waiting: inLine.get(lane)?.length ?? 0,
        busy: holders.filter((holder) => holder.lane === lane),
        lane,
        limits: parts.limits(),
      });
    },
  };
}

/** The agents with a slot, of all lanes. */
async function readHolders({ store, clock }: ViewDependencies): Promise<SlotHolder[]> {
  const running = await store.effects({ by: 'running' });
  const effects = running.filter(({ kind }) => kind === 'agent.run').toSorted((a, b) => b.priority - a.priority);
  const runs = await store.runs({ by: 'keys', keys: effects.map(({ key }) => key) });
  const runOf = new Map(runs.map((run) => [run.key, run]));
  return effects.map(({ key, project, plan, lane, name, started_at: startedAt, created_at: createdAt, ...row }) => {
    const run = runOf.get(key) ?? { title: name, started_at: startedAt, queued_at: createdAt };
    const text = holderText(run.title, run.started_at ?? run.queued_at, clock.nowMs());
    return { key, project, plan, lane, text, isKept: row.waiting_since !== null };
  });
}

/** The place of each plan's first agent in its lane, by the plan's tree. */
function firstPlaces(waiters: readonly SlotWaiter[], servedLast: string): ReadonlyMap<PlanTree, number> {
  const firsts = new Map<PlanTree, number>();
  for (const [index, waiter] of inServingOrder(waiters, servedLast).entries()) {
    const plan = planOf(waiter);
    if (!firsts.has(plan)) firsts.set(plan, index + 1);
  }
  return firsts;
}

function planOf({ project, plan }: PlanKey): PlanTree {
  return planTree(project, plan);
}

/** Whether it gets no turn, because a pause of a part of the queue covers it, or because its account is rate limited. */
function isKept({ queue, profileChoices }: Obstacles, waiter: SlotWaiter): boolean {
  return queue.pauses.some((pause) => covers(pause, waiter)) || limitOf(profileChoices, waiter) !== null;
}
