/** The registered repos, and daemon.toml, which lists some of them. */
import { z } from 'zod';
import { repeatedRequest } from '../../commands/request.ts';
import {
  reloadAnswer,
  repoAdded,
  repoEntry,
  repoMoved,
  repoPast,
  repoRemoved,
  repoShow,
  repoSwitched,
  repoTrusted,
  trustEntry,
  trustLooked,
  trustRevoked,
  trustShow,
} from '../../contract/repos.ts';
import { line, projectParams } from '../requests.ts';
import { json, route } from '../route.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/i, { error: '64 hex digits' });
/** By which way somebody says yes over this API. */
const way = z.enum(['run', 'plan register', 'repo add', 'daemon add', 'init', 'api']);

export const repoRoutes = [
  route(
    'GET /v1/repos',
    { does: 'the registered repos', who: 'anyone', answers: { 200: z.array(repoEntry) }, errors: [] },
    async ({ core }) => json(200, await core.views.repos()),
  ),
  route(
    'POST /v1/repos',
    {
      does: 'registers the repo of any path inside it: 201. 409 where its files enable something and nobody has said yes (`trust`: true, or the digest that was shown), and where it is registered: with `existing: "ok"` that is 200',
      who: 'person',
      body: z.strictObject({
        path: line(4_096),
        trust: z.union([z.boolean(), digest]).optional(),
        way: way.optional(),
        existing: z.literal('ok').optional(),
      }),
      answers: { 200: repoAdded, 201: repoAdded },
      errors: ['bad_repo', 'bad_config', 'conflict', 'untrusted', 'unavailable'],
    },
    async ({ core, body: { path, trust = false, way: by = 'api', existing } }) => {
      // What an engine that was cut off has registered already is no conflict.
      const ensure = existing === 'ok' || repeatedRequest() !== null;
      const added = await core.commands.addRepo(path, { trust, way: by, ensure });
      return existing === 'ok' ? json(200, added) : json(201, added);
    },
  ),
  route(
    'GET /v1/repos/:project',
    {
      does: 'a repo with its configuration in force, and what the file would change',
      who: 'anyone',
      params: projectParams,
      answers: { 200: repoShow },
      errors: ['repo_not_found'],
    },
    async ({ core, params: { project } }) => json(200, await core.commands.showRepo(project)),
  ),
  route(
    'GET /v1/repos/:project/past',
    {
      does: 'how long the agents of a repo took before, how they ended and what they cost, by role: the newest 200 runs of each',
      who: 'anyone',
      params: projectParams,
      answers: { 200: repoPast },
      errors: ['repo_not_found'],
    },
    async ({ core, params: { project } }) => json(200, await core.views.repoPast(project)),
  ),
  route(
    'DELETE /v1/repos/:project',
    {
      does: 'takes a repo out, by its name or its path; its plans are kept. 409 while its agents run; `stop=1` stops them',
      who: 'person',
      params: z.strictObject({ project: line(4_096) }),
      query: z.strictObject({ stop: z.enum(['0', '1']).optional() }),
      answers: { 200: repoRemoved },
      errors: ['repo_not_found', 'conflict', 'unavailable'],
    },
    async ({ core, params: { project }, query: { stop } }) =>
      json(200, await core.commands.removeRepo(project, { stop: stop === '1' })),
  ),
  route(
    'POST /v1/repos/:project/move',
    {
      does: 'gives a repo and its plans to another host, which goes on with them; or says that its folder was moved to `path`, where they go on. 409 while its agents run; `stop` stops them',
      who: 'person',
      anyHost: true,
      params: z.strictObject({ project: line(4_096) }),
      body: z
        .strictObject({ host: line(255).optional(), path: line(4_096).optional(), stop: z.boolean().optional() })
        .refine(({ host, path }) => (host === undefined) !== (path === undefined), {
          error: 'is required, and only one of host and path',
          path: ['host'],
        }),
      answers: { 200: repoMoved },
      errors: [
        'repo_not_found',
        'not_found',
        'elsewhere',
        'conflict',
        'bad_repo',
        'untrusted',
        'unavailable',
        'refused',
        'git_failed',
      ],
    },
    async ({ core, params: { project }, body: { host, path, stop = false } }) =>
      json(
        200,
        path === undefined
          ? await core.commands.moveRepo(project, host ?? '', { stop })
          : await core.commands.relocateRepo(project, path, { stop }),
      ),
  ),
  route(
    'POST /v1/repos/:project/trust',
    {
      does: 'puts the repo’s files in force as they are now; with `digest` only where that is theirs',
      who: 'person',
      params: projectParams,
      query: z.strictObject({ digest: digest.optional() }),
      answers: { 200: repoTrusted },
      errors: ['repo_not_found', 'bad_config', 'untrusted'],
    },
    async ({ core, params: { project }, query }) => json(200, await core.commands.trustRepo(project, query.digest)),
  ),
  route(
    'GET /v1/trust',
    { does: 'what is trusted since when', who: 'anyone', answers: { 200: z.array(trustEntry) }, errors: [] },
    async ({ core }) => json(200, await core.commands.listTrust()),
  ),
  route(
    'POST /v1/trust/look',
    {
      does: 'what registering the repo of any path inside it would trust; changes nothing',
      again: 'free',
      who: 'person',
      body: z.strictObject({ path: line(4_096), way: way.optional() }),
      answers: { 200: trustLooked },
      errors: ['bad_repo', 'bad_config', 'conflict'],
    },
    async ({ core, body: { path, way: by = 'api' } }) => json(200, await core.commands.lookAtTrust(path, by)),
  ),
  route(
    'GET /v1/trust/:project',
    {
      does: 'what of a repo is trusted, and what has changed since',
      who: 'anyone',
      params: projectParams,
      answers: { 200: trustShow },
      errors: ['repo_not_found'],
    },
    async ({ core, params: { project } }) => json(200, await core.commands.showTrust(project)),
  ),
  route(
    'DELETE /v1/trust/:project',
    {
      does: 'takes the trust back: nothing new of the repo starts; what runs goes on',
      who: 'person',
      params: projectParams,
      answers: { 200: trustRevoked },
      errors: ['repo_not_found', 'unavailable'],
    },
    async ({ core, params: { project } }) => json(200, await core.commands.revokeTrust(project)),
  ),
  route(
    'POST /v1/repos/:project/pause',
    {
      does: 'grants nothing new to its plans',
      who: 'person',
      needs: 'steer',
      params: projectParams,
      answers: { 200: repoSwitched },
      errors: ['repo_not_found', 'unavailable'],
    },
    async ({ core, params: { project } }) => json(200, await core.commands.pauseRepo(project)),
  ),
  route(
    'POST /v1/repos/:project/resume',
    {
      does: 'lets its plans begin again',
      who: 'person',
      needs: 'steer',
      params: projectParams,
      answers: { 200: repoSwitched },
      errors: ['repo_not_found', 'unavailable'],
    },
    async ({ core, params: { project } }) => json(200, await core.commands.resumeRepo(project)),
  ),
  route(
    'POST /v1/reload',
    {
      does: 'reads daemon.toml and the repos’ files again; what is trusted is in force at once',
      again: 'free',
      who: 'person',
      answers: { 200: reloadAnswer },
    },
    async ({ core }) => json(200, await core.commands.reload()),
  ),
] as const;
