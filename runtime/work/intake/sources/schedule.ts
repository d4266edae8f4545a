/**
 * The times of a cron pattern. Each time is an item, whose key is that time; of several due times only the latest becomes a plan. A row stores the last time
 * that was handled; it is updated in the commit that registers the plan, or that skips the time. So no time is used twice, and none from before the row was
 * made.
 */
import { basename } from 'node:path';
import { EngineError, messageOf } from '../../../../machines/vocabulary/errors.ts';
import { type IntakeOf, scheduleTimes } from '../../../base/config/config.ts';
import type { IntakeMarkRow } from '../../../core/store/rows.ts';
import { mustBeOwn } from '../own-path.ts';
import { readDocument } from '../read-document.ts';
import type { Room } from '../room.ts';
import type { Found, Source, SourceParts, Work } from '../source.ts';

/** A time that is handled later than this was missed: an engine checks every two seconds. */
const lateMs = 60_000;

/** The clocks of several hosts differ by less than this. A time that is further ahead was handled by a clock that has been set back since. */
const aheadMs = 3_600_000;

/** Whether the times of a schedule begin anew: it was changed, or it would wait until the clock is where it was once. Pure. */
export function beginsAnew(
  mark: Pick<IntakeMarkRow, 'pattern' | 'reachedAt'>,
  { pattern, nowMs }: { readonly pattern: string; readonly nowMs: number },
): boolean {
  return mark.pattern !== pattern || mark.reachedAt > nowMs + aheadMs;
}

type Due =
  | { readonly kind: 'none' }
  | { readonly kind: 'due'; readonly atMs: number }
  /** The time is skipped. */
  | { readonly kind: 'passed'; readonly atMs: number; readonly reason: string };

interface Latest {
  /** The latest time of the pattern; null: it had none. */
  readonly lastMs: number | null;
  readonly reachedAt: number;
  readonly nowMs: number;
  readonly missed: IntakeOf<'schedule'>['missed'];
  readonly room: Room;
}

/** The decision about the latest time. Earlier times that were not handled count as missed. */
export function dueNow({ lastMs, reachedAt, nowMs, missed, room }: Latest): Due {
  if (lastMs === null || lastMs <= reachedAt) return { kind: 'none' };
  if (missed === 'skip' && nowMs - lastMs > lateMs)
    return { kind: 'passed', atMs: lastMs, reason: 'it was missed, and missed = "skip"' };
  return room.items === 0 ? { kind: 'passed', atMs: lastMs, reason: room.reason } : { kind: 'due', atMs: lastMs };
}

export function createScheduleSource(config: IntakeOf<'schedule'>, parts: SourceParts): Source {
  const { name, timezone, schedule, missed, overlap } = config;
  const { store, projects, nowMs } = parts;
  const times = scheduleTimes(config);
  const pattern = `${schedule} ${timezone}`;

  /** null: its times are not handled yet. */
  async function markNow(): Promise<IntakeMarkRow | null> {
    return (await store.intakeMarks()).find(({ intake }) => intake === name) ?? null;
  }

  function due(mark: IntakeMarkRow, room: Room): Due {
    const now = nowMs();
    return dueNow({ lastMs: times.last(now), reachedAt: mark.reachedAt, nowMs: now, missed, room });
  }

  async function settle(room: Room): Promise<void> {
    const mark = await markNow();
    const reach = (reachedAt: number, reason: string | null) =>
      // If the commit is lost, another engine did it.
      store.commit([{ do: 'intake.mark', intake: name, pattern, reachedAt, reason, before: mark?.reachedAt ?? null }]);
    if (mark === null || beginsAnew(mark, { pattern, nowMs: nowMs() })) await reach(nowMs(), null);
    else {
      const found = due(mark, room);
      if (found.kind === 'passed') await reach(found.atMs, found.reason);
    }
  }

  async function look(room: Room): Promise<Found[]> {
    const mark = await markNow();
    const isNew = mark === null || beginsAnew(mark, { pattern, nowMs: nowMs() });
    const found: Due = isNew ? { kind: 'none' } : due(mark, room);
    const next = times.next(nowMs());
    return [
      ...(found.kind === 'none' || mark === null ? [] : [await foundAt(found, mark)]),
      ...(next === null ? [] : [{ ...named(next), kind: 'later', reason: laterReason, work: workNow } as const]),
    ];
  }

  async function foundAt(found: Exclude<Due, { kind: 'none' }>, mark: IntakeMarkRow): Promise<Found> {
    const { title, plan } = named(found.atMs);
    if (found.kind === 'passed') return { kind: 'left', title, reason: found.reason };
    return {
      kind: 'item',
      title,
      plan,
      work: workNow,
      async claim() {
        const reach = { do: 'intake.mark', intake: name, pattern, reachedAt: found.atMs, reason: null } as const;
        const reached = [{ ...reach, before: mark.reachedAt }];
        return {
          item: new Date(found.atMs).toISOString(),
          work: await workNow(),
          with: reached,
          // A time that became a plan before the clock was put back makes no other one, and only moves the mark.
          taken: async () => void (await store.commit(reached)),
        };
      },
    };
  }

  /** Faults that would occur at the next time are reported before it. */
  async function laterReason(): Promise<string> {
    try {
      await workNow();
      return 'it is not due yet';
    } catch (thrown) {
      return `it is not due yet, and as it is now nothing would come: ${messageOf(thrown)}`;
    }
  }

  /** Read at each time, so that an edit takes effect at the next one. Throws `bad_config`. */
  async function workNow(): Promise<Work> {
    const { message, document: path } = config;
    if (message !== undefined) return { kind: 'message', message };
    if (path === undefined) throw new Error(`intake ${name} has neither a document nor a message`);
    await mustBeOwn({ path, is: 'file' }, projects);
    const read = await readDocument(path, basename(path));
    if ('reason' in read) throw new EngineError('bad_config', `the file ${path}: ${read.reason}`, 'correct it');
    return { kind: 'document', content: read.reading.content };
  }

  /** By the clock of its time zone. */
  function named(atMs: number): { title: string; plan: string } {
    const parts = new Intl.DateTimeFormat('en-CA', {
      ...{ timeZone: timezone, year: 'numeric', month: '2-digit', day: '2-digit' },
      ...{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    }).formatToParts(atMs);
    const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
    const day = `${part('year')}-${part('month')}-${part('day')}`;
    const title = `${name} of ${day} ${part('hour')}:${part('minute')} ${timezone}`;
    return { title, plan: `${name}-${day}-${part('hour')}${part('minute')}` };
  }

  return { settle, look, isInTurn: overlap === 'queue' };
}
