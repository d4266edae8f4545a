/** `stator signal show`. */
import { defineVerb } from '../command.ts';
import { wholeNumber } from '../number.ts';
import { withClient } from '../session.ts';
import { fields } from '../table.ts';
import { plainLines } from '../text.ts';

export default defineVerb({
  summary: 'One signal, with its payload and what became of it.',
  args: { id: { type: 'positional', description: 'its number' } },
  examples: ['stator signal show 42 --json'],
  async run({ id }, call) {
    const { out } = call;
    const number = wholeNumber('the id of a signal', id);
    const entry = await withClient(call, 'read', (client) => client.signal(number));
    const text = (value: unknown) =>
      value === null || value === undefined
        ? null
        : plainLines(typeof value === 'string' ? value : JSON.stringify(value, null, 2));
    out.answer(entry, () =>
      fields(
        [
          ['signal', `${entry.id} ${entry.type}`],
          ['plan', `${entry.project}/${entry.plan}`],
          ['by', entry.origin],
          ['status', entry.status],
          ['attempts', String(entry.attempts)],
          ['result', text(entry.result)],
          ['payload', text(entry.payload)],
          ['created', entry.created_at],
          ['not before', entry.deliver_at],
          ['handled', entry.processed_at],
        ],
        out.paint,
      ),
    );
    return 0;
  },
});
