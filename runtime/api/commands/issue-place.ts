/** Finds the place of an issue's session: the registered repo that has a remote at the issue's repository, and the names of its plan, branch and folder. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { hashOf, planNameOf } from '../../../machines/vocabulary/ids.ts';
import type { ForgeRepo } from '../../work/forges/forge.ts';
import { hostOf, type IssueReference, referenceText } from '../../work/forges/reference.ts';
import { isSameRepo, remotesOf, serverOf } from '../../work/forges/remote.ts';
import type { KnownServer, Servers } from '../../work/forges/servers.ts';
import type { Projects } from '../../work/repos/registry.ts';

export interface IssuePlace {
  readonly project: string;
  readonly plan: string;
  readonly branch: string;
  /** The worktree's folder below the repo's worktrees. */
  readonly folder: string;
  /** The long form, with the repository spelled as in the remote; null: the session has no issue. */
  readonly reference: string | null;
  readonly number: number | null;
  /** null: the remote belongs to no known forge. */
  readonly forge: { readonly server: KnownServer; readonly repo: ForgeRepo } | null;
}

interface KnownRemote {
  readonly project: string;
  readonly host: string;
  readonly repo: ForgeRepo;
  readonly server: KnownServer | null;
}

/** A hint names at most this many remotes. */
const listedRemotes = 20;
/** The longest folder name; a longer one is cut and gets a hash at its end. */
const folderLimit = 120;

/**
 * `project`: set if a person named one. Throws `not_found` with the known remotes, and `conflict` if two repos have that remote.
 */
export async function placeOfIssue(
  { projects, servers }: { readonly projects: Projects; readonly servers: Servers },
  reference: IssueReference,
  project: string | null,
): Promise<IssuePlace> {
  const remotes = await knownRemotes(projects, servers);
  const wanted = { owner: reference.owner, name: reference.name };
  const fitting = remotes.filter(
    (remote) =>
      remote.host === reference.host &&
      isSameRepo(remote.repo, wanted) &&
      (project === null || remote.project === project),
  );
  const [found] = fitting;
  const names = [...new Set(fitting.map((remote) => remote.project))];
  if (found === undefined) throw notRegistered(reference, remotes, project);
  if (names.length > 1)
    throw new EngineError(
      'conflict',
      `${referenceText(reference)} is of ${names.length} registered repos: ${names.join(', ')}`,
      'say which one with --project',
    );
  const spelled = referenceText({ ...reference, owner: found.repo.owner, name: found.repo.name });
  return {
    project: found.project,
    ...namesOf(spelled, `fix/issue-${reference.number}`),
    reference: spelled,
    number: reference.number,
    forge: found.server === null ? null : { server: found.server, repo: found.repo },
  };
}

/** A place for work without an issue, named after its message. */
export function placeOfWork(project: string, message: string): IssuePlace {
  const words = planNameOf(message.split('\n')[0]?.slice(0, 60).replaceAll('/', ' ') ?? '') ?? 'work';
  const name = `session-${words.slice(0, 40).replace(/[-.]+$/, '')}-${hashOf(message).slice(0, 4)}`;
  return placeNamed(project, name);
}

/** A place for work that a person named. */
export function placeNamed(project: string, plan: string): IssuePlace {
  return { project, plan, branch: `fix/${plan}`, folder: plan, reference: null, number: null, forge: null };
}

function namesOf(reference: string, branch: string): Pick<IssuePlace, 'plan' | 'folder' | 'branch'> {
  const whole = reference.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  const folder = whole.length <= folderLimit ? whole : `${whole.slice(0, folderLimit - 9)}-${hashOf(reference)}`;
  const plan = planNameOf(folder);
  if (plan === null) throw new Error(`${reference} gives no plan a name`);
  return { folder, plan, branch };
}

async function knownRemotes(projects: Projects, { list }: Servers): Promise<KnownRemote[]> {
  const found = await Promise.all(
    projects.list().map(async ({ project, path }) =>
      // A missing folder has no remotes. Its repo is degraded, and other output reports that.
      (await remotesOf(path).catch(() => [])).map((remote): KnownRemote => {
        const at = serverOf(remote, list);
        const server = at === null ? null : (list.find(({ name }) => name === at.server.name) ?? null);
        if (at === null || server === null) return { project, host: remote.host, repo: remote, server: null };
        return { project, host: hostOf(server).replace(/^www\./, ''), repo: at.repo, server };
      }),
    ),
  );
  return found.flat();
}

function notRegistered(
  reference: IssueReference,
  remotes: readonly KnownRemote[],
  project: string | null,
): EngineError {
  const { host, owner, name } = reference;
  const known = [...new Set(remotes.map((remote) => `${remote.host}/${remote.repo.owner}/${remote.repo.name}`))];
  const shown = known.slice(0, listedRemotes).join(', ');
  const whose = project === null ? 'no registered repo has' : `repo ${project} has no`;
  return new EngineError(
    'not_found',
    `${whose} ${project === null ? 'a ' : ''}remote at ${host}/${owner}/${name}`,
    known.length === 0
      ? 'no registered repo has a remote at all; add one with: git remote add origin <address>, and the repo with: stator repo add <path>'
      : `known remotes: ${shown}${known.length > listedRemotes ? ' and more' : ''}; register its repo with: stator repo add <path>`,
  );
}
