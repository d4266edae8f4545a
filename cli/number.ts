import { EngineError } from '../machines/vocabulary/errors.ts';

/** Throws `usage` unless it is a whole number from 1. */
export function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,15}$/.test(text)) return Number(text);
  throw new EngineError('usage', `${name} is "${text}"`, 'give a whole number from 1 on');
}

/** Throws `usage` unless it is a port that ordinary programs may use. */
export function portOf(text: string): number {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new EngineError('usage', `--port is "${text}"`, 'give a whole number from 1 to 65535');
}
