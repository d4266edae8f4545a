/** Files that `.gitattributes` marks as generated (`linguist-generated`), as code hosts read it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { ownGit } from './git.ts';

/**
 * For each path that the attributes of `commit` speak of, whether it is generated. A change is read with the attributes from before it, so that it cannot
 * mark its own files. No working tree is read, and no program starts. Throws git's errors.
 */
export async function generatedMarks(
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
