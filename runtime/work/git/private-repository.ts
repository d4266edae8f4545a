/**
 * A git folder of a run's own, in which its agent commits inside walls: objects and refs of its own, index, settings and hooks as copies. Unchanged objects
 * come from the shared repository, which can only be read there. The folder stands inside at the path of the worktree's part of `.git`, so the worktree's
 * `.git` file and the paths of submodules hold inside and outside. What was made there is taken over by private-collect.ts.
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

/** Where a run's git folder lies; both in the run's folder, and only the first is seen and written by its agent. */
export interface PrivatePlace {
  readonly gitDir: string;
  /** The commits, one a line, at which stator itself left the run's branch: from these alone it is moved on to what the agent made of it. */
  readonly notes: string;
}

/** What is bound into the walls; `to`: another path than outside. A later one lies over an earlier one. */
export interface GitMount {
  readonly access: 'read' | 'write';
  readonly from: string;
  readonly to?: string;
}

const hookLimits = { count: 64, sizeBytes: 1024 * 1024 };
const excludesLimitBytes = 1024 * 1024;
/** Enough for millions of files. */
const indexLimitBytes = 1024 * 1024 * 1024;
/** As deep as git itself follows them. */
const maxAlternateDepth = 5;

export function privatePlaceIn(runFolder: string): PrivatePlace {
  return { gitDir: join(runFolder, 'git'), notes: join(runFolder, 'git-notes') };
}

/**
 * Makes the folder whole or not at all, from how worktree and refs stand now; one that is there stays. Only for a worktree in which nobody works.
 * `isDetached`: HEAD stands on the worktree's commit and on no branch. Answers nothing; throws git's errors and the system's.
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

/** Takes the folder away: of a run whose worktree is made ready anew, and of a check that has ended. Only where nobody works in it. */
export async function dropPrivateRepository({ gitDir, notes }: PrivatePlace): Promise<void> {
  for (const path of [gitDir, notes]) await removeTree(path);
}

/** An agent may have closed what its commits are read from: nobody would come to open it again. Only where nobody works in it. */
export async function openPrivate({ gitDir }: PrivatePlace): Promise<void> {
  await openFolders(gitDir, (name) => /^(?:objects|pack|lfs|[0-9a-f]{2})$/.test(name));
}

/** What the walls of a run show of git: its own folder, the shared objects to read, the worktree's submodules. Nothing else of the shared repository. */
export async function privateMounts(
  repo: Pick<Repository, 'commonDir'>,
  { place, worktree }: { place: PrivatePlace; worktree: OpenWorktree },
): Promise<GitMount[]> {
  const { path, adminDir } = worktree;
  const modules = join(adminDir, 'modules');
  await mkdir(modules, { recursive: true });
  const stores = [join(repo.commonDir, 'objects'), ...(await offerModules(repo, worktree)).filter(isObjectFolder)];
  const objects = new Set((await Promise.all(stores.map(objectFolders))).flat());
  // Git LFS looks there by itself, beside the objects that git borrows.
  const large = [join(repo.commonDir, 'lfs', 'objects')];
  // A folder that is a link would be mounted where it leads.
  return [
    ...[...objects, ...large].filter(isPlainFolder).map((from): GitMount => ({ access: 'read', from })),
    { access: 'write', from: place.gitDir, to: adminDir },
    ...[modules].filter(isPlainFolder).map((from): GitMount => ({ access: 'write', from })),
    ...[join(path, '.git')].filter(isPlainFile).map((from): GitMount => ({ access: 'read', from })),
  ];
}

/** A folder of objects, and those that it borrows from, by their real paths. What does not look like one is left out: anybody may have named it there. */
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

/** What git itself puts into a folder of objects, and into the folders in it. */
const objectNames = {
  folders: /^(?:pack|info|[0-9a-f]{2})$/,
  pack: /^(?:pack-[0-9a-f]{40,64}\.(?:pack|idx|rev|bitmap|keep|mtimes|promisor)|multi-pack-index.*|tmp_\w+|\.tmp-\d+-pack-[\w.]+)$/,
  info: /^(?:packs|alternates|http-alternates|commit-graphs?)$/,
  loose: /^(?:[0-9a-f]{38}|[0-9a-f]{62}|tmp_obj_\w+)$/,
};

/** By all that lies in it and in its folders: objects and packs under the names that git gives them, and nothing else. */
function isObjectFolder(folder: string): boolean {
  const names = entriesIn(folder);
  if (!names.includes('pack') || !names.every((name) => objectNames.folders.test(name))) return false;
  return names.every((name) => {
    const wanted = name === 'pack' || name === 'info' ? objectNames[name] : objectNames.loose;
    const place = join(folder, name);
    return isPlainFolder(place) && entriesIn(place).every((entry) => wanted.test(entry));
  });
}

/** As git reads it: a path with a character that would end the line is quoted. */
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

/** What the user ignores everywhere stands in a file that the walls do not show. Only the user says which that is: the repository could name any. */
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

/** They run inside the walls, where the agent commits; git's own samples are left. */
function copyHooks(from: string, to: string): void {
  const names = entriesIn(from).filter((hook) => !hook.endsWith('.sample'));
  for (const name of names.slice(0, hookLimits.count)) {
    const hook = join(from, name);
    // It would show what it leads to; whoever misses it is to know.
    if (lstatSync(hook, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      noteMended(`${hook} is a link, and is left out inside of walls; put a copy there, or set core.hooksPath`);
    else copyPlain(hook, join(to, name), hookLimits.sizeBytes);
  }
}

/** As old as the original, with the parts that it may be split into: git tells by its age which files may have changed right after. */
function copyIndex(from: string, to: string): void {
  const names = entriesIn(from).filter((file) => file === 'index' || file.startsWith('sharedindex.'));
  for (const name of names) copyPlain(join(from, name), join(to, name), indexLimitBytes);
}

/** A file of the user's own, which may be a link; null: there is none, or it is too long to be what it should. */
async function usersText(named: string): Promise<string | null> {
  const file = named.replace(/^~\//, `${process.env.HOME ?? ''}/`);
  const found = await stat(file).catch(() => null);
  return found?.isFile() === true && found.size <= excludesLimitBytes ? readFile(file, 'utf8') : null;
}
