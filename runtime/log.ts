/** What the engine tells those who run it: lines with a level, never the way to tell a caller of an error. */
import { messageOf } from '../machines/errors.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string, thrown?: unknown): void;
}

/** One line each: time, level, message. A thrown value's causes are on the line; its stack follows at `debug`. */
export function createLog(write: (line: string) => void, level: LogLevel): Log {
  const isShown = (of: LogLevel) => logLevels.indexOf(of) >= logLevels.indexOf(level);
  const say = (of: LogLevel, message: string) => {
    if (isShown(of)) write(`${new Date().toISOString()} ${of} ${message.replaceAll('\n', ' | ')}\n`);
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
