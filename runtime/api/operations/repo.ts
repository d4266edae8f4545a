/** The registered repos, their trust, and daemon.toml, which lists some of them. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { OperationParts } from '../commands/commands.ts';
import type {
  ReloadAnswer,
  RepoAdded,
  RepoEntry,
  RepoMoved,
  RepoPast,
  RepoRemoved,
  RepoShow,
  RepoSwitched,
  RepoTrusted,
  TrustEntry,
  TrustLooked,
  TrustRevoked,
  TrustShow,
} from '../contract/repos.ts';
import { operationWith } from './operation.ts';
import { answerOf, listOf, type Schemas } from './shape.ts';

const operation = operationWith<OperationParts>();

const named = ({ name }: Schemas) => ({ project: name });
/** The repo's name or path. */
const namedOrAt = ({ line }: Schemas) => ({ project: line(4_096) });
const switched = answerOf<RepoSwitched>(({ shapes }) => shapes.repoSwitched);

export const repoOperations = {
  repos: operation({
    http: 'GET /v1/repos',
    does: 'the registered repos',
    who: 'anyone',
    answer: listOf<RepoEntry>(({ shapes }) => shapes.repoEntry),
    run: ({ views }) => views.repos(),
    tool: { name: 'repo_list', does: 'Lists the registered repos.', list: 'repos' },
    verb: {
      name: 'list',
      listed: 'list the registered repos; show one',
      summary: 'List the registered repos.',
      examples: ['stator repo list'],
    },
  }),
  addRepo: operation({
    http: 'POST /v1/repos',
    does: 'registers the repo of any path inside it: 201. 409 if its files enable something and the request does not trust them (`trust`: true, or the digest that was shown), and if it is already registered: with `existing: "ok"` that is 200',
    who: 'person',
    input: ({ z, line, digest, shapes }) => ({
      path: line(4_096),
      trust: z.union([z.boolean(), digest]).optional(),
      way: z.enum(shapes.trustWays).optional(),
      existing: z.literal('ok').optional(),
    }),
    creates: ({ existing }) => existing === undefined,
    answer: answerOf<RepoAdded>(({ shapes }) => shapes.repoAdded),
    errors: ['bad_repo', 'bad_config', 'conflict', 'untrusted', 'unavailable'],
    run: ({ commands }, { path, trust = false, way = 'api', existing }) =>
      commands.addRepo(path, { trust, way, ensure: existing === 'ok' }),
  }),
  composeRepo: operation({
    http: 'POST /v1/repos/compose',
    does: 'makes a repo at `path`, a folder that does not exist or is empty, with the given registered repos in its folders, and registers it: 201. Plans of it change all of them, and land in all or in none, in the given order',
    who: 'person',
    again: 'never',
    input: ({ z, line }) => ({ path: line(4_096), members: z.array(line(255)).min(1).max(20) }),
    creates: true,
    answer: answerOf<RepoAdded>(({ shapes }) => shapes.repoAdded),
    errors: ['repo_not_found', 'bad_repo', 'bad_config', 'conflict', 'untrusted', 'git_failed', 'unavailable'],
    run: ({ commands }, { path, members }) => commands.composeRepo(path, members),
  }),
  repo: operation({
    http: 'GET /v1/repos/:project',
    does: 'a repo with its configuration in force, and what the file would change',
    who: 'anyone',
    input: named,
    answer: answerOf<RepoShow>(({ shapes }) => shapes.repoShow),
    errors: ['repo_not_found'],
    run: ({ commands }, { project }) => commands.showRepo(project),
    verb: {
      name: 'show',
      listed: { with: 'list' },
      summary: 'Show one repo: its state, its plans, and the configuration in effect with the source of each value.',
      of: 'repo',
      examples: ['stator repo show my-lib'],
    },
  }),
  repoPast: operation({
    http: 'GET /v1/repos/:project/past',
    does: 'the duration, the ends and the cost of a repo’s earlier agents, by role: the newest 200 runs of each; and which tasks conflicted in which files',
    who: 'anyone',
    input: named,
    answer: answerOf<RepoPast>(({ shapes }) => shapes.repoPast),
    errors: ['repo_not_found'],
    run: ({ views }, { project }) => views.repoPast(project),
  }),
  removeRepo: operation({
    http: 'DELETE /v1/repos/:project',
    does: 'removes a repo, by its name or its path; its plans stay stored. 409 while its agents run; `stop=1` stops them',
    who: 'person',
    input: (schemas) => ({ ...namedOrAt(schemas), stop: schemas.flag.optional() }),
    answer: answerOf<RepoRemoved>(({ shapes }) => shapes.repoRemoved),
    errors: ['repo_not_found', 'conflict', 'unavailable'],
    run: ({ commands }, { project, ...how }) => commands.removeRepo(project, how),
    verb: {
      name: 'remove',
      listed: 'unregister a repo',
      summary: 'Unregister a repo, with or without a daemon. Its plans are kept, and adding it again brings them back.',
      of: 'repo_or_folder',
      args: { stop: { type: 'boolean', description: 'stop its agents first; this costs no attempt' } },
      examples: ['stator repo remove my-lib', 'stator repo remove . --stop'],
    },
  }),
  moveRepo: operation({
    http: 'POST /v1/repos/:project/move',
    does: 'gives a repo and its plans to another host, which continues them; or states that its folder was moved to `path`, where they continue. 409 while its agents run; `stop` stops them',
    who: 'person',
    anyHost: true,
    input: (schemas) => ({
      ...namedOrAt(schemas),
      host: schemas.line(255).optional(),
      path: schemas.line(4_096).optional(),
      stop: schemas.z.boolean().optional(),
    }),
    answer: answerOf<RepoMoved>(({ shapes }) => shapes.repoMoved),
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
    run({ commands }, { project, host, path, ...how }) {
      if (host !== undefined && path === undefined) return commands.moveRepo(project, host, how);
      if (host === undefined && path !== undefined) return commands.relocateRepo(project, path, how);
      throw new EngineError(
        'bad_request',
        'host is required, and only one of host and path',
        'see what the body takes in docs/control-api.md',
      );
    },
  }),
  trustRepo: operation({
    http: 'POST /v1/repos/:project/trust',
    does: 'puts the repo’s present files in force; with `digest` only if they have that digest',
    who: 'person',
    fieldsIn: 'query',
    input: (schemas) => ({ ...named(schemas), digest: schemas.digest.optional() }),
    answer: answerOf<RepoTrusted>(({ shapes }) => shapes.repoTrusted),
    errors: ['repo_not_found', 'bad_config', 'untrusted'],
    run: ({ commands }, { project, digest }) => commands.trustRepo(project, digest),
  }),
  trust: operation({
    http: 'GET /v1/trust',
    does: 'the trust of each repo, and since when',
    who: 'anyone',
    answer: listOf<TrustEntry>(({ shapes }) => shapes.trustEntry),
    run: ({ commands }) => commands.listTrust(),
  }),
  lookAtTrust: operation({
    http: 'POST /v1/trust/look',
    does: 'what the registration of the repo of any path inside it would trust; changes nothing',
    again: 'free',
    who: 'person',
    input: ({ z, line, shapes }) => ({ path: line(4_096), way: z.enum(shapes.trustWays).optional() }),
    answer: answerOf<TrustLooked>(({ shapes }) => shapes.trustLooked),
    errors: ['bad_repo', 'bad_config', 'conflict'],
    run: ({ commands }, { path, way = 'api' }) => commands.lookAtTrust(path, way),
  }),
  trustOf: operation({
    http: 'GET /v1/trust/:project',
    does: 'the trusted files of a repo, and their changes since',
    who: 'anyone',
    input: named,
    answer: answerOf<TrustShow>(({ shapes }) => shapes.trustShow),
    errors: ['repo_not_found'],
    run: ({ commands }, { project }) => commands.showTrust(project),
  }),
  revokeTrust: operation({
    http: 'DELETE /v1/trust/:project',
    does: 'revokes the trust: nothing new of the repo starts; running agents go on',
    who: 'person',
    input: named,
    answer: answerOf<TrustRevoked>(({ shapes }) => shapes.trustRevoked),
    errors: ['repo_not_found', 'unavailable'],
    run: ({ commands }, { project }) => commands.revokeTrust(project),
  }),
  pauseRepo: operation({
    http: 'POST /v1/repos/:project/pause',
    does: 'admits no new plan of the repo',
    who: 'person',
    needs: 'steer',
    input: named,
    answer: switched,
    errors: ['repo_not_found', 'unavailable'],
    run: ({ commands }, { project }) => commands.pauseRepo(project),
    verb: {
      name: 'pause',
      listed: 'stop starting its plans; start them again',
      summary: 'Stop starting plans of a repo. Plans that are being implemented continue.',
      of: 'repo',
      examples: ['stator repo pause my-lib', 'stator repo resume my-lib'],
    },
  }),
  resumeRepo: operation({
    http: 'POST /v1/repos/:project/resume',
    does: 'admits its plans again',
    who: 'person',
    needs: 'steer',
    input: named,
    answer: switched,
    errors: ['repo_not_found', 'unavailable'],
    run: ({ commands }, { project }) => commands.resumeRepo(project),
    verb: {
      name: 'resume',
      listed: { with: 'pause' },
      summary: 'Let the plans of a paused repo start again.',
      of: 'repo',
      examples: ['stator repo resume my-lib'],
    },
  }),
  reload: operation({
    http: 'POST /v1/reload',
    does: 'reads daemon.toml and the repos’ files again; what is trusted is in force at once',
    again: 'free',
    who: 'person',
    answer: answerOf<ReloadAnswer>(({ shapes }) => shapes.reloadAnswer),
    run: ({ commands }) => commands.reload(),
  }),
};
