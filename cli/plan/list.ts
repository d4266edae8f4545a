/** `stator plan list`. */
import type { PlanEntry } from '../../runtime/api/client/client.ts';
import { defineVerb } from '../command.ts';
import { projectHere } from '../place.ts';
import { withClient } from '../session.ts';
import { planHeadings, planRow } from './view.ts';

export default defineVerb({
  summary: 'The plans of this repo; outside of a repo, and with --all, of every repo.',
  args: {
    all: { type: 'boolean', description: 'of every repo' },
    'not-merged': { type: 'boolean', description: 'only what is done and not in the branch that people work on' },
  },
  examples: ['stator plan list --json', 'stator plan list --all --not-merged'],
  async run({ all, 'not-merged': notMerged }, call) {
    const { out } = call;
    const project = all === true ? null : projectHere(call);
    const every = await withClient(call, 'read', (client) => client.plans(project ?? undefined));
    const plans = notMerged === true ? every.filter(isNotMerged) : every;
    const nowMs = Date.now();
    const headings = project === null ? ['project', ...planHeadings] : planHeadings;
    out.answer(plans, () =>
      out.table(
        headings,
        plans.map((plan) => planRow(plan, { nowMs, withProject: project === null })),
        notMerged === true && every.length > 0
          ? 'every plan that is done is merged'
          : 'no plans; stator plan register <file> takes one',
      ),
    );
    return 0;
  },
});

/** Done, and neither merged here nor by its forge. */
function isNotMerged({ landing }: PlanEntry): boolean {
  return landing === 'not_merged' || landing === 'pull_request_open';
}
