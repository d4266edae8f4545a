/** `stator issue set-pr`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { asked, referenceArg } from './ask.ts';

export default defineVerb({
  summary: 'Note the pull request of a session: while it is open the session is not destroyed.',
  args: { ref: referenceArg, url: { type: 'positional', description: 'the address of the pull request' } },
  examples: ['stator issue set-pr acme/shop#12 https://github.com/acme/shop/pull/13'],
  async run({ ref, url }, call) {
    const { out } = call;
    const session = await withClient(call, 'write', (client) => client.setPullRequest({ ...asked(call, ref), url }));
    if (out.json) out.print(JSON.stringify(session));
    else out.say(`noted: ${session.reference ?? session.plan} has ${session.pull_request}`);
    return 0;
  },
});
