/**
 * A worktree whose folder is away: a disk that drops out, a folder that was moved and comes back. Nobody's work is at fault, so what needs the folder waits,
 * visibly, and spends nothing. A worktree alone that stays away is taken for deleted; the whole folder of worktrees, on a disk of its own, is waited for.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { type RunFolder, writeRunFile } from '../agents/run-folder.ts';
import { isWithin } from '../git/worktree-folder.ts';
import { adminDirOf, isThere } from '../git/worktree-list.ts';
import type { Site } from './workplace.ts';

/** A disk that is mounted anew, or a folder that a program exchanges, is back by then. */
const limitMs = 15_000;

/** `deleted`: it stayed away, and is not waited for any longer. */
export type Presence = 'there' | 'deleted';

/**
 * Whether the worktree is there, by a look now. `waitedMs`: for how long it has been missed. Throws `unreachable`, which is waited for, where it is away.
 * One that git does not know was not made yet, which counts as there.
 */
export async function presenceOf(
  { repository, worktree }: Pick<Site, 'repository' | 'worktree'>,
  { waitedMs }: { readonly waitedMs: number },
): Promise<Presence> {
  if (isThere(worktree)) return 'there';
  if (!isThere(repository.path)) throw missingPlace('the repository', repository.path);
  if ((await adminDirOf(repository, worktree)) === null) return 'there';
  const holder = dirname(worktree);
  const forget = `git -C ${shellWord(repository.path)} worktree remove -f -f ${shellWord(worktree)}`;
  // A mount point without its disk is an empty folder.
  const isHolderAway = !existsSync(holder) || readdirSync(holder).length === 0;
  if (isHolderAway && !isWithin(repository.path, holder))
    throw missingPlace('the folder of the worktrees', holder, forget);
  if (waitedMs < limitMs) throw missingPlace('the worktree', worktree);
  return 'deleted';
}

/** The same at the end of a run: remembers in the run's folder since when it is away. */
export async function presenceAtEnd(
  site: Pick<Site, 'repository' | 'worktree'>,
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

/** Whether the worktree was away when the run ended, and is back: what the agent failed of was not its own fault. */
export function wasAway(folder: RunFolder): boolean {
  return missedSince(folder) !== null && !isDeleted(folder.path);
}

/** Whether the run of that folder ended without its worktree, for good. */
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
  const hint = `bring it back (mount its disk, or move it back): ls -ld ${shellWord(path)}; it continues by itself${forGood}`;
  return new EngineError('unreachable', `${what} ${path} is away`, hint);
}
