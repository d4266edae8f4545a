/** The statecharts, the very ones that run. */
import { z } from 'zod';
import { chartOf, machineNames } from '../../queries/chart.ts';
import { line } from '../requests.ts';
import { json, route, text } from '../route.ts';

export const machineRoutes = [
  route(
    'GET /v1/machines',
    { does: 'the names of the machines', who: 'anyone', answers: { 200: z.array(z.string()) }, errors: [] },
    () => json(200, machineNames),
  ),
  route(
    'GET /v1/machines/:name',
    {
      does: 'the chart of a machine',
      who: 'anyone',
      params: z.strictObject({ name: line(64) }),
      query: z.strictObject({ format: z.enum(['mermaid', 'json']).default('mermaid') }),
      answers: { 200: 'text' },
      errors: ['not_found'],
    },
    ({ params: { name }, query: { format } }) => text(200, chartOf(name, format)),
  ),
] as const;
