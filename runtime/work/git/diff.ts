/** The differences between two commits, short enough for a prompt. */
import { randomUUID } from 'node:crypto';
import { ownGit, wholeDiff } from './git.ts';
import { isObjectId, type ObjectMemo } from './object-memo.ts';
import { treeOf } from './objects.ts';
import type { OpenPlace } from './open-gits.ts';

const statBytes = 4 * 1024;
const maxFiles = 1_000;
const plain = [...wholeDiff, '--no-color'] as const;

/**
 * `git diff --stat` of two commits, cut at 4 KiB at the end of a line; the last line states what was cut. Empty if nothing differs. `more`: further options
 * of git.
 */
export async function diffStat(
  repo: { readonly path: string },
  from: string,
  to: string,
  more: readonly string[] = [],
): Promise<string> {
  const args = ['-c', 'core.quotePath=false', 'diff', ...plain, ...more, '--stat=120', from, to];
  const whole = await ownGit(repo.path, args);
  if (Buffer.byteLength(whole) <= statBytes) return whole;
  const lines = whole.split('\n');
  const summary = lines.pop() ?? '';
  const kept: string[] = [];
  let room = statBytes - Buffer.byteLength(summary) - 100;
  for (const line of lines) {
    room -= Buffer.byteLength(line) + 1;
    if (room < 0) break;
    kept.push(line);
  }
  return [...kept, ` … and ${lines.length - kept.length} more files`, summary].join('\n');
}

/** The numbers of changed lines; null for a binary file. */
export interface ChangedFile {
  readonly path: string;
  readonly added: number | null;
  readonly removed: number | null;
}

/** The first files, and the sums over all files; a binary file has no lines. */
export interface Changes {
  readonly files: readonly ChangedFile[];
  readonly total: { readonly files: number; readonly insertions: number; readonly deletions: number };
}

/** Two commits, the earlier and the later one. */
export interface Change {
  readonly from: string;
  readonly to: string;
}

/** The files that differ between two commits; at most 1,000 are named. A moved file counts as two. */
export async function changesBetween(repo: DiffPlace, from: string, to: string): Promise<Changes> {
  const all = filesIn((await numbersOf(repo, [{ from, to }]))[0] ?? '');
  const sum = (count: (file: ChangedFile) => number | null) =>
    all.reduce((before, file) => before + (count(file) ?? 0), 0);
  const total = { files: all.length, insertions: sum(({ added }) => added), deletions: sum(({ removed }) => removed) };
  return { files: all.slice(0, maxFiles), total };
}

/**
 * The files of several changes with their lines, at most 1,000 for each change; a moved file counts as two. One process answers all changes that are not
 * remembered.
 */
export async function filesOfChanges(
  repo: DiffPlace,
  changes: readonly Change[],
): Promise<readonly (readonly ChangedFile[])[]> {
  return (await numbersOf(repo, changes)).map((rows) => filesIn(rows).slice(0, maxFiles));
}

interface DiffPlace extends OpenPlace {
  /** The difference of two commits never changes, and every prompt of a later wave needs it for every earlier task. */
  readonly memo?: ObjectMemo;
}

const numbersQuestion = ({ from, to }: Change) => `numbers ${from} ${to}`;

async function numbersOf(repo: DiffPlace, changes: readonly Change[]): Promise<string[]> {
  const { path, memo } = repo;
  const found = new Map<Change, string>();
  const open: Change[] = [];
  for (const change of changes) {
    const known = memo?.known(numbersQuestion(change)) ?? null;
    if (known === null) open.push(change);
    else found.set(change, known);
  }
  if (open.length > 0) {
    const asked: string[] = [];
    for (const { from, to } of open) asked.push(`${await treeOf(repo, from)} ${await treeOf(repo, to)}\n`);
    // Git echoes a line that names no object, after it has answered the lines before.
    const marks = asked.map(() => `end ${randomUUID()}\n`);
    const args = ['diff-tree', '--stdin', '-r', '--numstat', '-z', '--no-renames', ...plain];
    let rest = `${await ownGit(path, args, { input: asked.map((line, at) => line + marks[at]).join('') })}\n`;
    for (const [at, change] of open.entries()) {
      const end = rest.indexOf(marks[at] ?? '');
      const rows = rest.slice(asked[at]?.length ?? 0, end);
      found.set(change, rows);
      if (isObjectId(change.from) && isObjectId(change.to)) memo?.set(numbersQuestion(change), rows);
      rest = rest.slice(end + (marks[at]?.length ?? 0));
    }
  }
  return changes.map((change) => found.get(change) ?? '');
}

/** The files that `to` no longer has, including moved ones. */
async function missingIn(repo: DiffPlace, from: string, to: string): Promise<string[]> {
  const said = await repo.gits?.differences(repo.path, await treeOf(repo, from), await treeOf(repo, to));
  const deleted = ['diff', ...plain, '--no-renames', '--name-only', '--diff-filter=D', '-z', from, to];
  if (said !== undefined) return said.filter(({ status }) => status === 'D').map(({ path }) => path);
  return (await ownGit(repo.path, deleted)).split('\0').filter((path) => path !== '');
}

/** Fewer deleted files are easy to review: a small project that is rewritten raises no question. */
const fewDeleted = 5;

/**
 * The files that were deleted between two commits, if these are at least five and more than half of all files; otherwise null. A moved file does not count as
 * deleted.
 */
export async function deletedMost(
  repo: DiffPlace,
  from: string,
  to: string,
): Promise<{ readonly files: readonly string[]; readonly of: number } | null> {
  const pathsOf = (listing: string) => listing.split('\0').filter((path) => path !== '');
  const missing = await missingIn(repo, from, to);
  if (missing.length < fewDeleted) return null;
  const of = pathsOf(await ownGit(repo.path, ['ls-tree', '-r', '-z', '--name-only', '--full-tree', from])).length;
  if (missing.length * 2 <= of) return null;
  const deleted = ['diff', ...plain, '--name-only', '--diff-filter=D', '-z', '--find-renames', '-l0'];
  const files = pathsOf(await ownGit(repo.path, [...deleted, from, to]));
  return files.length >= fewDeleted && files.length * 2 > of ? { files, of } : null;
}

function filesIn(rows: string): ChangedFile[] {
  return rows.split('\0').flatMap(changedFile);
}

function changedFile(row: string): ChangedFile[] {
  const [, added = '', removed = '', path = ''] = /^(\d+|-)\t(\d+|-)\t(.+)$/s.exec(row) ?? [];
  if (path === '') return [];
  return [{ path, added: added === '-' ? null : Number(added), removed: removed === '-' ? null : Number(removed) }];
}

/** The paths that differ between two commits or trees, 1,000 at most. */
export async function changedFiles(repo: { readonly path: string }, from: string, to: string): Promise<string[]> {
  const names = await ownGit(repo.path, ['diff', ...plain, '--no-renames', '--name-only', '-z', from, to]);
  return names
    .split('\0')
    .filter((name) => name !== '')
    .slice(0, maxFiles);
}

const textBytes = 1024 * 1024;
const maxLines = 20_000;

/** The text of a change as far as it fits, and the number of files that are left out. */
export interface DiffText {
  readonly text: string;
  readonly leftOut: number;
}

/**
 * `git diff` of two commits, the files that fit into 20,000 changed lines, in their order, cut at 1 MiB at the end of a line. `changes` is the result of
 * `changesBetween`. Files are left out whole, except for the one in which the text was cut.
 */
export async function diffText(
  repo: { readonly path: string },
  from: string,
  to: string,
  { files, total }: Changes,
): Promise<DiffText> {
  let lines = 0;
  const shown = files.filter(({ added, removed }) => {
    const own = (added ?? 0) + (removed ?? 0);
    const fits = lines + own <= maxLines;
    if (fits) lines += own;
    return fits;
  });
  const leftOut = total.files - shown.length;
  if (shown.length === 0) return { text: '', leftOut };
  const paths = shown.map(({ path }) => pathspecOf(path));
  const args = ['-c', 'core.quotePath=false', 'diff', ...plain, '--no-renames', from, to, '--', ...paths];
  const whole = Buffer.from(await ownGit(repo.path, args, { cutAtBytes: textBytes + 1 }));
  if (whole.length <= textBytes) return { text: whole.toString('utf8'), leftOut };
  const end = whole.lastIndexOf('\n', textBytes);
  const text = whole.subarray(0, Math.max(0, end)).toString('utf8');
  const inside = text.split(/^diff --git /m).length - 1;
  return { text, leftOut: total.files - inside + 1 };
}

/** The output of `git diff` of two commits for one file, with `context` unchanged lines around each change; empty if the file is the same in both. */
export function textOfOne(
  repo: { readonly path: string },
  { from, to, path, context }: Change & { readonly path: string; readonly context?: number | undefined },
): Promise<string> {
  const around = context === undefined ? [] : [`--unified=${context}`];
  const args = ['diff', ...plain, '--no-renames', ...around, from, to, '--', pathspecOf(path)];
  return ownGit(repo.path, ['-c', 'core.quotePath=false', ...args]);
}

/** Exactly that path. Of a name that is not UTF-8 the bytes are unknown, so any bytes match from the first of them to the next known character. */
function pathspecOf(path: string): string {
  if (!path.includes('\uFFFD')) return `:(top,literal)${path}`;
  return `:(top,glob)${path.replace(/[\\*?[]/g, '\\$&').replace(/\uFFFD+/g, '[!\x01-\x7f]*')}`;
}

/**
 * The combined change of the first-parent commits in `from..to` whose subject ends in `mark`: from the parent of the oldest to the newest. null: there is
 * none.
 */
export async function changeMarked(
  repo: { readonly path: string },
  range: { readonly from: string; readonly to: string },
  mark: string,
): Promise<{ from: string; to: string } | null> {
  const args = ['log', '--first-parent', '--format=%H %P%x09%s', `${range.from}..${range.to}`];
  const marked = (await ownGit(repo.path, args)).split('\n').flatMap((line) => {
    const [commits = '', subject = ''] = line.split('\t', 2);
    const [commit, parent] = commits.split(' ');
    return subject.endsWith(mark) && commit !== undefined && parent !== undefined ? [{ commit, parent }] : [];
  });
  const [newest, oldest] = [marked[0], marked.at(-1)];
  return newest === undefined || oldest === undefined ? null : { from: oldest.parent, to: newest.commit };
}
