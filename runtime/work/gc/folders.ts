/** Questions about folders that cleaning and repairing share. */

import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ifMissing } from '../../base/platform/system-code.ts';
import { placeOf } from '../git/worktree-list.ts';
import type { Project } from '../repos/registry.ts';

/** The folder of a repo's worktrees in git's form, with resolved links; resolving needs the path of an entry in it. */
export async function worktreesFolder({ worktrees }: Pick<Project, 'worktrees'>): Promise<string> {
  return dirname(await placeOf(`${worktrees}/any`));
}

/** Empty if there is no such folder. */
export async function entriesOf(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch(ifMissing([]));
}
