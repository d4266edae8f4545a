/** The facts about a repository that stator needs before it works there: its paths, and the base of plans. */

import { constants, existsSync } from 'node:fs';
import { access, lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { SignMode } from '../../base/config/config.ts';
import { environmentFault } from '../../base/platform/environment-fault.ts';
import { statOrNull } from '../../base/platform/quiet-look.ts';
import { inFolder } from '../../base/platform/safe-path.ts';
import { systemCode } from '../../base/platform/system-code.ts';
import { askOwnGit, ownGit, requireGit, tryOwnGit } from './git.ts';
import { entriesIn, refuseLinks, textOf } from './git-folder.ts';
import { createRepositoryLocks, type Exclusively, type RepositoryLocks } from './locks.ts';
import { createObjectMemo, type ObjectMemo } from './object-memo.ts';
import { findCommit } from './objects.ts';
import { createOpenGits, type OpenGits } from './open-gits.ts';
import { createRefMoves, type RefMoves } from './ref-moves.ts';
import { unbornHead } from './unborn-head.ts';
import { isWithin } from './worktree-folder.ts';
import { branchIn, isMainCheckout, listWorktrees } from './worktree-list.ts';

export interface Repository {
  /** The real path of the main working tree, which is the user's checkout. */
  readonly path: string;
  /** The last component of the path. */
  readonly project: string;
  readonly commonDir: string;
  /** The commit of the user's checkout at the inspection. */
  readonly head: string;
  /** null: detached. */
  readonly currentBranch: string | null;
  /** The result of `baseBranch` if nothing is configured. */
  readonly defaultBase: string;
  readonly exclusively: Exclusively;
  readonly memo: ObjectMemo;
  readonly gits: OpenGits;
  readonly moves: RefMoves;
  /** Which commits are signed; default: none. */
  readonly sign?: SignMode;
}

/** The resources that one engine shares among all inspections of its repositories. */
export interface SharedAccess {
  readonly locks: RepositoryLocks;
  readonly gits: OpenGits;
  /** Values by a repository's common git folder. */
  readonly moves: (commonDir: string) => RefMoves;
}

export function createSharedAccess(): SharedAccess {
  return { locks: createRepositoryLocks(), gits: createOpenGits(), moves: createRefMoves() };
}

const shownBranches = 10;

/**
 * Inspects the repository of `path`; a linked worktree or a folder inside resolves to the main working tree. Changes nothing. Pass the engine's shared
 * resources if anything is done with the result: otherwise two results do not share their queue. Throws `bad_repo`: not absolute, missing, not a git
 * repository, bare, no commit yet, not trusted by git; `unsafe_path` if one of its own folders leads elsewhere; `git_missing` as `gitVersion`.
 */
export async function inspectRepository(path: string, shared = createSharedAccess()): Promise<Repository> {
  const { locks, gits, moves } = shared;
  if (!isAbsolute(path)) {
    throw new EngineError(
      'bad_repo',
      `the path of a repository must be absolute, not ${path}`,
      'give it from the root on, as pwd prints it in that folder',
    );
  }
  await requireGit();
  const { main, commonDir } = await mainWorktree(await realFolder(path));
  await refuseOtherFolder(main, commonDir);
  refuseLinks(commonDir);
  const head = await findCommit({ path: main, gits }, 'HEAD');
  if (head === null) throw await unbornHead({ path: main, commonDir });
  const currentBranch = await branchAt(main, commonDir);
  const defaultBase =
    (await remoteDefault(main, commonDir)) ??
    currentBranch ??
    (await branchToReturnTo({ main, commonDir, gits })) ??
    head;
  return {
    path: main,
    project: basename(main),
    commonDir,
    head,
    currentBranch,
    defaultBase,
    exclusively: locks(commonDir),
    memo: createObjectMemo(),
    gits,
    moves: moves(commonDir),
  };
}

/**
 * The name from which plans start: the configured branch, tag or commit; otherwise the remote's default branch (or the local branch of that name), otherwise
 * the current branch, also while it is rebased or bisected, or, if HEAD is detached, its commit. Throws `bad_config` for a name that does not exist, with the
 * branches that do.
 */
export async function baseBranch(
  repo: Pick<Repository, 'path' | 'defaultBase' | 'gits'>,
  configured: string,
): Promise<string> {
  if (configured === '') return repo.defaultBase;
  if ((await findCommit(repo, configured)) !== null) return configured;
  const listing = await ownGit(repo.path, [
    'for-each-ref',
    '--format=%(refname:lstrip=2)',
    'refs/heads',
    'refs/remotes',
  ]);
  const branches = listing.split('\n').filter((name) => name !== '' && !name.endsWith('/HEAD'));
  const nearest = branches.sort((a, b) => distance(a, configured) - distance(b, configured)).slice(0, shownBranches);
  throw new EngineError(
    'bad_config',
    `base_branch ${JSON.stringify(configured)} is no branch, tag or commit of ${repo.path}`,
    `set base_branch in .stator/config.toml to one of: ${nearest.join(', ')}; or leave it "" for the default branch`,
  );
}

/** The size limit of an exclude file; no one writes a larger one by hand. */
const maxExcludeBytes = 4 * 1024 * 1024;

/**
 * Keeps folders of ours out of git through `.git/info/exclude`, which no commit contains. Patterns as in a .gitignore, one line each. Only adds missing
 * lines: a user's lines stay, and so does their order. Safe to run again. Throws `bad_repo` if git's folder cannot be written, `unsafe_path` if that file or
 * its folder is a link, `bad_config` for a pattern with a control character, which would be another line.
 */
export function excludeOwnFolders(
  repo: Pick<Repository, 'commonDir' | 'exclusively'>,
  patterns: readonly string[],
): Promise<void> {
  for (const pattern of patterns) mustBeOneLine(pattern);
  return repo.exclusively(async () => {
    await mustBeWritable(repo.commonDir);
    inFolder({ root: repo.commonDir, way: 'info', makeMode: 0o777 & ~process.umask() }, (info) => {
      const text = info.read('exclude', { maxBytes: maxExcludeBytes })?.toString('latin1') ?? '';
      const present = new Set(text.split('\n').map((line) => line.trimEnd()));
      const missing = patterns.filter((pattern) => !present.has(Buffer.from(pattern).toString('latin1')));
      if (missing.length === 0) return;
      const opening = text === '' || text.endsWith('\n') ? '' : '\n';
      info.append('exclude', `${opening}${missing.join('\n')}\n`, { makeMode: 0o666 & ~process.umask() });
    });
  });
}

function mustBeOneLine(pattern: string): void {
  if (!/[\x00-\x1f\x7f]/.test(pattern)) return;
  throw new EngineError(
    'bad_config',
    `${JSON.stringify(pattern)} has a control character, so it cannot be one line in .git/info/exclude`,
    'rename that file or folder, or take it out of [worktree] in .stator/config.toml',
  );
}

/** Checks that git's folder can be written, before anything is begun: branches, worktrees and commits are stored in it. */
async function mustBeWritable(commonDir: string): Promise<void> {
  for (const folder of [commonDir, join(commonDir, 'objects'), join(commonDir, 'refs')]) {
    try {
      await access(folder, constants.W_OK | constants.X_OK);
    } catch (cause) {
      throw unwritable(folder, cause);
    }
  }
}

/** The error for a git folder that cannot be written; `cause` is the system's error. */
export function unwritable(folder: string, cause: unknown): EngineError {
  const trouble = environmentFault(cause);
  if (trouble !== null)
    return new EngineError(trouble.code, `${folder} cannot be written: ${trouble.message}`, trouble.hint, { cause });
  const hint = `branches and commits of plans are kept there: give this user the right to write it (ls -ld ${shellWord(folder)}), or clone the repository to where you may write`;
  return new EngineError('bad_repo', `${folder} cannot be written (${systemCode(cause)})`, hint, { cause });
}

async function realFolder(path: string): Promise<string> {
  try {
    const real = await realpath(path);
    if ((await stat(real)).isDirectory()) return real;
  } catch (cause) {
    throw new EngineError('bad_repo', `there is no folder ${path}`, `look for it: ls -ld ${shellWord(path)}`, {
      cause,
    });
  }
  throw new EngineError(
    'bad_repo',
    `${path} is a file, not the folder of a git repository`,
    'give the folder that holds .git',
  );
}

/** `commonDir` is a real path. */
async function mainWorktree(folder: string): Promise<{ main: string; commonDir: string }> {
  const words = ['--is-bare-repository', '--is-inside-work-tree', '--absolute-git-dir', '--git-common-dir'];
  const answer = await tryOwnGit(folder, ['rev-parse', '--path-format=absolute', ...words, '--show-toplevel']);
  const [isBare, isInside, gitDir, common = '', top] = answer.stdout.split('\n');
  // Outside of a working tree git refuses the last argument, after it has answered the others.
  if (answer.exitCode !== 0 && common === '') {
    // Git does not use an unlisted one: a folder in a checkout may look like one.
    if (answer.stderr.includes('cannot use bare repository')) throw notAWorkingTree(folder);
    if (answer.stderr.includes('dubious ownership')) {
      const hint = `if you trust it: git config --global --add safe.directory ${shellWord(folder)}`;
      throw new EngineError('bad_repo', `${folder} belongs to another user, so git does not open it`, hint);
    }
    if (!answer.stderr.includes('not a git repository')) throw unusable(folder, answer.stderr);
    const hint = `make it one: git -C ${shellWord(folder)} init && git -C ${shellWord(folder)} commit --allow-empty -m 'first commit'`;
    throw new EngineError('bad_repo', `${folder} is not a git repository`, hint);
  }
  if (isBare === 'true') throw bare(folder);
  if (isInside !== 'true') {
    if (isWithin(common, folder))
      throw new EngineError('bad_repo', `${folder} is inside a .git folder`, `give its repository: ${dirname(common)}`);
    const hint = `see what it names: git -C ${shellWord(folder)} config --show-origin core.worktree; add the folder that it names, or take the setting out`;
    throw new EngineError('bad_repo', `core.worktree of ${common} names another folder than ${folder}`, hint);
  }
  const commonDir = await realpath(common);
  if (gitDir === common && top !== undefined) return { main: await realFolder(top), commonDir };
  const [first] = await listWorktrees({ path: folder, commonDir: common });
  // If the git folder is separate from its checkout, git lists that folder, and calls it bare.
  const main =
    first === undefined || isMainCheckout({ path: first.path, commonDir })
      ? first?.path
      : await namedCheckout(folder, commonDir);
  if (main === undefined) throw first?.isBare === false ? withoutCheckout(folder, commonDir) : bare(common);
  return { main: await realFolder(main), commonDir };
}

/** The checkout that a git folder's configuration names, as in a submodule; undefined: it names none with this git folder. */
async function namedCheckout(folder: string, commonDir: string): Promise<string | undefined> {
  const named = await askOwnGit(folder, ['config', '--local', '--get', 'core.worktree']);
  if (named === null) return undefined;
  const path = resolve(commonDir, named);
  return isMainCheckout({ path, commonDir }) ? path : undefined;
}

function withoutCheckout(folder: string, commonDir: string): EngineError {
  return new EngineError(
    'bad_repo',
    `${folder} is a linked worktree of ${commonDir}, which does not say where its checkout is`,
    'give the checkout itself: the folder with a file .git that names that folder',
  );
}

/**
 * A repository's git folder must be in its checkout, and not behind a link: otherwise the checkout's author could open a foreign repository to agents. A
 * submodule's git folder is elsewhere, and names the checkout itself. Throws `unsafe_path`.
 */
async function refuseOtherFolder(main: string, commonDir: string): Promise<void> {
  const place = join(main, '.git');
  const found = await lstat(place).catch(() => null);
  if (found?.isDirectory() === true && (await realpath(place)) === commonDir) return;
  if (found === null && basename(commonDir) === '.git') throw movedCheckout(dirname(commonDir), main, commonDir);
  if (found?.isFile() === true) {
    const named = await askOwnGit(main, ['config', '--file', join(commonDir, 'config'), '--get', 'core.worktree']);
    const checkout = named === null ? null : await realpath(resolve(commonDir, named)).catch(() => null);
    if (checkout === main) return;
  }
  throw new EngineError(
    'unsafe_path',
    `${place} ${found?.isSymbolicLink() === true ? 'is a link' : 'leads elsewhere'}: agents of ${main} would have all of ${commonDir}, which does not name this folder as its checkout`,
    `see where it leads: ls -ld ${shellWord(place)}; where that is meant, let the repository say so: git config --file ${shellWord(join(commonDir, 'config'))} core.worktree ${shellWord(main)}; else add the checkout that it belongs to, or clone it: git clone ${shellWord(commonDir)} <folder>`,
  );
}

/** The branch of the checkout; null: detached. */
async function branchAt(main: string, commonDir: string): Promise<string | null> {
  const known = branchIn(commonDir);
  if (known !== undefined) return known;
  const symbolic = await askOwnGit(main, ['symbolic-ref', '-q', 'HEAD']);
  return symbolic?.replace(/^refs\/heads\//, '') ?? null;
}

/** The branch that a rebase or a bisect under way in the checkout began from and returns to; null: there is none. */
async function branchToReturnTo({ main, commonDir, gits }: { main: string; commonDir: string; gits: OpenGits }) {
  for (const file of ['rebase-merge/head-name', 'rebase-apply/head-name', 'BISECT_START']) {
    const [, branch] = /^(?:refs\/heads\/)?([^.\s]\S*)\n$/.exec(textOf(join(commonDir, file)) ?? '') ?? [];
    if (branch !== undefined && (await findCommit({ path: main, gits }, `refs/heads/${branch}`)) !== null)
      return branch;
  }
  return null;
}

/** A `.git` folder itself also counts as bare. */
function notAWorkingTree(folder: string): EngineError {
  const parts = folder.split('/');
  const at = parts.lastIndexOf('.git');
  if (at < 0) return bare(folder);
  return new EngineError(
    'bad_repo',
    `${folder} is inside a .git folder`,
    `give its repository: ${parts.slice(0, at).join('/')}`,
  );
}

/** The error for a checkout that its configuration declares bare. */
export function madeBare(path: string, commonDir: string): EngineError {
  return new EngineError(
    'bad_repo',
    `core.bare is true in its configuration, so git sees no checkout at ${path}`,
    `take it back: git config --file ${shellWord(join(commonDir, 'config'))} core.bare false`,
  );
}

/** The error for a checkout whose configuration names another folder. */
export function movedCheckout(path: string, named: string, commonDir: string): EngineError {
  return new EngineError(
    'bad_repo',
    `core.worktree in its configuration names ${named}, so git does not work at ${path}`,
    `take it back: git config --file ${shellWord(join(commonDir, 'config'))} --unset core.worktree`,
  );
}

/** The error for a repository that git itself does not open, such as one with a broken configuration. */
export function unusable(path: string, stderr: string): EngineError {
  const said = stderr.trim().split('\n')[0] || 'it says nothing';
  return new EngineError(
    'bad_repo',
    `git cannot use ${path}: ${said}`,
    `correct what it names; it is in order when this answers: git -C ${shellWord(path)} status`,
  );
}

function bare(path: string): EngineError {
  const gitDir = join(path, '.git');
  if (statOrNull(gitDir)?.isDirectory() === true) return madeBare(path, gitDir);
  const hint = `plans need a checkout: git clone ${shellWord(path)} <folder>, and add that folder`;
  return new EngineError('bad_repo', `${path} is a bare repository, without a working tree`, hint);
}

/** `origin`, otherwise the only remote; null if its default branch is unknown or gone. */
async function remoteDefault(path: string, commonDir: string): Promise<string | null> {
  // If refs are files, a remote's HEAD is always a loose file.
  const isFiled = !existsSync(join(commonDir, 'reftable'));
  if (isFiled && entriesIn(join(commonDir, 'refs', 'remotes')).length === 0) return null;
  const remotes = (await ownGit(path, ['remote'])).split('\n').filter((name) => name !== '');
  const remote = remotes.includes('origin') ? 'origin' : remotes.length === 1 ? remotes[0] : undefined;
  if (remote === undefined) return null;
  const head = await askOwnGit(path, ['symbolic-ref', '-q', `refs/remotes/${remote}/HEAD`]);
  if (head === null) return null;
  const name = head.slice(`refs/remotes/${remote}/`.length);
  for (const [ref, short] of [
    [`refs/heads/${name}`, name],
    [`refs/remotes/${remote}/${name}`, `${remote}/${name}`],
  ] as const) {
    const found = await ownGit(path, ['for-each-ref', '--format=%(refname)', ref]);
    if (found.split('\n').includes(ref)) return short;
  }
  return null;
}
