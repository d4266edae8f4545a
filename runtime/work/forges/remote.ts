/** Finds the forge and the repository of a git remote. */
import { join } from 'node:path';
import { tryOwnGit } from '../git/git.ts';
import { gitFolderAt, textOf } from '../git/git-folder.ts';
import type { ForgeRepo, Server } from './forge.ts';
import { allKinds } from './kinds/kinds.ts';
import { hostOf, prefixOf } from './reference.ts';

export interface RemoteAddress extends ForgeRepo {
  /** The host in lower case, with the port of an http(s) address, never that of ssh. */
  readonly host: string;
  /** Whether the host's port belongs to the forge's address. */
  readonly isWeb: boolean;
}

export interface Remote extends RemoteAddress {
  readonly remote: string;
}

/** Forges whose ssh host differs from their web host. */
const sshHosts: Readonly<Record<string, string>> = {
  ...Object.assign({}, ...allKinds.map(({ sshHosts }) => sshHosts)),
  'altssh.bitbucket.org': 'bitbucket.org',
};
const remoteLimit = 50;

/** null: a local path, or no possible address of a forge. A user, a password and `.git` are left out. Pure. */
export function remoteAddress(url: string): RemoteAddress | null {
  if (url.length > 2048) return null;
  const [, scpHost = '', scpPath = ''] =
    /^(?:[^@/\s:]{1,64}@)?([A-Za-z0-9.-]{1,253}):(?!\/\/)([^\s]+)$/.exec(url) ?? [];
  // `C:\path` and `./a:b` are paths.
  if (scpHost !== '' && scpHost.length > 1 && scpPath !== '') return addressOf(scpHost, scpPath, false);
  if (!/^(?:https?|ssh|git|git\+ssh|ssh\+git):\/\//i.test(url) || !URL.canParse(url)) return null;
  const parsed = new URL(url);
  const isWeb = /^https?:$/.test(parsed.protocol);
  return addressOf(isWeb ? parsed.host : parsed.hostname, decoded(parsed.pathname), isWeb);
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // it contains a literal %
  }
}

function addressOf(host: string, path: string, isWeb: boolean): RemoteAddress | null {
  const parts = path
    .replace(/^\/+|\/+$/g, '')
    .replace(/\.git$/, '')
    .split('/');
  const [name = '', ...owner] = parts.reverse();
  if (
    name === '' ||
    owner.length === 0 ||
    [name, ...owner].some((part) => !/^[\w.~-]+$/.test(part) || /^\.+$/.test(part))
  )
    return null;
  const low = host.toLowerCase().replace(/^www\./, '');
  return { host: sshHosts[low] ?? low, owner: owner.reverse().join('/'), name, isWeb };
}

/** The newest answers of `remotesOf`, by repository, with the file that git read. */
const remembered = new Map<string, { readonly settings: string; readonly remotes: readonly Remote[] }>();
const repoLimit = 256;

/**
 * The remotes of a repository that may be on a forge; `origin` first, at most 50. `insteadOf` is not applied. Git is asked once for each state of the
 * repository's own configuration, as included files do not count.
 */
export async function remotesOf(repo: string): Promise<readonly Remote[]> {
  const file = join(gitFolderAt(repo), 'config');
  const settings = textOf(file);
  // The header of a section has one spelling.
  if (settings !== null && !/\[remote/i.test(settings)) return [];
  const last = remembered.get(repo);
  if (last !== undefined && last.settings === settings) return last.remotes;
  const remotes = await listRemotes(repo);
  // It may have been written meanwhile.
  if (settings !== null && textOf(file) === settings) {
    if (remembered.size >= repoLimit) remembered.clear();
    remembered.set(repo, { settings, remotes });
  }
  return remotes;
}

async function listRemotes(repo: string): Promise<Remote[]> {
  const listed = await tryOwnGit(repo, ['config', '--local', '--null', '--get-regexp', String.raw`^remote\..*\.url$`]);
  const remotes = listed.stdout.split('\0').flatMap((entry) => {
    const [key = '', url = ''] = entry.split('\n', 2);
    const remote = /^remote\.(.*)\.url$/s.exec(key)?.[1];
    const address = remoteAddress(url);
    return remote === undefined || address === null ? [] : [{ remote, ...address }];
  });
  const seen = new Set<string>();
  const first = remotes.filter(({ remote }) => !seen.has(remote) && seen.add(remote));
  return first.sort((a, b) => Number(b.remote === 'origin') - Number(a.remote === 'origin')).slice(0, remoteLimit);
}

/** The remote's forge, with the repository's name there; null: the forge is not known. */
export function serverOf<Known extends Server>(
  remote: RemoteAddress,
  servers: readonly Known[],
): { server: Known; repo: ForgeRepo } | null {
  for (const server of servers) {
    const url = new URL(server.url);
    if (remote.isWeb ? remote.host !== hostOf(server) : remote.host !== url.hostname) continue;
    const prefix = prefixOf(server).slice(1);
    const whole = `${remote.owner}/${remote.name}`;
    if (!remote.isWeb || prefix === '') return { server, repo: { owner: remote.owner, name: remote.name } };
    if (!whole.startsWith(`${prefix}/`)) continue;
    const owner = remote.owner.slice(prefix.length + 1);
    if (owner !== '') return { server, repo: { owner, name: remote.name } };
  }
  return null;
}

/** Whether both are the same repository of the same forge: forges ignore case. */
export function isSameRepo(a: ForgeRepo, b: ForgeRepo): boolean {
  return a.owner.toLowerCase() === b.owner.toLowerCase() && a.name.toLowerCase() === b.name.toLowerCase();
}
