/** Numbers as they are typed. */
import { EngineError } from '../machines/vocabulary/errors.ts';

/** Throws `usage` where it is no whole number from 1 on. */
export function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,15}$/.test(text)) return Number(text);
  throw new EngineError('usage', `${name} is "${text}"`, 'give a whole number from 1 on');
}
