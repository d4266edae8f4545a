/** `stator issue context`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { clockTime } from '../text.ts';
import { asked, referenceArg } from './ask.ts';

export default defineVerb({
  summary: 'What you and the agents said about an issue, the last 20: the next session is told it too.',
  args: { ref: referenceArg },
  examples: ['stator issue context acme/shop#12'],
  async run({ ref }, call) {
    const { out } = call;
    const { reference, project } = asked(call, ref);
    const context = await withClient(call, 'read', (client) => client.issueContext(reference, project));
    out.answer(context, () =>
      context.messages.flatMap(({ by, at, content }) => [`${clockTime(at)} ${by}:`, content, '']),
    );
    if (context.messages.length === 0) out.remark('nothing was said yet');
    return 0;
  },
});
