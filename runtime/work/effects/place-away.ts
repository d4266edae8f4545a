/**
 * Handles a worktree whose folder is temporarily missing: an unmounted disk, or a folder that was moved and comes back. The agent is not at fault, so effects
 * that need the folder wait visibly and spend no attempt. A single worktree that stays missing counts as deleted; a missing folder of all worktrees, on its
 * own disk, is waited for.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EngineError, thenContinues } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { type RunFolder, writeRunFile } from '../agents/run-folder.ts';
import { bringBack } from '../git/worktree.ts';
import { isWithin } from '../git/worktree-folder.ts';
import { adminDirOf, isThere } from '../git/worktree-list.ts';
import type { Site } from './workplace.ts';

/** A disk that is mounted again, or a folder that a program replaces, is back within this time. */
const limitMs = 15_000;

/** The place of a run: its worktree, and the branch that the worktree was made for. */
type Place = Pick<Site, 'repository' | 'worktree'> & { readonly branch: string };

/** `deleted`: it stayed missing, and is no longer waited for. */
export type Presence = 'there' | 'deleted';

/**
 * Checks now whether the worktree is there. `waitedMs`: how long it has been missing. Throws `unreachable`, which is waited for, if it is away. A worktree
 * that was moved with git is brought back. One that git does not know was not made yet, and counts as there.
 */
export async function presenceOf(
  { repository, worktree, branch }: Place,
  { waitedMs }: { readonly waitedMs: number },
): Promise<Presence> {
  if (isThere(worktree)) return 'there';
  if (!isThere(repository.path)) throw missingPlace('the repository', repository.path);
  const isKnown = (await adminDirOf(repository, worktree)) !== null;
  if (!isKnown && (await bringBack(repository, { path: worktree, branch })) !== 'gone') return 'there';
  const holder = dirname(worktree);
  const forget = `git -C ${shellWord(repository.path)} worktree remove -f -f ${shellWord(worktree)}`;
  // A mount point without its disk is an empty folder.
  const isHolderAway = !existsSync(holder) || readdirSync(holder).length === 0;
  if (isHolderAway && !isWithin(repository.path, holder))
    throw missingPlace('the folder of the worktrees', holder, forget);
  if (waitedMs < limitMs) throw missingPlace('the worktree', worktree);
  return 'deleted';
}

/** The same at the end of a run: stores in the run's folder since when it is away. */
export async function presenceAtEnd(
  site: Place,
  { folder, nowMs }: { readonly folder: RunFolder; readonly nowMs: number },
): Promise<Presence> {
  if (isDeleted(folder.path)) return 'deleted';
  const since = missedSince(folder);
  try {
    const presence = await presenceOf(site, { waitedMs: since === null ? 0 : nowMs - since });
    if (presence === 'deleted') writeRunFile(join(folder.path, 'worktree-deleted'), '');
    return presence;
  } catch (thrown) {
    if (since === null) writeRunFile(awayFile(folder), `${nowMs}\n`);
    throw thrown;
  }
}

/** Whether the worktree was away when the run ended, and is back: then the failure was not the agent's fault. */
export function wasAway(folder: RunFolder): boolean {
  return missedSince(folder) !== null && !isDeleted(folder.path);
}

/** Whether the run of that folder ended while its worktree was gone for good. */
export function isDeleted(runFolder: string): boolean {
  return existsSync(join(runFolder, 'worktree-deleted'));
}

function missedSince(folder: RunFolder): number | null {
  const file = awayFile(folder);
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : null;
}

function awayFile({ path }: RunFolder): string {
  return join(path, 'worktree-away');
}

/** `forget`: the command after which a new one is made. */
function missingPlace(what: string, path: string, forget: string | null = null): EngineError {
  const forGood = forget === null ? '' : `; where it is gone for good, have git forget the worktree: ${forget}`;
  const hint = `bring it back (mount its disk, or move it back): ls -ld ${shellWord(path)}; ${thenContinues}${forGood}`;
  return new EngineError('unreachable', `${what} ${path} is away`, hint);
}
