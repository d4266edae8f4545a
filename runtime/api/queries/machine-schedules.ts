/** The schedules of user-defined machines: when a tree begins next, which one began last, and why none began. */
import type { AnyDefinition } from '../../../actors/definition.ts';
import { scheduleTimes } from '../../base/config/config.ts';
import type { IntakeMarkRow } from '../../core/store/rows.ts';
import { scheduleKeys, scheduleMarks } from '../../work/intake/machine-schedules.ts';
import type { MachineScheduleEntry } from '../contract/machines.ts';
import { timeText } from './time-text.ts';

/** By the marks of the store, so it is the same whichever engine answers, and also if none looks at schedules. */
export function scheduleEntries(
  machines: readonly AnyDefinition[],
  { marks, nowMs }: { readonly marks: readonly IntakeMarkRow[]; readonly nowMs: number },
): MachineScheduleEntry[] {
  return machines.flatMap(({ name: machine, schedules = {} }) =>
    Object.entries(schedules).map(([name, schedule]) => {
      const { pattern, ...keys } = scheduleKeys(schedule);
      const times = scheduleTimes({ schedule: keys.cron, timezone: keys.timezone });
      const of = scheduleMarks(machine, name);
      // With another pattern it begins anew: then an engine has not seen it yet.
      const reached = marks.find((mark) => mark.intake === of.reached && mark.pattern === pattern);
      const begun = marks.find((mark) => mark.intake === of.begun);
      const latestMs = times.last(nowMs);
      const nextMs = times.next(nowMs);
      return {
        ...{ machine, name, ...keys },
        next: nextMs === null ? null : timeText(nextMs),
        last: begun === undefined ? null : { at: timeText(begun.reachedAt), id: begun.pattern },
        passed: reached?.reason == null ? null : { at: timeText(reached.reachedAt), reason: reached.reason },
        due: reached === undefined || latestMs === null || latestMs <= reached.reachedAt ? null : timeText(latestMs),
        seen: reached !== undefined,
      };
    }),
  );
}
