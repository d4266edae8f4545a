/** Copies the configured paths from the user's checkout into a new worktree: files that git does not track, such as `.env`. */
import { constants } from 'node:fs';
import { cp, mkdir, realpath } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { environmentFault } from '../../base/platform/environment-fault.ts';
import { literalPaths } from '../git/git.ts';
import { excludeOwnFolders, type Repository } from '../git/repository.ts';
import { isWithin, literal, realPlace, worktreesFolder } from '../git/worktree-folder.ts';
import { inWorktree, type OpenWorktree } from '../git/worktree-list.ts';

export interface CopyRequest {
  readonly repository: Repository;
  readonly worktree: OpenWorktree;
  /** The configured paths, relative to the repo. */
  readonly copy: readonly string[];
  readonly dir: string;
  /** Stops the copying between two files, and throws the signal's reason. */
  readonly stop: AbortSignal;
}

/**
 * Copies each path, folders with all files, and links inside as links; never from or to a place outside. Tracked files are left out: the worktree already has
 * them at its own commit. Copied files that git does not ignore are excluded there, so that no commit contains them. Safe to run again. Throws `bad_config`
 * for a path that is missing or leads out, `unavailable` if it cannot be copied, `disk_full` and `unreachable`.
 */
export async function copyIntoWorktree(request: CopyRequest): Promise<void> {
  const { repository, worktree, copy } = request;
  if (copy.length === 0) return;
  const tracked = new Set((await inWorktree(worktree, ['ls-files', '-z', '--', ...copy], literalPaths)).split('\0'));
  for (const path of copy) await copyOne(request, path, tracked);
  const args = ['ls-files', '--others', '--exclude-standard', '--directory', '-z', '--', ...copy];
  const loose = (await inWorktree(worktree, args, literalPaths)).split('\0').filter((path) => path !== '');
  await excludeOwnFolders(
    repository,
    loose.map((path) => `/${literal(path)}`),
  );
}

async function copyOne(request: CopyRequest, path: string, tracked: ReadonlySet<string>): Promise<void> {
  const { repository, worktree, dir, stop } = request;
  const source = await sourceOf(repository, path);
  const target = join(worktree.path, path);
  if (!isWithin(worktree.path, realPlace(dirname(target))))
    throw refused(path, `leads out of the worktree ${worktree.path}, by a link that the branch has there`);
  const trees = worktreesFolder(repository, dir);
  try {
    await mkdir(dirname(target), { recursive: true });
    await cp(source, target, {
      recursive: true,
      force: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
      filter: (from) => {
        stop.throwIfAborted();
        return !tracked.has(join(path, relative(source, from))) && !isWithin(trees, from);
      },
    });
  } catch (cause) {
    stop.throwIfAborted();
    const trouble = environmentFault(cause);
    if (trouble !== null) throw trouble;
    const hint = `see that ${source} can be read and the disk has room, or take ${path} out of copy`;
    throw new EngineError('unavailable', `${source} could not be copied to ${target}: ${messageOf(cause)}`, hint, {
      cause,
    });
  }
}

async function sourceOf(repository: Repository, path: string): Promise<string> {
  const named = join(repository.path, path);
  const real = await realpath(named).catch(() => null);
  if (real === null) {
    throw new EngineError(
      'bad_config',
      `[worktree] copy names ${path}, and there is no ${named}`,
      `make it in the checkout, or take ${path} out of copy in .stator/config.toml`,
    );
  }
  if (!isWithin(repository.path, named) || !isWithin(repository.path, real))
    throw refused(path, `leads out of the repo, to ${real}`);
  if (isWithin(repository.commonDir, real)) throw refused(path, "is among git's own files");
  return real;
}

function refused(path: string, why: string): EngineError {
  return new EngineError(
    'bad_config',
    `[worktree] copy names ${path}, which ${why}`,
    `take ${path} out of copy in .stator/config.toml`,
  );
}
