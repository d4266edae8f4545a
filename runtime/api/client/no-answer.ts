/** The error for a process that owns the home but does not answer. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { localTime } from '../../../machines/vocabulary/time-text.ts';
import { processAt, readBoot } from '../../base/platform/process-table.ts';

interface Silent {
  readonly kind: 'daemon' | 'engine';
  readonly pid: number;
  /** ISO 8601. */
  readonly since: string;
}

/**
 * Usually this passes: the process starts or stops, or the machine is busy or was asleep. `limitMs`: how long the caller waited; null: the connection was not
 * accepted.
 */
export function noAnswer({ kind, pid, since }: Silent, limitMs: number | null): EngineError {
  const who = `the ${kind} (pid ${pid}, since ${localTime(since, Date.now())})`;
  const within = limitMs === null ? '' : ` within ${limitMs / 1_000} s`;
  if (processAt(pid, readBoot())?.state === 'T')
    return new EngineError(
      'unavailable',
      `${who} does not answer${within}: somebody has stopped it (Ctrl-Z, or SIGSTOP)`,
      `let it continue: kill -CONT ${pid}, or fg in its terminal`,
    );
  const last =
    kind === 'daemon'
      ? 'see why with stator daemon logs, then: stator daemon restart; agents live on'
      : `it is most likely a \`stator run\`: look at it where it runs, or end it: kill ${pid}; agents live on`;
  const hint = `it usually recovers within seconds: repeat the command; if it does not: ${last}`;
  return new EngineError('unavailable', `${who} does not answer${within}`, hint);
}
