/** `stator delegate`. */
import { defineVerb } from './command.ts';
import { tellStarted, written } from './issue/ask.ts';
import { projectHere } from './place.ts';
import { withClient } from './session.ts';

export default defineVerb({
  summary: 'Hand work to an agent and go on with yours: it is queued, and begins when a slot is free.',
  args: { message: { type: 'positional', description: 'what to do; an issue may be named anywhere in it' } },
  more: 'An issue is named as owner/repo#12, host/owner/repo#12 or by its address; where it has a session, that one goes on. Without one the work is done in the repo where you stand.',
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
