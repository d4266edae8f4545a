/** Whether a plan's work is still on its branch, asked of git before a word that takes the work is handled; and the way back for work that was lost. */
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
  readonly store: Pick<Store, 'commit' | 'tree' | 'effects' | 'plans' | 'run'>;
  readonly clock: Clock;
}

/** Words by which the work counts as it stands, or leaves its branch. */
const takings: ReadonlySet<SignalType> = new Set([
  'implement_finished',
  'review_approved',
  'verify_approved',
  'merge',
  'create_pr',
]);

export function createPlanWork({ projects, store, clock }: PlanWorkParts) {
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

  /** Its worktree would be moved under whoever works there. Throws `conflict`. */
  async function refuseAtWork({ project, plan, branch }: PlanRow): Promise<void> {
    const effects = await store.effects({ by: 'tree', tree: planTree(project, plan) });
    const busy = effects.find(
      ({ kind, status, resource }) => kind === 'agent.run' && status === 'running' && resource === `worktree:${branch}`,
    );
    const run = busy === undefined ? null : await store.run(busy.key);
    // A judge has a checkout of its own.
    if (run === null || isJudge(run.role as Role)) return; // the engine's own word
    const { title } = run;
    const hint = `ask again when it has ended, or end it: stator agent kill ${shellWord(title)}`;
    throw new EngineError('conflict', `${title} works on ${branch} now`, hint);
  }

  async function restore(row: PlanRow): Promise<void> {
    projects.mustBeHere(row.project);
    await refuseAtWork(row);
    const brought = await restoreWork(store, await projects.repository(row.project), row);
    if (brought.length > 0 || row.blocked?.source === 'lost_work') return;
    const hint = `what it waits for: stator plan explain ${shellWord(row.plan)}`;
    throw new EngineError(
      'refused',
      `all work of ${row.plan} is on ${row.branch}: there is nothing to bring back`,
      hint,
    );
  }

  return {
    /** What is lost of the plan's work; null: nothing. */
    lost: async (row: PlanRow): Promise<LostWork | null> =>
      lostWork(store, await projects.repository(row.project), row),
    lossWords,
    /**
     * Looks for the work of all plans of a repo that are done: whoever brought the repo here may not have brought that. Each is told what it lost, and what is
     * missing is answered, one line a plan.
     */
    async tellLost(project: string): Promise<string[]> {
      const repository = await projects.repository(project);
      const lines: string[] = [];
      for (const row of await store.plans(project)) {
        if (row.status !== 'done') continue;
        const lost = await lostWork(store, repository, row);
        if (lost === null) continue;
        await mustCommit(store, lossWords(row, lost));
        lines.push(
          `plan ${row.plan} is done, and its work is not here; what you can do: stator plan explain ${shellWord(row.plan)}`,
        );
      }
      return lines;
    },
    /** For the commit of that word, before it. Brings work back first where the word asks for that: throws as `restoreWork`, and `refused` where nothing is lost. */
    async words(row: PlanRow, type: SignalType, payload: unknown): Promise<readonly Change[]> {
      const isStopped = row.blocked?.source === 'lost_work';
      const asks = type === 'resolve' && (payload as SignalPayload<'resolve'>).restore === true; // as the door read it
      if (asks) await restore(row);
      if (!takings.has(type) && !(type === 'resolve' && isStopped)) return [];
      const lost = await this.lost(row);
      return lost === null && !isStopped ? [] : lossWords(row, lost);
    },
  };
}
