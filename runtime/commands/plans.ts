/** Plans as they are registered and deleted again. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { isPlanName, planBranch, planTree, repoTree } from '../../machines/vocabulary/ids.ts';
import { otherFile } from '../../machines/vocabulary/plan-file.ts';
import type { PlanPushed, PlanShow } from '../contract/plans.ts';
import { refuseBranch, renewBranch } from '../git/branch.ts';
import { createRepositoryLocks } from '../git/locks.ts';
import { type Base, baseAt } from '../git/plan-base.ts';
import { pushBranch } from '../git/push.ts';
import { baseBranch } from '../git/repository.ts';
import { textDigest } from '../platform/text-digest.ts';
import type { PlanRow } from '../store/rows.ts';
import { type CommandParts, createSignalSender } from './parts.ts';

export interface PlanCommand {
  readonly project: string;
  readonly plan: string;
  readonly content: string;
  readonly branch: string | null;
  readonly topic: string | null;
  /** Where the document was read; null: it came without a file. */
  readonly file: string | null;
}

/** A plan, and the text of a file that is its own. */
export interface FileRequest {
  readonly project: string;
  readonly plan: string;
  readonly file: string;
  readonly content: string;
}

export function createPlanCommands(parts: CommandParts) {
  const { store, cache, projects, views, clock } = parts;
  const { mustBeDone } = createSignalSender(parts);
  /** One registration of a project at a time: whoever renews a branch must know that nobody else has just been given it. */
  const registrations = createRepositoryLocks();

  function mustBeFree({ project, plan, branch, file }: Omit<PlanCommand, 'branch'> & { branch: string }): void {
    const known = store.plans.read(project, plan);
    if (known !== null) {
      refuseOtherFile(known, file);
      throw planExists(project, plan);
    }
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
  async function renew({ project, plan, branch }: { project: string; plan: string; branch: string }): Promise<Base> {
    const repository = await projects.repository(project);
    const start = await baseBranch(repository, projects.get(project).config.baseBranch);
    const base = await baseAt(repository, start);
    await renewBranch(repository, { branch, plan, start: base.commit });
    return base;
  }

  async function addPlan({ branch: wished, ...wish }: PlanCommand): Promise<PlanShow> {
    const { project, plan, content, topic, file } = wish;
    const { policy } = projects.get(project).config;
    refuseName(plan);
    const branch = wished ?? planBranch(plan);
    const wanted = { ...wish, branch };
    mustBeFree(wanted);
    await refuseBranch(projects.get(project), branch);
    const generation = store.plans.nextGeneration(project, plan);
    const base = generation > 0 ? await renew({ project, plan, branch }) : null;
    const payload = { content, branch, topic, generation, policy, file };
    const tree = planTree(project, plan);
    mustBeFree(wanted); // a birth that was set aside may have been tried again meanwhile
    const isNew = await mustBeDone({ tree, type: 'plan_opened', payload, origin: 'engine' });
    if (!isNew) throw planExists(project, plan);
    if (base !== null) await store.write(() => store.plans.setBase({ project, plan }, base));
    return views.plan(project, plan);
  }

  /** A file that is gone was moved, and takes its plan along. Throws `plan_not_found`, and `conflict` where the plan's file is another one. */
  async function mustBeFileOf({ project, plan, file }: Omit<FileRequest, 'content'>): Promise<void> {
    mustTake(await views.mustRead(project, plan), file);
  }

  function mustTake(known: PlanRow, file: string): void {
    const { project } = known;
    const isGone = known.file !== null && !existsSync(resolve(projects.get(project).path, known.file));
    if (!isGone) refuseOtherFile(known, file);
  }

  return {
    mustBeFileOf,
    /** Binds a plan to its file, and remembers that text as what is known of it: no edit. Throws as `mustBeFileOf`. */
    async takeFile({ project, plan, file, content }: FileRequest): Promise<PlanShow> {
      await mustBeFileOf({ project, plan, file });
      await store.write(() => {
        const known = store.plans.read(project, plan);
        if (known !== null) mustTake(known, file);
        store.plans.setFile({ project, plan }, { file, digest: textDigest(content) });
      });
      return views.plan(project, plan);
    },
    /** Throws `repo_not_found`, `bad_request` (the name), `conflict` (the name or the branch is another plan's), `branch_taken`, and git's errors. */
    registerPlan: (wish: PlanCommand): Promise<PlanShow> => registrations(wish.project)(() => addPlan(wish)),
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
      const { branch } = await views.mustRead(project, plan);
      const { isNew, ...pushed } = await pushBranch({ repo: projects.get(project).path, branch, remote });
      return { status: isNew ? 'pushed' : 'up_to_date', project, plan, branch, ...pushed };
    },
    /** Deletes a plan; its branch stays until a plan of this name is registered again, and its journal for good. Throws `conflict` while it is under way. */
    async deletePlan(project: string, plan: string): Promise<void> {
      const tree = planTree(project, plan);
      const at = clock.nowMs();
      const known = await views.mustRead(project, plan);
      await store.write(() => {
        const { status } = store.plans.read(project, plan) ?? known;
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

function refuseOtherFile({ plan, file: bound }: PlanRow, given: string | null): void {
  if (bound !== null && given !== null && bound !== given) throw otherFile(plan, { bound, given });
}

function planExists(project: string, plan: string): EngineError {
  return new EngineError(
    'conflict',
    `plan already exists: ${project}/${plan}`,
    `change its document with: stator plan update-content ${plan}`,
  );
}
