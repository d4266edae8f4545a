/** The hosts that share a store. */
import { z } from 'zod';
import { hostEntry, hostRemoved } from '../../contract/hosts.ts';
import { line } from '../requests.ts';
import { json, route } from '../route.ts';

const params = z.strictObject({ host: line(63) });

export const hostRoutes = [
  route(
    'GET /v1/hosts',
    {
      does: 'the hosts that share the store, also those that were removed; none where it is of one machine',
      who: 'anyone',
      answers: { 200: z.array(hostEntry) },
    },
    async ({ core }) => json(200, await core.views.hosts()),
  ),
  route(
    'GET /v1/hosts/:host',
    { does: 'one of them', who: 'anyone', params, answers: { 200: hostEntry }, errors: ['not_found'] },
    async ({ core, params: { host } }) => json(200, await core.views.host(host)),
  ),
  route(
    'POST /v1/hosts/:host/drain',
    {
      does: 'starts no more agents on a host; what runs there goes on; with `undo` it starts them again',
      again: 'free',
      who: 'person',
      params,
      body: z.strictObject({ undo: z.boolean().optional() }),
      answers: { 200: hostEntry },
      errors: ['not_found', 'conflict'],
    },
    async ({ core, params: { host }, body: { undo = false } }) => json(200, await core.commands.drainHost(host, !undo)),
  ),
  route(
    'DELETE /v1/hosts/:host',
    {
      does: 'takes out a host that is lost for good: it does not come back under its name, and its repos may be registered on others',
      who: 'person',
      params,
      answers: { 200: hostRemoved },
      errors: ['not_found', 'conflict', 'unavailable'],
    },
    async ({ core, params: { host } }) => json(200, await core.commands.removeHost(host)),
  ),
] as const;
