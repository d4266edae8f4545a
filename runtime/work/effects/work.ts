/** The git effects after a run: committing its files, merging into the plan's branch, removing a worktree, archiving a branch. */

import type {
  BranchArchive,
  WorkCommit,
  WorkMerge,
  WorktreeRemove,
  WorkUndo,
} from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { effectKey, runName } from '../../../machines/vocabulary/ids.ts';
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import type { EffectContext, Handler, Outcome } from '../../core/outbox/handler.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import { commitLeftovers, keepAttempt, ownCommitsBase, type UnmergedWork } from '../git/attempt.ts';
import { archiveBranch, deleteBranch } from '../git/branch.ts';
import { deletedMost } from '../git/diff.ts';
import { mergeBranch } from '../git/merge.ts';
import type { Nested } from '../git/nested.ts';
import { findCommit } from '../git/objects.ts';
import { archiveRef, attemptRef, branchRef, moveRef, readRef } from '../git/refs.ts';
import { prepareWorktree, removeWorktree } from '../git/worktree.ts';
import { adminDirOf, isOwnFolder } from '../git/worktree-list.ts';
import { askedAdditions } from './additions.ts';
import { reportLostWork } from './lost-work.ts';
import { reportOtherNested } from './nested-report.ts';
import { isDeleted, presenceOf } from './place-away.ts';
import type { SecretSearch } from './secrets/search.ts';
import { chooseBase, knownBase, planBase } from './stored-base.ts';
import { commitMarks, isTaskOf, isWorkOf, marksOf } from './task-marks.ts';
import { baseOf, type EffectParts, readLaunch, type Site, siteOf } from './workplace.ts';

/** false: its worktree was gone for good when the run ended. Throws `unreachable`, which is waited for, if it is away now. */
async function isPlaceThere(
  parts: EffectParts,
  site: Parameters<typeof presenceOf>[0],
  { row, run }: { row: EffectRow; run: string },
): Promise<boolean> {
  const launch = await readLaunch(parts, effectKey(row.tree, run));
  if (launch !== null && isDeleted(launch.folder.path)) return false;
  const waitedMs = parts.nowMs() - (row.waiting_since ?? parts.nowMs());
  return (await presenceOf(site, { waitedMs })) === 'there';
}

interface CommitParts extends EffectParts {
  readonly secrets: SecretSearch;
}

/** Commits a run's files on its branch; for a failed run (`aside`) only in a ref. A second run returns the same. */
export function createCommit(parts: CommitParts): Handler<WorkCommit> {
  return async (effect, context): Promise<Outcome> => {
    const { row } = context;
    const base = await baseOf(parts, row, effect.run);
    if (base === null && effect.aside) return { type: null };
    const site = await siteOf(parts, row, effect.place);
    const { project, repository, worktree } = site;
    if (base === null) {
      // A person finished the task before its run began: nothing was changed, and the task decides what that means.
      const { from: branch } = effect.place;
      const named = { project: row.project, plan: row.plan, branch };
      const head = (await readRef(repository, branchRef(branch))) ?? (await planBase(parts, named)).commit;
      return { type: 'work_committed', payload: { head, base: head, changed: false } };
    }
    const { branch } = effect.place;
    const isHere = await isPlaceThere(parts, { repository, worktree, branch }, { row, run: effect.run });
    const ended = {
      path: worktree,
      branch,
      run: runName(row.project, row.plan, effect.run),
      base,
      message: effect.message,
    };
    if (effect.aside) {
      const { nested } = await keepAttempt(repository, ended);
      await reportLeftNested(parts, context, { run: effect.run, site: { repository, worktree }, nested });
      return { type: null };
    }
    parts.faults?.('commit.before-commit');
    const committed = await commitLeftovers(repository, ended);
    const { changed, unmerged, nested } = committed;
    const head =
      unmerged === undefined ? await withMarks(parts, site, { effect, row, head: committed.head }) : committed.head;
    parts.faults?.('commit.after-commit');
    await reportLeftNested(parts, context, { run: effect.run, site: { repository, worktree }, nested });
    if (effect.place.branch === effect.place.from) await reportLostWork(parts, context, effect.place.from);
    const outcome = { head, base, changed };
    if (!changed && !isHere) return { type: 'work_committed', payload: { ...outcome, detail: goneText(worktree) } };
    if (unmerged !== undefined)
      return { type: 'work_committed', payload: { ...outcome, aside: unmergedText(unmerged, ended.branch) } };
    const most = changed && project.config.confirmDeletions ? await deletedMost(repository, base, head) : null;
    const deletions = most === null ? {} : { deletions: deletionsText(most, { base, head }) };
    const { row: plan } = context;
    const limits = project.config.confirmAdditions;
    const asked = changed ? await askedAdditions(parts, repository, { base, head, worktree, plan, limits }) : null;
    const additions = asked === null ? {} : { additions: { question: asked.question, accepts: asked.accepts } };
    return { type: 'work_committed', payload: { ...outcome, ...deletions, ...additions } };
  };
}

/** Work on the plan's own branch is marked there at once; work on a task's branch is marked when it is merged. */
async function withMarks(
  { store }: EffectParts,
  site: Site,
  { effect, row, head }: { effect: WorkCommit; row: EffectRow; head: string },
): Promise<string> {
  const { branch, from } = effect.place;
  if (branch !== from) return head;
  const { project, plan } = row;
  const edit = await marksOf({ store }, site, { project, plan, isDone: isWorkOf(effect.run) });
  if (edit === null) return head;
  return commitMarks(site.repository, { branch, head, edit, message: `${effect.message}: marked as done` });
}

/** Reports the separate repositories that a run left, with its agent's name. */
async function reportLeftNested(
  parts: EffectParts,
  context: EffectContext,
  { run, site, nested }: { run: string; site: Pick<Site, 'repository' | 'worktree'>; nested: readonly Nested[] },
): Promise<void> {
  if (nested.length === 0) return;
  const key = effectKey(context.row.tree, run);
  const title = (await parts.store.run(key))?.title ?? context.row.plan;
  const folder = (await readLaunch(parts, key))?.folder ?? null;
  await reportOtherNested(context, { title, folder, site, nested });
}

/** The most files that a sentence names. */
const shownFiles = 10;

function unmergedText(unmerged: UnmergedWork, branch: string): string {
  const files = shortList(unmerged.files, shownFiles);
  if (unmerged.kind === 'elsewhere')
    return `it ended on another commit than ${branch}, and the two conflict in ${files}; where it ended is kept: git diff ${branch} ${unmerged.ref}`;
  const other = unmerged.other === null ? '' : `, and what it was merging as ${unmerged.other}`;
  return `it ended in the middle of a merge, with conflicts left in ${files}; its files are kept as ${unmerged.ref}${other}`;
}

function goneText(worktree: string): string {
  return `${worktree} was gone when it ended, moved or deleted by it, so only its commits could be taken, and those change nothing`;
}

function deletionsText(
  { files, of }: { readonly files: readonly string[]; readonly of: number },
  { base, head }: { readonly base: string; readonly head: string },
): string {
  const look = `git diff --stat ${base.slice(0, 12)} ${head.slice(0, 12)}`;
  return `its work deletes ${files.length} of ${of} files: ${shortList(files, shownFiles)} (${look}). Are they to go? "yes" takes the work; anything else sends it back to the agent with your words`;
}

export function createMerge(parts: EffectParts): Handler<WorkMerge> {
  return async (effect, context): Promise<Outcome> => {
    const { row } = context;
    const site = await siteOf(parts, row, effect.place);
    const { repository } = site;
    const { commit = null } = effect;
    // The run's host was lost before it pushed this: the branch here may be an earlier attempt's.
    if (commit !== null && (await findCommit(repository, commit)) === null)
      return { type: 'effect_failed', payload: { detail: lostText(effect.place.branch, commit) } };
    parts.faults?.('merge.before-update-ref');
    const merged = await mergeBranch(repository, {
      from: effect.place.branch,
      into: effect.place.from,
      message: effect.message,
      edit: await marksOf(parts, site, { project: row.project, plan: row.plan, isDone: isTaskOf(effect.place) }),
    });
    parts.faults?.('merge.after-update-ref');
    switch (merged.kind) {
      case 'merged':
        await reportLostWork(parts, context, effect.place.from);
        return { type: 'work_merged', payload: { head: merged.head } };
      case 'conflict':
        return { type: 'work_conflicted', payload: { files: merged.files.slice(0, 1_000) } };
      case 'nothing':
        throw new EngineError(
          'git_failed',
          `${effect.place.branch} has nothing that ${effect.place.from} has not`,
          'look at both with: git log --graph',
        );
      default:
        return merged satisfies never;
    }
  };
}

function lostText(branch: string, commit: string): string {
  return `the commit ${commit.slice(0, 12)} of ${branch} is not in this repository: it was lost with the host that made it, and the work is to be done again`;
}

/**
 * Sets the branch, and its worktree, back to the start commit of a run that failed for good. Only if the branch was not moved since, and only if nothing is
 * lost: the run's attempt ref holds its work.
 */
export function createUndo(parts: EffectParts): Handler<WorkUndo> {
  return async (effect, { row }): Promise<Outcome> => {
    const base = await baseOf(parts, row, effect.run);
    if (base === null) return { type: null };
    const { repository, worktree } = await siteOf(parts, row, effect.place);
    const { branch } = effect.place;
    await isPlaceThere(parts, { repository, worktree, branch }, { row, run: effect.run });
    const failed = runName(row.project, row.plan, effect.run);
    if ((await ownCommitsBase(repository, { branch, run: failed, base })) === null) return { type: null };
    parts.faults?.('undo.before-reset');
    const run = `${runName(row.project, row.plan, row.name)}-undo`;
    await prepareWorktree(repository, { path: worktree, branch, start: base, run, previousRun: failed, reset: true });
    return { type: null };
  };
}

/**
 * Removes the worktree of a merged task, or of a plan that is long over. Uncommitted files are saved as an attempt's ref, so nothing prevents the removal. A
 * task's branch is also deleted, because all of it is merged; a plan's own branch stays.
 */
export function createWorktreeRemove(parts: EffectParts): Handler<WorktreeRemove> {
  return async (effect, { row }): Promise<Outcome> => {
    const { place } = effect;
    const { repository, worktree } = await siteOf(parts, row, place);
    parts.faults?.('worktree.before-remove');
    if (effect.unstarted !== undefined) {
      await leaveNothing(parts, { repository, worktree }, { effect, row, run: effect.unstarted });
      return { type: null };
    }
    const run = `${runName(row.project, row.plan, row.name)}-leftover`;
    const wanted = {
      path: worktree,
      branch: place.branch,
      mergedInto: place.branch === place.from ? null : place.from,
      run,
    };
    const removal = await removeWorktree(repository, wanted);
    if (removal.kind === 'removed') return { type: null };
    await keepAttempt(repository, { ...wanted, base: place.branch, message: `left over in ${place.branch}` });
    const again = await removeWorktree(repository, wanted);
    // A worktree that must not be removed stays, and its row shows why; nothing waits for it.
    if (again.kind === 'kept')
      throw new EngineError(
        'worktree_taken',
        `the worktree stays: ${again.why}`,
        `look at it with: git -C ${worktree} status`,
      );
    return { type: null };
  };
}

/**
 * Cleans up after a run that could not be started: removes its worktree, and its branch if nothing was committed on it. The worktree's files come from the
 * setup, unless the worktree was never made ready: then a ref saves them. Whatever cannot be removed stays, so that a person can see why.
 */
async function leaveNothing(
  parts: EffectParts,
  { repository, worktree }: Pick<Site, 'repository' | 'worktree'>,
  { effect: { place }, row, run }: { effect: WorktreeRemove; row: EffectRow; run: string },
): Promise<void> {
  const { branch, from } = place;
  const name = `${runName(row.project, row.plan, row.name)}-leftover`;
  const wanted = { path: worktree, branch, mergedInto: null, run: name };
  const removal = await removeWorktree(repository, wanted);
  const isOurs = isOwnFolder(worktree) && (await adminDirOf(repository, worktree)) !== null;
  if (removal.kind === 'kept' && isOurs) {
    await keepAttempt(repository, { ...wanted, base: branch, message: `left over in ${branch}` });
    await removeWorktree(repository, wanted);
    const wasReady = (await baseOf(parts, row, run)) !== null;
    const kept = wasReady ? await readRef(repository, attemptRef(name)) : null;
    if (kept !== null) await moveRef(repository, attemptRef(name), { from: kept, to: null });
  }
  // The plan's own branch is deleted if it is still at its base, from which it can be made again.
  const base = branch === from ? await knownBase(parts, row) : null;
  const mergedInto = branch === from ? (base === null || base.on.length > 0 ? null : base.commit) : from;
  if (mergedInto !== null) await deleteBranch(repository, { branch, mergedInto });
}

export function createBranchArchive(parts: EffectParts): Handler<BranchArchive> {
  return async ({ branch, pass }, { row }): Promise<Outcome> => {
    const { repository } = await siteOf(parts, row, { branch, from: branch });
    // A start that was killed halfway continues with its chosen base.
    const hasBegun = (await readRef(repository, archiveRef(row.plan, pass))) !== null;
    const known = hasBegun ? await knownBase(parts, row) : null;
    const { commit: start } = known ?? (await chooseBase(parts, row, repository));
    const head = await archiveBranch(repository, { branch, plan: row.plan, pass, start });
    return { type: 'branch_archived', payload: { head } };
  };
}
