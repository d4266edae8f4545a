/** Reads the head of a plan's branch before a signal that judges the branch: a person may have committed there since the engine last looked. */
import { baseOf, snapshotOf } from '../../../actors/addressee.ts';
import type { PlanContext } from '../../../machines/plan/context.ts';
import { effectKey, planTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { type Origin, originKind, type SignalType } from '../../../machines/vocabulary/signal.ts';
import type { Clock } from '../../base/platform/clock.ts';
import type { Log } from '../../base/platform/log.ts';
import type { TreeCache } from '../../core/inbox/tree-cache.ts';
import type { Change, Store } from '../../core/store/port.ts';
import { collectSoFar } from '../../work/effects/run-repository.ts';
import type { SecretSearch } from '../../work/effects/secrets/search.ts';
import { changedLines } from '../../work/git/changed-lines.ts';
import { branchRef, readRef } from '../../work/git/refs.ts';
import type { Projects } from '../../work/repos/registry.ts';
import type { Views } from '../queries/queries.ts';

/** The head of a plan's branch; `lines` were added and removed since a verifier's run began at `since`. */
export interface Tip {
  readonly head: string;
  readonly since?: string;
  readonly lines?: number;
}

interface Word {
  readonly project: string;
  readonly plan: string;
  readonly origin: Origin;
  readonly run: string | null;
}

export interface PlanHeadParts {
  readonly cache: Pick<TreeCache, 'get' | 'forget'>;
  readonly projects: Projects;
  readonly views: Views;
  readonly clock: Clock;
  readonly home: string;
  readonly store: Pick<Store, 'launch' | 'run' | 'tree'>;
  readonly secrets: SecretSearch;
  readonly log: Log;
}

/** Signals that judge the present state of the branch. */
const judgements: ReadonlySet<SignalType> = new Set([
  'review_approved',
  'verify_approved',
  'verify_failed',
  'request_review',
  'merge',
  'create_pr',
]);

export function createPlanHead(parts: PlanHeadParts) {
  const { cache, projects, views, clock } = parts;
  return {
    /**
     * Returns the branch's head, and, if a verifier approves, the number of lines that it may have changed itself. null: the signal does not judge the
     * branch, or there is no branch yet. People answer for their own approvals, so no lines are counted for them.
     */
    async tipFor({ project, plan, origin, run }: Word, type: SignalType): Promise<Tip | null> {
      if (!judgements.has(type)) return null;
      const repository = await projects.repository(project);
      const { branch } = await views.mustRead(project, plan);
      // A run inside walls has its commits in its own git folder until they are collected here.
      const tree = planTree(project, plan);
      if (type === 'verify_approved' && run !== null)
        await collectSoFar(parts, repository, { tree, key: effectKey(tree, run), branch });
      const head = await readRef(repository, branchRef(branch));
      if (head === null) return null;
      const entry = await cache.get(tree);
      if (type !== 'verify_approved' || originKind(origin) === 'person' || entry === null) return { head };
      const since = baseOf(entry.tree.root, { run });
      if (since === null || since === head) return { head };
      return { head, since, lines: await changedLines(repository, since, head) };
    },
    /** The changes to commit together with the signal; empty if the plan already knows this head. */
    async words(tree: TreeAddress, { head, ...fix }: Tip): Promise<readonly Change[]> {
      const entry = await cache.get(tree);
      if (entry === null) return [];
      const known: Pick<PlanContext, 'head' | 'selfFix'> = snapshotOf(entry.tree.root).context;
      const isKnown = fix.since === undefined || known.selfFix?.[fix.since] === fix.lines;
      if (known.head === head && isKnown) return [];
      const payload = { head, ...fix };
      return [{ do: 'signal.insert', tree, type: 'head_moved', payload, origin: 'engine', at: clock.nowMs() }];
    },
  };
}
