/** `stator queue stats`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { pauseLines, projectFilter } from './part.ts';

export default defineVerb({
  summary: 'How many agents wait, work and have ended, over all repos or in that of --project; what is paused.',
  args: {},
  examples: ['stator queue stats', 'stator queue stats --json'],
  async run(_args, call) {
    const { out } = call;
    const stats = await withClient(call, 'read', (client) => client.queueStats(projectFilter(call)));
    const { pending, notified, completed, error, total, running, max_agents: most } = stats;
    out.answer(stats, () => [
      `${running} of ${most} agents busy${stats.paused ? '; paused, so no more start: stator queue resume' : ''}`,
      `pending ${pending}, running ${notified}, completed ${completed}, error ${error}, in all ${total}`,
      ...pauseLines(stats.pauses),
    ]);
    return 0;
  },
});
