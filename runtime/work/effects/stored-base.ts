/**
 * Chooses the base of a plan's branch when the branch is made, and stores it before the branch: after a kill in between it is chosen again. From then on the
 * stored base counts, whatever is checked out: prompts name it, and the plan is merged into it.
 */

import type { RepoConfig } from '../../base/config/config.ts';
import type { Store } from '../../core/store/port.ts';
import type { PlanBase } from '../../core/store/rows.ts';
import { fetchBase } from '../git/base-remote.ts';
import { isObjectId } from '../git/object-memo.ts';
import { type Base, baseAt, baseBehind } from '../git/plan-base.ts';
import { branchRef, readRef } from '../git/refs.ts';
import { baseBranch, type Repository } from '../git/repository.ts';
import type { Projects } from '../repos/registry.ts';

export interface BaseParts {
  readonly store: Pick<Store, 'plan' | 'commit'>;
  readonly projects: Projects;
}

interface Named {
  readonly project: string;
  readonly plan: string;
}

/** The base of the plan, or the base for a plan that begins now. Throws `bad_config` if `base_branch` does not exist. */
export async function planBase(parts: BaseParts, of: Named & { branch: string }): Promise<PlanBase> {
  const repository = await parts.projects.repository(of.project);
  if ((await readRef(repository, branchRef(of.branch))) === null) return chooseBase(parts, of, repository);
  const known = await knownBase(parts, of);
  if (known !== null) return known;
  // A person made the branch.
  const behind = await baseBehind(repository, of.branch, await startOf(parts, of.project, repository));
  return remember(parts, of, { ...behind, on: [] });
}

/** Chooses a new base, for a branch that is made or starts over. */
export async function chooseBase(parts: BaseParts, of: Named, repository: Repository): Promise<PlanBase> {
  const base = await beginningOf(parts.projects.get(of.project).config, repository);
  return remember(parts, of, { ...base, on: [] });
}

/** The base for a plan that begins now, fetched first if that is configured; `fetchTrouble` reports a failure. */
export async function beginningOf(
  { baseBranch: configured, baseFetch }: Pick<RepoConfig, 'baseBranch' | 'baseFetch'>,
  repository: Repository,
): Promise<Base> {
  const start = await baseBranch(repository, configured);
  if (baseFetch && !isObjectId(start)) await fetchBase(repository, start);
  return baseAt(repository, start);
}

/** The recorded base; null: there is none. */
export async function knownBase(parts: BaseParts, { project, plan }: Named): Promise<PlanBase | null> {
  return (await parts.store.plan(project, plan))?.base ?? null;
}

function startOf({ projects }: BaseParts, project: string, repository: Repository): Promise<string> {
  return baseBranch(repository, projects.get(project).config.baseBranch);
}

/** After a kill before this line, the next run finds the base again. */
export async function remember(
  { store }: Pick<BaseParts, 'store'>,
  { project, plan }: Named,
  base: PlanBase,
): Promise<PlanBase> {
  await store.commit([{ do: 'plan.set-base', key: { project, plan }, base }]);
  return base;
}
