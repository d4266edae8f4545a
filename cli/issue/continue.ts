/** `stator issue continue`. */
import { defineVerb } from '../command.ts';
import { offerDaemon } from '../daemon/offer.ts';
import { withClient } from '../session.ts';
import { asked, referenceArg, tellStarted, waitsForEngine, written } from './ask.ts';

export default defineVerb({
  summary: "Go on with an issue's session, in its agent's own conversation; what of it is missing is made.",
  args: {
    ref: referenceArg,
    message: { type: 'positional', required: false, description: 'the answer to its question, or what else to do' },
    queue: { type: 'boolean', description: 'wait for a slot, where none is free' },
  },
  more: 'It may be said again and again. An agent at work is told the message; one that asked gets it as its answer; one that is done takes it as what is still to do. Exit codes as those of issue start.',
  examples: ['stator issue continue acme/shop#12 "use the other library"', 'stator issue continue acme/shop#12'],
  async run({ ref, message, queue }, call) {
    const body = {
      ...asked(call, ref),
      queue: queue === true,
      ...(message === undefined ? {} : { message: written(message, 'message') }),
    };
    await offerDaemon(call, waitsForEngine);
    return tellStarted(call, await withClient(call, 'write', (client) => client.continueIssue(body)), body.queue);
  },
});
