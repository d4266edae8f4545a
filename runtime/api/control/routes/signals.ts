/** Routes that send and list the signals of a repo. */
import { z } from 'zod';
import { actPreview } from '../../contract/plans.ts';
import { signalEntry, signalStatuses } from '../../contract/signals.ts';
import { digits, given, line, projectParams, waitMs } from '../requests.ts';
import { json, route } from '../route.ts';
import { doorErrors, sendAndAnswer, verdictAnswers } from '../verdicts.ts';

const filter = {
  plan: line(256).optional(),
  status: z.enum(signalStatuses).optional(),
};

export const signalRoutes = [
  route(
    'POST /v1/repos/:project/signals',
    {
      does: 'sends a signal and waits for the verdict: 200, 202 while it is pending, 409 refused',
      again: 'signal',
      who: 'own',
      needs: 'answer',
      inRuns: true,
      params: projectParams,
      body: z.strictObject({
        plan: z.string().max(256).default(''),
        type: z.string().min(1).max(128),
        payload: z.unknown().optional(),
        dedupe_key: z.string().min(1).max(256).optional(),
        wait_ms: waitMs,
      }),
      answers: verdictAnswers,
      errors: ['unknown_signal', 'branch_taken', ...doorErrors],
    },
    (ask) => {
      const { plan, type, payload = {}, dedupe_key: dedupeKey = null, wait_ms: ms } = ask.body;
      return sendAndAnswer(ask, { ...ask.params, plan, type, payload, dedupeKey, waitMs: ms });
    },
  ),
  route(
    'POST /v1/repos/:project/preview',
    {
      does: 'what a person’s signal would do to a plan, and whether it needs a confirmation; changes nothing',
      again: 'free',
      who: 'anyone',
      params: projectParams,
      body: z.strictObject({
        plan: z.string().max(256),
        type: z.string().min(1).max(128),
        payload: z.unknown().optional(),
      }),
      answers: { 200: actPreview },
      errors: ['unknown_signal', 'not_allowed', 'bad_payload', 'too_large', 'repo_not_found', 'plan_not_found'],
    },
    async ({ core: { views }, params: { project }, body: { plan, type, payload = {} } }) => {
      views.mustKnow(project);
      return json(200, await views.previewAct({ project, plan, type, payload }));
    },
  ),
  route(
    'GET /v1/repos/:project/signals',
    {
      does: "up to 1,000 of a repo's signals, the newest first",
      who: 'anyone',
      params: projectParams,
      query: z.strictObject(filter),
      answers: { 200: z.array(signalEntry) },
      errors: ['repo_not_found'],
    },
    async ({ core: { views }, params: { project }, query }) => {
      views.mustKnow(project);
      return json(200, await views.signals({ ...given(query), project }));
    },
  ),
  route(
    'GET /v1/repos/:project/signals/:id',
    {
      does: "one of a repo's signals",
      who: 'anyone',
      params: projectParams.extend({ id: digits }),
      answers: { 200: signalEntry },
      errors: ['repo_not_found', 'not_found'],
    },
    async ({ core: { views }, params: { project, id } }) => {
      views.mustKnow(project);
      return json(200, await views.signal(id, project));
    },
  ),
] as const;
