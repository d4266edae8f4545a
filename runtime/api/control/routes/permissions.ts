/** Questions of runs: asked over a run's own socket, and never answered there. */
import { z } from 'zod';
import { permissionId } from '../../../../machines/vocabulary/signal-kind.ts';
import { permissionState } from '../../contract/permissions.ts';
import { planParams } from '../requests.ts';
import { empty, json, route } from '../route.ts';

/** A request that waits is to end well before an engine that is stopped, or a proxy, loses patience. */
const maxWaitMs = 20_000;

export const permissionRoutes = [
  route(
    'POST /v1/repos/:project/plans/:plan/permissions',
    {
      does: 'a run asks whether its program may do something, and waits for the answer; asked again it is the same question',
      who: 'own',
      inRuns: true,
      params: planParams,
      body: z.strictObject({
        id: permissionId,
        tool: z.string().min(1).max(256),
        detail: z.string().max(65_536),
        wait_ms: z.int().min(0).max(maxWaitMs).default(maxWaitMs),
      }),
      answers: { 200: permissionState },
      errors: ['unauthorized', 'not_allowed', 'not_found', 'repo_not_found'],
    },
    async ({ core, principal, params: { project, plan }, body }) => {
      const { run } = await principal.mustOwn(project, plan);
      const { id, tool, detail, wait_ms: waitMs } = body;
      return json(200, await core.commands.askPermission({ project, plan, run, id, tool, detail, waitMs }));
    },
  ),
  route(
    'DELETE /v1/repos/:project/plans/:plan/permissions/:id',
    {
      does: 'a run takes its question back',
      who: 'own',
      inRuns: true,
      params: planParams.extend({ id: permissionId }),
      answers: { 204: 'empty' },
      errors: ['unauthorized', 'not_allowed', 'not_found', 'repo_not_found'],
    },
    async ({ core, principal, params: { project, plan, id } }) => {
      const { run } = await principal.mustOwn(project, plan);
      await core.commands.withdrawPermission({ project, plan, run, id });
      return empty(204);
    },
  ),
] as const;
