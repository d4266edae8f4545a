/** The spans that determined a plan's duration, found backwards from its end: before each span comes the one that ended last before it began. */
import type { Span, Timeline } from './timeline.ts';

export interface Step {
  /** The name of its lane. */
  readonly name: string;
  readonly spans: readonly Span[];
}

/** Ordered by time. Adjacent spans of one lane are one step. */
export function criticalPath({ lanes, toMs }: Timeline): Step[] {
  const left = lanes
    .filter(({ name }) => name !== 'plan' && !name.startsWith('wave '))
    .flatMap(({ name, spans }) => spans.filter((span) => span.toMs > span.fromMs).map((span) => ({ name, span })))
    .sort((a, b) => a.span.toMs - b.span.toMs);
  const steps: { name: string; spans: Span[] }[] = [];
  let atMs = toMs;
  while (left.length > 0) {
    const next = left.pop();
    if (next === undefined || next.span.toMs > atMs) continue;
    const later = steps.at(-1);
    // If several spans ended then, the one in the same lane is taken.
    const same = left.findLastIndex(({ name, span }) => name === later?.name && span.toMs === next.span.toMs);
    const found = same === -1 || next.name === later?.name ? next : (left[same] ?? next);
    atMs = found.span.fromMs;
    if (later?.name === found.name) later.spans.unshift(found.span);
    else steps.push({ name: found.name, spans: [found.span] });
  }
  return steps.reverse();
}
