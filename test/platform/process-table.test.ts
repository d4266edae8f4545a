/** The process table of this machine, and how old it may be. */
import { spawn } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { readProcessTable, recentProcessTable } from '../../runtime/base/platform/process-table.ts';
import { until } from '../support/ground.ts';

test('the watches of runs share one look at all processes, and the next look sees what has begun since', async () => {
  const first = recentProcessTable();
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const has = ({ rows }: typeof first) => rows.some(({ identity }) => identity.pid === child.pid);
  expect(has(first)).toBe(false);
  expect(has(readProcessTable())).toBe(true);
  await until(() => has(recentProcessTable()));
  await until(() => {
    const shared = recentProcessTable();
    return shared === recentProcessTable();
  });
});
