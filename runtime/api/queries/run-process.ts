/** Whether the process of an agent is still there, for answers that are given while no engine watches it. */
import { basename, dirname } from 'node:path';
import { isLive } from '../../../machines/vocabulary/run-state.ts';
import { isAlive } from '../../base/platform/process-table.ts';
import type { RunRow } from '../../core/store/rows.ts';
import { readClaim, runFolderAt } from '../../work/agents/run-folder.ts';
import type { ViewDependencies } from './view-dependencies.ts';

/** What tells which engine starts the agents of a plan, and whether it is an engine of this host. */
export interface RunPlaces extends Pick<ViewDependencies, 'mayStart'> {
  readonly projects: Pick<ViewDependencies['projects'], 'isElsewhere'>;
}

/**
 * Whether the agent has a process, or is about to have or lose one. An engine keeps the stored state true; where none starts this plan's agents, the
 * system is asked, because the agent may have ended since the last engine looked. The agents of another host are not visible here.
 */
export function isAtWork(parts: RunPlaces, run: RunRow): boolean {
  return isLive(run) && !hasEndedUnseen(parts, run);
}

/** Whether the store calls the run live, no engine watches it, and its process is not there: it has ended, or was never started. */
export function hasEndedUnseen({ projects, mayStart }: RunPlaces, run: RunRow): boolean {
  const { project, plan, folder } = run;
  if (!isLive(run) || mayStart(project, plan) || projects.isElsewhere(project)) return false;
  if (folder === null) return true;
  const claim = readClaim(runFolderAt(dirname(folder), basename(folder)));
  return claim?.kind !== 'wrapper' || !isAlive(claim.wrapper);
}
