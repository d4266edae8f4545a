/** `stator plan explain`. */
import { defineVerb } from '../command.ts';
import { withPlan } from '../named-plan.ts';
import { fields } from '../table.ts';
import { clockTime, waitDetailText } from '../text.ts';
import { baseText, linesBeside } from './view.ts';

export default defineVerb({
  summary: 'What a plan waits for, what it would take, and what it refused last.',
  args: { plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' } },
  examples: ['stator plan explain login'],
  async run({ plan }, call) {
    const { out } = call;
    const { project, explained } = await withPlan(call, 'read', plan, async (client, at) => ({
      project: at.project,
      explained: await client.explain(at.project, at.plan),
    }));
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
              : [
                  `${waiting.kind.replaceAll('_', ' ')}${since}`,
                  ...waitDetailText(waiting.detail, Date.now()).split('\n'),
                ],
          ),
          ['base', baseText(explained.base)],
          ...linesBeside('repo', explained.repo_troubles),
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
