/** The engine's log for its operators: lines with a level. Callers get errors in another way. A log never throws. */
import { appendFileSync, existsSync, renameSync, statSync } from 'node:fs';
import type { ConsolaInstance, LogObject } from 'consola/core';
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import { createConsola } from './consola.ts';
import { withoutSecrets } from './secrets.ts';
import { safeText } from './terminal-text.ts';
import { traceHere } from './trace-context.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The log of an engine, line by line. Errors of the log itself are ignored: a log stops nothing. */
export interface Log {
  /** Details for finding a fault. */
  debug(message: string): void;
  /** What the engine did. */
  info(message: string): void;
  /** Something that a person may want to check. */
  warn(message: string): void;
  /** A failure, with the thrown error. */
  error(message: string, thrown?: unknown): void;
}

/** Enough for several weeks of an engine. */
const logLimitBytes = 10 * 1024 * 1024;
/** A log and its older files take at most three times the limit. */
const keptLogs = 2;

/** consola's numbers for these levels. */
const rank = { error: 0, warn: 1, info: 3, debug: 4 } satisfies Record<LogLevel, number>;

/**
 * `level` may be asked for each line, so that it can change. One line each: time, level, the trace and span that the work belongs to (`[trace_id=… span_id=…]`, if to one), message, safe for a terminal. A thrown value's causes are on the line; its stack follows at `debug`. What `write`
 * does not take is dropped and counted; the next line that it takes says how many. consola is loaded with the first line.
 */
export function createLog(write: (line: string) => void, level: LogLevel | (() => LogLevel)): Log {
  let dropped = 0;
  let consola: ConsolaInstance | null = null;
  const report = ({ date, type, args: [message] }: LogObject) => {
    const lineOf = (of: string, text: string) =>
      `${date.toISOString()} ${of} ${safeText(withoutSecrets(text)).replaceAll('\n', ' | ')}\n`;
    const lost = dropped === 0 ? '' : lineOf('warn', `${dropped} lines before this one could not be written`);
    const trace = traceHere();
    const about = trace === null ? '' : `[trace_id=${trace.traceId} span_id=${trace.spanId}] `;
    write(lost + lineOf(type, `${about}${String(message)}`));
    dropped = 0;
  };
  const say = (of: LogLevel, message: string) => {
    try {
      consola ??= createConsola({ log: report });
      consola.level = rank[typeof level === 'function' ? level() : level];
      consola[of](message);
    } catch {
      dropped += 1; // nothing is left to report to: on a full disk the work must go on without a log
    }
  };
  return {
    debug: (message) => say('debug', message),
    info: (message) => say('info', message),
    warn: (message) => say('warn', message),
    error(message, thrown) {
      say('error', thrown === undefined ? message : `${message}: ${messageOf(thrown)}`);
      if (thrown instanceof Error && thrown.stack !== undefined) say('debug', thrown.stack);
    },
  };
}

/** Appends to a file that only its owner reads. Beyond `limitBytes` (10 MiB) it becomes `<file>.1`, that one `<file>.2`, and the oldest goes. Throws the system's errors. */
export function appendTo(file: string, limitBytes: number = logLimitBytes): (line: string) => void {
  return (line) => {
    // Checked for each line, because people empty and delete logs.
    const sizeBytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (sizeBytes > 0 && sizeBytes + Buffer.byteLength(line) > limitBytes) rotate(file);
    appendFileSync(file, line, { mode: 0o600 });
  };
}

/** The oldest first, so that a crash on the way leaves a gap and never a line twice. */
function rotate(file: string): void {
  for (let age = keptLogs - 1; age > 0; age -= 1)
    if (existsSync(`${file}.${age}`)) renameSync(`${file}.${age}`, `${file}.${age + 1}`);
  renameSync(file, `${file}.1`);
}

/** A log of other code, which may throw: then that line is lost, and nothing else. */
export function harmless(log: Log): Log {
  const attempt = (say: () => void) => {
    try {
      say();
    } catch {
      // As on a full disk: a log that fails does not stop the work.
    }
  };
  return {
    debug: (message) => attempt(() => log.debug(message)),
    info: (message) => attempt(() => log.info(message)),
    warn: (message) => attempt(() => log.warn(message)),
    error: (message, thrown) => attempt(() => log.error(message, thrown)),
  };
}
