/** What `page/nearness.ts` makes of a browser's reports. The reports are given here, because their order in a browser depends on how busy it is. */
import { afterEach, expect, it, vi } from 'vitest';
import { createNearness } from '../../page/nearness.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const target = (part: string, contains = false) => ({ dataset: { part }, contains: () => contains });

/** What `changed` is called with for one delivery of reports. */
function changesOf(reports: readonly { part: string; isNear: boolean; height: number; hasFocus?: boolean }[]) {
  let deliver: (entries: unknown) => void = () => {};
  class Observer {
    constructor(callback: (entries: unknown) => void) {
      deliver = callback;
    }
  }
  vi.stubGlobal('IntersectionObserver', Observer);
  vi.stubGlobal('document', { activeElement: null });
  const changed = vi.fn();
  createNearness({ marginPixels: 1_000, changed });
  deliver(
    reports.map(({ part, isNear, height, hasFocus }) => ({
      target: target(part, hasFocus),
      isIntersecting: isNear,
      boundingClientRect: { height },
    })),
  );
  return changed.mock.calls;
}

it.each([
  ['came and went', [true, false], [[], [{ part: 'a', height: 20 }]]],
  ['went and came', [false, true], [['a'], []]],
  ['came, went and came', [true, false, true], [['a'], []]],
])('a part that %s within one delivery is where the last report says', (_, moves, call) => {
  expect(changesOf(moves.map((isNear) => ({ part: 'a', isNear, height: 20 })))).toEqual([call]);
});

it('several parts are reported apart, and one in which a person works does not go', () => {
  const reports = [
    { part: 'a', isNear: true, height: 10 },
    { part: 'b', isNear: false, height: 30 },
    { part: 'c', isNear: false, height: 40, hasFocus: true },
  ];
  expect(changesOf(reports)).toEqual([[['a'], [{ part: 'b', height: 30 }]]]);
});
