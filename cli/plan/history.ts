/** `stator plan history`. */
import { defineVerb } from '../command.ts';
import { wholeNumber } from '../number.ts';
import { requirePlan, requireProject } from '../place.ts';
import { withClient } from '../session.ts';
import { clockTime } from '../text.ts';

export default defineVerb({
  summary: 'What happened to a plan, refusals too.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name; inside a run its own' },
    after: { type: 'string', valueHint: 'seq', description: 'only what came after that line' },
  },
  examples: ['stator plan history login', 'stator plan history login --json --after 120'],
  async run({ plan, after }, call) {
    const { out } = call;
    const [project, name] = [requireProject(call), requirePlan(call, plan)];
    const options = after === undefined ? {} : { after: after === '0' ? 0 : wholeNumber('--after', after) };
    const entries = await withClient(call, 'read', (client) => client.history(project, name, options));
    out.answer(entries, () =>
      out.table(
        ['seq', 'at', 'by', 'actor', 'event', 'from', 'to'],
        entries.map(({ seq, at, origin, actor, event, from, to, refused }) => [
          String(seq),
          `${at.slice(0, 10)} ${clockTime(at)}`,
          origin,
          actor,
          event,
          from,
          refused === null ? to : { text: `refused${refused.guard === null ? '' : `: ${refused.guard}`}`, tone: 'bad' },
        ]),
        'nothing happened yet',
      ),
    );
    return 0;
  },
});
