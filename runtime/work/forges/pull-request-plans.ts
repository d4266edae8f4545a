/** The plans that the watch on pull requests needs: those with an open request, and those that want one. Other plans are read once and forgotten. */
import { type StoredPlan, storedPlan } from '../../../actors/stored-tree.ts';
import { isStacked } from '../../../machines/plan/stack.ts';
import { type PlanTree, placeOf, planTree } from '../../../machines/vocabulary/ids.ts';
import { forgeMergeStates, noPull } from '../../../machines/vocabulary/plan-pull.ts';
import type { Follows } from '../../core/inbox/facts.ts';
import type { Store } from '../../core/store/port.ts';
import type { Projects } from '../repos/registry.ts';
import type { PlanOfRequest } from './pull-request-steps.ts';

export interface Watched extends PlanOfRequest {
  readonly tree: PlanTree;
  readonly project: string;
  readonly plan: string;
  readonly branch: string;
  readonly isDone: boolean;
  readonly isOpen: boolean;
  /** The pull request is being created by its effect. */
  readonly isMaking: boolean;
  /** Each part gets its own request as soon as it is done. */
  readonly isStacked: boolean;
}

interface Parts {
  readonly store: Pick<Store, 'plans' | 'tree'>;
  readonly projects: Pick<Projects, 'isElsewhere' | 'list'>;
  /** Called when plans must be read again. */
  onMoved(): void;
}

export function createPlansOfRequests({ store, projects, onMoved }: Parts) {
  const plans = new Map<PlanTree, Watched>();
  /** Plans that moved since they were last read; null: all must be read. */
  let moved: Set<PlanTree> | null = null;
  /** The registered repos at the last `read`. */
  let repos: ReadonlySet<string> = new Set();
  const follows: Follows = {
    states: ['status:done', 'waits:pull', 'pull_wanted'],
    events: ['pr_', 'create_pr'],
    noted(trees) {
      if (trees === null) moved = null;
      else for (const tree of trees) moved?.add(tree);
      onMoved();
    },
  };

  /** null: the plan is gone, belongs to another host, or is unreadable; the plan itself reports the last case. */
  async function storedAt(tree: PlanTree): Promise<StoredPlan | null> {
    if (projects.isElsewhere(placeOf(tree).project)) return null;
    try {
      const row = await store.tree(tree);
      return row === null ? null : storedPlan(tree, row.stored);
    } catch {
      return null;
    }
  }

  async function treesIn(project: string | null): Promise<PlanTree[]> {
    return (await store.plans(project)).map((row) => planTree(row.project, row.plan));
  }

  /** Forgets the plans of repos that were removed; of a repo that is registered again, all are read again. */
  async function comparedRepos(): Promise<PlanTree[]> {
    const now = new Set(projects.list().map(({ project }) => project));
    for (const { tree, project } of plans.values()) if (!now.has(project)) plans.delete(tree);
    const added = moved === null ? [] : [...now].filter((project) => !repos.has(project));
    const trees = await Promise.all(added.map(treesIn));
    repos = now;
    return trees.flat();
  }

  return {
    follows,
    /** The plans at the last `read`. */
    plans,
    /** Reads the plans that moved. */
    async read(): Promise<void> {
      const added = await comparedRepos();
      const wanted = [...(moved ?? (await treesIn(null))), ...added];
      moved = new Set();
      for (const tree of wanted.filter((each) => repos.has(placeOf(each).project))) {
        const one = watchedOf(tree, await storedAt(tree));
        if (one === null) plans.delete(tree);
        else plans.set(tree, one);
      }
    },
  };
}

/** The facts about a plan that the watch needs; null: it has no request, and wants none. */
export function watchedOf(tree: PlanTree, stored: Pick<StoredPlan, 'context' | 'has'> | null): Watched | null {
  if (stored === null) return null;
  const { branch, pull, timestamps, count } = stored.context;
  const one = {
    ...{ tree, ...placeOf(tree), branch },
    isDone: stored.has('status:done'),
    isOpen: stored.has('pull:open'),
    isMaking: stored.has('pull_working'),
    isStacked: isStacked(stored.context),
    doneAt: timestamps.done_at ?? 0,
    pull: pull ?? noPull,
    merge: forgeMergeStates.find((state) => stored.has(`pull_merge:${state}`)) ?? null,
    count,
  };
  const wantsOne = (one.isDone || one.isStacked) && stored.has('pull_wanted');
  return one.isOpen || one.isMaking || wantsOne ? one : null;
}
