/** Makes a repo of several, and registers it. */
import { basename } from 'node:path';
import { membersNamed, refreshMembers } from '../../work/effects/members.ts';
import { inspectRepository } from '../../work/git/repository.ts';
import { makeComposite, mustBeFree, mustBeMembers } from '../../work/repos/composite.ts';
import type { Projects } from '../../work/repos/registry.ts';
import type { RepoAdded } from '../contract/repos.ts';
import { mustFindRepo } from './repo-found.ts';

/**
 * Makes a repo at that path, with these registered repos in its folders, and registers it with `add`. Nothing is left of it if it throws:
 * `repo_not_found`, `bad_request`, `bad_repo`, `bad_config`, `conflict`, `untrusted`.
 */
export async function composeRepo(
  { projects }: { readonly projects: Projects },
  { path, members, add }: { path: string; members: readonly string[]; add(): Promise<RepoAdded> },
): Promise<RepoAdded> {
  await mustBeFree(path);
  const named: string[] = [];
  for (const member of members) named.push((await mustFindRepo(projects, member)).project);
  mustBeMembers(named);
  for (const project of named) {
    projects.mustBeHere(project);
    projects.mustBeTrusted(project);
  }
  const made = await membersNamed({ projects }, { project: basename(path), path }, named);
  const { undo } = await makeComposite(path, { members: made, like: await projects.repository(named[0] ?? '') });
  try {
    const repository = await inspectRepository(path);
    const config = { members: made, baseBranch: '' };
    const project = { project: repository.project, path, config };
    await refreshMembers({ projects }, { project, repository }).finally(() => repository.gits.close());
    return await add();
  } catch (thrown) {
    const isRegistered = projects.list().some((row) => row.path === path);
    if (!isRegistered) await undo();
    throw thrown;
  }
}
