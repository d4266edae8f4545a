/** Where an effect works: the repository, the worktree's folder, the run's folder and what stands in it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Workplace } from '../../machines/effect.ts';
import { runName, worktreeName } from '../../machines/ids.ts';
import { readBoot } from '../agents/process-table.ts';
import { type RunFolder, runFolderAt, writeRunFile } from '../agents/run-folder.ts';
import type { Faults } from '../faults.ts';
import type { Repository } from '../git/repository.ts';
import { refuseInsideGit, worktreesFolder } from '../git/worktree-folder.ts';
import type { Project, Projects } from '../projects.ts';
import type { EffectRow } from '../store/effects.ts';

export interface EffectParts {
  readonly home: string;
  readonly projects: Projects;
  readonly faults: Faults;
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

export async function siteOf({ projects }: EffectParts, row: EffectRow, place: Workplace): Promise<Site> {
  const project = projects.get(row.project);
  const repository = await projects.repository(row.project);
  refuseInsideGit(repository, project.config.worktree.dir);
  return { project, repository, worktree: worktreePath(project, place) };
}

export function worktreePath({ path, config }: Project, place: Workplace): string {
  return join(worktreesFolder({ path }, config.worktree.dir), worktreeName(place.branch));
}

/** The folder of a run of this effect's plan, made or not. */
export function folderOf({ home }: EffectParts, row: EffectRow, run: string): RunFolder {
  return runFolderAt(runsRoot(home), runName(row.project, row.plan, run));
}

/** Written before the agent starts, so that whoever looks at the run's end knows what it began from. */
export function writeBase(folder: RunFolder, base: string): void {
  writeRunFile(join(folder.path, 'base'), `${base}\n`);
}

/**
 * Written when a run's worktree stands ready: from then on a wrapper of it may come to its claim at any moment, also one of an owner
 * that was killed, so nobody but its agent may touch the worktree. It holds until the machine starts anew, which no wrapper survives.
 */
export function writeReady(folder: RunFolder): void {
  writeRunFile(join(folder.path, 'ready'), `${readBoot()}\n`);
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
