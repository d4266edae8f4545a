/** `stator plan list`. */
import { defineVerb } from '../command.ts';
import { projectHere } from '../place.ts';
import { withClient } from '../session.ts';
import { planHeadings, planRow } from './view.ts';

export default defineVerb({
  summary: 'The plans of this repo; outside of a repo, and with --all, of every repo.',
  args: { all: { type: 'boolean', description: 'of every repo' } },
  examples: ['stator plan list --json'],
  async run({ all }, call) {
    const { out } = call;
    const project = all === true ? null : projectHere(call);
    const plans = await withClient(call, 'read', (client) => client.plans(project ?? undefined));
    const nowMs = Date.now();
    const headings = project === null ? ['project', ...planHeadings] : planHeadings;
    out.answer(plans, () =>
      out.table(
        headings,
        plans.map((plan) => planRow(plan, { nowMs, withProject: project === null })),
        'no plans; stator plan register <file> takes one',
      ),
    );
    return 0;
  },
});
