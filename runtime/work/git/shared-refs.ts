/**
 * A plan's refs at the remote that several hosts share: its branches and the ends of its attempts. They lie under `refs/stator/shared`, where a forge's
 * branch rules do not apply, and which clones do not fetch. A ref there moves only from a commit that is known here, so another host's later push is not
 * overwritten. Like every push that the engine decides on, it runs nothing that the repository or its remote names.
 */

import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { taskIn, withoutTask } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { gitFailure, ownGit } from './git.ts';
import { findCommit } from './objects.ts';
import { pushUrls, remoteOf, tryAs, unattended, wordsOfRemote } from './push.ts';
import { attemptRef, branchRef, listRefs, ownedRef } from './refs.ts';
import type { Repository } from './repository.ts';

const root = 'refs/stator/shared';
/** The most characters of one command line. */
const refsAtOnce = 200;
const askTimeoutMs = 60_000;
const moveTimeoutMs = 600_000;

interface SharedPlan {
  readonly project: string;
  readonly plan: string;
}

/** A ref at the remote. */
export interface SharedRef {
  readonly name: string;
  readonly commit: string;
  readonly plan: string;
  /** The same ref here. */
  readonly local: string;
}

/** Whether there is a remote; without one nothing is shared. */
export async function hasRemote(repo: Pick<Repository, 'path'>): Promise<boolean> {
  return (await ownGit(repo.path, ['remote'])) !== '';
}

/**
 * Updates the remote to the plan's refs here. A kill at any line leaves some refs there new and some old, and the next push continues. Throws `refused` if
 * the remote has commits that are not known here, or rejects the push; `git_failed` if it cannot be reached, and `unreachable` at the time limit.
 */
export async function shareRefs(repo: Repository, of: SharedPlan & { readonly branch: string }): Promise<void> {
  const { project, plan, branch } = of;
  const place = await placeOf(repo, branch);
  const there = new Map((await refsAt(repo, place, { project, plan })).map(({ name, commit }) => [name, commit]));
  const here = new Map<string, string>();
  for (const { name, commit } of await refsOfPlan(repo, of)) here.set(sharedName(of, name), commit);
  const moves: string[][] = [];
  for (const [name, commit] of here) {
    const known = there.get(name) ?? '';
    if (known === commit) continue;
    if (known !== '' && (await findCommit(repo, known)) === null) throw unknown(repo, place, { name, known });
    moves.push([`--force-with-lease=${name}:${known}`, `${commit}:${name}`]);
  }
  for (const [name, commit] of there)
    if (!here.has(name) && (await findCommit(repo, commit)) !== null)
      moves.push([`--force-with-lease=${name}:${commit}`, `:${name}`]);
  for (let at = 0; at < moves.length; at += refsAtOnce) await push(repo, place, moves.slice(at, at + refsAtOnce));
}

/** The refs of all of the project's plans at the remote. Throws as `shareRefs`. */
export async function listShared(repo: Repository, project: string): Promise<SharedRef[]> {
  const place = await placeOf(repo, '');
  return refsAt(repo, place, { project, plan: null });
}

/** Fetches the commits of these refs; no ref here points to them yet. Throws `git_failed`, and `unreachable` at the time limit. */
export async function fetchShared(repo: Repository, refs: readonly SharedRef[]): Promise<void> {
  if (refs.length === 0) return;
  const { url } = await placeOf(repo, '');
  const quiet = ['-q', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-maintenance'];
  const args = ['fetch', ...quiet, '--refmap=', '--stdin', '--', url];
  const input = refs.map(({ name }) => `${name}\n`).join('');
  const result = await tryAs('engine', { repo: repo.path, args, timeoutMs: moveTimeoutMs, input });
  if (result.exitCode !== 0) throw gitFailure({ cwd: repo.path, args, result });
}

/** The remote's address, without its other settings, which may name more places and programs. */
interface Place {
  readonly remote: string;
  readonly url: string;
}

async function placeOf({ path }: Pick<Repository, 'path'>, branch: string): Promise<Place> {
  const remote = await remoteOf(path, branch, null);
  const [url = ''] = await pushUrls(path, remote);
  return { remote, url };
}

/** Whether a ref here is the plan's branch, a task's branch, or the end of one of its runs. */
export function isOfPlan(ref: string, { plan, branch }: { readonly plan: string; readonly branch: string }): boolean {
  if (ref.startsWith(attemptRef(`${plan}#`))) return true;
  const own = branchRef(branch);
  return ref === own || (taskIn(ref) !== null && withoutTask(ref) === own);
}

async function refsOfPlan(repo: Repository, of: SharedPlan & { readonly branch: string }) {
  const refs = await listRefs(repo, ['refs/heads', 'refs/stator/owned', 'refs/stator/attempts']);
  const names = new Set(refs.map(({ name }) => name));
  const isOurs = (name: string) =>
    !name.startsWith(branchRef('')) || names.has(ownedRef(name.slice(branchRef('').length)));
  return refs.filter(({ name, isSymbolic }) => !isSymbolic && isOfPlan(name, of) && isOurs(name));
}

/** Turns any folder's name into one part of a ref name. */
function refPart(project: string): string {
  return [...Buffer.from(project)]
    .map((byte) =>
      /[A-Za-z0-9_-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${byte.toString(16)}`,
    )
    .join('');
}

const prefixOf = (project: string) => `${root}/${refPart(project)}/`;

/** `refs/heads/…` and `refs/stator/attempts/…` below the plan's own folder. */
function sharedName({ project, plan }: SharedPlan, local: string): string {
  return `${prefixOf(project)}${plan}/${local.replace(/^refs\/(?:stator\/)?/, '')}`;
}

async function refsAt(
  repo: Repository,
  { url }: Place,
  { project, plan }: { readonly project: string; readonly plan: string | null },
): Promise<SharedRef[]> {
  const prefix = plan === null ? prefixOf(project) : `${prefixOf(project)}${plan}/`;
  const args = ['ls-remote', '--refs', '--', url, `${prefix}*`];
  const result = await tryAs('engine', { repo: repo.path, args, timeoutMs: askTimeoutMs });
  if (result.exitCode !== 0) throw gitFailure({ cwd: repo.path, args, result });
  return result.stdout.split('\n').flatMap((line): SharedRef[] => {
    const [, commit = '', name = ''] = /^([0-9a-f]{40,64})\t(\S+)$/.exec(line) ?? [];
    if (!name.startsWith(prefix)) return [];
    const [, of = '', kind = '', rest = ''] =
      /^([^/]+)\/(heads|attempts)\/(.+)$/.exec(name.slice(prefixOf(project).length)) ?? [];
    if (rest === '') return [];
    return [{ name, commit, plan: of, local: kind === 'heads' ? branchRef(rest) : attemptRef(rest) }];
  });
}

async function push(repo: Repository, { remote, url }: Place, moves: readonly (readonly string[])[]): Promise<void> {
  const leases = moves.map(([lease = '']) => lease);
  const specs = moves.map(([, spec = '']) => spec);
  const args = ['push', '--porcelain', ...leases, ...unattended([url]), '--', url, ...specs];
  const result = await tryAs('engine', { repo: repo.path, args, timeoutMs: moveTimeoutMs });
  if (result.exitCode === 0) return;
  const [line] = result.stdout.split('\n').filter((candidate) => candidate.startsWith('!'));
  if (line === undefined) throw gitFailure({ cwd: repo.path, args: ['push', remote], result });
  const [, spec = '', summary = ''] = line.split('\t');
  const why = wordsOfRemote(summary, result.stderr);
  throw new EngineError(
    'refused',
    `${remote} does not take ${spec.slice(spec.indexOf(':') + 1)}: ${why}`,
    `see what it says: git -C ${shellWord(repo.path)} push ${shellWord(remote)} ${shellWord(spec)}`,
  );
}

function unknown(
  { path }: Repository,
  { remote }: Place,
  { name, known }: { readonly name: string; readonly known: string },
): EngineError {
  return new EngineError(
    'refused',
    `${remote} has ${known.slice(0, 12)} at ${name}, which is not known here: another host has pushed it, and nothing is overwritten`,
    `see it: git -C ${shellWord(path)} fetch ${shellWord(remote)} ${name}; once it is fetched, what is here takes its place`,
  );
}
