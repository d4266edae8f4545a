/** `stator delegate`. */
import { defineVerb } from './command.ts';
import { tellStarted, written } from './issue/ask.ts';
import { projectHere } from './place.ts';
import { withClient } from './session.ts';

export default defineVerb({
  summary: 'Queue work for an agent and return at once; it starts when a slot is free.',
  args: { message: { type: 'positional', description: 'what to do; it may contain the address of an issue' } },
  more: 'Name an issue as owner/repo#12, host/owner/repo#12 or by its address. If it has a session, that session continues. Without an issue the work is done in the repo of this folder.',
  examples: [
    'stator delegate "look at https://github.com/acme/shop/issues/12"',
    'stator delegate "bring the README up to date"',
  ],
  async run({ message: said }, call) {
    const message = written(said, 'message');
    const answer = await withClient(call, 'write', async (client) => {
      const here = call.project ?? projectHere(call);
      const isKnown = here !== null && (await client.repos()).some(({ project }) => project === here);
      return client.delegate({ message, ...(isKnown || call.project !== undefined ? { project: here ?? '' } : {}) });
    });
    return tellStarted(call, answer, true);
  },
});
