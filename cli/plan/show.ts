/** The verbs that show plans. */

import { EngineError } from '../../machines/vocabulary/errors.ts';
import { personName } from '../../machines/vocabulary/ids.ts';
import { planStatuses } from '../../machines/vocabulary/plan-status.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { clockTime, withLocalTimes } from '../../machines/vocabulary/time-text.ts';
import type { PlanEntry, PlanShow } from '../../runtime/api/client/client.ts';
import { didYouMean } from '../../runtime/base/config/nearest.ts';
import { defineVerb, type Verbs } from '../command.ts';
import { formerRepoText } from '../former-repo.ts';
import { planArgs, withPlan } from '../named-plan.ts';
import { tableWidth } from '../output.ts';
import { allArgs, projectHere } from '../place.ts';
import { withClient } from '../session.ts';
import { fields } from '../table.ts';
import { plainLines } from '../text.ts';
import { draftNamed } from './choose.ts';
import { baseText, linesBeside, planHeadings, planLines, planRow, stackLines } from './view.ts';

const list = defineVerb({
  summary: 'List the plans of this repo; outside of a repo, and with --all, of all repos.',
  args: {
    ...allArgs,
    'not-merged': { type: 'boolean', description: 'only plans that are done and not merged' },
    status: { type: 'string', valueHint: 'status', description: 'only plans of that status' },
  },
  examples: ['stator plan list --json', 'stator plan list --all --not-merged'],
  async run({ all, status, 'not-merged': notMerged }, call) {
    const { out } = call;
    if (status !== undefined && !planStatuses.some((known) => known === status))
      throw new EngineError(
        'usage',
        `"${status}" is no status of a plan`,
        `${didYouMean(status, planStatuses)}there are ${planStatuses.join(', ')}`,
      );
    const project = all === true ? null : projectHere(call);
    const [every, former] = await withClient(call, 'read', async (client) => {
      const found = await client.plans(project ?? undefined);
      return [found, found.length > 0 || project === null ? null : await formerRepoText(call, client)];
    });
    if (former !== null) out.note(former);
    const plans = every.filter(
      (plan) => (notMerged !== true || isNotMerged(plan)) && (status === undefined || plan.status === status),
    );
    const nowMs = Date.now();
    const headings = project === null ? ['project', ...planHeadings] : planHeadings;
    out.answer(plans, () =>
      out.table(
        headings,
        plans.map((plan) => planRow(plan, { nowMs, withProject: project === null })),
        notMerged === true && every.length > 0
          ? 'every plan that is done is merged'
          : status !== undefined && every.length > 0
            ? `no plan is ${status}`
            : 'no plans; stator plan register <file> takes one',
      ),
    );
  },
});

/** Done, and neither merged here nor by its forge. */
function isNotMerged({ landing }: PlanEntry): boolean {
  return landing === 'not_merged' || landing === 'pull_request_open';
}

const show = defineVerb({
  summary: 'Show one plan with its waves and tasks.',
  args: {
    ...planArgs,
    content: { type: 'boolean', description: 'print the document instead' },
    draft: { type: 'string', valueHint: 'number', description: 'print that draft of several planners instead' },
  },
  examples: ['stator plan show login', 'stator plan show login --content > login.md'],
  async run({ plan, content, draft }, call) {
    const { out } = call;
    const shown = await withPlan(call, 'read', plan, (client, { project, plan: name }) => client.plan(project, name));
    const text = draft !== undefined ? draftText(shown, draft) : content === true ? shown.content : null;
    if (text !== null && !out.json) out.stdout.write(out.stdout.isTTY === true ? plainLines(text) : text);
    else out.answer(shown, () => planLines(shown, { width: tableWidth(out), nowMs: Date.now(), paint: out.paint }));
  },
});

/** Throws `bad_request` where there is no such draft, or nothing of it. */
function draftText(shown: PlanShow, said: string): string {
  const { number, state, why, content } = draftNamed(shown, said);
  if (content !== null) return content;
  const hint = `see the plan: stator plan show ${shellWord(shown.plan)}`;
  throw new EngineError('bad_request', `draft ${number} has no text (${state})${why === '' ? '' : `: ${why}`}`, hint);
}

const explain = defineVerb({
  summary: 'Explain what a plan waits for, which signals it accepts, and what it refused last.',
  args: planArgs,
  examples: ['stator plan explain login'],
  async run({ plan }, call) {
    const { out } = call;
    const { shown, explained } = await withPlan(call, 'read', plan, async (client, at) => ({
      // Its folder may have another name than it.
      shown: await client.plan(at.project, at.plan),
      explained: await client.explain(at.project, at.plan),
    }));
    out.answer(explained, () => {
      const { waiting_for: waiting, refused_last: refused, accepts } = explained;
      const since = waiting?.since ? `, since ${clockTime(waiting.since)}` : '';
      const guard = refused?.refused?.guard ? `: ${refused.refused.guard}` : '';
      return fields(
        [
          ['plan', `${shown.project}/${explained.plan}`],
          ['status', explained.status],
          ...linesBeside(
            'waits for',
            waiting === null
              ? ['nothing']
              : [
                  `${waiting.kind.replaceAll('_', ' ')}${since}`,
                  ...withLocalTimes(waiting.detail, Date.now()).split('\n'),
                ],
          ),
          ...stackLines(shown),
          ['base', baseText(explained)],
          ...linesBeside('repo', explained.repo_troubles),
          ...linesBeside('engine', explained.engine_troubles),
          ['would take', accepts.join(', ')],
          [
            'refused last',
            refused === null
              ? null
              : `${refused.event} from ${personName(refused.origin) ?? refused.origin}, ${clockTime(refused.at)}${guard}`,
          ],
        ],
        out.paint,
      );
    });
    return 0;
  },
});

export default { list, show, explain } satisfies Verbs;
