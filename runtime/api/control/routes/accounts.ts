/** The accounts that agents work with. */
import { z } from 'zod';
import { accountEntry } from '../../contract/accounts.ts';
import { json, route } from '../route.ts';

export const accountRoutes = [
  route(
    'GET /v1/accounts',
    {
      does: 'the accounts of agents that are limited now: since when, until when, and which agents wait for each',
      who: 'anyone',
      answers: { 200: z.array(accountEntry) },
    },
    async ({ core }) => json(200, await core.views.accounts()),
  ),
] as const;
