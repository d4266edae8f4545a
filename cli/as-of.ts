/** The heading above a past state: its line of the journal, and the time. */
import { clockTime, localDay } from '../machines/vocabulary/time-text.ts';

export function asOfText({ seq, at }: { readonly seq: number; readonly at: string }): string {
  return `as of line ${seq}, ${localDay(new Date(at))} ${clockTime(at)}`;
}
