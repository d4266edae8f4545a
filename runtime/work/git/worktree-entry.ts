/**
 * The entries of linked worktrees, `.git/worktrees/<name>`. A killed `git worktree add` leaves files of one missing, empty or cut, and an empty `commondir`
 * makes `git worktree list`, `git branch` and `git gc` fatal, for the user too. Our entries are repaired before git is used, once no running git may still
 * finish them; foreign ones are reported. An entry is ours by its lock reason, or by its name and our mark on its branch.
 */
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { worktreeName } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { createFileMemory } from '../../base/platform/file-memory.ts';
import { gitAtWork } from './at-work.ts';
import { ownGit } from './git.ts';
import { entriesIn, filesIn, isPlainFolder, type PlainFiles, stateAt, textOf } from './git-folder.ts';
import { lockPrefix } from './lock-file.ts';
import { noteMended } from './notes.ts';

/** The `worktree add` of a killed engine may go on as long as its checkout takes; its entry is complete long before. */
const retryLimitMs = 10_000;
const pollMs = 100;

type Flaw = 'gitdir' | 'commondir' | 'HEAD' | 'index' | 'locked';

/** An entry, read from its files; null: the file is missing or a link. */
export interface WorktreeEntry {
  readonly folder: string;
  readonly gitdir: string | null;
  readonly commondir: string | null;
  readonly HEAD: string | null;
  readonly locked: string | null;
  readonly isIndexCut: boolean;
}

/** All entries, sorted by name, with ours repaired. `branches` returns the branches with our mark, and is called only if an entry is broken. */
export async function mendedEntries(
  commonDir: string,
  branches: () => Promise<readonly string[]>,
): Promise<readonly WorktreeEntry[]> {
  const entries = readEntries(commonDir);
  const broken = entries.filter((entry) => flawsOf(entry).length > 0);
  if (broken.length === 0) return entries;
  const marked = await branches();
  for (const { folder } of broken) {
    const name = basename(folder);
    const branch = branchOf(readEntry(folder), name, marked);
    // A link is not ours, and its target is not written.
    if (branch === null || !isPlainFolder(folder) || (await settledCondition(commonDir, folder)) !== 'left') continue;
    const flaws = flawsOf(readEntry(folder));
    await mend(commonDir, { folder, branch, flaws });
    if (flawsOf(readEntry(folder)).length < flaws.length || !existsSync(folder))
      noteMended(`mended ${folder} (${flaws.join(', ')}): a git worktree add that was killed left it`);
  }
  return readEntries(commonDir);
}

/** Broken entries that no process is making or removing now, each as a sentence with the remedy. */
export function brokenEntryWords(
  commonDir: string,
  entries: readonly WorktreeEntry[] = readEntries(commonDir),
): string[] {
  return entries
    .filter((entry) => flawsOf(entry).length > 0 && conditionOf(commonDir, entry.folder) === 'left')
    .map((entry) => {
      const { folder, locked } = entry;
      const flaws = flawsOf(entry).join(', ');
      const what = `${folder} is broken (${flaws} missing, empty or cut), and can stop git worktree list, git branch and git gc`;
      if (locked?.startsWith(lockPrefix) === true) return `${what}; stator mends it when it next works there`;
      const mending = `printf '../..\\n' > ${shellWord(join(folder, 'commondir'))}`;
      const hint = flaws === 'commondir' ? `correct it: ${mending}; or, ` : '';
      return `${what}; ${hint}where its worktree is not needed: rm -r ${shellWord(folder)}`;
    });
}

/** The folder of each entry, sorted by name. */
export function entryFolders(commonDir: string): string[] {
  const entries = join(commonDir, 'worktrees');
  return entriesIn(entries).map((name) => join(entries, name));
}

function readEntries(commonDir: string): WorktreeEntry[] {
  return entryFolders(commonDir).map(readEntry);
}

const rememberedEntries = 2_000;
/** Longer than the name of any branch. */
const longestHeadBytes = 8_192;
const lastRead = createFileMemory<WorktreeEntry>(rememberedEntries);
const lastHeads = createFileMemory<string | null>(rememberedEntries);
const entryFiles = ['gitdir', 'commondir', 'HEAD', 'locked', 'index'] as const;

/** Each plan reads the entries several times per task, and they seldom change. */
function readEntry(folder: string): WorktreeEntry {
  const none = { gitdir: null, commondir: null, HEAD: null, locked: null, isIndexCut: false };
  const found = filesIn(folder, (file) =>
    lastRead.of(folder, file.state(entryFiles), () => ({
      folder,
      gitdir: file.text('gitdir'),
      commondir: file.text('commondir'),
      HEAD: file.text('HEAD'),
      locked: file.text('locked'),
      isIndexCut: isCutIndex(file),
    })),
  );
  return found ?? { folder, ...none };
}

/** The text of an entry's HEAD, as `textOf`. Hundreds of worktrees are searched for a branch, several times per task. */
export function headOf(folder: string): string | null {
  const known = lastHeads.at(folder, stateAt(join(folder, 'HEAD')));
  if (known !== undefined) return known;
  const read = (file: PlainFiles) =>
    lastHeads.of(folder, file.state(['HEAD']), () => file.head('HEAD', longestHeadBytes));
  return filesIn(folder, read);
}

/** One entry, read from its files; null: a file is missing, empty or cut. */
export function wholeEntry(folder: string): WorktreeEntry | null {
  const entry = readEntry(folder);
  return flawsOf(entry).length === 0 ? entry : null;
}

function flawsOf({ gitdir, commondir, HEAD, locked, isIndexCut }: WorktreeEntry): Flaw[] {
  const flaws: Flaw[] = [];
  if (!/^[^\n]+\/\.git\n$/.test(gitdir ?? '')) flaws.push('gitdir');
  if (!/^.+\n$/.test(commondir ?? '')) flaws.push('commondir');
  if (!/^(ref: refs\/.+|[0-9a-f]{40}|[0-9a-f]{64})\n$/.test(HEAD ?? '')) flaws.push('HEAD');
  if (isIndexCut) flaws.push('index');
  // It may be empty: `git worktree lock` writes that without a reason.
  if (locked === '' ? flaws.length > 0 : locked !== null && isOurReason(locked) && !locked.endsWith('\n'))
    flaws.push('locked');
  return flaws;
}

/** Our reason, or a beginning of it: git may have cut the text. */
function isOurReason(text: string): boolean {
  return text.startsWith(lockPrefix) || lockPrefix.startsWith(text);
}

/** An index has a header of 12 bytes and a hash at its end. It may be large, so only the header is read. */
function isCutIndex(file: PlainFiles): boolean {
  const size = file.size('index');
  return size !== 'none' && (size === 'other' || size < 32 || file.head('index', 4) !== 'DIRC');
}

function branchOf({ locked }: WorktreeEntry, name: string, marked: readonly string[]): string | null {
  if (locked === null || !isOurReason(locked)) return null;
  const said = locked.slice(lockPrefix.length).trimEnd();
  if (locked.endsWith('\n') && said !== '') return said;
  // Git adds a number if an entry of that name exists.
  return marked.find((branch) => name.replace(worktreeName(branch), '').match(/^\d*$/) !== null) ?? null;
}

/** `left`: broken, and no running git can be the reason; `busy`: a running git can. A missing entry counts as whole. */
function conditionOf(commonDir: string, folder: string): 'whole' | 'busy' | 'left' {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined || flawsOf(readEntry(folder)).length === 0) return 'whole';
  if (gitAtWork(commonDir, found.mtimeMs) !== null) return 'busy';
  // That git may have ended before the search for it.
  return existsSync(folder) && flawsOf(readEntry(folder)).length > 0 ? 'left' : 'whole';
}

/** The condition of an entry once no git works there, or after 10 s. */
async function settledCondition(commonDir: string, folder: string): Promise<'whole' | 'busy' | 'left'> {
  for (let waitedMs = 0; waitedMs < retryLimitMs; waitedMs += pollMs) {
    const condition = conditionOf(commonDir, folder);
    if (condition !== 'busy') return condition;
    await delay(pollMs);
  }
  return 'busy';
}

async function mend(
  commonDir: string,
  { folder, branch, flaws }: { folder: string; branch: string; flaws: readonly Flaw[] },
): Promise<void> {
  // It is written before all files of the worktree: without it and without an index, no agent was ever there.
  if (flaws.includes('gitdir') && !existsSync(join(folder, 'index'))) {
    rmSync(folder, { recursive: true, force: true });
    return;
  }
  const place = flaws.includes('gitdir') ? placeOfEntry(commonDir, folder, branch) : null;
  const texts = {
    commondir: '../..\n',
    HEAD: `ref: refs/heads/${branch}\n`,
    locked: `${lockPrefix}${branch}\n`,
    ...(place === null ? {} : { gitdir: `${place}/.git\n` }),
  };
  for (const [name, text] of Object.entries(texts))
    if (flaws.some((flaw) => flaw === name)) {
      // An agent may have left a folder in its place.
      rmSync(join(folder, name), { recursive: true, force: true });
      writeFileSync(join(folder, name), text);
    }
  if (!flaws.includes('index')) return;
  rmSync(join(folder, 'index'), { recursive: true });
  await ownGit(folder, ['read-tree', 'HEAD'], { env: { GIT_DIR: folder } });
}

/** Our worktrees lie side by side; the one that points back to the entry is its own. */
function placeOfEntry(commonDir: string, folder: string, branch: string): string | null {
  const entries = join(commonDir, 'worktrees');
  const beside = entriesIn(entries).map((name) =>
    dirname(dirname(textOf(join(entries, name, 'gitdir'))?.trim() ?? '')),
  );
  const places = [join(dirname(commonDir), '.worktrees'), ...beside].map((parent) =>
    join(parent, worktreeName(branch)),
  );
  return places.find((place) => textOf(join(place, '.git'))?.trim() === `gitdir: ${folder}`) ?? null;
}
