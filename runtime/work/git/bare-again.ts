/**
 * A checkout that an agent made a bare repository: `git init` with GIT_DIR of its worktree writes `core.bare = true` into the configuration that all worktrees
 * share. Git then sees no working tree any more where people work.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { askOwnGit, ownGit } from './git.ts';
import { gitDirAt } from './local-settings.ts';

/** Of a repository that was opened as a checkout: the file that says it is bare; null: none does, or what lies there is no file of its own. */
async function bareConfig(path: string): Promise<string | null> {
  const gitDir = gitDirAt(join(path, '.git'));
  if (gitDir === null) return null;
  const file = join(gitDir, 'config');
  // A link would lead to a file of somebody else's.
  if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) return null;
  // What git itself writes into every checkout is told apart without a process.
  if (!/\bbare\b(?!\s*=\s*false\s*$)/im.test(readFileSync(file, 'latin1'))) return null;
  const value = await askOwnGit(path, ['config', '--file', file, '--type=bool', '--get', 'core.bare']);
  return value === 'true' ? file : null;
}

/** Takes it back. Answers the file that it stood in; null: it is no bare one. Throws git's errors. */
export async function mendBare(path: string): Promise<string | null> {
  const file = await bareConfig(path);
  if (file !== null) await ownGit(path, ['config', '--file', file, 'core.bare', 'false']);
  return file;
}
