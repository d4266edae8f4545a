/** Compares two changes: the plan's change when it was approved, and the change that would land. */
import { ownGit, wholeDiff } from './git.ts';
import { isAncestor } from './objects.ts';
import type { Repository } from './repository.ts';

/** The change from one commit to another. */
interface Change {
  readonly from: string;
  readonly to: string;
}

/** The most files changed by both sides that are compared line by line. */
const maxCompared = 500;

const plain = [...wholeDiff, '--no-color', '--no-renames', '--full-index'];

export type BroughtUp =
  /** The target branch has not moved since the plan began or was last updated. */
  | 'as_it_was'
  /** Only lines around the changes differ. */
  | 'same_change'
  | 'other_change';

/** Compares the change of `head` with its merge `merged` into `target`. Throws `git_failed`. */
export async function broughtUp(
  repo: Repository,
  { head, target, merged }: { head: string; target: string; merged: string },
): Promise<BroughtUp> {
  if (await isAncestor(repo, target, head)) return 'as_it_was';
  const bases = (await ownGit(repo.path, ['merge-base', '--all', target, head])).split('\n');
  const [base] = bases;
  // With several merge bases there is no single approved change.
  if (base === undefined || bases.length > 1) return 'other_change';
  const same = await doTheSame(repo, { from: base, to: head }, { from: target, to: merged });
  return same ? 'same_change' : 'other_change';
}

/** Whether both add and remove the same lines in the same files, at any position. */
async function doTheSame(repo: Repository, one: Change, other: Change): Promise<boolean> {
  const [a, b] = [await filesOf(repo, one), await filesOf(repo, other)];
  if (a.size !== b.size) return false;
  const unlike: string[] = [];
  for (const [path, what] of a) {
    const there = b.get(path);
    if (there?.modes !== what.modes) return false;
    if (there.blobs !== what.blobs) unlike.push(path);
  }
  if (unlike.length === 0) return true;
  if (unlike.length > maxCompared) return false;
  return (await linesOf(repo, one, unlike)) === (await linesOf(repo, other, unlike));
}

async function filesOf({ path }: Repository, { from, to }: Change) {
  const raw = await ownGit(path, ['diff-tree', '-r', '-z', '--raw', ...plain, from, to]);
  const fields = raw.split('\0');
  const files = new Map<string, { modes: string; blobs: string }>();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [before, after, old, now, status] = (fields[at] ?? '').split(' ');
    files.set(fields[at + 1] ?? '', { modes: `${before} ${after} ${status}`, blobs: `${old} ${now}` });
  }
  return files;
}

/** The changed lines, without line numbers and without the ids of the files' contents. */
async function linesOf({ path }: Repository, { from, to }: Change, files: readonly string[]): Promise<string> {
  const literal = { env: { GIT_LITERAL_PATHSPECS: '1' } };
  const args = ['diff', ...plain, '--text', '--unified=0', from, to, '--', ...files];
  const lines = (await ownGit(path, args, literal)).split('\n');
  return lines.filter((line) => !line.startsWith('@@ ') && !line.startsWith('index ')).join('\n');
}
