/** The journal as it is written. */
import { eventsQuery } from '../events.ts';
import { route } from '../route.ts';

export const eventRoutes = [
  route(
    'GET /v1/events',
    {
      does: 'what happens, as server-sent events: what was missed first, then what is live',
      who: 'anyone',
      query: eventsQuery,
      answers: { 200: 'events' },
      errors: ['limit_reached'],
    },
    ({ streams, query, context }) => streams.open(context, query),
  ),
] as const;
