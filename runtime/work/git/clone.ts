/**
 * The address of a repository for other machines, and cloning from it. The address is stored without a password: each machine clones with its own
 * credentials. Like every command that the engine starts by itself, a clone runs no program that the repository or its remote names.
 */
import { existsSync, mkdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { gitFailure, tryOwnGit } from './git.ts';
import { pushUrls, remoteOf, tryAs } from './push.ts';
import type { Repository } from './repository.ts';
import { hasRemote } from './shared-refs.ts';

const cloneTimeoutMs = 3_600_000;
const addressLimit = 4_096;

/** The address of the remote that plans are shared through; null: there is none that other machines can use. Throws `refused` if git cannot choose one. */
export async function sharedAddress(repo: Pick<Repository, 'path'>): Promise<string | null> {
  if (!(await hasRemote(repo))) return null;
  const remote = await remoteOf(repo.path, '', null);
  const [url = ''] = await pushUrls(repo.path, remote);
  return addressOf(url);
}

/** The address in git's form, without a password, a token or a query; null: a relative path, or a transport that would start a program. Pure. */
export function addressOf(url: string): string | null {
  if (url.length > addressLimit || /[\x00-\x20\x7f]/.test(url) || url.includes('::')) return null;
  if (isAbsolute(url)) return url;
  const [, user = '', host = '', path = ''] =
    /^(?:([\w.-]+)@)?([\w.-]+|\[[0-9a-fA-F:]+\]):(?!\/\/)(.+)$/.exec(url) ?? [];
  if (host !== '')
    return host.startsWith('-') || user.startsWith('-') ? null : url.slice(0, url.length - path.length) + path;
  return URL.canParse(url) ? withoutPassword(new URL(url)) : null;
}

function withoutPassword(url: URL): string | null {
  const { protocol, hostname } = url;
  const isOfWeb = protocol === 'https:' || protocol === 'http:';
  if (!isOfWeb && !['ssh:', 'git:', 'file:'].includes(protocol)) return null;
  if (hostname.startsWith('-')) return null;
  url.password = '';
  // In web addresses the user name is often a token.
  if (isOfWeb || !/^[\w.-]*$/.test(url.username) || url.username.startsWith('-')) url.username = '';
  url.search = '';
  url.hash = '';
  return url.href;
}

/** Whether both addresses lead to the same repository, even by different transports. Pure except for local paths, whose links are followed. */
export function isSameAddress(one: string, other: string): boolean {
  return placeIn(one) === placeIn(other);
}

/** Host and path. */
function placeIn(address: string): string {
  const local = /^file:\/\/(?:localhost)?(\/.*)$/.exec(address)?.[1] ?? (isAbsolute(address) ? address : null);
  if (local !== null) return plain(existsSync(local) ? realpathSync(local) : local);
  const [, host = '', path = ''] = /^(?:[\w.-]+@)?([\w.-]+|\[[0-9a-fA-F:]+\]):(?!\/\/)(.+)$/.exec(address) ?? [];
  if (host !== '') return `${host.toLowerCase()}/${plain(path)}`;
  const url = new URL(address); // `addressOf` returned this address
  return `${url.hostname.toLowerCase()}/${plain(url.pathname)}`;
}

function plain(path: string): string {
  return path
    .replace(/^\/+/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
}

/**
 * Returns the clone of that address under `folder`, and makes it if it is missing. A kill at any line leaves no incomplete clone under its name. Throws
 * `bad_repo` if something else lies there, `git_failed` if it cannot be made, and `unreachable` at the time limit.
 */
export async function ensureClone(wanted: {
  readonly folder: string;
  readonly name: string;
  readonly address: string;
  /** Distinguishes this process's incomplete clone from another's. */
  readonly mark: string;
}): Promise<string> {
  const { folder, name, address, mark } = wanted;
  if (name === '' || name === '.' || name === '..' || name.includes('/') || addressOf(address) !== address)
    throw new EngineError('bad_repo', `${name} at ${address} is nothing to clone`, 'see it: stator repo list');
  const path = join(folder, name);
  if (existsSync(path)) {
    await mustBeClone(path, address);
    return path;
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const half = join(folder, `.${name}.${mark}`);
  rmSync(half, { recursive: true, force: true });
  const args = ['clone', '-q', '--no-local', '--no-recurse-submodules', '--origin', 'origin', '--', address, half];
  const result = await tryAs('engine', { repo: folder, args, timeoutMs: cloneTimeoutMs });
  if (result.exitCode !== 0) {
    rmSync(half, { recursive: true, force: true });
    throw gitFailure({ cwd: folder, args, result });
  }
  await checkOutSome(half);
  renameSync(half, path);
  return path;
}

/** The HEAD of the remote may name a branch that it does not have, as in a bare repository to which only another one was pushed. */
async function checkOutSome(repo: string): Promise<void> {
  if ((await tryOwnGit(repo, ['rev-parse', '-q', '--verify', 'HEAD'])).exitCode === 0) return;
  const { stdout } = await tryOwnGit(repo, ['for-each-ref', '--format=%(refname:lstrip=3)', 'refs/remotes/origin']);
  const branches = stdout.split('\n').filter((branch) => branch !== '');
  const branch = branches.find((each) => each === 'main' || each === 'master') ?? branches[0];
  if (branch !== undefined) await tryOwnGit(repo, ['checkout', '-q', branch, '--']);
}

async function mustBeClone(path: string, address: string): Promise<void> {
  const there = existsSync(join(path, '.git')) ? await sharedAddress({ path }) : null;
  if (there !== null && isSameAddress(there, address)) return;
  throw new EngineError(
    'bad_repo',
    there === null ? `${path} is no clone of ${address}` : `${path} is a clone of ${there}, and not of ${address}`,
    'move it away, and a clone is made in its place',
  );
}
