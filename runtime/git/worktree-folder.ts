/** The folder that holds a repo's worktrees: inside the repo, or elsewhere by an absolute path or a link; never inside .git, and never in a commit. */
import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';

interface Place {
  /** The real path of the main working tree. */
  readonly path: string;
}

/**
 * Where the worktrees of a repo are, with links resolved: git knows a worktree by its real path only. Nothing is made. Throws `bad_config` for a link
 * that leads nowhere.
 */
export function worktreesFolder({ path }: Place, dir: string): string {
  return realPlace(resolve(path, dir));
}

/** The real path of what lies at an absolute path, or would lie there. Throws `bad_config` for a link that leads nowhere. */
export function realPlace(wanted: string): string {
  const rest: string[] = [];
  for (let folder = wanted; ; folder = dirname(folder)) {
    try {
      return join(realpathSync(folder), ...rest);
    } catch (cause) {
      if (isLink(folder)) {
        const hint = `mend the link: ls -l ${folder}; or name another path under [worktree]`;
        throw new EngineError('bad_config', `${folder} is a link that leads nowhere`, hint, { cause });
      }
      if (dirname(folder) === folder) return wanted;
      rest.unshift(basename(folder));
    }
  }
}

/** Throws `bad_config` where worktrees would lie among git's own files. */
export function refuseInsideGit(repo: Place & { readonly commonDir: string }, dir: string): void {
  const folder = worktreesFolder(repo, dir);
  if (!isWithin(repo.commonDir, folder)) return;
  throw new EngineError(
    'bad_config',
    `[worktree] dir = ${JSON.stringify(dir)} is ${folder}, inside ${repo.commonDir}, where git keeps its own files`,
    'set a folder such as ".worktrees", or leave it out',
  );
}

/** Lines for .git/info/exclude: the folder by its own name, and where a link to elsewhere in the repo leads. None for what lies outside. */
export function worktreeExcludes(repo: Place, dir: string): string[] {
  const named = resolve(repo.path, dir);
  const real = worktreesFolder(repo, dir);
  const inside = [...new Set([named, real])].filter((folder) => folder !== repo.path && isWithin(repo.path, folder));
  return inside.map((folder) => {
    const pattern = `/${literal(relative(repo.path, folder))}`;
    // A link is no folder to git, and would be added as a file.
    return isLink(folder) ? pattern : `${pattern}/`;
  });
}

/** Whether `path` is `folder` or lies in it. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way));
}

/** A path as a pattern that means just that path. */
export function literal(path: string): string {
  return path.replace(/[\\*?[\]]/g, '\\$&').replace(/ $/, '\\ ');
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}
