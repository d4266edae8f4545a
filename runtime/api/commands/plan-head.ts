/** Where a plan's branch stands, for words that judge it: somebody may have committed there since the engine last looked. */
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

/** Words that are about the branch as it stands. */
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
     * Where the branch stands now, and, where a verifier approves what it may have changed itself, how much that was. null: the word is about no
     * branch, or there is none yet. A person answers for what he approves, so nothing is counted for him.
     */
    async tipFor({ project, plan, origin, run }: Word, type: SignalType): Promise<Tip | null> {
      if (!judgements.has(type)) return null;
      const repository = await projects.repository(project);
      const { branch } = await views.mustRead(project, plan);
      // Inside walls it is in a git folder of the run's own until now.
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
    /** For the commit of the word itself: what the plan knows already is not said again. */
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
