/** The engine as a whole: that it is there, how it stands, and what it can be asked. */
import { z } from 'zod';
import { empty, json, route } from '../route.ts';
import { statusAnswer } from '../shapes/repos.ts';

export const houseRoutes = [
  route(
    'GET /v1/ping',
    { does: 'says that somebody is there', who: 'anyone', answers: { 200: 'empty' }, errors: [] },
    () => empty(200),
  ),
  route(
    'GET /v1/status',
    { does: 'the engine, its repos and their agents', who: 'anyone', answers: { 200: statusAnswer }, errors: [] },
    ({ house }) => {
      const repos = house.views.repos();
      return json(200, {
        running: true,
        uptime: Math.floor((house.nowMs() - house.startedAtMs) / 1_000),
        pid: process.pid,
        repo_count: repos.length,
        repos,
        instances: house.views.instances({}),
        waiting: null,
        problems: [...house.commands.problems()],
      });
    },
  ),
  route(
    'GET /openapi.json',
    {
      does: 'this description, as OpenAPI 3.1',
      who: 'anyone',
      answers: { 200: z.looseObject({ openapi: z.string() }) },
      errors: [],
    },
    async ({ routes }) => {
      // Needed by no other route, and slow to load.
      const { describeApi } = await import('../openapi.ts');
      return json(200, { ...describeApi(routes) });
    },
  ),
] as const;
