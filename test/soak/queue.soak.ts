/** Many tasks in five repos in one queue, under each limit alone: the agents count how many of them are alive. */
import { expect, it } from 'vitest';
import { tryQueue } from '../support/queue-trial.ts';
import { isShort } from './length.ts';

const trials = [60, ...(isShort ? [] : [600])].flatMap((tasks) => [3, 6].map((limit) => ({ tasks, limit })));

it.each(trials)(
  'of $tasks tasks $limit live at once and never more, all are done, and no slot is idle while work waits',
  async ({ tasks, limit }) => {
    const end = await tryQueue({ tasks, limits: [{ from: 0, limit }] });
    console.log(`${tasks} tasks, limit ${limit}: most ${end.most}, mean of busy slots ${end.meanBusy[0]?.toFixed(4)}`);
    expect(end).toMatchObject({ most: [limit], came: tasks, statuses: Array.from({ length: 5 }, () => 'done') });
    expect(end.meanBusy[0]).toBeGreaterThan(limit - 0.1);
  },
);
