/**
 * Deletes worktrees of plans that ended long ago. A worktree is ours if git has locked it with our reason and it is in the repo's worktrees folder: anyone
 * can write the reason alone, even an agent. A worktree with unsaved work stays; if a person overrides that, the work is first saved as an attempt's ref.
 */
import { dirname } from 'node:path';
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import { runName } from '../../../machines/vocabulary/ids.ts';
import { diskUsage } from '../../base/platform/disk-usage.ts';
import { readFolderUsers } from '../../base/platform/folder-users.ts';
import type { PlanTrace } from '../../core/store/rows.ts';
import { keepAttempt } from '../git/attempt.ts';
import { attemptRef } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { clearWorktree } from '../git/worktree.ts';
import { branchMadeFor, listWorktrees } from '../git/worktree-list.ts';
import type { Project } from '../repos/registry.ts';
import { worktreesFolder } from './folders.ts';
import { keptBy, type Reason, reasonOfLoss, reasonOfUse, reasonOfWorktree, type WorktreeUse } from './reasons.ts';
import {
  type CleaningParts,
  type CleaningSubject,
  noteGone,
  noteKept,
  planOfBranch,
  type Round,
  removeOrNote,
} from './round.ts';

interface Found {
  readonly path: string;
  readonly branch: string;
  readonly plan: PlanTrace | undefined;
}

export async function clearWorktrees(
  parts: CleaningParts,
  round: Round,
  { project, repository }: { readonly project: Project; readonly repository: Repository },
): Promise<void> {
  const folder = await worktreesFolder(project);
  for (const worktree of await listWorktrees(repository)) {
    const branch = branchMadeFor(worktree);
    if (branch === null) continue;
    const found = { path: worktree.path, branch, plan: planOfBranch(round, project.project, branch) };
    if (found.plan === undefined && round.isOfThese) continue;
    const isInPlace = dirname(worktree.path) === folder;
    const reason =
      reasonOfWorktree(round, { branch, folder, isInPlace, plan: found.plan }) ??
      reasonOfUse(round, await readUse(repository, found));
    await clearOne(parts, round, { project, repository }, found, reason);
    await round.rest();
  }
}

async function clearOne(
  parts: CleaningParts,
  round: Round,
  { project, repository }: { readonly project: Project; readonly repository: Repository },
  found: Found,
  reason: Reason | null,
): Promise<void> {
  const { path, branch, plan } = found;
  const subject: CleaningSubject = {
    kind: 'worktree',
    project: project.project,
    plan: plan?.plan ?? null,
    name: path,
    bytes: await diskUsage(path),
    count: 1,
  };
  const keep = (why: Reason) => {
    // A request for one plan reports for each branch its own reasons.
    if (round.dry && round.isOfThese) round.leaving.add(path);
    noteKept(round, subject, why);
  };
  const kept = keptBy(round, reason);
  if (kept !== null) return keep(kept);
  if (round.dry) {
    round.leaving.add(path);
    return noteGone(round, subject);
  }
  await removeOrNote(round, subject, remove);

  async function remove(): Promise<void> {
    let why = '';
    const run = runName(project.project, plan?.plan ?? '', `gc-${parts.nowMs().toString(36)}`);
    round.made.add(attemptRef(run));
    if (reason?.override === 'uncommitted' || reason?.override === 'unmerged') {
      const message = `left over in ${branch}`;
      await keepAttempt(repository, { path, branch, run, base: branch, message });
      why = `what was not on its branch is kept: ${attemptRef(run)}`;
    }
    parts.faults?.('gc.before-worktree');
    const loss = await clearWorktree(repository, { path, branch, run, dry: false });
    if (loss !== null) return keep(reasonOfLoss(loss));
    noteGone(round, subject, why);
  }
}

async function readUse(repository: Repository, { path, branch }: Found): Promise<WorktreeUse> {
  const user = (await readFolderUsers())(path);
  try {
    return { user, loss: await clearWorktree(repository, { path, branch, dry: true }) };
  } catch (thrown) {
    return { user, loss: messageOf(thrown) };
  }
}
