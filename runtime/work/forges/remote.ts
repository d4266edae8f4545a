/** Which repository of which forge a git remote is. */
import { tryOwnGit } from '../git/git.ts';
import type { ForgeRepo, Server } from './forge.ts';
import { hostOf, prefixOf } from './reference.ts';

export interface RemoteAddress extends ForgeRepo {
  /** In lower case; with the port of an http(s) address, never that of ssh. */
  readonly host: string;
  /** Whether the host's port says anything about the forge's address. */
  readonly isWeb: boolean;
}

export interface Remote extends RemoteAddress {
  readonly remote: string;
}

/** Where ssh stands on another host than the forge's pages. */
const sshHosts: Readonly<Record<string, string>> = {
  'ssh.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
  'altssh.bitbucket.org': 'bitbucket.org',
};
const remoteLimit = 50;

/** null: a path of this machine, or nothing that a forge could be. A user, a password and `.git` are left out. Pure. */
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
    return path; // it was written with a % of its own
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

/** The remotes of a repository that a forge could be behind; `origin` first, at most 50. What `insteadOf` would make of them is not followed. */
export async function remotesOf(repo: string): Promise<Remote[]> {
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

/** The forge that the remote is at, with the repository as that forge names it; null: it is none of the known ones. */
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

/** Whether both are one repository of one forge: forges do not tell upper case from lower. */
export function isSameRepo(a: ForgeRepo, b: ForgeRepo): boolean {
  return a.owner.toLowerCase() === b.owner.toLowerCase() && a.name.toLowerCase() === b.name.toLowerCase();
}
