/** Plans: listed, registered, changed, forgotten, and told of. */
import { z } from 'zod';
import { planDocumentLimitBytes } from '../../../machines/plan-document.ts';
import { digits, documentOf, line, planParams, projectParams } from '../requests.ts';
import { json, route } from '../route.ts';
import { explanation, historyEntry, planEntry, planPushed, planShow, promptShow } from '../shapes/plans.ts';
import { doorErrors, say, verdictAnswers } from '../verdicts.ts';

/** A document in JSON may take more room than its own limit. */
const bodyLimitBytes = 3 * planDocumentLimitBytes;

export const planRoutes = [
  route(
    'GET /v1/plans',
    {
      does: 'the plans of all repos, or of one',
      who: 'anyone',
      query: z.strictObject({ project: line(255).optional() }),
      answers: { 200: z.array(planEntry) },
      errors: [],
    },
    ({ house, query }) => json(200, house.views.plans(query.project ?? null)),
  ),
  route(
    'GET /v1/repos/:project/plans',
    {
      does: 'the plans of a repo',
      who: 'anyone',
      params: projectParams,
      answers: { 200: z.array(planEntry) },
      errors: ['repo_not_found'],
    },
    ({ house: { views }, params: { project } }) => {
      views.mustKnow(project);
      return json(200, views.plans(project));
    },
  ),
  route(
    'POST /v1/repos/:project/plans',
    {
      does: 'registers a document as a plan',
      who: 'person',
      params: projectParams,
      body: z.strictObject({
        plan: line(256),
        content: z.string(),
        branch: line(200).optional(),
        topic: line(200).optional(),
      }),
      bodyLimitBytes,
      answers: { 201: planShow },
      errors: ['bad_plan', 'repo_not_found', 'conflict'],
    },
    async ({ house, params, body: { plan, content, branch = null, topic = null } }) =>
      json(201, await house.commands.registerPlan({ ...params, plan, content: documentOf(content), branch, topic })),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan',
    {
      does: 'a plan with its waves and tasks',
      who: 'anyone',
      params: planParams,
      answers: { 200: planShow },
      errors: ['plan_not_found'],
    },
    ({ house, params: { project, plan } }) => json(200, house.views.plan(project, plan)),
  ),
  route(
    'DELETE /v1/repos/:project/plans/:plan',
    {
      does: 'forgets a plan; 409 while it is under way',
      who: 'person',
      params: planParams,
      answers: { 200: z.object({ status: z.literal('deleted'), project: z.string(), plan: z.string() }) },
      errors: ['plan_not_found', 'conflict'],
    },
    async ({ house, params: { project, plan } }) => {
      await house.commands.deletePlan(project, plan);
      return json(200, { status: 'deleted' as const, project, plan });
    },
  ),
  route(
    'PUT /v1/repos/:project/plans/:plan/content',
    {
      does: 'replaces the document',
      who: 'own',
      params: planParams,
      body: z.strictObject({ content: z.string() }),
      bodyLimitBytes,
      answers: verdictAnswers,
      errors: ['bad_plan', ...doorErrors],
    },
    (ask) => {
      // Whoever may not say it is told so before the document is looked at.
      ask.speaker.mustOwn(ask.params.project, ask.params.plan);
      return say(ask, { ...ask.params, type: 'plan_updated', payload: { content: documentOf(ask.body.content) } });
    },
  ),
  route(
    'POST /v1/repos/:project/plans/:plan/push',
    {
      does: 'pushes its branch to a remote, the one that git would take or `remote`, with the user’s hooks and never by force',
      who: 'person',
      params: planParams,
      body: z.strictObject({ remote: line(255).optional() }),
      answers: { 200: planPushed },
      errors: ['plan_not_found', 'repo_not_found', 'refused', 'git_failed'],
    },
    async ({ house, params, body: { remote = null } }) =>
      json(200, await house.commands.pushPlan({ ...params, remote })),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/history',
    {
      does: 'up to 1,000 lines of its journal, those after `after`',
      who: 'anyone',
      params: planParams,
      query: z.strictObject({ after: digits.optional() }),
      answers: { 200: z.array(historyEntry) },
      errors: ['plan_not_found'],
    },
    ({ house, params: { project, plan }, query: { after = 0 } }) =>
      json(200, house.views.history(project, plan, after)),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/explain',
    {
      does: 'what a plan waits for, and what it would take',
      who: 'anyone',
      params: planParams,
      answers: { 200: explanation },
      errors: ['plan_not_found'],
    },
    ({ house, params: { project, plan } }) => json(200, house.views.explain(project, plan)),
  ),
  route(
    'GET /v1/repos/:project/plans/:plan/prompt',
    {
      does: 'what an agent would be told now: that of `task` (`w1-t2`), of `role`, or who is at work or would start next',
      who: 'anyone',
      params: planParams,
      query: z.strictObject({ task: line(20).optional(), role: line(20).optional() }),
      answers: { 200: promptShow },
      errors: ['plan_not_found', 'conflict', 'bad_config', 'agent_unusable'],
    },
    async ({ house, params, query }) => json(200, await house.views.prompt({ ...params, ...query })),
  ),
] as const;
