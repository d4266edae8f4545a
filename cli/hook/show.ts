/** `stator hook show`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { fields } from '../table.ts';
import { plainLines } from '../text.ts';

export default defineVerb({
  summary: 'One delivery: its body, what became of it, and the end of what a command wrote.',
  args: { id: { type: 'positional', description: 'as stator hook deliveries lists it' } },
  examples: ['stator hook show msg_01k2x3y4z5abcdefghjkmnpqrs'],
  async run({ id }, call) {
    const { out } = call;
    const entry = await withClient(call, 'read', (client) => client.delivery(id));
    out.answer(entry, () =>
      fields(
        [
          ['delivery', entry.id],
          ['hook', `${entry.hook} of ${entry.project}`],
          ['plan', entry.plan],
          ['event', `${entry.event}, number ${entry.sequence} of this plan to this hook`],
          ['state', entry.state],
          ['attempts', String(entry.attempts)],
          ['next', entry.next_at],
          ['status', entry.last_status === null ? null : String(entry.last_status)],
          ['error', entry.last_error === null ? null : plainLines(entry.last_error)],
          ['created', entry.created_at],
          ['ended', entry.finished_at],
          ['body', plainLines(entry.body)],
          ['output', entry.output === null || entry.output === '' ? null : plainLines(entry.output)],
        ],
        out.paint,
      ),
    );
    return 0;
  },
});
