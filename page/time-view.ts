/** The one form of a time on the page: its distance from now, with the exact time as a tooltip. */
import { age, ago, clockTime, duration, localDay, sentenceTimes } from '../machines/vocabulary/time-text.ts';
import { type Child, h, type View } from './dom.ts';

/** `ago`: a past time. `in`: a future time. `for`: a state since then. `another`: a state until then. */
export type TimeForm = 'ago' | 'in' | 'for' | 'another';

const minuteMs = 60_000;

/** `3m ago`, `just now`; `in 2h`, `in 40s`; `for 3d`; `for another 2h`. As plain text, for attributes; elsewhere use `timeView`. */
export function timeText(iso: string, nowMs: number, form: TimeForm = 'ago'): string {
  const passedMs = nowMs - Date.parse(iso);
  switch (form) {
    case 'ago':
      return ago(iso, nowMs);
    case 'in':
      return `in ${leftText(-passedMs)}`;
    case 'for':
      return `for ${age(passedMs)}`;
    case 'another':
      return `for another ${leftText(-passedMs)}`;
    default:
      return form satisfies never;
  }
}

/** In the last minute each second counts. */
function leftText(ms: number): string {
  return ms < minuteMs ? duration(ms) : age(ms);
}

/** `2026-11-27 14:03:22`, in the time zone of the browser. */
export function exactTime(iso: string): string {
  return `${localDay(new Date(iso))} ${clockTime(iso)}`;
}

export function timeView(iso: string, nowMs: number, form: TimeForm = 'ago'): View {
  return h('time', { datetime: iso, title: exactTime(iso) }, timeText(iso, nowMs, form));
}

/** A sentence of the engine, in which times are in ISO form after `until`, `at` or `since`. */
export function timesIn(text: string, nowMs: number): Child[] {
  const parts: Child[] = [];
  let end = 0;
  for (const { 0: whole, 1: word = '', 2: iso = '', index } of text.matchAll(sentenceTimes)) {
    parts.push(text.slice(end, index), timeView(iso, nowMs, formOf(word, iso, nowMs)));
    end = index + whole.length;
  }
  return [...parts, text.slice(end)].filter((part) => part !== '');
}

function formOf(word: string, iso: string, nowMs: number): TimeForm {
  if (word === 'until') return 'another';
  if (word === 'since') return 'for';
  return Date.parse(iso) > nowMs ? 'in' : 'ago';
}
