/** What `stator plan merge` says at its end. */
import { expect, it } from 'vitest';
import { mergeReport } from '../../cli/plan/merging.ts';

type Shown = Parameters<typeof mergeReport>[0];

const merged = { at: '2026-01-02T03:04:00.000Z', head: 'ab'.repeat(20), into: 'main' };
// Only these fields show that a plan is merged.
const plan = { plan: 'p', branch: 'plan/p', merged, merging: false, merge_refused: null, tasks_by_wave: [] };
const reportOf = (part: object) => mergeReport({ ...plan, ...part } as unknown as Shown, { isRepeated: false });

it('a merge with more than was checked says so', () => {
  expect(reportOf({})).toEqual({ isMissing: false, text: 'p is merged: plan/p is in main, abababababab' });
  expect(reportOf({ merged: { ...merged, note: 'more than was checked' } }).text).toBe(
    'p is merged: plan/p is in main, abababababab\nmore than was checked',
  );
});
