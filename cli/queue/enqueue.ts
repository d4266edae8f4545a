/** `stator queue enqueue`. */
import { defineVerb } from '../command.ts';
import { asked, referenceArg, tellStarted, written } from '../issue/ask.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'Put work on an issue into the queue: its session begins, or goes on, when a slot is free. Returns at once.',
  args: { ref: referenceArg, message: { type: 'positional', description: 'what to do' } },
  examples: ['stator queue enqueue acme/shop#12 "fix it"'],
  async run({ ref, message }, call) {
    const body = { ...asked(call, ref), message: written(message, 'message') };
    return tellStarted(call, await withClient(call, 'write', (client) => client.enqueueIssue(body)), true);
  },
});
