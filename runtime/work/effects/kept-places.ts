/**
 * Where what an agent's program keeps lies from one run to the next: a folder of stator's own for each agent of a plan and each program. A retry goes on with its
 * conversation there; what one agent was told, or left for its next run, is not there for another. Of an agent one run is under way at a time: no other one
 * changes the folder while walls are built around it.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { AgentProfile } from '../../base/config/config.ts';
import { replaceFile } from '../../base/platform/atomic-file.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import type { Store } from '../../core/store/port.ts';
import type { EffectRow } from '../../core/store/rows.ts';

export const keptOwner = z.object({ project: z.string(), plan: z.string() });

export function keptRoot(home: string): string {
  return join(home, 'kept');
}

/** The file that names the owner of the folder. */
export function ownerFile(folder: string): string {
  return join(folder, 'owner.json');
}

/** Made where it is missing. A plan that is made anew under its name has another one. Throws the system's errors, and as the store does. */
export async function keptPlaceOf(
  { home, store }: { readonly home: string; readonly store: Pick<Store, 'plan'> },
  { project, plan }: Pick<EffectRow, 'project' | 'plan'>,
  { title, preset }: { readonly title: string } & Pick<AgentProfile, 'preset'>,
): Promise<string> {
  const since = (await store.plan(project, plan))?.createdAt ?? 0;
  const name = textDigest(JSON.stringify([project, plan, since, title, preset]));
  const folder = join(keptRoot(home), name.slice(0, 32));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  replaceFile(ownerFile(folder), JSON.stringify({ project, plan }), { mode: 0o600 });
  return join(folder, 'place');
}
