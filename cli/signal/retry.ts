/** `stator signal retry`. */
import { defineVerb } from '../command.ts';
import { wholeNumber } from '../number.ts';
import { withClient } from '../session.ts';
import { printVerdict } from '../verdict.ts';

export default defineVerb({
  summary: 'Deliver a failed signal again.',
  args: { id: { type: 'positional', description: 'its number' } },
  examples: ['stator signal retry 42'],
  async run({ id }, call) {
    const number = wholeNumber('the id of a signal', id);
    return printVerdict(call, await withClient(call, 'write', (client) => client.retrySignal(number)));
  },
});
