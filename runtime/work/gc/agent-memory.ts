/** Deletes the data that agents' programs stored for plans that ended long ago. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { diskUsage } from '../../base/platform/disk-usage.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import { keptOwner, keptRoot, ownerFile } from '../effects/kept-places.ts';
import { entriesOf } from './folders.ts';
import { type CleaningParts, keptAs, notOver, type Round, settle } from './round.ts';

export async function clearAgentMemory(parts: CleaningParts, round: Round): Promise<void> {
  const root = keptRoot(parts.home);
  for (const { name } of await entriesOf(root)) {
    const path = join(root, name);
    const owner = ownerOf(path);
    const reason =
      owner === null
        ? keptAs('it does not say which plan it is of')
        : notOver(round, round.plans.get(`${owner.project}/${owner.plan}`));
    const { project = null, plan = null } = owner ?? {};
    const subject = { kind: 'agent_memory', project, plan, name, bytes: await diskUsage(path), count: 1 } as const;
    await settle(round, subject, { reason, remove: () => removeTree(path) });
    await round.rest();
  }
}

function ownerOf(folder: string): { readonly project: string; readonly plan: string } | null {
  const file = ownerFile(folder);
  return existsSync(file) ? keptOwner.parse(JSON.parse(readFileSync(file, 'utf8'))) : null;
}
