/** The slots at one look: who has them, and whose turn it is. One look serves all plans of an answer, of which a thousand may wait. */
import type { AgentRun, Lane } from '../../../machines/vocabulary/effect.ts';
import type { Casting } from '../../core/outbox/casting.ts';
import { covers } from '../../core/store/pause-scope.ts';
import type { AccountLimitRow, EffectRow, QueueRow, RunRow } from '../../core/store/rows.ts';
import { currentCasting, limitOf } from './accounts.ts';
import { type Holder, holderText, placesOf, slotText } from './queue-places.ts';
import type { ViewDependencies } from './view-dependencies.ts';

export interface SlotsLook {
  readonly queue: QueueRow;
  /** Whether one of those runs has a slot, and is not kept from going on by what is around it. */
  isAnyRunning(runs: readonly Pick<RunRow, 'key'>[]): boolean;
  /** Why a run that asks for a slot gets none: its account is rate limited. null: it may have one. */
  limitOf(run: Pick<RunRow, 'project' | 'role'>): AccountLimitRow | null;
  /** What those runs of one plan wait for, which have no slot: `position 4 of 9, 3 of 3 agents busy: …`. */
  detailOf(runs: readonly Pick<RunRow, 'key' | 'project'>[]): string;
}

/** Looks when it is first asked, and never again. */
export type SlotsOnce = () => Promise<SlotsLook>;

/** Who has a slot of a lane, and the place of each that waits for one, by its effect. */
interface LaneLook {
  readonly busy: readonly Holder[];
  readonly places: ReadonlyMap<number, number>;
}

export function slotsOnce(parts: ViewDependencies): SlotsOnce {
  let look: Promise<SlotsLook> | null = null;
  return () => {
    look ??= lookAtSlots(parts);
    return look;
  };
}

async function lookAtSlots(parts: ViewDependencies): Promise<SlotsLook> {
  const { store } = parts;
  const [effects, queue, casting] = await Promise.all([
    store.effects({ by: 'open' }),
    store.queue(),
    currentCasting(parts),
  ]);
  const open = effects.filter(({ kind }) => kind === 'agent.run');
  const byKey = new Map(open.map((row) => [row.key, row]));
  const looks = new Map<Lane, LaneLook>();
  for (const lane of new Set(open.map((row) => row.lane))) {
    const ofLane = open.filter((row) => row.lane === lane);
    looks.set(lane, await lookAtLane(parts, { lane, rows: ofLane, queue, casting }));
  }
  return {
    queue,
    limitOf: (run) => limitOf(casting, run),
    isAnyRunning: (runs) =>
      runs.some(({ key }) => byKey.get(key)?.status === 'running' && byKey.get(key)?.waiting_since === null),
    detailOf(runs) {
      const own = runs.flatMap(({ key }) => byKey.get(key) ?? []);
      const lane = own[0]?.lane ?? 'worker';
      const { busy, places } = looks.get(lane) ?? { busy: [], places: new Map<number, number>() };
      const { workers, workersPerRepo, coordinators } = parts.limits();
      const first = Math.min(...own.flatMap(({ id }) => places.get(id) ?? []));
      return slotText({
        project: runs[0]?.project ?? '',
        place: Number.isFinite(first) ? first : 1,
        waiting: places.size,
        busy,
        limit: lane === 'worker' ? workers : coordinators,
        workersPerRepo: lane === 'worker' ? workersPerRepo : 0,
      });
    },
  };
}

async function lookAtLane(
  { store, clock, servedLast }: ViewDependencies,
  {
    lane,
    rows,
    queue,
    casting,
  }: {
    readonly lane: Lane;
    readonly rows: readonly EffectRow[];
    readonly queue: QueueRow;
    readonly casting: Casting;
  },
): Promise<LaneLook> {
  const waiters = rows.filter((row) => row.status === 'queued' && !hasOwnPause(queue, row) && !isLimited(casting, row));
  const running = rows.filter((row) => row.status === 'running');
  const runs = await store.runs({ by: 'keys', keys: running.map(({ key }) => key) });
  const runOf = new Map(runs.map((run) => [run.key, run]));
  const busy = running.map(({ key, project, name, started_at: startedAt, created_at: createdAt }) => {
    const run = runOf.get(key) ?? { title: name, started_at: startedAt, queued_at: createdAt };
    return { project, text: holderText(run.title, run.started_at ?? run.queued_at, clock.nowMs()) };
  });
  return { busy, places: placesOf(waiters, servedLast.get(lane) ?? '') };
}

/** A run whose account is rate limited gets no turn. */
function isLimited(casting: Casting, { project, payload }: EffectRow): boolean {
  if (casting.limits.size === 0) return false;
  const { role } = JSON.parse(payload) as AgentRun; // asked of runs only
  return limitOf(casting, { project, role }) !== null;
}

/** Its payload is read only where there is a pause that it could be under. */
function hasOwnPause({ pauses }: QueueRow, { project, plan, payload }: EffectRow): boolean {
  if (!pauses.some((pause) => pause.project === project)) return false;
  const { title } = JSON.parse(payload) as AgentRun; // asked of runs only
  return pauses.some((pause) => covers(pause, { project, plan, title }));
}
