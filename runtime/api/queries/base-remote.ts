/** Compares a plan's base branch with its remote branch. This is the one place for the comparison and its text. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { ago } from '../../../machines/vocabulary/time-text.ts';
import type { PlanRow } from '../../core/store/rows.ts';
import { commitsBeyond, fetchedAtMs, fetchTrouble, remoteBranchOf } from '../../work/git/base-remote.ts';
import { branchRef, readRef } from '../../work/git/refs.ts';
import { baseBranch, type Repository } from '../../work/git/repository.ts';
import type { PlanShow } from '../contract/plans.ts';
import { timeOrNull } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

type BaseRemote = NonNullable<PlanShow['base_remote']>;

/**
 * null: the plan begins from no branch, no remote has the branch, the repository is not here or cannot be read, or the plan is merged: then the remote's branch
 * has the plan's own commits.
 */
export async function baseRemoteOf(
  { projects, clock }: Pick<ViewDependencies, 'projects' | 'clock'>,
  { project, base, landing }: Pick<PlanRow, 'project' | 'base' | 'landing'>,
): Promise<BaseRemote | null> {
  if (landing === 'merged' || projects.isElsewhere(project)) return null;
  try {
    const repository = await projects.repository(project);
    const configured = projects.get(project).config.baseBranch;
    const branch = base === null ? await baseBranch(repository, configured) : base.branch;
    return branch === null
      ? null
      : await compareWithRemote(repository, { branch, begun: base?.commit ?? null, nowMs: clock.nowMs() });
  } catch (thrown) {
    if (thrown instanceof EngineError) return null; // a request for the repository itself reports the error
    throw thrown;
  }
}

async function compareWithRemote(
  repository: Repository,
  { branch, begun, nowMs }: { readonly branch: string; readonly begun: string | null; readonly nowMs: number },
): Promise<BaseRemote | null> {
  // Most looks of a repository without a remote end here, and ask no git.
  const remote = await remoteBranchOf(repository, branch);
  const own = remote === null ? null : (begun ?? (await readRef(repository, branchRef(branch))));
  if (own === null || remote === null) return null;
  const behind = await commitsBeyond(repository, remote.commit, own);
  const failed = fetchTrouble(repository, branch);
  const fetchedMs = fetchedAtMs(repository);
  const fetchedAt = timeOrNull(fetchedMs === null ? null : Math.floor(fetchedMs));
  const ahead = behind === 0 ? 0 : await commitsBeyond(repository, own, remote.commit);
  const follows = begun === null && behind > 0 && ahead === 0;
  const when = fetchedAt === null ? '' : ` (fetched ${ago(fetchedAt, nowMs)})`;
  const text = [
    `${branch}${behind === 0 ? '' : `, ${behind} behind ${ahead === 0 ? '' : `and ${ahead} ahead of `}${remote.name}${when}`}`,
    ...(follows ? [`the plan begins from ${remote.name}`] : []),
    ...(failed === null ? [] : [`${remote.name} was not fetched: ${failed}`]),
  ].join('; ');
  return { branch, remote: remote.name, behind, fetched_at: fetchedAt, fetch_failed: failed, text };
}
