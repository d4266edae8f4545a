import { describe, it } from 'vitest';
import { killAtEach } from '../support/crash-kills.ts';
import { atEachPoint, everyPoint } from '../support/crash-moments.ts';
import { isShort } from './length.ts';

describe('an engine that is killed between two of its writes', () => {
  const points = atEachPoint(1);
  const some = isShort ? points.filter((_, index) => index % 6 === 0) : points;
  it('at each point, and whose home is away until the next one comes', () => killAtEach(some, { homeGoes: true }));
  if (isShort) {
    it('at each point, the first time in a life', () => killAtEach(atEachPoint(1)));
    it('at each point, the second time in a life', () => killAtEach(atEachPoint(2).reverse()));
    it('right after an agent was spawned', () =>
      killAtEach([1, 2, 1].map((nth) => ({ point: 'agent-run.before-spawn', nth, isLate: true }))));
    return;
  }
  for (const { point, nth } of everyPoint()) {
    it(`at ${point}, time ${nth}`, () => killAtEach([{ point, nth }]));
  }
});
