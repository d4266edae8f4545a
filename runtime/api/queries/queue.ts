/** The queue for people: each agent once over all its attempts, what it waits for, and the paused parts. */

import { blockOf } from '../../../actors/plan-view.ts';
import { answerCommand } from '../../../machines/plan/advice.ts';
import type { Lane } from '../../../machines/vocabulary/effect.ts';
import { onOneLine } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { covers } from '../../core/store/pause-scope.ts';
import type { PlanRow, QueueItemRow, QueueRow } from '../../core/store/rows.ts';
import type { QueueEntry, QueuePause, QueueStats } from '../contract/runs.ts';
import type { Waiting } from '../contract/shared-shapes.ts';
import { currentChoices, limitOf, limitText, type QueueChoices } from './accounts.ts';
import { holderOf, kindOf, type Pause, pausedText } from './queue-pause.ts';
import { type Holder, holderText, placesOf, slotText } from './queue-places.ts';
import { waitOfRun } from './runs.ts';
import { timeOrNull, timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';
import { soundPlan, unstartedOf } from './waiting.ts';

/** The most ended agents that are shown. */
const endedLimit = 500;
/** The most agents waiting for a pause that are named. */
const namedLimit = 10;

export interface QueueFilter {
  readonly project?: string;
  readonly plan?: string;
}

interface Item {
  readonly row: QueueItemRow;
  readonly state: QueueEntry['state'];
  readonly held: Pause | null;
  readonly place: number | null;
}

/** The whole queue at one moment. */
interface Look {
  readonly queue: QueueRow;
  readonly items: readonly Item[];
  /** The taken slots of each lane, as text, and the number of waiting agents. */
  readonly busy: ReadonlyMap<Lane, readonly Holder[]>;
  readonly waiting: ReadonlyMap<Lane, number>;
  readonly profileChoices: QueueChoices;
}

export function createQueueViews(parts: ViewDependencies) {
  return {
    /** Running agents, then waiting ones in the order of service, then at most 500 ended ones, the last first. */
    async queue(filter: QueueFilter = {}): Promise<QueueEntry[]> {
      const seen = await look(parts, filter);
      const resting = await restingPlans(parts);
      const shown = seen.items.filter(isIn(filter));
      return Promise.all(
        shown.map(async (item) => ({ ...entryOf(item), waiting_for: await waitOf(parts, item, seen, resting) })),
      );
    },
    /** Counts of what `queue` lists; `running` are the worker slots that are taken, of `max_agents`. */
    async queueStats(filter: QueueFilter = {}): Promise<QueueStats> {
      const seen = await look(parts, filter);
      const items = seen.items.filter(isIn(filter));
      const count = (state: QueueEntry['state']) => items.filter((item) => item.state === state).length;
      return {
        total: items.length,
        pending: count('pending'),
        notified: count('notified'),
        completed: count('completed'),
        error: count('error'),
        paused: seen.queue.pausedAt !== null,
        held: items.filter(({ held }) => held !== null).length,
        pauses: pausesOf(seen),
        running: seen.busy.get('worker')?.length ?? 0,
        max_agents: parts.limits().workers,
        oldest_pending: timeOrNull(firstRequest(items)),
      };
    },
  };
}

/** `filter`: of the ended agents; all others have places in one line. */
async function look(parts: ViewDependencies, filter: QueueFilter): Promise<Look> {
  const [rows, queue, profileChoices] = await Promise.all([
    parts.store.queueItems({ ended: endedLimit, ...filter }),
    parts.store.queue(),
    currentChoices(parts),
  ]);
  const placed = new Map<number, number>();
  const busy = new Map<Lane, Holder[]>();
  const waiting = new Map<Lane, number>();
  for (const lane of ['worker', 'coordinator'] as const) {
    const ofLane = rows.filter((row) => row.lane === lane);
    const waiters = ofLane.filter(
      (row) => row.status === 'queued' && mayTakeTurn(queue, row) && limitOf(profileChoices, row) === null,
    );
    const ids = waiters.flatMap(({ effect, project, priority }) =>
      effect === null ? [] : [{ id: effect, project, priority: priority ?? 0 }],
    );
    for (const [id, place] of placesOf(ids, parts.servedLast.get(lane) ?? '')) placed.set(id, place);
    waiting.set(lane, ids.length);
    const running = ofLane.filter(({ status }) => status === 'running');
    const textOf = ({ title, slot_at: at, queued_at: queuedAt }: QueueItemRow) =>
      holderText(title, at ?? queuedAt, parts.clock.nowMs());
    busy.set(
      lane,
      running.map((row) => ({ project: row.project, text: textOf(row) })),
    );
  }
  const items = rows.map((row) => {
    const state = stateOf(row);
    const held = row.state === 'queued' && state === 'pending' ? holderOf(queue, row) : null;
    return { row, state, held, place: (row.effect === null ? undefined : placed.get(row.effect)) ?? null };
  });
  return { queue, items: items.toSorted(byTurn), busy, waiting, profileChoices };
}

/** Plans that take no new runs, by project and name. */
async function restingPlans({ store }: ViewDependencies): Promise<ReadonlyMap<string, PlanRow>> {
  const rows = await store.plans(null);
  const resting = rows.filter((row) => row.paused || row.holds || row.faultSignal !== null);
  return new Map(resting.map((row) => [`${row.project}/${row.plan}`, row]));
}

/** Waits that end without a person where an engine runs, and only there. */
const endsWithEngine: ReadonlySet<Waiting['kind']> = new Set(['repo', 'rate_limit', 'back_off'] as const);

async function waitOf(
  parts: ViewDependencies,
  item: Item,
  seen: Look,
  resting: ReadonlyMap<string, PlanRow>,
): Promise<Waiting | null> {
  const { project, plan } = item.row;
  const found = await nearestWait(parts, item, seen, resting);
  if (found === null || !endsWithEngine.has(found.kind) || parts.mayStart(project, plan)) return found;
  return { ...found, detail: `${found.detail}; ${await unstarted(parts, item)}` };
}

async function unstarted(parts: ViewDependencies, { row: { project, plan } }: Item): Promise<string> {
  return unstartedOf(parts, { project, file: (await parts.store.plan(project, plan))?.file ?? null });
}

/** Checks the most specific reason first. */
async function nearestWait(
  parts: ViewDependencies,
  item: Item,
  seen: Look,
  resting: ReadonlyMap<string, PlanRow>,
): Promise<Waiting | null> {
  const { row, state, held } = item;
  if (state !== 'pending') return null;
  if (row.state !== 'queued') return betweenRuns(parts, row);
  const since = timeText(row.queued_at);
  const plan = resting.get(`${row.project}/${row.plan}`);
  if (plan !== undefined) return restOf(plan);
  if (held !== null) return { kind: 'slot', detail: pausedText(held, [row.title]), since };
  if (row.waiting_since !== null)
    return { kind: 'repo', detail: onOneLine(row.error ?? 'no reason is known'), since: timeText(row.waiting_since) };
  const trouble = parts.troubleOf?.(row.project) ?? null;
  if (trouble !== null) return { kind: 'repo', detail: `repo ${row.project} cannot be used now: ${trouble}`, since };
  const limit = limitOf(seen.profileChoices, row);
  if (limit !== null) return { kind: 'rate_limit', detail: limitText(limit, row.title), since: timeText(limit.since) };
  if (!parts.mayStart(row.project, row.plan)) return { kind: 'engine', detail: await unstarted(parts, item), since };
  return { kind: 'slot', detail: slotDetail(parts, item, seen), since };
}

function slotDetail(parts: ViewDependencies, { row, place }: Item, { busy, waiting }: Look): string {
  const lane = row.lane ?? 'worker';
  return slotText({
    project: row.project,
    place: place ?? 1,
    waiting: waiting.get(lane) ?? 1,
    busy: busy.get(lane) ?? [],
    lane,
    limits: parts.limits(),
  });
}

/** The state of an agent without a run: its next run waits for a time or for a person. */
async function betweenRuns(parts: ViewDependencies, row: QueueItemRow): Promise<Waiting> {
  const { waits_until: until } = await waitOfRun(parts, row);
  const at = until === null ? '' : ` until ${until}`;
  const since = timeText(row.queued_at);
  if (row.state === 'backing_off')
    return { kind: 'back_off', detail: `waits${at} for attempt ${row.attempt + 1}, after ${row.reason}`, since };
  if (row.reason === 'needs_decision') {
    const detail = `it asked a person; answer with: ${await answerTo(parts, row)}`;
    return { kind: 'decision', detail, since };
  }
  return { kind: 'rate_limit', detail: `waits${at}: the service is rate limited for now`, since };
}

/** The command that answers the agent's own question. */
async function answerTo({ cache }: ViewDependencies, { project, plan, title }: QueueItemRow): Promise<string> {
  const tree = await soundPlan(cache, { project, plan });
  const questions = tree === null ? [] : (blockOf(tree)?.questions ?? []);
  const own = questions.find((question) => question.title === title);
  return own === undefined ? `stator plan answer ${shellWord(plan)}` : answerCommand(plan, own.number);
}

function pausesOf({ queue, items }: Look): QueuePause[] {
  const listed = (pause: Pause, since: number): QueuePause => {
    const waiting = items.filter(({ held }) => held !== null && (held === pause || isSame(held, pause)));
    const { project = '', plan = '', title = '' } = pause === 'queue' ? {} : pause;
    return {
      of: kindOf(pause),
      project: project || null,
      plan: plan || null,
      title: title || null,
      since: timeText(since),
      pending: waiting.length,
      titles: waiting.slice(0, namedLimit).map(({ row }) => row.title),
    };
  };
  const parts = queue.pauses.map((pause) => listed(pause, pause.pausedAt));
  return queue.pausedAt === null ? parts : [listed('queue', queue.pausedAt), ...parts];
}

/** The time of the earliest request. If an agent has run before, it is not known since when it waits for its next slot. */
function firstRequest(items: readonly Item[]): number | null {
  const times = items
    .filter(({ row, held }) => row.state === 'queued' && row.started_at === null && held === null)
    .map(({ row }) => row.queued_at);
  return times.length === 0 ? null : Math.min(...times);
}

/** Whether an agent has a place: not if a pause of a part covers it. A pause of the whole queue changes no places. */
function mayTakeTurn({ pauses }: QueueRow, row: QueueItemRow): boolean {
  return !pauses.some((pause) => covers(pause, row));
}

/** The state in the older queue's names. An agent that is no longer needed is no error. */
function stateOf({ status, state }: QueueItemRow): QueueEntry['state'] {
  if (status === 'running') return 'notified';
  switch (state) {
    case 'queued':
    case 'waiting':
    case 'backing_off':
      return 'pending';
    case 'succeeded':
    case 'cancelled':
      return 'completed';
    case 'failed':
      return 'error';
    default:
      return 'notified';
  }
}

function entryOf({ row, state, held, place }: Item): Omit<QueueEntry, 'waiting_for'> {
  return {
    id: row.id,
    project: row.project,
    plan: row.plan,
    title: row.title,
    role: row.role,
    state,
    agent_state: row.state as QueueEntry['agent_state'], // the stored text is one of the machine's states
    position: place,
    // The waiting attempt has not begun.
    attempts: row.state === 'queued' ? row.attempt - 1 : row.attempt,
    error: state === 'completed' ? null : (row.reason ?? row.error),
    held_by: held === null ? null : kindOf(held),
    queued_at: timeText(row.queued_at),
    started_at: timeOrNull(row.started_at ?? row.slot_at),
    finished_at: timeOrNull(row.final_at),
  };
}

function restOf({ plan, paused, blocked, updatedAt }: PlanRow): Waiting {
  const since = timeText(blocked?.at ?? updatedAt);
  if (paused && blocked === null)
    return { kind: 'paused', detail: `its plan is paused; go on with: stator plan resume ${shellWord(plan)}`, since };
  const why = blocked === null ? '' : `: ${blocked.reason}`;
  return {
    kind: 'decision',
    detail: `its plan needs a person${why}; see: stator plan explain ${shellWord(plan)}`,
    since,
  };
}

const order: readonly QueueEntry['state'][] = ['notified', 'pending', 'error', 'completed'];

/** Ended agents stay in the order in which they are read, whether they succeeded or not. */
function byTurn(a: Item, b: Item): number {
  const rank = ({ state }: Item) => Math.min(2, order.indexOf(state));
  const lane = ({ row }: Item) => (row.lane === 'coordinator' ? 1 : 0);
  const place = (item: Item) => item.place ?? Number.MAX_SAFE_INTEGER;
  return rank(a) - rank(b) || (a.state === 'pending' ? place(a) - place(b) || lane(a) - lane(b) : 0);
}

function isIn({ project, plan }: QueueFilter): (item: Item) => boolean {
  return ({ row }) => (project === undefined || row.project === project) && (plan === undefined || row.plan === plan);
}

function isSame(a: Pause, b: Pause): boolean {
  if (a === 'queue' || b === 'queue') return a === b;
  return a.project === b.project && a.plan === b.plan && a.title === b.title;
}
