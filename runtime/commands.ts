/** What people and agents may ask to be changed: each becomes signals in the inbox, and the answer is the verdict on them. */
import { EngineError } from '../machines/errors.ts';
import { planTree } from '../machines/ids.ts';
import type { Origin, SignalType } from '../machines/signal.ts';
import { type CommandParts, createDoor, verdictWaitMs } from './commands/parts.ts';
import { createPlanCommands } from './commands/plans.ts';
import { createRepoCommands } from './commands/repos.ts';
import type { SignalAnswer } from './control/shapes/signals.ts';
import { addressOf, admit, keyProblem } from './door.ts';
import { refuseBranch } from './git/branch.ts';
import { identity } from './git/identity.ts';
import { dependentPlan } from './inbox-row.ts';
import { createPlanHead } from './plan-head.ts';
import { createQueueCommands } from './queue.ts';
import { createStaleHead } from './staleness.ts';
import type { RunRow } from './store/runs.ts';

export { type CommandParts, verdictWaitMs } from './commands/parts.ts';
export type { PlanWish } from './commands/plans.ts';

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

export type Commands = ReturnType<typeof createCommands>;

/** Words after which agents run, and what they leave is committed. */
const beginnings: ReadonlySet<SignalType> = new Set([
  'plan_start',
  'implement_start',
  'implement_wave',
  'retry_wave',
  'start_over',
  'reimplement',
]);

export function createCommands(parts: CommandParts) {
  const { store, projects, views, clock } = parts;
  const head = createPlanHead(parts);
  const verification = createStaleHead(parts);
  const { post } = createDoor(parts);

  /** Said now, and not by the first commit, after an agent has worked for an hour. */
  async function refuseHopeless({ project, plan }: { project: string; plan: string }): Promise<void> {
    const { branch } = views.mustRead(project, plan);
    const place = projects.get(project);
    await identity(place);
    await refuseBranch(place, branch);
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
      const tip = await head.tipFor(wish, type);
      const stale = tree.startsWith('plan:') ? await verification.of(wish.project, wish.plan) : null;
      const { origin, run, dedupeKey } = wish;
      return post({ tree, type, payload, origin, run, dedupeKey }, wish.waitMs, () => {
        if (stale !== null) verification.tell(stale);
        if (tip !== null) head.tell(planTree(wish.project, wish.plan), tip);
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
          `see it with: stator signal show ${id}`,
        );
      await parts.settled(id, verdictWaitMs);
      return views.answer(id);
    },
    ...createPlanCommands(parts),
    ...createRepoCommands(parts),
    ...createQueueCommands(parts),
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
