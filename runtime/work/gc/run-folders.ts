/**
 * Deletes folders under `runs` of runs, checks and hooks that ended long ago. A folder is ours if its name is in the store. It is renamed before anything in
 * it is deleted, so a kill leaves either the whole folder or a renamed one, which the next round deletes without further checks.
 */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTree } from '../../../machines/vocabulary/ids.ts';
import { diskUsage } from '../../base/platform/disk-usage.ts';
import { type FolderUser, readFolderUsers } from '../../base/platform/folder-users.ts';
import { isAlive } from '../../base/platform/process-table.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import type { LaunchTrace } from '../../core/store/rows.ts';
import { readAgent, readClaim, runFolderAt } from '../agents/run-folder.ts';
import { runsRoot } from '../effects/workplace.ts';
import { entriesOf } from './folders.ts';
import { keptAs, noFolder, reasonOfProcesses, reasonOfRunFolder } from './reasons.ts';
import { type CleaningParts, type Round, removeOrNote, settle } from './round.ts';

/** The number of folders that are looked up with one query. */
const page = 64;
export const removingPrefix = '.removing-';

export async function clearRunFolders(parts: CleaningParts, round: Round): Promise<void> {
  const root = runsRoot(parts.home);
  const entries = await entriesOf(root);
  for (let at = 0; at < entries.length; at += page) {
    const some = entries.slice(at, at + page);
    const known = await parts.store.launchesOf(some.map(({ name }) => name));
    const launches = new Map(known.map((launch) => [launch.folder, launch]));
    const userOf = await readFolderUsers();
    for (const entry of some) {
      await clearOne(
        parts,
        round,
        { name: entry.name, isFolder: entry.isDirectory() },
        launches.get(entry.name),
        userOf,
      );
      await round.rest();
    }
  }
}

async function clearOne(
  parts: CleaningParts,
  round: Round,
  { name, isFolder }: { readonly name: string; readonly isFolder: boolean },
  launch: LaunchTrace | undefined,
  userOf: (folder: string) => FolderUser | null,
): Promise<void> {
  const path = join(runsRoot(parts.home), name);
  // Folders that a killed round had renamed for deletion.
  if (name.startsWith(removingPrefix) && isFolder) {
    const left = { kind: 'run_folder', project: null, plan: null, name, bytes: null, count: 1 } as const;
    if (!round.dry) await removeOrNote(round, left, () => removeTree(path));
    return;
  }
  const { project = null, plan = null } = launch === undefined ? {} : placeOf(launch.key);
  const reason = isFolder
    ? (reasonOfRunFolder(round, { launch, plan: round.plans.get(`${project}/${plan}`) }) ??
      reasonOfProcesses(livingIn(path), userOf(path)))
    : keptAs(noFolder);
  const bytes = await diskUsage(path);
  const subject = { kind: 'run_folder', project, plan, name, bytes, count: 1 } as const;
  await settle(round, subject, {
    reason,
    async remove() {
      await renameAndRemove(parts, name);
      if (launch !== undefined) await parts.store.commit([{ do: 'launch.remove', key: launch.key }]);
    },
  });
}

/** The live wrapper process or agent of a run. */
export function livingIn(path: string): number | null {
  const folder = runFolderAt(join(path, '..'), path.slice(path.lastIndexOf('/') + 1));
  const claim = readClaim(folder);
  const processes = [claim?.kind === 'wrapper' ? claim.wrapper : null, readAgent(folder)];
  return processes.find((one) => one !== null && isAlive(one))?.pid ?? null;
}

/** The plan whose effect has that key. */
function placeOf(key: string): { readonly project?: string; readonly plan?: string } {
  const tree = key.split('/').slice(0, 2).join('/');
  const parsed = /^plan:[^/]+\/[^/]+$/.test(tree) ? parseTree(tree) : null;
  return parsed?.kind === 'plan' ? { project: parsed.project, plan: parsed.plan } : {};
}

export async function renameAndRemove({ home, faults }: CleaningParts, name: string): Promise<void> {
  const root = runsRoot(home);
  const renamed = join(root, `${removingPrefix}${name}`);
  await removeTree(renamed);
  await rename(join(root, name), renamed);
  faults?.('gc.after-rename');
  await removeTree(renamed);
  faults?.('gc.before-row');
}
