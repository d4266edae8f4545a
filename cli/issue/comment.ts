/** `stator issue comment`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { asked, referenceArg, written } from './ask.ts';

export default defineVerb({
  summary: 'Write on an issue, where its forge takes your token.',
  args: { ref: referenceArg, text: { type: 'positional', description: 'what to write, as markdown' } },
  examples: ['stator issue comment acme/shop#12 "A fix is on its way."'],
  async run({ ref, text }, call) {
    const { out } = call;
    const body = { ...asked(call, ref), text: written(text, 'comment') };
    const answer = await withClient(call, 'write', (client) => client.commentOnIssue(body));
    if (out.json) out.print(JSON.stringify(answer));
    else out.say(`written: ${answer.url}`);
    return 0;
  },
});
