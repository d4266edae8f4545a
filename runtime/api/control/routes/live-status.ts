/** kasmos's picture of a repo. */
import { z } from 'zod';
import { liveStatus, liveStatusCap } from '../../contract/live-status.ts';
import { liveStatusOf } from '../live-status.ts';
import { projectParams } from '../requests.ts';
import { json, route } from '../route.ts';

export const liveStatusRoutes = [
  route(
    'GET /v1/repos/:project/live-status',
    {
      does: 'a repo at this moment: counts, agents, what needs a person; `cap` is the most entries of a list, 20 by default, at most 100',
      who: 'anyone',
      params: projectParams,
      query: z.strictObject({
        cap: z
          .string()
          .regex(/^-?\d{1,9}$/, 'must be an integer')
          .transform((text) => Math.min(liveStatusCap.most, Math.max(0, Number(text))))
          .optional(),
      }),
      answers: { 200: liveStatus },
      errors: ['repo_not_found'],
    },
    async ({ core, params: { project }, query: { cap = liveStatusCap.default } }) =>
      json(200, await liveStatusOf(core, project, cap)),
  ),
] as const;
