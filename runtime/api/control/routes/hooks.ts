/** Hooks, and what they were told. */
import { z } from 'zod';
import {
  deliveryEntry,
  deliveryShow,
  deliveryStates,
  hookEntry,
  hookSwitched,
  hookTested,
} from '../../contract/hooks.ts';
import { digits, given, line } from '../requests.ts';
import { json, route } from '../route.ts';

const hookParams = z.strictObject({ project: line(255), hook: line(100) });
const deliveryParams = z.strictObject({ id: line(64) });

export const hookRoutes = [
  route(
    'GET /v1/hooks',
    {
      does: 'the hooks in force, with how many deliveries each has in which state',
      who: 'anyone',
      query: z.strictObject({ project: line(255).optional() }),
      answers: { 200: z.array(hookEntry) },
    },
    async ({ core, query }) => json(200, await core.views.hooks(query.project)),
  ),
  route(
    'GET /v1/hooks/deliveries',
    {
      does: 'what hooks were told, the newest first, at most 1,000',
      who: 'anyone',
      query: z.strictObject({
        project: line(255).optional(),
        plan: line(256).optional(),
        hook: line(100).optional(),
        state: z.enum(deliveryStates).optional(),
        limit: digits.optional(),
      }),
      answers: { 200: z.array(deliveryEntry) },
    },
    async ({ core, query }) => json(200, await core.views.deliveries(given(query))),
  ),
  route(
    'GET /v1/hooks/deliveries/:id',
    {
      does: 'one delivery, with its body and the end of what a command wrote',
      who: 'person',
      params: deliveryParams,
      answers: { 200: deliveryShow },
      errors: ['not_found'],
    },
    async ({ core, params }) => json(200, await core.views.delivery(params.id)),
  ),
  route(
    'POST /v1/hooks/deliveries/:id/redeliver',
    {
      does: 'delivers it again under its own id, with all its tries',
      again: 'never',
      who: 'person',
      params: deliveryParams,
      answers: { 200: deliveryEntry },
      errors: ['not_found', 'conflict'],
    },
    async ({ core, params }) => json(200, await core.commands.redeliver(params.id)),
  ),
  route(
    'POST /v1/repos/:project/hooks/:hook/enable',
    {
      does: 'switches a hook on that was switched off',
      again: 'free',
      who: 'person',
      params: hookParams,
      answers: { 200: hookSwitched },
      errors: ['repo_not_found', 'not_found'],
    },
    async ({ core, params }) => json(200, await core.commands.enableHook(params.project, params.hook)),
  ),
  route(
    'POST /v1/repos/:project/hooks/:hook/disable',
    {
      does: 'switches a hook off: what it is to be told meanwhile is dead, and can be delivered later',
      again: 'free',
      who: 'person',
      params: hookParams,
      answers: { 200: hookSwitched },
      errors: ['repo_not_found', 'not_found'],
    },
    async ({ core, params }) => json(200, await core.commands.disableHook(params.project, params.hook)),
  ),
  route(
    'POST /v1/repos/:project/hooks/:hook/test',
    {
      does: 'sends a hook one event of no plan, now and once',
      again: 'never',
      who: 'person',
      params: hookParams,
      answers: { 200: hookTested },
      errors: ['repo_not_found', 'not_found', 'untrusted'],
    },
    async ({ core, params }) => json(200, await core.commands.testHook(params.project, params.hook)),
  ),
] as const;
