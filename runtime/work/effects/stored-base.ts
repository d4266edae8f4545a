/**
 * Chooses the base of a plan's branch when the branch is made, and stores it before the branch: after a kill in between it is chosen again. From then on the
 * stored base counts, whatever is checked out: prompts name it, and the plan is merged into it.
 */

import type { Store } from '../../core/store/port.ts';
import type { PlanBase } from '../../core/store/rows.ts';
import { baseBehind, beginningOf } from '../git/plan-base.ts';
import { branchRef, readRef } from '../git/refs.ts';
import { baseBranch, type Repository } from '../git/repository.ts';
import type { Projects } from '../repos/registry.ts';
import { refreshMembers } from './members.ts';

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
  const project = parts.projects.get(of.project);
  await refreshMembers(parts, { project, repository });
  const base = await beginningOf(project.config, repository);
  return remember(parts, of, { ...base, on: [] });
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
