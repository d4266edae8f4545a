/** The journal as it is written. */
import { eventsQuery } from '../events.ts';
import { route } from '../route.ts';

export const eventRoutes = [
  route(
    'GET /v1/events',
    {
      does: 'the facts as server-sent events: missed ones first, then live ones',
      who: 'anyone',
      query: eventsQuery,
      answers: { 200: 'events' },
      errors: ['limit_reached', 'forbidden'],
    },
    ({ streams, query, context, principal }) => {
      // A watching person lets agents start.
      if (query.watch === '1') principal.mustHave('steer');
      return streams.open(context, query, principal.named()?.name ?? null);
    },
  ),
] as const;
