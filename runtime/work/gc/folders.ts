/** What clearing away and repairing both ask of folders. */

import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FolderUser } from '../../base/platform/folder-users.ts';
import { ifMissing } from '../../base/platform/system-code.ts';
import { placeOf } from '../git/worktree-list.ts';
import type { Project } from '../repos/registry.ts';

/** The folder of a repo's worktrees as git has it: links on the way to it are resolved, which takes the path of something in it. */
export async function worktreesFolder({ worktrees }: Pick<Project, 'worktrees'>): Promise<string> {
  return dirname(await placeOf(`${worktrees}/any`));
}

/** None where there is no such folder. */
export async function entriesOf(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch(ifMissing([]));
}

/** Why a folder stays in which somebody stands. */
export function inUseText({ pid, name }: FolderUser): string {
  return `pid ${pid} (${name}) has its working directory in it`;
}
