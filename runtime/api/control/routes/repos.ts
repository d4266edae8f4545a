/** Registering a repo. */
import { z } from 'zod';
import { repeatedRequest } from '../../commands/request.ts';
import { repoAdded, trustWays } from '../../contract/repos.ts';
import { digest, line } from '../requests.ts';
import { json, route } from '../route.ts';

export const repoRoutes = [
  route(
    'POST /v1/repos',
    {
      does: 'registers the repo of any path inside it: 201. 409 if its files enable something and the request does not trust them (`trust`: true, or the digest that was shown), and if it is already registered: with `existing: "ok"` that is 200',
      who: 'person',
      body: z.strictObject({
        path: line(4_096),
        trust: z.union([z.boolean(), digest]).optional(),
        way: z.enum(trustWays).optional(),
        existing: z.literal('ok').optional(),
      }),
      answers: { 200: repoAdded, 201: repoAdded },
      errors: ['bad_repo', 'bad_config', 'conflict', 'untrusted', 'unavailable'],
    },
    async ({ core, body: { path, trust = false, way: by = 'api', existing } }) => {
      // A repo that the cut-off engine registered for this request is no conflict.
      const ensure = existing === 'ok' || repeatedRequest() !== null;
      const added = await core.commands.addRepo(path, { trust, way: by, ensure });
      return existing === 'ok' ? json(200, added) : json(201, added);
    },
  ),
] as const;
