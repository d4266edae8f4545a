/** What people and agents may ask to be changed: each becomes signals in the inbox, and the answer is the verdict on them. */

import { snapshotOf } from '../actors/addressee.ts';
import { EngineError } from '../machines/errors.ts';
import { isPlanName, planBranch, planTree, repoTree, supervisorTree, type TreeAddress } from '../machines/ids.ts';
import type { Origin, SignalType } from '../machines/signal.ts';
import type { Clock } from './clock.ts';
import type { PlanShow, RepoAdded, SignalAnswer } from './control/shapes.ts';
import { addressOf, admit, keyProblem } from './door.ts';
import { refuseBranch, renewBranch } from './git/branch.ts';
import { identity } from './git/identity.ts';
import { createRepositoryLocks } from './git/locks.ts';
import { branchRef, readRef } from './git/refs.ts';
import { baseBranch } from './git/repository.ts';
import { dependentPlan } from './inbox-row.ts';
import type { Projects } from './projects.ts';
import type { RunRow } from './store/runs.ts';
import type { NewSignal } from './store/signals.ts';
import type { Store } from './store/store.ts';
import type { TreeCache } from './tree-cache.ts';
import type { Views } from './views.ts';

export interface CommandParts {
  readonly store: Store;
  readonly cache: TreeCache;
  readonly projects: Projects;
  readonly views: Views;
  readonly clock: Clock;
  /** There is something in the inbox; resolves when the row has its verdict, or after `waitMs`. */
  settled(id: number, waitMs: number): Promise<void>;
}

export interface SendWish {
  readonly project: string;
  readonly plan: string;
  readonly type: string;
  readonly payload: unknown;
  readonly origin: Origin;
  readonly run: string | null;
  readonly dedupeKey: string | null;
  readonly waitMs: number;
}

export interface PlanWish {
  readonly project: string;
  readonly plan: string;
  readonly content: string;
  readonly branch: string | null;
  readonly topic: string | null;
}

export type Commands = ReturnType<typeof createCommands>;

/** How long a verdict is waited for where the caller says nothing. */
export const verdictWaitMs = 5_000;

/** Words after which agents run, and what they leave is committed. */
const beginnings: ReadonlySet<SignalType> = new Set([
  'plan_start',
  'implement_start',
  'implement_wave',
  'retry_wave',
  'start_over',
  'reimplement',
]);

/** Words that are about the branch as it stands. */
const judgements: ReadonlySet<SignalType> = new Set(['verify_approved', 'verify_failed', 'request_review']);

export function createCommands(parts: CommandParts) {
  const { store, cache, projects, views, clock } = parts;
  /** One registration of a project at a time: whoever renews a branch must know that nobody else has just been given it. */
  const registrations = createRepositoryLocks();

  /** `before` is part of the transaction: what it throws keeps the signal out, what it writes is handled first. */
  async function post(signal: Omit<NewSignal, 'at'>, waitMs: number, before: () => void): Promise<SignalAnswer> {
    const { id } = await store.write(() => {
      before();
      return store.signals.insert({ ...signal, at: clock.nowMs() });
    });
    await parts.settled(id, waitMs);
    return views.answer(id);
  }

  /** false: it was done before, by somebody else. */
  async function mustBeDone(signal: Omit<NewSignal, 'at'>, before = () => {}): Promise<boolean> {
    const { signal: answer } = await post(signal, verdictWaitMs, before);
    if (answer.status === 'done') return answer.result !== 'already';
    throw new EngineError(
      'unavailable',
      `${signal.type} was not handled: it is ${answer.status}`,
      `look at it with: stator signal show ${answer.id}`,
    );
  }

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

  /** Said now, and not by the first commit, after an agent has worked for an hour. */
  async function refuseHopeless({ project, plan }: { project: string; plan: string }): Promise<void> {
    const { branch } = views.mustRead(project, plan);
    const place = projects.get(project);
    await identity(place);
    await refuseBranch(place, branch);
  }

  /** A plan that was here before under this name begins anew: what it had done must not look like done. */
  async function renew({ project, plan, branch }: { project: string; plan: string; branch: string }): Promise<void> {
    const repository = await projects.repository(project);
    const start = await baseBranch(repository, projects.get(project).config.baseBranch);
    await renewBranch(repository, { branch, plan, start });
  }

  /** One fewer is set aside: the plan stands because of the next one, or goes on. */
  function moveFault(id: number): void {
    const row = store.signals.read(id);
    const standing = row === null ? null : dependentPlan(row);
    const fault = standing === null ? null : (store.plans.read(standing.project, standing.plan)?.faultSignal ?? null);
    if (standing === null || fault === null) return;
    const isFirst = store.signals.read(fault)?.status !== 'failed';
    if (!isFirst) return;
    const next = store.signals.firstSetAside(planTree(standing.project, standing.plan), fault);
    store.plans.setFault(standing, next, clock.nowMs());
  }

  /** Where the plan's branch stands now; null: it is not there yet. */
  async function tipOf({ project, plan }: { project: string; plan: string }): Promise<string | null> {
    const { branch } = views.mustRead(project, plan);
    return readRef(projects.get(project), branchRef(branch));
  }

  /** Somebody may have committed to the branch since the engine last looked: a judgement is about what is there. */
  function tellHead(tree: TreeAddress, head: string): void {
    const entry = cache.get(tree);
    if (entry === null || snapshotOf(entry.tree.root).context.head === head) return;
    store.signals.insert({ tree, type: 'head_moved', payload: { head }, origin: 'engine', at: clock.nowMs() });
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
    /**
     * Checks at the door, then waits for the verdict. Throws what the door refuses, `plan_not_found`, `repo_not_found`, and where work is to begin
     * and git would not take it: `bad_config` (who commits?), `branch_taken`, `bad_request` (a branch of no name that git knows).
     */
    async send(wish: SendWish): Promise<SignalAnswer> {
      const taken = keyProblem(wish.dedupeKey);
      if (taken !== null) throw taken;
      const admission = admit({ type: wish.type, payload: wish.payload, origin: wish.origin });
      if (admission.kind === 'refused') throw admission.error;
      const { type, payload } = admission;
      const tree = addressOf(wish, type);
      if (tree.startsWith('plan:')) views.mustRead(wish.project, wish.plan);
      else projects.get(wish.project);
      if (beginnings.has(type)) await refuseHopeless(wish);
      const tip = judgements.has(type) ? await tipOf(wish) : null;
      const { origin, run, dedupeKey } = wish;
      return post({ tree, type, payload, origin, run, dedupeKey }, wish.waitMs, () => {
        if (tip !== null) tellHead(planTree(wish.project, wish.plan), tip);
      });
    },
    async retry(id: number): Promise<SignalAnswer> {
      const entry = views.signal(id);
      const revived = await store.write(() => {
        const isRevived = store.signals.revive(id);
        if (isRevived) moveFault(id);
        return isRevived;
      });
      if (!revived)
        throw new EngineError(
          'conflict',
          `signal ${id} is ${entry.status}; only a failed one can be tried again`,
          'see it with: stator signal show',
        );
      await parts.settled(id, verdictWaitMs);
      return views.answer(id);
    },
    async addRepo(path: string, options: { trust: boolean }): Promise<RepoAdded> {
      const { project, path: found, ...registration } = await projects.register(path, options);
      const { policy } = projects.get(project).config;
      if (!store.trees.exists(repoTree(project))) {
        await mustBeDone({
          tree: supervisorTree,
          type: 'repo_registered',
          payload: { project, policy },
          origin: 'engine',
        });
      }
      const { enables, untrusted, notes } = registration;
      return {
        status: 'added',
        path: found,
        project,
        enables: [...enables],
        untrusted: [...untrusted],
        notes: [...notes],
      };
    },
    /** Throws `repo_not_found`, `bad_request` (the name), `conflict` (the name or the branch is another plan's), and git's errors. */
    registerPlan: (wish: PlanWish): Promise<PlanShow> => registrations(wish.project)(() => addPlan(wish)),
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
    /** The run that a token speaks for. Throws `unauthorized`. */
    runOfToken(token: string): RunRow {
      const run = store.runs.byToken(token);
      if (run !== null) return run;
      throw new EngineError(
        'unauthorized',
        'the token is of no run of this house',
        'unset STATOR_TOKEN to speak as a person',
      );
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
