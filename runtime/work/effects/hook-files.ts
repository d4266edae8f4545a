/**
 * The folder in which a repository's command hooks run: the files of the commit that a person trusted, in a folder of stator's own. The user's checkout
 * changes with every pull, and files that a command uses indirectly (a script, a Makefile target, a sourced file) are not shown when trust is given. The
 * folder is made once for each commit, and is read only.
 */

import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { fileDigest } from '../../base/config/config.ts';
import { entriesInBytes, inside } from '../../base/platform/entry-names.ts';
import { environmentFault } from '../../base/platform/environment-fault.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import { checkoutTimeoutMs, ownGit } from '../git/git.ts';
import type { Repository } from '../git/repository.ts';
import { withTempIndex } from '../git/temp-index.ts';
import { isWithin, realPlace } from '../git/worktree-folder.ts';
import type { Project, Projects } from '../repos/registry.ts';
import { trustedBefore, trustedCommit } from './trusted-commit.ts';

export function hookFilesRoot(home: string): string {
  return join(home, 'hook-files');
}

/** The folder's name, different for each trusted state. null: trust was given before there was a commit. */
export function hookFilesName(project: Pick<Project, 'path' | 'commit' | 'programs'>): string | null {
  if (project.commit === null) return null;
  const named = Object.entries(project.programs).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return textDigest(JSON.stringify([project.path, project.commit, named])).slice(0, 32);
}

/**
 * Returns the folder's absolute path, and makes it if it is missing. Throws `untrusted`, which is waited for, if no person has agreed since such folders
 * exist; `bad_repo` if the commit is gone; `conflict` if a trusted file has changed by now; git's errors and the system's.
 */
export async function hookFilesOf(
  { home, projects }: { readonly home: string; readonly projects: Projects },
  name: string,
): Promise<string> {
  const project = projects.get(name);
  const what = `the command hooks of ${name} run in the files of the commit that you trust`;
  const folderName = hookFilesName(project);
  if (folderName === null) throw trustedBefore(project, what);
  const folder = join(hookFilesRoot(home), folderName);
  if (existsSync(folder)) return folder;
  const making = `${folder}.${randomUUID()}`;
  mkdirSync(making, { recursive: true, mode: 0o700 });
  try {
    const repository = await projects.repository(name);
    await checkOut(repository, { commit: await trustedCommit(repository, { project, what }), folder: making });
    for (const [path, digest] of Object.entries(project.programs)) copyNamedFiles(project, making, { path, digest });
    closeFolder(Buffer.from(making));
    moveInto(making, folder);
  } finally {
    await removeTree(making);
  }
  return folder;
}

async function checkOut(
  repository: Repository,
  { commit, folder }: { readonly commit: string; readonly folder: string },
): Promise<void> {
  await withTempIndex(folder, async (env) => {
    const options = { env, timeoutMs: checkoutTimeoutMs };
    await ownGit(repository.path, ['read-tree', commit], options);
    await ownGit(repository.path, ['checkout-index', '--all', '--force', `--prefix=${folder}/`], options);
  });
}

/** A file that a command names counts in the version that the person saw, committed or not. */
function copyNamedFiles(
  project: Project,
  folder: string,
  { path, digest }: { readonly path: string; readonly digest: string },
): void {
  const target = join(folder, path);
  if (!isWithin(folder, realPlace(dirname(target)))) return; // behind a link out of the folder: only the link was committed
  if (isFile(target) && fileDigest(target) === digest) return;
  const source = join(project.path, path);
  if (!isFile(source) || fileDigest(source) !== digest)
    throw new EngineError(
      'conflict',
      `${path} of ${project.project} is not what was trusted any more`,
      `see what has changed, and say yes: stator repo trust ${shellWord(project.project)} --show; stator repo trust ${shellWord(project.project)}`,
    );
  mkdirSync(dirname(target), { recursive: true });
  rmSync(target, { force: true });
  copyFileSync(source, target, constants.COPYFILE_EXCL);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Makes the files read only, so that no process writes there by mistake. Links stay unchanged. */
function closeFolder(folder: Buffer): void {
  for (const entry of readdirSync(folder, entriesInBytes)) {
    const path = inside(folder, entry.name);
    if (entry.isDirectory()) closeFolder(path);
    else if (entry.isFile()) chmodSync(path, lstatSync(path).mode & 0o555);
  }
  chmodSync(folder, 0o500);
}

/** Another delivery may have made the same one meanwhile. */
function moveInto(making: string, folder: string): void {
  try {
    renameSync(making, folder);
  } catch (thrown) {
    if (environmentFault(thrown) !== null || !existsSync(folder)) throw thrown;
  }
}
