/** Plans as they are registered and taken out of the house again. */
import { EngineError } from '../../machines/errors.ts';
import { isPlanName, planBranch, planTree, repoTree } from '../../machines/ids.ts';
import type { PlanPushed, PlanShow } from '../control/shapes/plans.ts';
import { renewBranch } from '../git/branch.ts';
import { createRepositoryLocks } from '../git/locks.ts';
import { pushBranch } from '../git/push.ts';
import { baseBranch } from '../git/repository.ts';
import { type CommandParts, createDoor } from './parts.ts';

export interface PlanWish {
  readonly project: string;
  readonly plan: string;
  readonly content: string;
  readonly branch: string | null;
  readonly topic: string | null;
}

export function createPlanCommands(parts: CommandParts) {
  const { store, cache, projects, views, clock } = parts;
  const { mustBeDone } = createDoor(parts);
  /** One registration of a project at a time: whoever renews a branch must know that nobody else has just been given it. */
  const registrations = createRepositoryLocks();

  function mustBeFree({ project, plan, branch }: { project: string; plan: string; branch: string }): void {
    if (store.plans.read(project, plan) !== null) throw planExists(project, plan);
    const others = [...store.plans.list(project), ...store.signals.pendingBirths(project)];
    if (others.some((other) => other.plan === plan)) throw planExists(project, plan);
    // A plan's branch is also the stem of its tasks' branches.
    const owner = others.find((other) => stemOf(other.branch) === stemOf(branch));
    if (owner === undefined) return;
    throw new EngineError(
      'conflict',
      `the branch ${branch} is of plan ${project}/${owner.plan}`,
      'name another one with --branch, or delete that plan first',
    );
  }

  /** A plan that was here before under this name begins anew: what it had done must not look like done. */
  async function renew({ project, plan, branch }: { project: string; plan: string; branch: string }): Promise<void> {
    const repository = await projects.repository(project);
    const start = await baseBranch(repository, projects.get(project).config.baseBranch);
    await renewBranch(repository, { branch, plan, start });
  }

  async function addPlan({ project, plan, content, topic, branch: wished }: PlanWish): Promise<PlanShow> {
    const { policy } = projects.get(project).config;
    refuseName(plan);
    const branch = wished ?? planBranch(plan);
    mustBeFree({ project, plan, branch });
    const generation = store.plans.nextGeneration(project, plan);
    if (generation > 0) await renew({ project, plan, branch });
    const payload = { content, branch, topic, generation, policy };
    const tree = planTree(project, plan);
    const isNew = await mustBeDone({ tree, type: 'plan_opened', payload, origin: 'engine' }, () =>
      mustBeFree({ project, plan, branch }),
    );
    if (!isNew) throw planExists(project, plan);
    return views.plan(project, plan);
  }

  return {
    /** Throws `repo_not_found`, `bad_request` (the name), `conflict` (the name or the branch is another plan's), and git's errors. */
    registerPlan: (wish: PlanWish): Promise<PlanShow> => registrations(wish.project)(() => addPlan(wish)),
    /** Throws `plan_not_found`, `repo_not_found`, and what `pushBranch` throws. */
    async pushPlan({
      project,
      plan,
      remote,
    }: {
      project: string;
      plan: string;
      remote: string | null;
    }): Promise<PlanPushed> {
      const { branch } = views.mustRead(project, plan);
      const { isNew, ...pushed } = await pushBranch({ repo: projects.get(project).path, branch, remote });
      return { status: isNew ? 'pushed' : 'up_to_date', project, plan, branch, ...pushed };
    },
    /** Takes a plan out of the house; its branch stays until a plan of this name is registered again, and its journal for good. Throws `conflict` while it is under way. */
    async deletePlan(project: string, plan: string): Promise<void> {
      const tree = planTree(project, plan);
      const at = clock.nowMs();
      await store.write(() => {
        const { status } = views.mustRead(project, plan);
        const runs = store.effects.openOf(tree).some((effect) => effect.kind === 'agent.run');
        if (runs || !['ready', 'done', 'cancelled'].includes(status))
          throw new EngineError(
            'conflict',
            `plan ${project}/${plan} is ${status}`,
            `end it first with: stator plan cancel ${plan}`,
          );
        store.plans.remove({ project, plan }, at);
        store.trees.remove(tree);
        store.signals.voidTree(tree, at);
        for (const type of ['implement_released', 'plan_undone'] as const) {
          store.signals.insert({ tree: repoTree(project), type, payload: { plan }, origin: 'engine', at });
        }
      });
      cache.forget(tree);
    },
  };
}

/** What a task's branch adds to its plan's. */
const taskSuffix = /-w\d+-t\d+$/;

function stemOf(branch: string): string {
  return branch.replace(taskSuffix, '');
}

function refuseName(plan: string): void {
  if (!isPlanName(plan)) {
    throw new EngineError(
      'bad_request',
      `"${plan}" cannot name a plan`,
      'lower-case letters, digits, dot, dash and underscore, beginning with a letter or digit, at most 128, and good as a git ref',
    );
  }
  if (!taskSuffix.test(plan)) return;
  throw new EngineError(
    'bad_request',
    `"${plan}" cannot name a plan: names that end in -w<number>-t<number> are those of tasks`,
    `the branch of task 1 in wave 1 of a plan "login" is plan/login-w1-t1; call yours something else`,
  );
}

function planExists(project: string, plan: string): EngineError {
  return new EngineError(
    'conflict',
    `plan already exists: ${project}/${plan}`,
    `change its document with: stator plan update-content ${plan}`,
  );
}
