/**
 * Repairs a checkout that an agent turned into a bare repository. `git init` with GIT_DIR of its worktree writes `core.bare = true` into the configuration
 * that all worktrees share. Git then finds no working tree in the user's checkout.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { askOwnGit, ownGit } from './git.ts';
import { gitDirAt } from './local-settings.ts';

/** The file that declares a known checkout bare; null: none does, or it is not a file of this repository. */
async function bareConfig(path: string): Promise<string | null> {
  const gitDir = gitDirAt(join(path, '.git'));
  if (gitDir === null) return null;
  const file = join(gitDir, 'config');
  // A link could lead to a foreign file.
  if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) return null;
  // The lines that git itself writes into every checkout are recognized without a process.
  if (!/\bbare\b(?!\s*=\s*false\s*$)/im.test(readFileSync(file, 'latin1'))) return null;
  const value = await askOwnGit(path, ['config', '--file', file, '--type=bool', '--get', 'core.bare']);
  return value === 'true' ? file : null;
}

/** Removes the setting. Returns the file that contained it; null: the repository is not bare. Throws git's errors. */
export async function mendBare(path: string): Promise<string | null> {
  const file = await bareConfig(path);
  if (file !== null) await ownGit(path, ['config', '--file', file, 'core.bare', 'false']);
  return file;
}
