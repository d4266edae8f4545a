/** The repo of a verb: the one named by its project or its folder, otherwise that of the current folder. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client } from '../../runtime/api/client/client.ts';
import type { Call } from '../command.ts';
import { requireProject, requireRepository } from '../place.ts';

export const repoArg = {
  type: 'positional',
  valueHint: 'project|path',
  required: false,
  description: 'its name or its folder; default: the repo of this folder',
} as const;

export const repoOrFolderArg = {
  type: 'positional',
  valueHint: 'project|path',
  description: 'its name or its folder',
} as const;

/** A project name contains no slash, and no folder here has that name. */
export function isFolder(said: string): boolean {
  return said.includes('/') || said === '.' || said === '..';
}

/** The name of a repo, or the path of its folder, which may be gone. */
export function namedRepo({ cwd }: Pick<Call, 'cwd'>, said: string): string {
  return isFolder(said) ? resolve(cwd, said) : said;
}

/** Throws `bad_repo`, and `repo_not_found` for a folder whose repo is not registered. */
export async function whichRepo(call: Call, client: Client, said: string | undefined): Promise<string> {
  if (said === undefined) return requireProject(call);
  if (!isFolder(said)) return said;
  const folder = resolve(call.cwd, said);
  const known = (await client.repos()).find(({ path }) => path === folder);
  if (known !== undefined) return known.project;
  if (!existsSync(folder))
    throw new EngineError('bad_repo', `there is no folder ${folder}`, 'name the repo as stator repo list shows it');
  const path = requireRepository({ env: call.env, cwd: folder });
  const found = (await client.repos()).find((repo) => repo.path === path);
  if (found !== undefined) return found.project;
  const hint = `register it: stator repo add ${shellWord(path)}; those that are: stator repo list`;
  throw new EngineError('repo_not_found', `the repo ${path} is not registered`, hint);
}
