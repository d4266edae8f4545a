/**
 * Finds runs that a restored copy of the store may not know, or whose end it may not know. They are found by their folders, and marked so that nothing is
 * done twice.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '../../base/platform/process-table.ts';
import type { StartedRun } from '../../core/store/rows.ts';
import { type RunFolder, readAgent, readClaim, runFolderAt, writeRunFile } from './run-folder.ts';

/** File times are coarser than the clock. */
const slackMs = 1_000;
/** The suffix that `ownLaunch` appends to a run's name. */
const suffix = /\.[A-Za-z0-9_-]{12}$/;

/** The findings of a restore about a run. */
export interface RestoredRun {
  /** The run was started after the copy was made. */
  readonly isNew: boolean;
  /** It had ended, and its signals after the copy are not in the store. */
  readonly hasEnded: boolean;
}

type Found = StartedRun & { readonly alive: boolean };

/** The runs under `root` that were started or ended after `sinceMs`, or that still live. */
export function startedRuns(root: string, sinceMs: number): Found[] {
  if (!existsSync(root)) return [];
  return readdirSync(root).flatMap((name) => {
    if (!suffix.test(name)) return [];
    const folder = runFolderAt(root, name);
    const claim = readClaim(folder);
    if (claim?.kind !== 'wrapper') return [];
    const alive = isAlive(claim.wrapper);
    const isNew = timeOf(folder.wrapper) >= sinceMs - slackMs;
    // The wrapper writes into its claim when it is done.
    if (!isNew && !alive && timeOf(folder.claim) < sinceMs - slackMs) return [];
    const secret = secretIn(folder.exit) ?? secretIn(`${folder.exit}.${claim.wrapper.pid}`);
    return [{ folder: name, name: name.replace(suffix, ''), secret, isNew, alive }];
  });
}

/** For the store that has been restored: see `restoredRun`. */
export function markRestored(root: string, runs: readonly Found[]): void {
  for (const { folder, isNew, alive } of runs) {
    const restored: RestoredRun = { isNew, hasEnded: !alive };
    writeRunFile(markOf(runFolderAt(root, folder)), `${JSON.stringify(restored)}\n`);
  }
}

/** null: no restore has marked this run. */
export function restoredRun(folder: RunFolder): RestoredRun | null {
  return existsSync(markOf(folder)) ? (JSON.parse(readFileSync(markOf(folder), 'utf8')) as RestoredRun) : null; // written by the function above
}

/** The token of a run's live agent, if the system shows it: the store has only the hashes of the copy. */
export function tokenOfAgent(folder: RunFolder): string | null {
  const agent = readAgent(folder);
  if (agent === null || !isAlive(agent)) return null;
  try {
    return /(?:^|\0)STATOR_TOKEN=([^\0]+)/.exec(readFileSync(`/proc/${agent.pid}/environ`, 'utf8'))?.[1] ?? null;
  } catch {
    return null; // no /proc, or it has just ended
  }
}

function markOf({ path }: RunFolder): string {
  return join(path, 'restored');
}

function timeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function secretIn(path: string): string | null {
  const [, secret] = existsSync(path) ? (/^\d{3} (\S+)\n$/.exec(readFileSync(path, 'utf8')) ?? []) : [];
  return secret === undefined || secret === '-' ? null : secret;
}
