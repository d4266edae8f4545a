/** Deliveries of webhooks. Their signature is made of the bytes as they came, so this is no operation. */
import { z } from 'zod';
import { json, route } from '../route.ts';

/** In one alphabet, so that no path has two readings: over TCP it is answered without a token. */
const intakeName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, {
  error: 'is no name of an intake: lower-case letters, digits, and . _ - after the first',
});

/** Whether it is a delivery, which proves itself by its signature. */
export function isDelivery({ method, url }: Pick<Request, 'method' | 'url'>): boolean {
  return method === 'POST' && /^\/v1\/intakes\/[a-z0-9][a-z0-9._-]{0,63}\/deliveries$/.test(new URL(url).pathname);
}

export const deliveryRoutes = [
  route(
    'POST /v1/intakes/:name/deliveries',
    {
      does: 'takes a delivery of a webhook that is signed with the secret of that intake; over TCP without a token',
      who: 'person',
      needs: 'look',
      again: 'free',
      isRaw: true,
      params: z.strictObject({ name: intakeName }),
      answers: { 202: z.strictObject({ status: z.enum(['taken', 'repeated']) }) },
      errors: ['conflict', 'limit_reached', 'no_token', 'bad_config', 'agent_unusable'],
    },
    async ({ core, params: { name }, context }) => {
      const body = Buffer.from(await context.req.arrayBuffer());
      const header = (wanted: string) => context.req.header(wanted) ?? null;
      return json(202, await core.parts.deliveries.take(name, { header, body }));
    },
  ),
] as const;
