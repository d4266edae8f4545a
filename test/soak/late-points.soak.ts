import { describe, it } from 'vitest';
import { killAtEach } from '../support/crash-kills.ts';
import { everyPoint } from '../support/crash-moments.ts';

describe('an engine that is killed once, right after it came between two of its writes', () => {
  for (const { point, nth } of everyPoint()) {
    it(`at ${point}, time ${nth}`, () => killAtEach([{ point, nth, isLate: true }]));
  }
});
