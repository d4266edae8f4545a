/** The statecharts, the very ones that run. */
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { machineEntry } from '../../contract/machines.ts';
import { chartOf, machineEntries, machineNamed, pictureOf } from '../../queries/chart.ts';
import { line } from '../requests.ts';
import { json, route, text } from '../route.ts';

export const machineRoutes = [
  route(
    'GET /v1/machines',
    {
      does: 'the machines: what each is, and how large',
      who: 'anyone',
      answers: { 200: z.array(machineEntry) },
      errors: [],
    },
    () => json(200, machineEntries()),
  ),
  route(
    'GET /v1/machines/:name',
    {
      does: 'the chart of a machine; as `svg` with the current states of a plan lit, or of all its actors of that machine',
      who: 'anyone',
      params: z.strictObject({ name: line(64) }),
      query: z.strictObject({
        format: z.enum(['mermaid', 'json', 'svg']).default('mermaid'),
        theme: z.enum(['light', 'dark', 'both']).optional(),
        project: line(255).optional(),
        plan: line(255).optional(),
      }),
      answers: { 200: 'text' },
      errors: ['not_found', 'plan_not_found'],
    },
    async ({ core: { views }, params: { name }, query: { format, theme, project, plan } }) => {
      machineNamed(name);
      if (format === 'svg') {
        if ((project === undefined) !== (plan === undefined))
          throw new EngineError('bad_request', 'a plan is named by project and plan', 'give both, or none of them');
        const tree = project === undefined || plan === undefined ? null : await views.litTree(name, project, plan);
        return text(200, pictureOf(name, theme ?? 'both', tree));
      }
      if (theme !== undefined || project !== undefined || plan !== undefined)
        throw new EngineError('bad_request', `${format} has no theme and no plan`, 'ask for them with format=svg');
      return text(200, chartOf(name, format));
    },
  ),
] as const;
