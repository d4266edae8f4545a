/** Checks with git that a plan's work is still on its branch, before a signal that relies on the work is handled; and restores lost work. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { isJudge, planTree, type Role } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { SignalPayload, SignalType } from '../../../machines/vocabulary/signal.ts';
import type { Clock } from '../../base/platform/clock.ts';
import { type Change, mustCommit, type Store } from '../../core/store/port.ts';
import type { PlanRow } from '../../core/store/rows.ts';
import { type LostWork, lostWork, restoreWork } from '../../work/effects/lost-work.ts';
import type { Projects } from '../../work/repos/registry.ts';

export interface PlanWorkParts {
  readonly projects: Projects;
  readonly store: Pick<Store, 'commit' | 'effect' | 'effects' | 'hosts' | 'plans' | 'run' | 'tree'>;
  readonly clock: Clock;
}

/** Signals that rely on the work as it is now, or take it from its branch, or are about its loss. */
export const workSignals: ReadonlySet<SignalType> = new Set([
  'implement_finished',
  'review_approved',
  'verify_approved',
  'merge',
  'create_pr',
  'resolve',
]);

export function createPlanWork({ projects, store, clock }: PlanWorkParts) {
  const looked = { store, nowMs: () => clock.nowMs() };

  function lossWords(row: Pick<PlanRow, 'project' | 'plan'>, lost: LostWork | null): readonly Change[] {
    const said = {
      do: 'signal.insert',
      tree: planTree(row.project, row.plan),
      origin: 'engine',
      at: clock.nowMs(),
    } as const;
    return [
      lost === null ? { ...said, type: 'work_found', payload: {} } : { ...said, type: 'work_lost', payload: lost },
    ];
  }

  /** Throws `conflict` if an agent works in the plan's worktree: restoring would change the files under it. */
  async function refuseAtWork({ project, plan, branch }: PlanRow): Promise<void> {
    const effects = await store.effects({ by: 'tree', tree: planTree(project, plan) });
    const busy = effects.find(
      ({ kind, status, resource }) => kind === 'agent.run' && status === 'running' && resource === `worktree:${branch}`,
    );
    const run = busy === undefined ? null : await store.run(busy.key);
    // A judge has its own checkout.
    if (run === null || isJudge(run.role as Role)) return; // the engine itself wrote the role
    const { title } = run;
    const hint = `ask again when it has ended, or end it: stator agent kill ${shellWord(title)}`;
    throw new EngineError('conflict', `${title} works on ${branch} now`, hint);
  }

  async function restore(row: PlanRow): Promise<void> {
    projects.mustBeHere(row.project);
    await refuseAtWork(row);
    const brought = await restoreWork(looked, await projects.repository(row.project), row);
    if (brought.length > 0 || row.blocked?.source === 'lost_work') return;
    const hint = `what it waits for: stator plan explain ${shellWord(row.plan)}`;
    throw new EngineError(
      'refused',
      `all work of ${row.plan} is on ${row.branch}: there is nothing to bring back`,
      hint,
    );
  }

  return {
    /** The lost part of the plan's work; null: nothing is lost. */
    lost: async (row: PlanRow): Promise<LostWork | null> =>
      lostWork(looked, await projects.repository(row.project), row),
    lossWords,
    /**
     * Looks for the work of all done plans of a repo: a clone or a copy may lack it. Sends each plan a signal about its loss, and returns one line for each
     * plan with lost work.
     */
    async reportLost(project: string): Promise<string[]> {
      const repository = await projects.repository(project);
      const lines: string[] = [];
      for (const row of await store.plans(project)) {
        if (row.status !== 'done') continue;
        const lost = await lostWork(looked, repository, row);
        if (lost === null) continue;
        await mustCommit(store, lossWords(row, lost));
        lines.push(
          `plan ${row.plan} is done, and its work is not here; what you can do: stator plan explain ${shellWord(row.plan)}`,
        );
      }
      return lines;
    },
    /**
     * The changes to commit with one of `workSignals`, before it. Restores the work first if the signal asks for that: throws as `restoreWork`, and `refused`
     * if nothing is lost.
     */
    async words(row: PlanRow, type: SignalType, payload: unknown): Promise<readonly Change[]> {
      const isStopped = row.blocked?.source === 'lost_work';
      const asks = type === 'resolve' && (payload as SignalPayload<'resolve'>).restore === true; // admission has parsed it
      if (asks) await restore(row);
      if (type === 'resolve' && !isStopped) return [];
      const lost = await this.lost(row);
      return lost === null && !isStopped ? [] : lossWords(row, lost);
    },
  };
}
