/** The repo that a request names. */
import { realpath } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { repoNotFound } from '../../../machines/vocabulary/errors.ts';
import type { RepoRow } from '../../core/store/rows.ts';
import type { Projects } from '../../work/repos/registry.ts';

/** Finds a repo by its name, by its stored path, or by a path that resolves to it. Throws `repo_not_found`. */
export async function mustFindRepo(projects: Pick<Projects, 'find' | 'list'>, name: string): Promise<RepoRow> {
  const named = projects.find(name);
  if (named !== null) return named;
  const paths = isAbsolute(name) ? [resolve(name), await realpath(name).catch(() => name)] : [];
  const found = projects.list().find(({ path }) => paths.includes(path));
  if (found !== undefined) return found;
  throw repoNotFound(name, 'see them with: stator repo list; register one with: stator repo add <path>');
}
