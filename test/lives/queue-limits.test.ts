/** Sixty tasks over five repos: the agents see for themselves that a limit holds, and that it is used. Each limit alone, and six hundred, are in the soak. */
import { expect, it } from 'vitest';
import { tryQueue } from '../support/queue-trial.ts';

// Takes long, since sixty worktrees are made, merged and removed.
it('of sixty tasks over five repos three live at once and never more, then six; all are done, and no slot is idle while work waits', async () => {
  const end = await tryQueue({
    tasks: 60,
    limits: [
      { from: 0, limit: 3 },
      { from: 30, limit: 6 },
    ],
  });
  expect(end).toMatchObject({ most: [3, 6], came: 60, statuses: Array.from({ length: 5 }, () => 'done') });
  expect(end.meanBusy[0]).toBeGreaterThan(2.9);
  expect(end.meanBusy[1]).toBeGreaterThan(5.8);
});
