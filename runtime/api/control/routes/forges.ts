/** The forges of repos. */
import { z } from 'zod';
import { forgeEntry } from '../../contract/forges.ts';
import { json, route } from '../route.ts';

export const forgeRoutes = [
  route(
    'GET /v1/forges',
    {
      does: 'how the forge of each repo was found when it was asked last, since when, and which plans wait for it; a repo whose forge was never asked is left out',
      who: 'anyone',
      answers: { 200: z.array(forgeEntry) },
    },
    async ({ core }) => json(200, await core.views.forges()),
  ),
] as const;
