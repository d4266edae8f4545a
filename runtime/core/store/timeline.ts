/**
 * The time that deadlines are kept in: it begins as wall time, goes on by the steady clock, and is one line for all engines of a store. So a lid that was
 * closed, or a clock that is set, changes no timeout, no back-off and no stop. Time in which this process was stopped (SIGSTOP, a machine that was frozen)
 * does not count either: no process could observe an agent then, and mostly the agent was stopped as well.
 *
 * Machines compute in wall time and say when something is due. Only the time from now until then counts, and the host keeps that. Beside every
 * deadline the store gets a reading of both clocks, so the next engine of this boot goes on exactly. After the machine has restarted, the steady
 * clock begins again: then the wall clock says how long it was off, which is never negative. So no wait is longer than planned. Hosts of one store use the
 * clock of its database for that: one whose own clock is wrong would shift the deadlines of all others.
 */
import type { Clock } from '../../base/platform/clock.ts';
import { readBoot } from '../../base/platform/process-table.ts';
import type { ChangeOf, Store } from './port.ts';
import { latestMs, type TimelineRow } from './rows.ts';
import { type Connection, orNull } from './tables/connection.ts';

export interface Timeline {
  /** Now, in the time of `deliver_at`, `next_at` and `stop_at`. */
  nowMs(): number;
  /** Stops checking whether this process was stopped. */
  close(): void;
  /** A reading of the clocks, for the commit that stores a deadline. */
  note(): ChangeOf<'timeline.write'>;
  /** The approximate wall clock time, for people; at most the last time that a date can hold. */
  wallOf(ms: number): number;
}

const beatMs = 1_000;
/** A busy process is late by less than this; a later one was stopped. */
const longestBeatMs = 5_000;

/** Reads the current time of the store. Throws as the store does. */
export async function openTimeline(store: Pick<Store, 'timeline'>, clock: Clock): Promise<Timeline> {
  const known = await store.timeline();
  const steadyMs = () => clock.steadyMs?.() ?? clock.nowMs();
  // A wall clock that replaces the steady clock has a different name, because readings of the two cannot be compared.
  const boot = clock.boot?.() ?? (clock.steadyMs === undefined ? 'wall' : readBoot());
  const begunSteadyMs = steadyMs();
  const begunAtMs = begin();
  let beatAtMs = begunSteadyMs;
  let stoppedMs = 0;
  const close = clock.beat?.(beatMs, look) ?? (() => {});
  const nowMs = () => begunAtMs + Math.max(0, look() - begunSteadyMs - stoppedMs);

  /** The first caller after a stop finds it: a timer that is due may come before the beat. */
  function look(): number {
    const now = steadyMs();
    const gapMs = now - beatAtMs;
    if (clock.beat !== undefined && gapMs > longestBeatMs) stoppedMs += gapMs - beatMs;
    beatAtMs = now;
    return now;
  }

  function begin(): number {
    if (known === null) return clock.nowMs();
    const passedMs =
      known.boot === boot && begunSteadyMs >= known.steady_ms
        ? begunSteadyMs - known.steady_ms
        : (known.now_ms ?? clock.nowMs()) - known.wall_ms;
    return known.at_ms + Math.max(0, passedMs);
  }

  return {
    nowMs,
    close,
    note: () => ({ do: 'timeline.write', boot, steady_ms: steadyMs(), wall_ms: clock.nowMs(), at_ms: nowMs() }),
    wallOf: (ms) => Math.min(latestMs, clock.nowMs() + ms - nowMs()),
  };
}

/** The last reading of the clocks that deadlines were kept with: which boot, its steady clock, the wall clock, and the time of the store itself. */
export function createTimelineTable(db: Connection) {
  const shared = db.sharedNowMs;
  const now = shared === undefined ? '' : `, ${shared} AS now_ms`;
  const read = db.prepare<[], TimelineRow>(`SELECT boot, steady_ms, wall_ms, at_ms${now} FROM timeline`);
  const write = db.prepare<[TimelineRow]>(
    `INSERT INTO timeline (id, boot, steady_ms, wall_ms, at_ms) VALUES (1, @boot, @steady_ms, ${shared ?? '@wall_ms'}, @at_ms)
     ON CONFLICT (id) DO UPDATE SET boot = excluded.boot, steady_ms = excluded.steady_ms, wall_ms = excluded.wall_ms, at_ms = excluded.at_ms`,
  );
  return {
    read: () => orNull(read.get()),
    write: (row: TimelineRow) =>
      write.run({ boot: row.boot, steady_ms: row.steady_ms, wall_ms: row.wall_ms, at_ms: row.at_ms }),
  };
}
