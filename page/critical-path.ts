/** What a plan's duration came from: read back from its end, each time what ended last before the next began. */
import type { Span, Timeline } from './timeline.ts';

export interface Step {
  /** The lane that it is in. */
  readonly name: string;
  readonly spans: readonly Span[];
}

/** In the order of time; spans of one lane that follow each other are one step. */
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
    // If several ended then, the one whose lane goes on.
    const same = left.findLastIndex(({ name, span }) => name === later?.name && span.toMs === next.span.toMs);
    const found = same === -1 || next.name === later?.name ? next : (left[same] ?? next);
    atMs = found.span.fromMs;
    if (later?.name === found.name) later.spans.unshift(found.span);
    else steps.push({ name: found.name, spans: [found.span] });
  }
  return steps.reverse();
}
