import { describe, it } from 'vitest';
import { type FaultPoint, faultPoints } from '../../runtime/engine.ts';
import { killAtEach } from '../support/crash-kills.ts';

/** Points that an engine comes to once in its life. */
const once: readonly FaultPoint[] = ['engine.before-stop'];
/** As often as a plan of six tasks comes to each of the others at least: every task, in every wave. */
const everyTask = [1, 2, 3, 4, 5, 6] as const;

describe('an engine that is killed once, between two of its writes', () => {
  for (const point of faultPoints) {
    for (const nth of once.includes(point) ? [1] : everyTask) {
      it(`at ${point}, time ${nth}`, () => killAtEach([{ point, nth }]));
      if (!once.includes(point)) it(`after ${point}, time ${nth}`, () => killAtEach([{ point, nth, isLate: true }]));
    }
  }
});
