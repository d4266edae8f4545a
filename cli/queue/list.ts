/** `stator queue list`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { clockTime } from '../text.ts';

export default defineVerb({
  summary: 'Who waits for a slot, over all repos, in the order of their turn.',
  args: {},
  examples: ['stator queue list --json'],
  async run(_args, call) {
    const { out } = call;
    const entries = await withClient(call, 'read', (client) => client.queue());
    out.answer(entries, () =>
      out.table(
        ['position', 'title', 'plan', 'state', 'attempts', 'queued', 'error'],
        entries.map((entry) => [
          entry.position === null ? '' : String(entry.position),
          entry.title,
          `${entry.project}/${entry.plan}`,
          { text: entry.state, tone: entry.state === 'error' ? 'bad' : 'plain' },
          String(entry.attempts),
          clockTime(entry.queued_at),
          entry.error ?? '',
        ]),
        'nobody waits',
      ),
    );
    return 0;
  },
});
