/**
 * The folders in which command hooks ran: those of the presently trusted commits stay; the others are deleted whatever their age, because they can be made
 * again.
 */
import { join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { diskUsage } from '../../base/platform/disk-usage.ts';
import { readFolderUsers } from '../../base/platform/folder-users.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import { hookFilesName, hookFilesRoot } from '../effects/hook-files.ts';
import { entriesOf, inUseText } from './folders.ts';
import { type CleaningParts, keptAs, type Round, settle } from './round.ts';

export async function clearHookFiles(parts: CleaningParts, round: Round): Promise<void> {
  const root = hookFilesRoot(parts.home);
  const entries = await entriesOf(root);
  if (entries.length === 0) return;
  const wanted = new Set(parts.projects.list().map(({ project }) => nameOf(parts, project)));
  const userOf = await readFolderUsers();
  for (const { name } of entries) {
    // The name of an unfinished folder begins with its final name.
    if (wanted.has(name.split('.')[0] ?? '')) continue;
    const path = join(root, name);
    const user = userOf(path);
    const reason = user === null ? null : keptAs(inUseText(user), 'in_use');
    const subject = {
      kind: 'hook_files',
      project: null,
      plan: null,
      name,
      bytes: await diskUsage(path),
      count: 1,
    } as const;
    await settle(round, subject, { reason, remove: () => removeTree(path) });
    await round.rest();
  }
}

/** null: it cannot be read now, and none of its hooks is delivered. */
function nameOf({ projects }: CleaningParts, project: string): string | null {
  try {
    return hookFilesName(projects.get(project));
  } catch (thrown) {
    if (thrown instanceof EngineError) return null;
    throw thrown;
  }
}
