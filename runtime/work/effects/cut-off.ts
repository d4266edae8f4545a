/** Ends the runs of agents where the store does not answer, or takes nothing more from this host. */
import { existsSync, readdirSync } from 'node:fs';
import { reasonOf } from '../../../machines/vocabulary/errors.ts';
import { runName } from '../../../machines/vocabulary/ids.ts';
import type { Log } from '../../base/platform/log.ts';
import { isAlive } from '../../base/platform/process-table.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import { readClaim, runFolderAt } from '../agents/run-folder.ts';
import { runIdOf } from '../agents/run-id.ts';
import { stopTree } from '../agents/stopping.ts';
import { markStopped } from './agent-run.ts';
import { runsRoot } from './workplace.ts';

interface CutOff {
  readonly home: string;
  readonly graceMs: number;
  readonly log: Log;
}

/** Their processes, found by their folders. Each is told apart from one that ended by itself, so a run that is begun anew spends no attempt. */
export async function endCutOff({ home, graceMs, log }: CutOff, rows: readonly EffectRow[]): Promise<void> {
  const root = runsRoot(home);
  const names = existsSync(root) ? readdirSync(root) : [];
  await Promise.all(
    rows
      .filter(({ kind }) => kind === 'agent.run')
      .flatMap((row) => names.filter((name) => isFolderOf(name, row)).map((name) => ({ row, name })))
      .map(async ({ row, name }) => {
        const folder = runFolderAt(root, name);
        const claim = readClaim(folder);
        if (claim?.kind !== 'wrapper' || !isAlive(claim.wrapper)) return;
        try {
          markStopped(folder);
          await stopTree(folder, runIdOf(home, row.key), { graceMs });
        } catch (thrown) {
          log.warn(`${row.name} of plan ${row.project}/${row.plan} was not ended: ${reasonOf(thrown)}`);
        }
      }),
  );
}

function isFolderOf(name: string, { project, plan, name: run }: EffectRow): boolean {
  const start = `${runName(project, plan, run)}.`;
  return name.startsWith(start) && !name.slice(start.length).includes('.');
}
