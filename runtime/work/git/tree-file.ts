/** Rewrites files of a tree, without a working tree. */
import { tmpdir } from 'node:os';
import { literalPaths, ownGit } from './git.ts';
import { withTempIndex } from './temp-index.ts';

/** The tree in which `edit` has changed the regular file at `path`; the same tree if there is none or `edit` returns null. Throws git's errors. */
export async function withFile(
  { path: cwd }: { readonly path: string },
  tree: string,
  { path, edit }: { readonly path: string; readonly edit: (text: string) => string | null },
): Promise<string> {
  const listed = await ownGit(cwd, ['ls-tree', '-z', '--full-tree', tree, '--', path]);
  const [, mode, id] = /^(100644|100755) blob ([0-9a-f]+)\t/.exec(listed) ?? [];
  if (mode === undefined || id === undefined) return tree;
  const text = await blobText(cwd, id);
  const edited = text === null ? null : edit(text);
  if (edited === null || edited === text) return tree;
  const blob = await ownGit(cwd, ['hash-object', '-w', '--no-filters', '--stdin'], { input: edited });
  return withEntries(cwd, tree, [`${mode} ${blob}\t${path}`]);
}

/** The tree with the files at these paths taken from another tree or commit. A path that is missing there is removed. Throws git's errors. */
export async function withFilesOf(
  { path: cwd }: { readonly path: string },
  tree: string,
  { paths, from }: { readonly paths: readonly string[]; readonly from: string },
): Promise<string> {
  const listed = await ownGit(cwd, ['ls-tree', '-r', '-z', '--full-tree', from, '--', ...paths], literalPaths);
  const removed = paths.map((path) => `0 ${'0'.repeat(tree.length)}\t${path}`);
  return withEntries(cwd, tree, [...removed, ...listed.split('\0').filter((line) => line !== '')]);
}

/** Entries as `git update-index --index-info` reads them. */
async function withEntries(cwd: string, tree: string, entries: readonly string[]): Promise<string> {
  return withTempIndex(tmpdir(), async (env) => {
    await ownGit(cwd, ['read-tree', tree], { env });
    const input = entries.map((entry) => `${entry}\0`).join('');
    await ownGit(cwd, ['update-index', '-z', '--index-info'], { env, input });
    return ownGit(cwd, ['write-tree'], { env });
  });
}

/** The exact text; null: it is not UTF-8. */
async function blobText(cwd: string, id: string): Promise<string | null> {
  const answer = await ownGit(cwd, ['cat-file', '--batch'], { input: `${id}\n` });
  const start = answer.indexOf('\n') + 1;
  const size = Number(answer.slice(0, start).trim().split(' ').at(-1));
  // `ownGit` removes a newline at the end of the output, which is not the file's own.
  const text = answer.slice(start);
  return Buffer.byteLength(text) === size ? text : null;
}
