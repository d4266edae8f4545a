/** A client for a repo's forge: of its first remote that is in a person's list of servers, `origin` before the others. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { later } from '../../base/platform/later.ts';
import { secretWays } from '../agents/secret.ts';
import type { Projects } from '../repos/registry.ts';
import type { Forge, ForgeRepo } from './forge.ts';
import { type Remote, remotesOf, serverOf } from './remote.ts';
import { type KnownServer, readServers } from './servers.ts';
import { findToken, programOf, tokenPlace } from './tokens.ts';

const loadForges = later(() => import('./create-forge.ts'));

export interface ForgePlace {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly repo: string;
  readonly signal?: AbortSignal | undefined;
}

/** A repo's place on a forge. */
export interface ForgeSite {
  readonly server: KnownServer;
  readonly repo: ForgeRepo;
  readonly remote: string;
}

export interface RepoForge extends Pick<ForgeSite, 'remote'> {
  readonly forge: Forge;
}

/** The registered repos at whose forges a repo's plans have pull requests: its members, or the repo itself. */
export function reposWithRequests(projects: Pick<Projects, 'get'>, project: string): string[] {
  const { members } = projects.get(project).config;
  return members.length === 0 ? [project] : members.map(({ repo }) => repo);
}

/** null: none of the remotes is at a known server. */
export function firstSite(remotes: readonly Remote[], servers: readonly KnownServer[]): ForgeSite | null {
  for (const { remote, ...address } of remotes) {
    const found = serverOf(address, servers);
    if (found !== null) return { ...found, remote };
  }
  return null;
}

/** Throws `no_forge` if no remote is at a known server, with the remedy, and the errors of `readServers`. */
export async function forgeSiteOf({ home, repo }: Pick<ForgePlace, 'home' | 'repo'>): Promise<ForgeSite> {
  const { list } = readServers(home);
  const remotes = await remotesOf(repo);
  const site = firstSite(remotes, list);
  if (site !== null) return site;
  const hosts = [...new Set(remotes.map(({ host }) => host))];
  const what =
    hosts.length === 0
      ? `${repo} has no remote at a forge`
      : `${repo} has remotes at ${hosts.join(', ')} only, and none is a known server`;
  const hint =
    hosts.length === 0
      ? `add one: git -C ${shellWord(repo)} remote add <name> <url>`
      : `name it: stator server add <name> https://${hosts[0]}`;
  throw new EngineError('no_forge', what, hint);
}

/** Throws `no_forge` as `forgeSiteOf`, `no_token` with the remedy, and the errors of `readServers` and `findToken`. */
export async function forgeAccess(place: ForgePlace): Promise<ForgeSite & { readonly token: string }> {
  const site = await forgeSiteOf(place);
  const token = await findToken(site.server, place.env, { all: () => [{ path: place.repo }] });
  if (token === null) throw noToken(site, place);
  return { ...site, token: token.token };
}

/** Throws as `forgeAccess`. */
export async function forgeOfRepo(place: ForgePlace): Promise<RepoForge> {
  const { server, repo, remote, token } = await forgeAccess(place);
  // The code for requests to forges is loaded at the first request.
  const { createForge } = await loadForges();
  return { remote, forge: createForge({ server, repo, token, signal: place.signal }) };
}

function noToken({ server, remote }: ForgeSite, { repo }: ForgePlace): EngineError {
  const program = programOf(server)?.login;
  const ways = [...(program === undefined ? [] : [program]), ...secretWays(tokenPlace(server))];
  const what = `there is no token for ${server.name}, where ${remote} of ${repo} is`;
  return new EngineError('no_token', what, ways.join('; or '));
}
