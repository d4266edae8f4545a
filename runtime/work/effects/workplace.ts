/** The places of an effect: the repository, the worktree's folder, the run's folder and its files. */

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { folderOf, type Workplace } from '../../../machines/vocabulary/effect.ts';
import { EngineError, thenContinues } from '../../../machines/vocabulary/errors.ts';
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
  readonly nowMs: () => number;
  readonly faults?: Faults | undefined;
}

export interface Site {
  readonly project: Project;
  readonly repository: Repository;
  /** The absolute path of the worktree. */
  readonly worktree: string;
}

export function runsRoot(home: string): string {
  return join(home, 'runs');
}

/** The place for something new: an agent, a check. Throws `untrusted`, which is waited for, if the repo's present state is not trusted. */
export async function trustedSiteOf(parts: EffectParts, row: EffectRow, place: Workplace): Promise<Site> {
  const site = await runSiteOf(parts, row, place);
  parts.projects.mustBeTrusted(row.project);
  refuseInsideGit(site.repository, site.project.config.worktree.dir);
  return site;
}

/** The place for finishing something that has begun. Throws `untrusted`, which is waited for, if the folder of the worktrees was replaced. */
export async function siteOf(parts: EffectParts, row: EffectRow, place: Workplace): Promise<Site> {
  const site = await runSiteOf(parts, row, place);
  parts.projects.mustLieInPlace(row.project);
  refuseInsideGit(site.repository, site.project.config.worktree.dir);
  return site;
}

/** The place of an ended run, whatever its folder contains now: the caller checks it, and waits for nothing. */
export async function runSiteOf({ projects }: EffectParts, row: EffectRow, place: Workplace): Promise<Site> {
  const project = projects.get(row.project);
  const repository = await projects.repository(row.project);
  return { project, repository, worktree: worktreePath(project, place) };
}

export function worktreePath({ worktrees }: Project, place: Workplace): string {
  return join(worktrees, folderOf(place));
}

/** A stored run or check, and its folder, which may not exist yet. */
export interface Launch {
  readonly key: string;
  readonly folder: RunFolder;
  /** A wrapper process may have been started for it, so it must never start in another folder. */
  readonly mayHaveStarted: boolean;
  /** The wrapper process that is known to have claimed it. */
  readonly wrapper: Identity | null;
}

export interface LaunchParts {
  readonly home: string;
  readonly store: Pick<Store, 'launch'>;
}

/** 72 bits: the folder's name cannot be guessed, and is short enough for sockets in the agent's temp folder. */
const nameBytes = 9;
const secretBytes = 16;

/**
 * The folder of this run alone: its name is stored before the folder is made. So the folder of another run of that name (from an earlier store) is never
 * mistaken for it, and stays unchanged. A run that was started after the backup from which the store was restored is continued.
 */
export async function ownLaunch(
  { home, store }: Pick<EffectParts, 'home' | 'store'>,
  key: string,
  name: string,
): Promise<Launch> {
  const known = (await readLaunch({ home, store }, key)) ?? (await restoredLaunch({ home, store }, key, name));
  if (known?.mayHaveStarted === true) return known;
  // Nothing was ever started from it: its files come from a killed owner, or from someone else, and are not adopted.
  if (known !== null) rmSync(known.folder.path, { recursive: true, force: true });
  const folder = `${name}.${randomBytes(nameBytes).toString('base64url')}`;
  const secret = randomBytes(secretBytes).toString('base64url');
  await store.commit([{ do: 'launch.name', key, folder, secret, launchedAt: null }]);
  return { key, folder: runFolderAt(runsRoot(home), folder, secret), mayHaveStarted: false, wrapper: null };
}

/** The folder of a run of that name that was started after the backup from which the store was restored. null: there is none. */
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

/** null: it never had a folder. */
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
 * The run's folder was removed: its end can no longer be known, and it must not be started again. Throws `unreachable`, which is waited for, if the whole
 * home is away.
 */
export function isGone({ folder, mayHaveStarted, wrapper }: Launch): boolean {
  if (mayHaveStarted && isAwayWithHome(folder)) throw homeAway(folder);
  return mayHaveStarted && (!existsSync(folder.path) || (wrapper !== null && readClaim(folder) === null));
}

function homeAway({ path }: RunFolder): EngineError {
  const home = dirname(dirname(path));
  const hint = `bring it back (mount its disk, or move it back): ls -ld ${shellWord(home)}; ${thenContinues}`;
  return new EngineError('unreachable', `the home ${home} is away`, hint);
}

/** The start commit of a run of this effect's plan; null: it never had one. */
export async function baseOf(
  { home, store }: LaunchParts,
  { tree }: Pick<EffectRow, 'tree'>,
  run: string,
): Promise<string | null> {
  const row = await store.launch(effectKey(tree, run));
  return row === null ? null : (row.base ?? readBase(launchOf(home, row).folder));
}

/** Written before the agent starts, so that the start commit is known at the run's end. */
export async function writeBase(folder: RunFolder, base: string): Promise<void> {
  await writeRunFileAsync(join(folder.path, 'base'), `${base}\n`);
}

/**
 * Written when a run's worktree is ready. From then on a wrapper process, even a killed owner's, may claim it at any moment, so only its agent may touch the
 * worktree. The file is valid until the machine restarts, which no wrapper survives.
 */
export function writeReady(folder: RunFolder): void {
  writeStartFile(join(folder.path, 'ready'), `${readBoot()}\n`);
}

/** A run's start commit, if an earlier owner made its worktree ready; null: nothing can have been started from this folder. */
export function readReady(folder: RunFolder): string | null {
  const file = join(folder.path, 'ready');
  return existsSync(file) && readFileSync(file, 'utf8').trim() === readBoot() ? readBase(folder) : null;
}

/** A run's start commit; null: it never had one. */
export function readBase(folder: RunFolder): string | null {
  try {
    const text = readFileSync(join(folder.path, 'base'), 'utf8').trim();
    return /^[0-9a-f]{40,64}$/.test(text) ? text : null;
  } catch {
    return null; // no file: the run never had a worktree
  }
}
