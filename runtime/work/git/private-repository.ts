/**
 * A separate git folder for a run, in which its agent commits inside walls: with its own objects and refs, and copies of index, settings and hooks. Unchanged
 * objects come from the shared repository, which is read only there. Inside, the folder has the path of the worktree's part of `.git`, so the worktree's
 * `.git` file and the paths of submodules are valid inside and outside. private-collect.ts collects the results.
 */
import { existsSync, lstatSync } from 'node:fs';
import { mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { replaceFile } from '../../base/platform/atomic-file.ts';
import { openFolders, removeTree } from '../../base/platform/remove-tree.ts';
import { copyPlain, entriesIn, isPlainFile, isPlainFolder, textOf } from './git-folder.ts';
import { usersFile } from './local-settings.ts';
import { noteMended } from './notes.ts';
import { isObjectId } from './object-memo.ts';
import { offerModules } from './private-modules.ts';
import { privateSettings, type Settings, settingsOf } from './private-settings.ts';
import { allRefs } from './ref-files.ts';
import { branchRef, readRef } from './refs.ts';
import type { Repository } from './repository.ts';
import type { OpenWorktree } from './worktree-list.ts';

/** The paths of a run's git folder and its notes, both in the run's folder. The agent sees and writes only the first. */
export interface PrivatePlace {
  readonly gitDir: string;
  /** The commits, one a line, to which stator itself set the run's branch. Only from one of these is the branch moved to the agent's head. */
  readonly notes: string;
}

/** A mount for the walls; `to`: the path inside, if it differs. A later mount covers an earlier one. */
export interface GitMount {
  readonly access: 'read' | 'write';
  readonly from: string;
  readonly to?: string;
}

const hookLimits = { count: 64, sizeBytes: 1024 * 1024 };
const excludesLimitBytes = 1024 * 1024;
/** Enough for millions of files. */
const indexLimitBytes = 1024 * 1024 * 1024;
/** git's own limit for following them. */
const maxAlternateDepth = 5;

export function privatePlaceIn(runFolder: string): PrivatePlace {
  return { gitDir: join(runFolder, 'git'), notes: join(runFolder, 'git-notes') };
}

/** Whether a run has walls: only then it has such a folder. */
export function isWalled({ path }: { readonly path: string }): boolean {
  return existsSync(privatePlaceIn(path).gitDir);
}

/**
 * Makes the folder completely or not at all, from the present worktree and refs; an existing one stays. Only for a worktree in which no agent works.
 * `isDetached`: HEAD is the worktree's commit, without a branch. Throws git's errors and the system's.
 */
export async function makePrivateRepository(
  repo: Repository,
  {
    place,
    worktree,
    branch,
    isDetached = false,
  }: { place: PrivatePlace; worktree: OpenWorktree; branch: string; isDetached?: boolean },
): Promise<void> {
  if (existsSync(place.gitDir)) return;
  const settings = await settingsOf(worktree);
  const start = await readRef(repo, branchRef(branch));
  const draft = `${place.gitDir}.new`;
  await rm(draft, { recursive: true, force: true });
  for (const folder of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'info', 'hooks'])
    await mkdir(join(draft, folder), { recursive: true, mode: 0o700 });
  await writeFile(join(draft, 'objects/info/alternates'), alternateLine(join(repo.commonDir, 'objects')));
  const head = isDetached ? textOf(join(worktree.adminDir, 'HEAD')) : null;
  await writeFile(join(draft, 'HEAD'), head ?? `ref: ${branchRef(branch)}\n`);
  await writeFile(join(draft, 'config'), privateSettings(settings, branch));
  await writeRefs(repo, draft, settings);
  await writeExcludes(repo, draft, settings);
  for (const file of ['info/attributes', 'shallow']) await copyText(repo.commonDir, draft, file);
  await copyText(worktree.adminDir, draft, 'info/sparse-checkout');
  if (!settings.has('core.hookspath')) copyHooks(join(repo.commonDir, 'hooks'), join(draft, 'hooks'));
  copyIndex(worktree.adminDir, draft);
  replaceFile(place.notes, start === null ? '' : `${start}\n`, { mode: 0o600, isSynced: true });
  await rename(draft, place.gitDir);
}

/** Removes the folder of a run whose worktree is prepared again, or of an ended check. Only if no agent works in it. */
export async function dropPrivateRepository({ gitDir, notes }: PrivatePlace): Promise<void> {
  for (const path of [gitDir, notes]) await removeTree(path);
}

/**
 * Restores the permissions of the files from which commits are read: an agent may have removed them, and no person would restore them. Only if no agent works
 * in it.
 */
export async function openPrivate({ gitDir }: PrivatePlace): Promise<void> {
  await openFolders(gitDir, (name) => /^(?:objects|pack|lfs|[0-9a-f]{2})$/.test(name));
}

/**
 * The git folders that a run's walls show: its own folder, the shared objects (read only), and the worktree's submodules. Nothing else of the shared
 * repository.
 */
export async function privateMounts(
  repo: Pick<Repository, 'commonDir'>,
  { place, worktree }: { place: PrivatePlace; worktree: OpenWorktree },
): Promise<GitMount[]> {
  const { path, adminDir } = worktree;
  const modules = join(adminDir, 'modules');
  await mkdir(modules, { recursive: true });
  const stores = [join(repo.commonDir, 'objects'), ...(await offerModules(repo, worktree)).filter(isObjectFolder)];
  const objects = new Set((await Promise.all(stores.map(objectFolders))).flat());
  // Git LFS looks there automatically, beside the objects that git borrows.
  const large = [join(repo.commonDir, 'lfs', 'objects')];
  // If the folder were a link, its target would be mounted.
  return [
    ...[...objects, ...large].filter(isPlainFolder).map((from): GitMount => ({ access: 'read', from })),
    { access: 'write', from: place.gitDir, to: adminDir },
    ...[modules].filter(isPlainFolder).map((from): GitMount => ({ access: 'write', from })),
    ...[join(path, '.git')].filter(isPlainFile).map((from): GitMount => ({ access: 'read', from })),
  ];
}

/**
 * An object folder and the folders from which it borrows, by their real paths. Folders that do not look like one are left out: a stranger may have listed
 * them.
 */
export async function objectFolders(objects: string): Promise<string[]> {
  const found = new Set<string>([objects]);
  let level = [objects];
  for (let depth = 0; depth < maxAlternateDepth && level.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      for (const named of alternatesOf(folder)) {
        const real = await realpath(named).catch(() => null);
        if (real === null || found.has(real) || !isObjectFolder(real)) continue;
        found.add(real);
        next.push(real);
      }
    }
    level = next;
  }
  return [...found];
}

function alternatesOf(objects: string): string[] {
  const text = textOf(join(objects, 'info', 'alternates')) ?? '';
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('"'))
    .map((line) => (isAbsolute(line) ? line : resolve(objects, line)));
}

/** The names that git itself puts into an object folder and its subfolders. */
const objectNames = {
  folders: /^(?:pack|info|[0-9a-f]{2})$/,
  pack: /^(?:pack-[0-9a-f]{40,64}\.(?:pack|idx|rev|bitmap|keep|mtimes|promisor)|multi-pack-index.*|tmp_\w+|\.tmp-\d+-pack-[\w.]+)$/,
  info: /^(?:packs|alternates|http-alternates|commit-graphs?)$/,
  loose: /^(?:[0-9a-f]{38}|[0-9a-f]{62}|tmp_obj_\w+)$/,
};

/** Whether the folder and its subfolders contain only objects and packs under git's names. */
function isObjectFolder(folder: string): boolean {
  const names = entriesIn(folder);
  if (!names.includes('pack') || !names.every((name) => objectNames.folders.test(name))) return false;
  return names.every((name) => {
    const wanted = name === 'pack' || name === 'info' ? objectNames[name] : objectNames.loose;
    const place = join(folder, name);
    return isPlainFolder(place) && entriesIn(place).every((entry) => wanted.test(entry));
  });
}

/** A path in git's form: quoted if it has a character that would end the line. */
function alternateLine(path: string): string {
  return /["\\\n]|^#/.test(path) ? `${JSON.stringify(path)}\n` : `${path}\n`;
}

async function writeRefs(repo: Repository, draft: string, settings: Settings): Promise<void> {
  const refs = await allRefs(repo, { isReftable: settings.get('extensions.refstorage') === 'reftable' });
  const packed: string[] = [];
  for (const { name, target } of refs) {
    if (isObjectId(target)) packed.push(`${target} ${name}\n`);
    else {
      await mkdir(dirname(join(draft, name)), { recursive: true });
      await writeFile(join(draft, name), `ref: ${target}\n`);
    }
  }
  await writeFile(join(draft, 'packed-refs'), `# pack-refs with: sorted \n${packed.join('')}`);
}

/** The user's global ignore file is not visible inside walls, so it is copied. Only the user's own setting counts: the repository could name any file. */
async function writeExcludes(repo: Repository, draft: string, settings: Settings): Promise<void> {
  const texts = [
    await usersText(settings.ofUser('core.excludesfile') ?? usersFile('ignore')),
    textOf(join(repo.commonDir, 'info', 'exclude')),
  ];
  await writeFile(join(draft, 'info/exclude'), texts.map((text) => (text === null ? '' : `${text}\n`)).join(''));
}

async function copyText(from: string, to: string, file: string): Promise<void> {
  const text = textOf(join(from, file));
  if (text !== null) await writeFile(join(to, file), text);
}

/** Copies the hooks, which run inside the walls when the agent commits, without git's samples. */
function copyHooks(from: string, to: string): void {
  const names = entriesIn(from).filter((hook) => !hook.endsWith('.sample'));
  for (const name of names.slice(0, hookLimits.count)) {
    const hook = join(from, name);
    // A link would reveal its target, so it is left out and reported.
    if (lstatSync(hook, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      noteMended(`${hook} is a link, and is left out inside of walls; put a copy there, or set core.hooksPath`);
    else copyPlain(hook, join(to, name), hookLimits.sizeBytes);
  }
}

/** Copies the index and its split parts with the original's time: by that age git recognizes files that may have changed right after it. */
function copyIndex(from: string, to: string): void {
  const names = entriesIn(from).filter((file) => file === 'index' || file.startsWith('sharedindex.'));
  for (const name of names) copyPlain(join(from, name), join(to, name), indexLimitBytes);
}

/** The text of a user's file, which may be a link; null: there is none, or it is too long. */
async function usersText(named: string): Promise<string | null> {
  const file = named.replace(/^~\//, `${process.env.HOME ?? ''}/`);
  const found = await stat(file).catch(() => null);
  return found?.isFile() === true && found.size <= excludesLimitBytes ? readFile(file, 'utf8') : null;
}
