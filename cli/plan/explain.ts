/** `stator plan explain`. */
import { defineVerb } from '../command.ts';
import { requirePlan, requireProject } from '../place.ts';
import { withClient } from '../session.ts';
import { fields } from '../table.ts';
import { clockTime } from '../text.ts';
import { linesBeside } from './view.ts';

export default defineVerb({
  summary: 'What a plan waits for, what it would take, and what it refused last.',
  args: { plan: { type: 'positional', required: false, description: 'its name; inside a run its own' } },
  examples: ['stator plan explain login'],
  async run({ plan }, call) {
    const { out } = call;
    const [project, name] = [requireProject(call), requirePlan(call, plan)];
    const explained = await withClient(call, 'read', (client) => client.explain(project, name));
    out.answer(explained, () => {
      const { waiting_for: waiting, refused_last: refused, accepts } = explained;
      const since = waiting?.since ? `, since ${clockTime(waiting.since)}` : '';
      const guard = refused?.refused?.guard ? `: ${refused.refused.guard}` : '';
      return fields(
        [
          ['plan', `${project}/${explained.plan}`],
          ['status', explained.status],
          ...linesBeside(
            'waits for',
            waiting === null
              ? ['nothing']
              : [`${waiting.kind.replaceAll('_', ' ')}${since}`, ...waiting.detail.split('\n')],
          ),
          ['would take', accepts.join(', ')],
          [
            'refused last',
            refused === null ? null : `${refused.event} of ${refused.origin}, ${clockTime(refused.at)}${guard}`,
          ],
        ],
        out.paint,
      );
    });
    return 0;
  },
});
