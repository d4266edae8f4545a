/**
 * The queue for slots as people hold it and let it go: while it is paused no agent starts anywhere, in this engine and in the next ones; what
 * runs goes on, and so do commits, checks and merges. Clearing forgets nothing that is to be done: it takes ended runs off the list.
 */

import type { QueueCleared, QueueStats, QueueSwitched } from '../contract/runs.ts';
import type { CommandParts } from './parts.ts';

type QueueParts = Pick<CommandParts, 'store' | 'views' | 'settings' | 'clock' | 'log' | 'onChange'>;

export function createQueueCommands({ store, views, settings, clock, log, onChange }: QueueParts) {
  /** Says it in the log, where somebody looks at night for why nothing starts. */
  async function turn(status: QueueSwitched['status']): Promise<QueueSwitched> {
    const at = clock.nowMs();
    const isPaused = (await store.queue()).pausedAt !== null;
    const changed = isPaused !== (status === 'paused');
    if (changed) await store.commit([status === 'paused' ? { do: 'queue.pause', at } : { do: 'queue.resume' }]);
    if (changed) log.info(status === 'paused' ? 'the queue is paused: no agent starts' : 'the queue goes on');
    onChange();
    const pending = (await views.queue()).filter(({ state }) => state === 'pending').length;
    return { status, changed, pending };
  }

  return {
    /** Counts of what `views.queue` lists; `running` are the worker slots that are taken, of `max_agents`. */
    async queueStats(): Promise<QueueStats> {
      const entries = await views.queue();
      const count = (state: (typeof entries)[number]['state']) =>
        entries.filter((entry) => entry.state === state).length;
      const workers = [...(await store.effectCounts('worker', 'running')).values()];
      return {
        total: entries.length,
        pending: count('pending'),
        notified: count('notified'),
        completed: count('completed'),
        error: count('error'),
        paused: (await store.queue()).pausedAt !== null,
        running: workers.reduce((sum, each) => sum + each, 0),
        max_agents: settings.current().maxAgents,
      };
    },
    pauseQueue: (): Promise<QueueSwitched> => turn('paused'),
    resumeQueue: (): Promise<QueueSwitched> => turn('resumed'),
    async clearQueue(): Promise<QueueCleared> {
      const listed = (await views.queue()).flatMap(({ finished_at: at }) => (at === null ? [] : [Date.parse(at)]));
      // What has ended since then is listed still.
      if (listed.length > 0)
        await store.commit([{ do: 'queue.clear', at: listed.reduce((last, at) => Math.max(last, at)) }]);
      return { status: 'cleared', cleared: listed.length };
    },
  };
}
