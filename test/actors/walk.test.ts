import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

it('takes no signal of a task through more than 33 source files, and the plan cancel of a person through at most 84', () => {
  const printed = execFileSync(process.execPath, ['test/bench/files-per-signal.mjs', '--json'], { encoding: 'utf8' });
  const figures: Record<string, number> = JSON.parse(printed);
  expect(Object.keys(figures)).toContain('work_merged_files');
  const { plan_cancel_files: cancel, ...more } = figures;
  expect(cancel).toBeLessThanOrEqual(84);
  const ofSignals = Object.entries(more).filter(([name]) => !name.startsWith('plan_cancel'));
  expect(ofSignals.filter(([, files]) => files > 33)).toEqual([]);
});
