/** The line above what was: the line of the journal, and its time. */
import { clockTime, localDay } from '../machines/vocabulary/time-text.ts';

export function asOfText({ seq, at }: { readonly seq: number; readonly at: string }): string {
  return `as of line ${seq}, ${localDay(new Date(at))} ${clockTime(at)}`;
}
