/** Routes of the whole engine: that it runs, its status, and its API's description. */
import { z } from 'zod';
import { later } from '../../../base/platform/later.ts';
import { statorBuild, statorVersion } from '../../../base/platform/version.ts';
import { StoreTrouble } from '../../../core/store/port.ts';
import { pingAnswer, type StatusAnswer, statusAnswer } from '../../contract/repos.ts';
import { json, route, text } from '../route.ts';

const loadDescription = later(() => import('../openapi.ts'));

export const engineRoutes = [
  route(
    'GET /v1/ping',
    {
      does: 'shows that an engine is there, with its version and the digest of its code; 503 while a daemon waits for its store or its engine is starting, as for all routes except `GET /v1/status` and those that stop or show the daemon; with `warnings=0`, and in a run, it does not look for warnings',
      who: 'anyone',
      inRuns: true,
      query: z.strictObject({ warnings: z.enum(['0', '1']).optional() }),
      answers: { 200: pingAnswer },
      errors: ['unavailable'],
    },
    async ({ core, query, isOfRun }) => {
      // They are about all repos, and an agent sees its own plan only.
      const warnings = query.warnings === '0' || isOfRun ? undefined : await core.commands.warnings();
      const engine = { version: statorVersion(), build: statorBuild(), state: 'running', lock: core.lock() } as const;
      return json(200, { ...engine, ...(warnings === undefined ? {} : { warnings }) });
    },
  ),
  route(
    'GET /v1/status',
    { does: 'the engine, its repos and their agents', who: 'anyone', answers: { 200: statusAnswer }, errors: [] },
    async ({ core }) => {
      const { uptimeMs, views, commands } = core;
      try {
        const [repos, instances] = await Promise.all([views.repos(), views.instances({})]);
        return json(200, {
          ...waitingStatus({ uptimeMs, waiting: null }),
          repo_count: repos.length,
          repos,
          instances,
          problems: [...commands.problems()],
          notes: [...commands.notes()],
          warnings: await commands.warnings(),
          forges: await views.forges(),
          accounts: await views.accounts(),
        });
      } catch (thrown) {
        if (thrown instanceof StoreTrouble) return json(200, waitingStatus({ uptimeMs, waiting: thrown.message }));
        throw thrown;
      }
    },
  ),
  route(
    'GET /metrics',
    {
      does: 'its numbers in the text format of Prometheus: slots, queue, signals, runs and their cost, store, event loop; docs/operating.md lists them',
      who: 'anyone',
      answers: { 200: 'text' },
    },
    async ({ core }) => ({
      ...text(200, await core.views.metrics()),
      type: 'text/plain; version=0.0.4; charset=utf-8',
    }),
  ),
  route(
    'GET /openapi.json',
    {
      does: 'this description, as OpenAPI 3.1',
      who: 'anyone',
      answers: { 200: z.looseObject({ openapi: z.string() }) },
    },
    async ({ routes }) => {
      // Only this route needs it, and it is slow to load.
      const { describeApi } = await loadDescription();
      return json(200, { ...describeApi(routes) });
    },
  ),
] as const;

/** The status of an engine that cannot read its store now: that it runs, and why it waits. */
export function waitingStatus({ uptimeMs, waiting }: { uptimeMs(): number; waiting: string | null }): StatusAnswer {
  const nothing = { repos: [], instances: [], problems: [], notes: [], warnings: [], forges: [], accounts: [] };
  return {
    running: true,
    uptime: Math.floor(uptimeMs() / 1_000),
    pid: process.pid,
    repo_count: 0,
    waiting,
    ...nothing,
  };
}
