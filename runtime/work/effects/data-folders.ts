/**
 * The folder for a program's data from one run to the next: one for each agent of a plan and each program. A retry continues its conversation from there, and
 * other agents cannot see the data. An agent has only one run at a time, so no other run changes the folder while the walls are built.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { AgentProfile } from '../../base/config/config.ts';
import { replaceFile } from '../../base/platform/atomic-file.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import type { Store } from '../../core/store/port.ts';
import type { EffectRow } from '../../core/store/rows.ts';

export const dataOwner = z.object({ project: z.string(), plan: z.string() });

export function dataRoot(home: string): string {
  return join(home, 'kept');
}

/** The file that names the folder's owner. */
export function ownerFile(folder: string): string {
  return join(folder, 'owner.json');
}

/**
 * Returns the folder, and makes it if it is missing. A plan that was registered again under its name gets another one. Throws the system's and the store's
 * errors.
 */
export async function dataFolderOf(
  { home, store }: { readonly home: string; readonly store: Pick<Store, 'plan'> },
  { project, plan }: Pick<EffectRow, 'project' | 'plan'>,
  { title, preset }: { readonly title: string } & Pick<AgentProfile, 'preset'>,
): Promise<string> {
  const since = (await store.plan(project, plan))?.createdAt ?? 0;
  const name = textDigest(JSON.stringify([project, plan, since, title, preset]));
  const folder = join(dataRoot(home), name.slice(0, 32));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  replaceFile(ownerFile(folder), JSON.stringify({ project, plan }), { mode: 0o600 });
  return join(folder, 'place');
}
