/** The files of a change, each with its state, its size, and the reason for which a reader may skip it at first. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, posix } from 'node:path';
import type { Change, ChangedFile } from './diff.ts';
import { ownGit } from './git.ts';
import { differencesIn } from './open-gits.ts';

/** `long`: more than 400 changed lines. */
export type Folded = 'generated' | 'lock_file' | 'binary' | 'long';

export interface ListedFile extends ChangedFile {
  readonly state: 'added' | 'changed' | 'removed';
  /** Git's ids of its content before and after: another content has another text here. */
  readonly content: string;
  /** null: there is no reason to skip it. */
  readonly folded: Folded | null;
}

/** The most lines that a person reads at once. */
const longLines = 400;

/** Written by package managers; nobody reads them line by line. */
const lockFiles: ReadonlySet<string> = new Set([
  'Cargo.lock',
  'Gemfile.lock',
  'Package.resolved',
  'Pipfile.lock',
  'Podfile.lock',
  'bun.lock',
  'bun.lockb',
  'composer.lock',
  'deno.lock',
  'flake.lock',
  'go.sum',
  'gradle.lockfile',
  'mix.lock',
  'npm-shrinkwrap.json',
  'package-lock.json',
  'packages.lock.json',
  'pdm.lock',
  'pnpm-lock.yaml',
  'poetry.lock',
  'pubspec.lock',
  'uv.lock',
  'yarn.lock',
]);

const states = { A: 'added', D: 'removed' } as const;

/** `most` files after the first `after`, in git's order, and the sums over all. A moved file counts as two. Throws git's errors. */
export async function filesWithStates(
  repo: { readonly path: string },
  { from, to }: Change,
  { after, most }: { readonly after: number; readonly most: number },
): Promise<{ files: ListedFile[]; total: { files: number; insertions: number; deletions: number } }> {
  const format = ['-r', '-z', '--raw', '--numstat', '--no-renames', '--no-ext-diff', '--no-textconv'];
  const fields = (await ownGit(repo.path, ['diff-tree', ...format, from, to])).split('\0');
  // First a pair of fields for each file, then one field with its numbers.
  const pairs = fields.findIndex((field, at) => at % 2 === 0 && !field.startsWith(':'));
  const numbers = new Map(fields.slice(pairs).flatMap(numbersOf));
  const all = differencesIn(fields.slice(0, pairs));
  const listed = all.slice(after, after + most);
  const marks = await generatedMarks(
    repo,
    from,
    listed.map(({ path }) => path),
  );
  const files = listed.map(({ path, status, before, id }): ListedFile => {
    const own = numbers.get(path) ?? { added: null, removed: null };
    const state = status === 'A' || status === 'D' ? states[status] : 'changed';
    return { path, state, ...own, content: `${before}..${id}`, folded: foldedBy(path, own, marks.get(path)) };
  });
  const sum = (side: 'added' | 'removed') => [...numbers.values()].reduce((all, own) => all + (own[side] ?? 0), 0);
  return { files, total: { files: all.length, insertions: sum('added'), deletions: sum('removed') } };
}

type Numbers = Omit<ChangedFile, 'path'>;

function numbersOf(field: string): [string, Numbers][] {
  const [, added = '', removed = '', path = ''] = /^(\d+|-)\t(\d+|-)\t(.+)$/s.exec(field) ?? [];
  if (path === '') return [];
  return [[path, { added: added === '-' ? null : Number(added), removed: removed === '-' ? null : Number(removed) }]];
}

function foldedBy(path: string, { added, removed }: Numbers, isGenerated: boolean | undefined): Folded | null {
  if (isGenerated === true) return 'generated';
  if (isGenerated === undefined && lockFiles.has(basename(path))) return 'lock_file';
  if (added === null || removed === null) return 'binary';
  return added + removed > longLines ? 'long' : null;
}

/**
 * For each path that the attributes of `commit` speak of, whether it is generated. A change is read with the attributes from before it, so that it cannot
 * mark its own files. No working tree is read, and no program starts. Throws git's errors.
 */
async function generatedMarks(
  { path: cwd }: { readonly path: string },
  commit: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, boolean>> {
  const folders = new Set(paths.flatMap(foldersOf));
  if (folders.size === 0) return new Map();
  const wanted = [...folders].map((folder) => posix.join(folder, '.gitattributes'));
  const listed = await ownGit(cwd, ['ls-tree', '-z', '--full-tree', commit, '--', ...wanted]);
  const rules = listed.split('\0').filter((entry) => entry.startsWith('100'));
  if (rules.length === 0) return new Map();
  const aside = await mkdtemp(join(tmpdir(), 'stator-index-'));
  try {
    // `check-attr` of a commit came with git 2.40; of an index every git can tell.
    const env = { GIT_INDEX_FILE: join(aside, 'index') };
    await ownGit(cwd, ['update-index', '-z', '--index-info'], { env, input: `${rules.join('\0')}\0` });
    const asked = ['check-attr', '--cached', '-z', '--stdin', 'linguist-generated'];
    return marksIn(await ownGit(cwd, asked, { env, input: paths.map((path) => `${path}\0`).join('') }));
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** The folders that a file lies in, the root as `.`. */
function foldersOf(path: string): string[] {
  const folder = posix.dirname(path);
  return folder === '.' || folder === '/' ? ['.'] : [folder, ...foldersOf(folder)];
}

/** Three fields for each file: its path, the attribute, and its value. */
function marksIn(answer: string): Map<string, boolean> {
  const fields = answer.split('\0');
  const marks = new Map<string, boolean>();
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [path = '', value = ''] = [fields[at], fields[at + 2]];
    if (value === 'set' || value === 'true') marks.set(path, true);
    if (value === 'unset' || value === 'false') marks.set(path, false);
  }
  return marks;
}
