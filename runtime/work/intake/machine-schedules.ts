/**
 * Starts trees of user-defined machines at the times of their schedules. A row stores the last handled time; it is updated in the commit that starts
 * the tree or skips the time. So no time is used twice, even with several hosts, and none from before the row was made.
 */
import type { AnyDefinition, MachineSchedule } from '../../../actors/definition.ts';
import { machineTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { scheduleTimes } from '../../base/config/config.ts';
import type { Log } from '../../base/platform/log.ts';
import { createServiceLoop, type Troubles } from '../../base/platform/poll-loop.ts';
import { type Change, CommitLost, type Store } from '../../core/store/port.ts';
import type { IntakeMarkRow } from '../../core/store/rows.ts';
import { beginsAnew, dueNow } from './sources/schedule.ts';

export interface MachineScheduleParts {
  readonly store: Pick<Store, 'commit' | 'intakeMarks' | 'treeStatus'>;
  readonly machines: readonly AnyDefinition[];
  readonly log: Log;
  readonly troubles: Troubles;
  nowMs(): number;
  /** Whether this process still owns the home, and new work may begin. */
  mayWork(): boolean;
  /** `before`: changes in the same commit. Throws `CommitLost`, and an error for an input that the store cannot hold. */
  begin(tree: TreeAddress, input: unknown, before: readonly Change[]): Promise<void>;
  /** Milliseconds between two checks. Default: two seconds. */
  readonly everyMs?: number;
}

const lookMs = 2_000;
/** The time between two checks if there is no schedule. */
const idleMs = 3_600_000;

export function createMachineSchedules(parts: MachineScheduleParts) {
  const { machines, troubles, mayWork, everyMs = lookMs } = parts;
  const schedules = machines.flatMap(({ name: machine, schedules: given = {} }) =>
    Object.entries(given).map(([name, schedule]) => createSchedule(parts, { machine, name, schedule })),
  );
  return createServiceLoop({
    trouble: { what: 'the schedules of machines are not looked at' },
    ...{ troubles, everyMs },
    async work() {
      if (schedules.length === 0) return idleMs;
      // Read once: each schedule changes only its own rows.
      const marks = await parts.store.intakeMarks();
      for (const { key, look } of schedules) {
        if (!mayWork()) return null;
        const trouble = { what: `the schedule ${key} does not work`, isRare: true } as const;
        try {
          await look(marks);
          troubles.worked(trouble);
        } catch (thrown) {
          troubles.failed(trouble, thrown);
        }
      }
      return null;
    },
  });
}

/** The keys of a schedule's rows: the last handled time, and the last started tree. */
export function scheduleMarks(machine: string, name: string) {
  const key = `${machine}/${name}`;
  // No intake can have such a name.
  return { key, reached: `machine:${key}`, begun: `machine:${key}:begun` };
}

/** The schedule's settings, with the defaults. `pattern` is stored in the row of its times. */
export function scheduleKeys({ cron, timezone = 'UTC', missed = 'once', overlap = 'refuse' }: MachineSchedule) {
  return { cron, timezone, missed, overlap, pattern: `${cron} ${timezone}` };
}

interface Named {
  readonly machine: string;
  readonly name: string;
  readonly schedule: MachineSchedule;
}

function createSchedule(
  { store, log, nowMs, begin }: MachineScheduleParts,
  { machine, name, schedule }: Named,
): { readonly key: string; look(marks: readonly IntakeMarkRow[]): Promise<void> } {
  const { input = () => ({}) } = schedule;
  const { cron, timezone, missed, overlap, pattern } = scheduleKeys(schedule);
  const times = scheduleTimes({ schedule: cron, timezone });
  const { key, reached, begun } = scheduleMarks(machine, name);

  /** If the commit is lost, another engine has handled the time. */
  async function mark(reachedAt: number, reason: string | null, before: number | null): Promise<void> {
    await store.commit([{ do: 'intake.mark', intake: reached, pattern, reachedAt, reason, before }]);
  }

  async function look(marks: readonly IntakeMarkRow[]): Promise<void> {
    const known = marks.find(({ intake }) => intake === reached);
    const now = nowMs();
    if (known === undefined || beginsAnew(known, { pattern, nowMs: now }))
      return mark(now, null, known?.reachedAt ?? null);
    const last = marks.find(({ intake }) => intake === begun);
    const isRunning = overlap !== 'allow' && last !== undefined && (await hasNotEnded(last.pattern));
    if (isRunning && overlap === 'queue') return;
    const room = { items: isRunning ? 0 : 1, reason: `${machine} ${last?.pattern} has not ended` };
    const due = dueNow({ lastMs: times.last(now), reachedAt: known.reachedAt, nowMs: now, missed, room });
    if (due.kind === 'none') return;
    if (due.kind === 'passed') {
      log.info(`schedule ${key}: nothing begins at ${new Date(due.atMs).toISOString()}: ${due.reason}`);
      return mark(due.atMs, due.reason, known.reachedAt);
    }
    const id = `${name}-${new Date(due.atMs).toISOString().replace(/[-:]|:?\d\d\.\d{3}/g, '')}`;
    const row = { do: 'intake.mark', reachedAt: due.atMs, reason: null } as const;
    const before: Change[] = [
      { ...row, intake: reached, pattern, before: known.reachedAt },
      { ...row, intake: begun, pattern: id, before: last?.reachedAt ?? null },
    ];
    try {
      await begin(machineTree(machine, id), input({ at: due.atMs }), before);
      log.info(`schedule ${key}: ${machine} ${id} begins`);
    } catch (thrown) {
      if (!(thrown instanceof CommitLost)) throw thrown;
    }
  }

  async function hasNotEnded(id: string): Promise<boolean> {
    return (await store.treeStatus(machineTree(machine, id)))?.endedAt === null;
  }

  return { key, look };
}
