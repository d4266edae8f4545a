/** The position of times on an axis that may fold idle times, the ticks of that axis, and the range that is shown. */
import { clockTime, localDay } from '../machines/vocabulary/time-text.ts';
import type { Timeline } from './timeline.ts';

export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Scale {
  /** The position in percent of the width. A time outside of the range is at its edge. */
  at(ms: number): number;
  /** The folded times, in order. */
  readonly folds: readonly Range[];
}

export interface Tick {
  readonly percent: number;
  readonly text: string;
}

/** A shorter idle time is not folded. */
const leastFoldMs = 60_000;
/** An idle time that is a smaller part of the range than this percentage is not folded. */
const leastFoldPercent = 12;
const foldPercent = 4;
const foldsMost = 8;
const leastRangeMs = 1_000;
/** The least distance between two ticks, in percent. */
const tickDistance = 11;
const second = 1_000;
const steps = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * 60 * second),
  ...[1, 2, 3, 6, 12].map((count) => count * 3_600 * second),
  ...[1, 2, 7, 14, 28].map((count) => count * 86_400 * second),
];

/** The times in which no agent worked. The lanes of the plan and its waves are left out: they are at work while any of their agents is. */
export function idleOf({ lanes, fromMs, toMs }: Timeline): Range[] {
  const worked = lanes
    .filter(({ name }) => name !== 'plan' && !name.startsWith('wave '))
    .flatMap(({ spans }) => spans.filter(({ kind }) => kind === 'work'))
    .sort((a, b) => a.fromMs - b.fromMs);
  const idle: Range[] = [];
  let endMs = fromMs;
  for (const span of [...worked, { fromMs: toMs, toMs }]) {
    if (span.fromMs > endMs) idle.push({ fromMs: endMs, toMs: span.fromMs });
    endMs = Math.max(endMs, span.toMs);
  }
  return idle;
}

/** `idle`: the times that may be folded. The long ones are folded. */
export function scaleOf(range: Range, idle: readonly Range[]): Scale {
  const lengthMs = range.toMs - range.fromMs;
  const least = Math.max(leastFoldMs, (lengthMs * leastFoldPercent) / 100);
  const folds = idle
    .map(({ fromMs, toMs }) => ({ fromMs: Math.max(fromMs, range.fromMs), toMs: Math.min(toMs, range.toMs) }))
    .filter(({ fromMs, toMs }) => toMs - fromMs >= least)
    .sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs))
    .slice(0, foldsMost)
    .sort((a, b) => a.fromMs - b.fromMs);
  const foldedMs = folds.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  // If all of the time is idle, folding would leave nothing to show.
  if (folds.length === 0 || foldedMs >= lengthMs) return { folds: [], at: (ms) => part(range, ms) * 100 };
  const perMs = (100 - foldPercent * folds.length) / (lengthMs - foldedMs);
  return {
    folds,
    at(ms) {
      let [percent, doneMs] = [0, range.fromMs];
      for (const fold of folds) {
        if (ms <= fold.fromMs) break;
        percent += (fold.fromMs - doneMs) * perMs + foldPercent * part(fold, ms);
        doneMs = fold.toMs;
      }
      return Math.min(100, percent + Math.max(0, ms - doneMs) * perMs);
    },
  };
}

function part({ fromMs, toMs }: Range, ms: number): number {
  return Math.min(1, Math.max(0, (ms - fromMs) / (toMs - fromMs)));
}

/** Ticks at round times of the day, with the date where a day begins; none within a fold. */
export function ticksOf(range: Range, scale: Scale): Tick[] {
  const openMs = scale.folds.reduce((left, { fromMs, toMs }) => left - (toMs - fromMs), range.toMs - range.fromMs);
  const wantedMs = (openMs * tickDistance) / 100;
  const step = steps.find((each) => each >= wantedMs) ?? steps.at(-1) ?? wantedMs;
  const offsetMs = new Date(range.fromMs).getTimezoneOffset() * 60_000;
  const ticks: Tick[] = [];
  const [first, last] = [range.fromMs, range.toMs].map((ms) => localDay(new Date(ms)));
  let day = first === last ? first : '';
  for (let ms = Math.ceil((range.fromMs - offsetMs) / step) * step + offsetMs; ms <= range.toMs; ms += step) {
    const fold = scale.folds.find(({ fromMs, toMs }) => ms > fromMs && ms < toMs);
    if (fold !== undefined) {
      ms += Math.floor((fold.toMs - ms) / step) * step;
      continue;
    }
    const percent = scale.at(ms);
    if (percent - (ticks.at(-1)?.percent ?? -tickDistance) < tickDistance) continue;
    const today = localDay(new Date(ms));
    ticks.push({
      percent,
      text: today === day || step >= 86_400_000 ? timeText(ms, step) : `${today.slice(5)} ${timeText(ms, step)}`,
    });
    day = today;
  }
  return ticks;
}

function timeText(ms: number, step: number): string {
  const at = new Date(ms);
  if (step >= 86_400_000) return localDay(at).slice(5);
  return clockTime(at.toISOString()).slice(0, step < 60_000 ? 8 : 5);
}

/** A factor below 1 zooms in. */
export function zoomed({ fromMs, toMs }: Range, whole: Range, factor: number, aroundMs = (fromMs + toMs) / 2): Range {
  const share = (aroundMs - fromMs) / (toMs - fromMs);
  const lengthMs = Math.max(leastRangeMs, (toMs - fromMs) * factor);
  return within({ fromMs: aroundMs - share * lengthMs, toMs: aroundMs + (1 - share) * lengthMs }, whole);
}

/** `share`: the part of the shown range to move by; above 0 moves to later times. */
export function moved({ fromMs, toMs }: Range, whole: Range, share: number): Range {
  const byMs = (toMs - fromMs) * share;
  return within({ fromMs: fromMs + byMs, toMs: toMs + byMs }, whole);
}

function within({ fromMs, toMs }: Range, whole: Range): Range {
  const lengthMs = Math.min(toMs - fromMs, whole.toMs - whole.fromMs);
  const begin = Math.min(Math.max(fromMs, whole.fromMs), whole.toMs - lengthMs);
  return { fromMs: begin, toMs: begin + lengthMs };
}
