/** The queue for slots, as a person reads it. */
import type { QueueStats } from '../../runtime/api/client/client.ts';
import type { queueOperations } from '../../runtime/api/operations/queue.ts';
import type { View } from '../operation-verb.ts';
import { pauseLines } from '../queue/part.ts';
import { counted } from '../text.ts';

const queueStats: View<QueueStats> = {
  lines: ({ pending, notified, completed, error, total, running, max_agents: most, paused, pauses }) => [
    `${running} of ${counted(most, 'agent')} busy${paused ? '; paused, so no more start: stator queue resume' : ''}`,
    `pending ${pending}, running ${notified}, completed ${completed}, error ${error}, in all ${total}`,
    ...pauseLines(pauses),
  ],
};

export default { queueStats } satisfies Partial<Record<keyof typeof queueOperations, View<never>>>;
