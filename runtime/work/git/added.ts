/** The files that a change adds, with their sizes and texts. The open git processes answer if they can, so usually no new process is started. */
import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { inFolder } from '../../base/platform/safe-path.ts';
import { ownGit, tryOwnGit, wholeDiff } from './git.ts';
import { treeOf } from './objects.ts';
import { type Difference, differencesIn, sizesIn } from './open-gits.ts';
import type { Repository } from './repository.ts';

export interface AddedFile {
  readonly path: string;
  readonly id: string;
  /** The earlier content of the path; null: there was none. */
  readonly before: string | null;
  readonly bytes: number;
}

/** The first bytes of a file; a NUL among them means that it is no text. */
const headBytes = 8_192;

/** The new and changed files of `to` compared with `from`, without links, pointers to other repositories, and files that were only moved. */
export async function addedFiles(repo: Repository, from: string, to: string): Promise<AddedFile[]> {
  const trees = [await treeOf(repo, from), await treeOf(repo, to)] as const;
  if (trees[0] === trees[1]) return [];
  const all = (await repo.gits.differences(repo.path, ...trees)) ?? (await differencesByGit(repo, ...trees));
  const gone = new Set(all.flatMap(({ status, before }) => (status === 'D' ? [before] : [])));
  const added = all.filter(({ status, mode, id }) => status !== 'D' && /^100/.test(mode) && !gone.has(id));
  const sizes = await sizesOf(
    repo,
    added.map(({ id }) => id),
  );
  return added.map(({ path, id, before, status }) => ({
    path,
    id,
    before: status === 'A' ? null : before,
    bytes: sizes.get(id) ?? 0,
  }));
}

async function differencesByGit({ path }: Repository, from: string, to: string): Promise<Difference[]> {
  const args = ['diff-tree', '-r', '--raw', '-z', '--no-renames', ...wholeDiff, from, to];
  return differencesIn((await ownGit(path, args)).split('\0'));
}

async function sizesOf(repo: Repository, ids: readonly string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map();
  const said = await repo.gits.sizes(repo.path, ids);
  if (said !== undefined) return said;
  const input = ids.map((id) => `${id}\n`).join('');
  return sizesIn(await ownGit(repo.path, ['cat-file', '--batch-check'], { input }));
}

/**
 * The text of a commit's file; null: it is no text, or cannot be read. The worktree's copy is read if it is byte for byte the same: an agent may have changed
 * it.
 */
export async function textOfFile(
  repo: Repository,
  { path, id, bytes }: Pick<AddedFile, 'path' | 'id' | 'bytes'>,
  worktree: string | null,
): Promise<string | null> {
  const there = worktree === null ? null : readThere(worktree, path, bytes);
  if (there !== null && idOf(there, id.length) === id) return asText(there);
  const said = await tryOwnGit(repo.path, ['cat-file', 'blob', id]);
  return said.exitCode === 0 ? asText(Buffer.from(said.stdout)) : null;
}

function readThere(root: string, path: string, maxBytes: number): Buffer | null {
  try {
    return inFolder({ root, way: dirname(path) }, (folder) => folder.read(basename(path), { maxBytes }));
  } catch {
    return null; // a link, a pipe, or longer than the commit's file: git reads it
  }
}

function idOf(content: Buffer, length: number): string {
  const hash = createHash(length === 64 ? 'sha256' : 'sha1');
  return hash.update(`blob ${content.length}\0`).update(content).digest('hex');
}

function asText(content: Buffer): string | null {
  return content.subarray(0, headBytes).includes(0) ? null : content.toString('utf8');
}

/** All folders of a commit. */
export async function foldersIn({ path }: Repository, commit: string): Promise<Set<string>> {
  const listing = await ownGit(path, ['ls-tree', '-r', '-d', '-z', '--name-only', '--full-tree', commit]);
  return new Set(listing.split('\0').filter((name) => name !== ''));
}
