/** Where an effect works: the repository, the worktree's folder, the run's folder and what stands in it. */

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { folderOf, type Workplace } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { effectKey } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { Faults } from '../../base/platform/faults.ts';
import { type Identity, parseIdentity, readBoot } from '../../base/platform/process-table.ts';
import type { Store } from '../../core/store/port.ts';
import { type EffectRow, type LaunchRow, restoredKey } from '../../core/store/rows.ts';
import {
  isAwayWithHome,
  type RunFolder,
  readClaim,
  runFolderAt,
  writeRunFileAsync,
  writeStartFile,
} from '../agents/run-folder.ts';
import type { Repository } from '../git/repository.ts';
import { refuseInsideGit } from '../git/worktree-folder.ts';
import type { Project, Projects } from '../repos/registry.ts';

export interface EffectParts {
  readonly home: string;
  readonly store: Store;
  readonly projects: Projects;
  readonly faults?: Faults | undefined;
}

export interface Site {
  readonly project: Project;
  readonly repository: Repository;
  /** The folder of the place's worktree, absolute. */
  readonly worktree: string;
}

export function runsRoot(home: string): string {
  return join(home, 'runs');
}

/** Where something new begins: an agent, a check. Throws `untrusted`, which is waited for, where nobody trusts the repo as it is. */
export async function trustedSiteOf(parts: EffectParts, row: EffectRow, place: Workplace): Promise<Site> {
  const site = await runSiteOf(parts, row, place);
  parts.projects.mustBeTrusted(row.project);
  refuseInsideGit(site.repository, site.project.config.worktree.dir);
  return site;
}

/** Where what has begun is brought to its end. Throws `untrusted`, which is waited for, where the folder of the worktrees was exchanged. */
export async function siteOf(parts: EffectParts, row: EffectRow, place: Workplace): Promise<Site> {
  const site = await runSiteOf(parts, row, place);
  parts.projects.mustLieInPlace(row.project);
  refuseInsideGit(site.repository, site.project.config.worktree.dir);
  return site;
}

/** The place of a run that has ended, whatever stands there by now: whoever works in it looks at it himself, and waits for nothing. */
export async function runSiteOf({ projects }: EffectParts, row: EffectRow, place: Workplace): Promise<Site> {
  const project = projects.get(row.project);
  const repository = await projects.repository(row.project);
  return { project, repository, worktree: worktreePath(project, place) };
}

export function worktreePath({ worktrees }: Project, place: Workplace): string {
  return join(worktrees, folderOf(place));
}

/** A run or a check as the store knows it, and its folder, made or not. */
export interface Launch {
  readonly key: string;
  readonly folder: RunFolder;
  /** A wrapper may have been started for it: never again in another folder. */
  readonly mayHaveStarted: boolean;
  /** The wrapper that is known to have claimed it. */
  readonly wrapper: Identity | null;
}

export interface LaunchParts {
  readonly home: string;
  readonly store: Pick<Store, 'launch'>;
}

/** 72 bits: nobody comes upon the name of a folder by chance, and it stays short enough for sockets in the agent's temp folder. */
const nameBytes = 9;
const secretBytes = 16;

/**
 * The folder that is this one's own: its name is kept in the store before the folder is made. So the folder of another run of that name (of a store
 * that was here before) is never taken for it, and stays as it is. What was started after the copy that the store was restored from is gone on with.
 */
export async function ownLaunch(
  { home, store }: Pick<EffectParts, 'home' | 'store'>,
  key: string,
  name: string,
): Promise<Launch> {
  const known = (await readLaunch({ home, store }, key)) ?? (await restoredLaunch({ home, store }, key, name));
  if (known?.mayHaveStarted === true) return known;
  // Nothing was ever started from it: what lies there is of an owner that was killed before, or of somebody else, and is not adopted.
  if (known !== null) rmSync(known.folder.path, { recursive: true, force: true });
  const folder = `${name}.${randomBytes(nameBytes).toString('base64url')}`;
  const secret = randomBytes(secretBytes).toString('base64url');
  await store.commit([{ do: 'launch.name', key, folder, secret, launchedAt: null }]);
  return { key, folder: runFolderAt(runsRoot(home), folder, secret), mayHaveStarted: false, wrapper: null };
}

/** What was started under that name after the copy that the store was restored from. null: nothing was. */
async function restoredLaunch(
  { home, store }: Pick<EffectParts, 'home' | 'store'>,
  key: string,
  name: string,
): Promise<Launch | null> {
  const row = await store.launch(restoredKey(name));
  if (row === null) return null;
  const { folder, secret, launched_at: launchedAt } = row;
  await store.commit([
    { do: 'launch.name', key, folder, secret, launchedAt },
    { do: 'launch.remove', key: row.key },
  ]);
  return launchOf(home, { ...row, key });
}

/** null: it never came so far as to have a folder. */
export async function readLaunch({ home, store }: LaunchParts, key: string): Promise<Launch | null> {
  const row = await store.launch(key);
  return row === null ? null : launchOf(home, row);
}

function launchOf(home: string, { key, folder, secret, launched_at: launchedAt, wrapper }: LaunchRow): Launch {
  return {
    key,
    folder: runFolderAt(runsRoot(home), folder, secret),
    mayHaveStarted: launchedAt !== null,
    wrapper: wrapper === null ? null : parseIdentity(wrapper),
  };
}

/**
 * Somebody took away the folder through which it spoke: how it ends can no longer be known, and nothing of it may be started again. Throws `unreachable`,
 * which is waited for, where the whole home is away.
 */
export function isGone({ folder, mayHaveStarted, wrapper }: Launch): boolean {
  if (mayHaveStarted && isAwayWithHome(folder)) throw homeAway(folder);
  return mayHaveStarted && (!existsSync(folder.path) || (wrapper !== null && readClaim(folder) === null));
}

function homeAway({ path }: RunFolder): EngineError {
  const home = dirname(dirname(path));
  const hint = `bring it back (mount its disk, or move it back): ls -ld ${shellWord(home)}; it continues by itself`;
  return new EngineError('unreachable', `the home ${home} is away`, hint);
}

/** The commit that a run of this effect's plan began from; null where it never came so far. */
export async function baseOf(
  { home, store }: LaunchParts,
  { tree }: Pick<EffectRow, 'tree'>,
  run: string,
): Promise<string | null> {
  const row = await store.launch(effectKey(tree, run));
  return row === null ? null : (row.base ?? readBase(launchOf(home, row).folder));
}

/** Written before the agent starts, so that whoever looks at the run's end knows what it began from. */
export async function writeBase(folder: RunFolder, base: string): Promise<void> {
  await writeRunFileAsync(join(folder.path, 'base'), `${base}\n`);
}

/**
 * Written when a run's worktree stands ready: from then on a wrapper of it may come to its claim at any moment, also one of an owner
 * that was killed, so nobody but its agent may touch the worktree. It holds until the machine starts anew, which no wrapper survives.
 */
export function writeReady(folder: RunFolder): void {
  writeStartFile(join(folder.path, 'ready'), `${readBoot()}\n`);
}

/** The commit that a run begins from, where an earlier owner made its worktree ready; null: nothing can have been started from this folder. */
export function readReady(folder: RunFolder): string | null {
  const file = join(folder.path, 'ready');
  return existsSync(file) && readFileSync(file, 'utf8').trim() === readBoot() ? readBase(folder) : null;
}

/** The commit that a run began from; null where it never came so far. */
export function readBase(folder: RunFolder): string | null {
  try {
    const text = readFileSync(join(folder.path, 'base'), 'utf8').trim();
    return /^[0-9a-f]{40,64}$/.test(text) ? text : null;
  } catch {
    return null; // no file: the run never had a worktree
  }
}
