/** Many tasks in five repos in one queue, under each limit alone: the agents count how many of them are alive. */
import { expect, it } from 'vitest';
import { agentMs, tryQueue } from '../support/queue-trial.ts';
import { isShort } from './length.ts';

const trials = [60, ...(isShort ? [] : [600])].flatMap((tasks) => [3, 6].map((limit) => ({ tasks, limit })));

it.each(trials)(
  'of $tasks tasks $limit live at once and never more, all are done, and no slot is idle while work waits',
  async ({ tasks, limit }) => {
    const end = await tryQueue({ tasks, limits: [{ from: 0, limit }] });
    const [meanBusy = 0] = end.meanBusy;
    const idleMs = (limit / meanBusy - 1) * end.meanRunMs;
    console.log(
      `${tasks} tasks, limit ${limit}: most ${end.most}, mean of busy slots ${meanBusy.toFixed(4)}; a slot is idle for ${idleMs.toFixed(1)} ms between runs of ${end.meanRunMs.toFixed(1)} ms`,
    );
    expect(end).toMatchObject({ most: [limit], came: tasks, statuses: Array.from({ length: 5 }, () => 'done') });
    // Compared with what a process costs on this machine at this time: where others work beside it, both take longer.
    expect(idleMs).toBeLessThan((end.meanRunMs - agentMs) / 4);
  },
);
