/** `stator queue enqueue`, as kugetsu calls it. */
import { defineVerb, type Verbs } from './command.ts';
import { asked, printStarted, referenceArg, written } from './issue/ask.ts';
import { withClient } from './session.ts';

const enqueue = defineVerb({
  summary: 'Queue work on an issue and return at once. Its session starts or continues when a slot is free.',
  args: { ref: referenceArg, message: { type: 'positional', description: 'what to do' } },
  examples: ['stator issue start acme/shop#12 "fix it" --queue'],
  async run({ ref, message }, call) {
    const body = { ...asked(call, ref), message: written(message, 'message') };
    return printStarted(call, await withClient(call, 'write', (client) => client.enqueueIssue(body)), true);
  },
});

export default { enqueue } satisfies Verbs;
