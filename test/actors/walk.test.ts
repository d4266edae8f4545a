import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

it('takes no signal of a task through more than 35 source files', () => {
  const printed = execFileSync(process.execPath, ['test/bench/files-per-signal.mjs', '--json'], { encoding: 'utf8' });
  const figures: Record<string, number> = JSON.parse(printed);
  expect(Object.keys(figures)).toContain('work_merged_files');
  expect(Object.entries(figures).filter(([, files]) => files > 35)).toEqual([]);
});
