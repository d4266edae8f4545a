/** Ends or freezes the runs of agents if the store does not answer, accepts no more writes from this host, or has moved the runs to another host. */
import { existsSync, readdirSync } from 'node:fs';
import { reasonOf } from '../../../machines/vocabulary/errors.ts';
import { runName } from '../../../machines/vocabulary/ids.ts';
import type { Log } from '../../base/platform/log.ts';
import { isAlive } from '../../base/platform/process-table.ts';
import type { Store } from '../../core/store/port.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import { type RunFolder, readAgent, readClaim, runFolderAt, runIdOf } from '../agents/run-folder.ts';
import { freezeTree, stopTree, thawTree } from '../agents/stopping.ts';
import type { Projects } from '../repos/registry.ts';
import { markStopped } from './run-outcome.ts';
import { runsRoot } from './workplace.ts';

interface CutOff {
  readonly home: string;
  readonly graceMs: number;
  readonly log: Log;
}

/** Ends their processes, which are found by their folders. The ends are marked, so that a run that begins anew spends no attempt. */
export async function endCutOff({ home, graceMs, log }: CutOff, rows: readonly EffectRow[]): Promise<void> {
  await Promise.all(
    liveRuns(home, rows).map(async ({ row, folder }) => {
      try {
        markStopped(folder);
        await stopTree(folder, runIdOf(home, row.key), { graceMs });
      } catch (thrown) {
        log.warn(`${nameOf(row)} was not ended: ${reasonOf(thrown)}`);
      }
    }),
  );
}

/**
 * Ends what lives of a run that the store does not know, as after a failover to a server that lacks its last commits: the run that begins now works in the
 * same place. Throws `unavailable` if a process survives.
 */
export async function endForgotten({ home, graceMs, log }: CutOff, row: EffectRow): Promise<void> {
  for (const { folder } of liveRuns(home, [row])) {
    log.warn(`${nameOf(row)} still runs here, and the store does not know of it: it is ended, and begins again`);
    await stopTree(folder, runIdOf(home, row.key), { graceMs });
  }
}

/** Freezes them until `thawRuns`: another host may have begun them again. */
export async function freezeRuns({ home, log }: CutOff, rows: readonly EffectRow[]): Promise<void> {
  await Promise.all(
    liveRuns(home, rows).map(({ row, folder }) =>
      freezeTree(folder, runIdOf(home, row.key)).catch((thrown) =>
        log.warn(`${nameOf(row)} could not be frozen: ${reasonOf(thrown)}`),
      ),
    ),
  );
}

/** Lets them go on, except for those that a person has paused. Throws the store's errors. */
export async function thawRuns(
  { home, store }: CutOff & { readonly store: Pick<Store, 'run'> },
  rows: readonly EffectRow[],
): Promise<void> {
  for (const { row, folder } of liveRuns(home, rows))
    if ((await store.run(row.key))?.state !== 'paused') thawTree(folder, runIdOf(home, row.key));
}

/**
 * Ends runs here whose repos other hosts have taken over while this one was away. Worktrees stay unchanged. Throws the store's errors.
 */
export async function endTaken({ home, graceMs, log, store, projects }: CutOff & TakenParts): Promise<void> {
  const root = runsRoot(home);
  const names = foldersIn(root).filter((name) => mayLive(runFolderAt(root, name)));
  for (const { key, folder: name } of names.length === 0 ? [] : await store.launchesOf(names)) {
    const row = await store.effect(key.replace(/\/check-\d+$/, ''));
    if (row === null || !projects.isElsewhere(row.project)) continue;
    log.warn(`${nameOf(row)} still runs here, and its repo belongs to another host now: it is ended`);
    await stopTree(runFolderAt(root, name), runIdOf(home, key), { graceMs }).catch((thrown) =>
      log.warn(`${nameOf(row)} was not ended: ${reasonOf(thrown)}`),
    );
  }
}

interface TakenParts {
  readonly store: Pick<Store, 'launchesOf' | 'effect'>;
  readonly projects: Pick<Projects, 'isElsewhere'>;
}

function nameOf({ name, project, plan }: EffectRow): string {
  return `${name} of plan ${project}/${plan}`;
}

/** The agents among these whose wrapper process lives. */
function liveRuns(home: string, rows: readonly EffectRow[]): { readonly row: EffectRow; readonly folder: RunFolder }[] {
  const root = runsRoot(home);
  const names = foldersIn(root);
  return rows
    .filter(({ kind }) => kind === 'agent.run')
    .flatMap((row) =>
      names.filter((name) => isFolderOf(name, row)).map((name) => ({ row, folder: runFolderAt(root, name) })),
    )
    .filter(({ folder }) => isLive(folder));
}

function foldersIn(root: string): string[] {
  return existsSync(root) ? readdirSync(root) : [];
}

function isLive(folder: RunFolder): boolean {
  const claim = readClaim(folder);
  return claim?.kind === 'wrapper' && isAlive(claim.wrapper);
}

/** Its wrapper process may have been ended without it. */
function mayLive(folder: RunFolder): boolean {
  const agent = readAgent(folder);
  return isLive(folder) || (agent !== null && isAlive(agent));
}

function isFolderOf(name: string, { project, plan, name: run }: EffectRow): boolean {
  const start = `${runName(project, plan, run)}.`;
  return name.startsWith(start) && !name.slice(start.length).includes('.');
}
