/**
 * Handles the files that a coordinator leaves. It plans or judges, so none of its changes may enter the plan's branch unnoticed, and none may be lost. Only a
 * verifier may make small changes itself, and then the plan must know their size.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentRun, placeOfRun } from '../../../machines/vocabulary/effect.ts';
import { isJudge, isWorker, runName } from '../../../machines/vocabulary/ids.ts';
import type { EffectContext } from '../../core/outbox/handler.ts';
import { type RunFolder, writeRunFile } from '../agents/run-folder.ts';
import { keepAttempt } from '../git/attempt.ts';
import { changedLines } from '../git/changed-lines.ts';
import { adopt, dropCheckout, headOf } from '../git/judged-checkout.ts';
import { attemptRef, branchRef, readRef } from '../git/refs.ts';
import { prepareWorktree } from '../git/worktree.ts';
import { adminDirOf, inWorktree, isOwnFolder } from '../git/worktree-list.ts';
import { withheldFrom } from './additions.ts';
import { reportOtherNested } from './nested-report.ts';
import type { SecretSearch } from './secrets/search.ts';
import { baseOf, type EffectParts, type Site, siteOf } from './workplace.ts';

export type Leftovers =
  | { readonly kind: 'none' }
  /** `ref` holds the uncommitted files, and with `commits` the commits that the branch lacks. `withheld`: their additions that a person must approve. */
  | { readonly kind: 'kept'; readonly ref: string; readonly commits: boolean; readonly withheld: string | null }
  /** A verifier's commits are on the branch: the number of lines between its run's start commit and the branch's head. */
  | { readonly kind: 'fixed'; readonly head: string; readonly since: string; readonly lines: number };

/** An ended run of a coordinator, with its start commit. */
interface Ended {
  readonly effect: AgentRun;
  readonly base: string;
  /** A valid ref name. */
  readonly run: string;
}

const none: Leftovers = { kind: 'none' };

interface TidyParts extends EffectParts {
  readonly secrets: SecretSearch;
}

/** The hint about commits that were not put on the branch. */
export function withheldText(branch: string, { ref, withheld }: { ref: string; withheld: string | null }): string {
  return `its own commits add ${withheld}; they are kept as ${ref}, and not put on ${branch}. To take them, merge that ref where ${branch} is checked out`;
}

/**
 * Call it when the last process of a coordinator's run has gone; a second call returns the same or `none`. Uncommitted files are saved as
 * `refs/stator/attempts/<run>`. So are commits of a planner, an architect or a reviewer, which do not belong on the plan's branch. A verifier's commits are
 * put on the branch if it has not moved. A judge's own checkout is removed.
 */
export async function tidyCoordinator(
  parts: TidyParts,
  effect: AgentRun,
  { context, folder }: { readonly context: Pick<EffectContext, 'row' | 'sendSignal'>; readonly folder: RunFolder },
): Promise<Leftovers> {
  const { row } = context;
  const { id, role, place } = effect;
  const base = await baseOf(parts, row, id);
  if (isWorker(role) || base === null) return none;
  const ended = { effect, base, run: runName(row.project, row.plan, id) };
  const site = await siteOf(parts, row, placeOfRun(effect));
  if (!isJudge(role)) return tidyPlanner(site, ended);
  const own = (await siteOf(parts, row, place)).worktree;
  const left = await tidyJudge(parts, site, ended, { folder, own, context });
  await dropCheckout(site.repository, { path: site.worktree, branch: place.branch });
  return left;
}

/** A planner or an architect works in the plan's own worktree, and each of several planners in its own one. The branch does not move. */
async function tidyPlanner({ repository, worktree }: Site, { effect, base, run }: Ended): Promise<Leftovers> {
  const { branch } = effect.place;
  const head = await readRef(repository, branchRef(branch));
  if (head === null || !(await isThere(repository, worktree))) return none;
  if (head === base && !(await isDirty(repository, worktree))) return none;
  await prepareWorktree(repository, { path: worktree, branch, run, previousRun: run, start: base, reset: true });
  return { kind: 'kept', ref: attemptRef(run), commits: head !== base, withheld: null };
}

async function tidyJudge(
  parts: TidyParts,
  { repository, worktree }: Site,
  { effect, base, run }: Ended,
  {
    folder,
    own,
    context,
  }: { readonly folder: RunFolder; readonly own: string; readonly context: Pick<EffectContext, 'row' | 'sendSignal'> },
): Promise<Leftovers> {
  const { role, place } = effect;
  const { branch } = place;
  const head = await headOf(repository, worktree);
  if (head !== null && (head !== base || (await isDirty(repository, worktree)))) {
    const { title } = effect;
    const ends = { path: worktree, branch, run, base, message: `what ${title} left` };
    const { nested } = await keepAttempt(repository, ends);
    await reportOtherNested(context, { title, folder, site: { repository, worktree }, nested });
    if (role === 'verifier' && head !== base) {
      const withheld = await withheldFrom(parts, repository, { plan: context.row, base, head, worktree });
      // The checkout is removed: a second call learns its content from this record.
      if (withheld !== null) writeRunFile(withheldFile(folder), withheld);
      else if (await adopt(repository, { branch, worktree: own, from: base, to: head, run }))
        writeRunFile(fixedFile(folder), `${head}\n`);
    }
  }
  const fixed = textIn(fixedFile(folder));
  if (fixed !== null)
    return { kind: 'fixed', head: fixed, since: base, lines: await changedLines(repository, base, fixed) };
  const kept = await readRef(repository, attemptRef(run));
  return kept === null || kept === base
    ? none
    : { kind: 'kept', ref: attemptRef(run), commits: (head ?? base) !== base, withheld: textIn(withheldFile(folder)) };
}

async function isThere(repository: Site['repository'], worktree: string): Promise<boolean> {
  return isOwnFolder(worktree) && (await adminDirOf(repository, worktree)) !== null;
}

/** Whether the worktree has uncommitted files. */
export async function isDirty(repository: Site['repository'], path: string): Promise<boolean> {
  const adminDir = isOwnFolder(path) ? await adminDirOf(repository, path) : null;
  // Submodules are left out: git would start a git there, which obeys a configuration that the agent wrote.
  const asked = ['status', '--porcelain', '--ignore-submodules=dirty'];
  return adminDir !== null && (await inWorktree({ path, adminDir }, asked)) !== '';
}

function textIn(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
}

function withheldFile({ path }: RunFolder): string {
  return join(path, 'withheld');
}

function fixedFile({ path }: RunFolder): string {
  return join(path, 'fixed');
}
