/** The folder of a repo's worktrees: inside the repo, or elsewhere by an absolute path; never through a link of the repo, never inside .git, and never in a commit. */
import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';

interface Place {
  /** The real path of the main working tree. */
  readonly path: string;
}

/**
 * The path of a repo's worktrees, with links outside of the repo resolved: git knows a worktree only by its real path. Makes nothing. Throws `bad_config` for
 * a link inside the repo, which anyone with push access may have committed, and for a link without a target.
 */
export function worktreesFolder({ path }: Place, dir: string): string {
  const named = resolve(path, dir);
  refuseOwnLink(path, named);
  return realPlace(named);
}

/** Throws `bad_config` if a part of `named` below `repo` is a link. */
function refuseOwnLink(repo: string, named: string): void {
  if (!isWithin(repo, named)) return;
  let folder = repo;
  for (const part of relative(repo, named).split(sep)) {
    folder = join(folder, part);
    if (!isLink(folder)) continue;
    throw new EngineError(
      'bad_config',
      `${folder} is a link to ${readlinkSync(folder)}, and worktrees are never made through a link of the repo`,
      `take it away: rm ${shellWord(folder)}; where worktrees are to lie elsewhere, name that place in .stator/config.toml: [worktree] dir = "/an/absolute/path"`,
    );
  }
}

/** The real path of an existing or future file at an absolute path. Throws `bad_config` for a link without a target. */
export function realPlace(wanted: string): string {
  const rest: string[] = [];
  for (let folder = wanted; ; folder = dirname(folder)) {
    try {
      return join(realpathSync(folder), ...rest);
    } catch (cause) {
      if (isLink(folder)) {
        const hint = `correct the link: ls -l ${folder}; or name another path under [worktree]`;
        throw new EngineError('bad_config', `${folder} is a link that leads nowhere`, hint, { cause });
      }
      if (dirname(folder) === folder) return wanted;
      rest.unshift(basename(folder));
    }
  }
}

/** Throws `bad_config` if worktrees would lie among git's own files. */
export function refuseInsideGit(repo: Place & { readonly commonDir: string }, dir: string): void {
  const folder = worktreesFolder(repo, dir);
  if (!isWithin(repo.commonDir, folder)) return;
  throw new EngineError(
    'bad_config',
    `[worktree] dir = ${JSON.stringify(dir)} is ${folder}, inside ${repo.commonDir}, where git keeps its own files`,
    'set a folder such as ".worktrees", or leave it out',
  );
}

/** Lines for .git/info/exclude: the folder if it lies inside the repo, however it was named. Throws as `worktreesFolder`. */
export function worktreeExcludes(repo: Place, dir: string): string[] {
  const folder = worktreesFolder(repo, dir);
  return folder !== repo.path && isWithin(repo.path, folder) ? [`/${literal(relative(repo.path, folder))}/`] : [];
}

/** Whether `path` is `folder` or lies in it. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way));
}

/** A path as a pattern that matches only that path. */
export function literal(path: string): string {
  return path.replace(/[\\*?[\]]/g, '\\$&').replace(/ $/, '\\ ');
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}
