/**
 * Checks whether the work that was put on a plan's branch is still there. The answer comes from git, not from the journal: an agent or a person can move a
 * branch anywhere. Work that is there as other commits, after a rebase or a squash, counts as present.
 */

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { sep } from 'node:path';
import { storedPlan, storedWork } from '../../../actors/stored-tree.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { DoneWork } from '../../../machines/vocabulary/family.ts';
import { effectKey, planTree, runName } from '../../../machines/vocabulary/ids.ts';
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { SignalPayload } from '../../../machines/vocabulary/signal.ts';
import type { EffectContext } from '../../core/outbox/handler.ts';
import type { PlanKey, Store } from '../../core/store/port.ts';
import { hasWork, type Taken, takeIntoBranch } from '../git/joint-base.ts';
import { areAncestors, findCommit } from '../git/objects.ts';
import { attemptRef, branchRef, readRef, readRefs, remoteHeads } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import type { EffectParts } from './workplace.ts';

/** The most commits that a sentence names. */
const shownWork = 10;
/** The most commits in one signal. */
const reportedWork = 1_000;
/** How often work is merged again into a branch that moves meanwhile. */
const maxRounds = 5;

/** Work that is missing on its plan's branch, in the form of the signal `work_lost`. */
export type LostWork = SignalPayload<'work_lost'>;

interface Branch extends PlanKey {
  readonly branch: string;
}

interface Asked {
  readonly store: Pick<Store, 'tree' | 'run' | 'effect' | 'hosts'>;
  readonly nowMs: () => number;
}

/** null: all work is on the branch, or the plan was merged as it was. Throws git's errors. */
export async function lostWork(asked: Asked, repo: Repository, of: Branch): Promise<LostWork | null> {
  const { store, nowMs } = asked;
  const lookedAt = nowMs();
  const address = planTree(of.project, of.plan);
  const row = await store.tree(address);
  if (row === null || isMerged(address, row.stored)) return null;
  const done = storedWork(address, row.stored);
  if (done.length === 0) return null;
  const head = await readRef(repo, branchRef(of.branch));
  const places = head === null ? await placesBeside(repo, of.branch) : [head];
  let lost: readonly DoneWork[] = done;
  for (const place of places) lost = await missingFrom(repo, lost, place);
  if (lost.length === 0) return null;
  return {
    work: lost.slice(0, reportedWork),
    detail: await detailOf(asked, repo, of, { lost, head }),
    looked_at: lookedAt,
  };
}

/** The same for an effect's plan; the plan gets a signal each time that work is missing. */
export async function reportLostWork(
  parts: Pick<EffectParts, 'store' | 'projects' | 'nowMs'>,
  { row: { project, plan }, sendSignal }: Pick<EffectContext, 'row' | 'sendSignal'>,
  branch: string,
): Promise<LostWork | null> {
  const lost = await lostWork(parts, await parts.projects.repository(project), { project, plan, branch });
  if (lost !== null) sendSignal(`lost ${randomUUID()}`, 'work_lost', lost);
  return lost;
}

/**
 * Merges lost work into the branch again, with one merge commit for each part, and returns the restored parts. Work whose commits no longer exist is not
 * restored. Throws `conflict` if the work conflicts with the branch, or if a commit is gone.
 */
export async function restoreWork(parts: Asked, repo: Repository, of: Branch): Promise<readonly DoneWork[]> {
  const { work = [] } = (await lostWork(parts, repo, of)) ?? {};
  const gone: DoneWork[] = [];
  for (const each of work) if ((await findCommit(repo, each.commit)) === null) gone.push(each);
  if (gone.length > 0)
    throw new EngineError(
      'conflict',
      `the work of ${namesOf(gone)} is not in ${repo.path} any more: nothing keeps ${gone.map(({ commit }) => commit.slice(0, 12)).join(', ')}`,
      `${await fetchText(parts, repo, of, gone)}; or go on without it: stator plan answer ${shellWord(of.plan)} --accept`,
    );
  for (const { title, commit } of work) {
    const taken = await bringBack(repo, { branch: of.branch, commit, message: `Bring back the work of ${title}` });
    if (taken.kind === 'conflict')
      throw new EngineError(
        'conflict',
        `the work of ${title} (${commit.slice(0, 12)}) and ${of.branch} conflict in ${taken.files.slice(0, shownWork).join(', ')}`,
        `merge it by hand where ${of.branch} is checked out (git -C ${shellWord(repo.path)} worktree list), then: stator plan answer ${shellWord(of.plan)}`,
      );
    if (taken.kind === 'moved')
      throw new EngineError('conflict', `${of.branch} was moved meanwhile`, 'ask again; what was brought back stays');
  }
  return work;
}

/** Tries again if the branch moves meanwhile, because a task that still works is merged there. */
async function bringBack(repo: Repository, work: Parameters<typeof takeIntoBranch>[1]): Promise<Taken> {
  for (let round = 1; ; round += 1) {
    const taken = await takeIntoBranch(repo, work);
    if (taken.kind !== 'moved' || round === maxRounds) return taken;
  }
}

/** Later changes are no loss: a branch may be deleted once its plan is merged. */
function isMerged(address: string, stored: Parameters<typeof storedPlan>[1]): boolean {
  const plan = storedPlan(address, stored);
  return plan.context.merge?.merged != null || plan.has('pull:merged');
}

/** Where the work of a deleted branch may be: remote branches of that name, and the branch that people work on. */
async function placesBeside(repo: Repository, branch: string): Promise<string[]> {
  const remote = await remoteHeads(repo, branch);
  const main = await findCommit(repo, repo.defaultBase);
  return main === null ? remote : [...remote, main];
}

async function missingFrom(repo: Repository, done: readonly DoneWork[], head: string): Promise<readonly DoneWork[]> {
  // One call for all of them: nearly always they are there.
  const commits = done.map(({ commit }) => commit);
  if (await areAncestors(repo, commits, head)) return [];
  const missing: DoneWork[] = [];
  for (const work of done) if (!(await isThere(repo, work.commit, head))) missing.push(work);
  return missing;
}

/** Whether the head has the work: the same commit, commits with the same changes (a rebase), or all of its changes (a squash). */
async function isThere(repo: Repository, commit: string, head: string): Promise<boolean> {
  return (await findCommit(repo, commit)) !== null && hasWork(repo, head, commit);
}

async function detailOf(
  asked: Asked,
  repo: Repository,
  { project, plan, branch }: Branch,
  { lost, head }: { readonly lost: readonly DoneWork[]; readonly head: string | null },
): Promise<string> {
  const names = lost.map(({ run }) => (run === null ? null : attemptRef(runName(project, plan, run))));
  const kept = await readRefs(
    repo,
    names.map((name) => name ?? 'refs/stator/none'),
  );
  const here: string[] = [];
  const away: string[] = [];
  const missing: DoneWork[] = [];
  for (const [index, work] of lost.slice(0, shownWork).entries()) {
    const { title, commit } = work;
    const place = (kept[index] === null ? null : names[index]) ?? commit.slice(0, 12);
    const isHere = kept[index] !== null || (await findCommit(repo, commit)) !== null;
    (isHere ? here : away).push(`${title}: ${place}`);
    if (!isHere) missing.push(work);
  }
  const at = head === null ? `${branch} is not there any more` : `${branch}, which is at ${head.slice(0, 12)} now`;
  const what =
    head === null
      ? `${at}, and with it the work of ${namesOf(lost)}`
      : `the work of ${namesOf(lost)} is no longer on ${at}: somebody moved the branch`;
  const more = lost.length > shownWork ? [`and ${lost.length - shownWork} more`] : [];
  if (away.length === 0) return [`${what}; it is kept as`, ...here, ...more].join('\n');
  return [
    what,
    ...(here.length === 0 ? [] : ['kept as', ...here]),
    `not in ${repo.path}`,
    ...away,
    ...more,
    await fetchText(asked, repo, { project, plan, branch }, missing),
  ].join('\n');
}

/** How to get work that is not in this repository, with the place in which it was made, as far as its runs say. */
async function fetchText(
  { store }: Asked,
  repo: Repository,
  { project, plan, branch }: Branch,
  missing: readonly DoneWork[],
): Promise<string> {
  const fetchFrom = (place: string) => `git -C ${shellWord(repo.path)} fetch ${shellWord(place)} ${shellWord(branch)}`;
  let away: string | null = null;
  for (const { run } of missing) {
    const key = run === null ? null : effectKey(planTree(project, plan), run);
    const path = key === null ? null : cloneOf((await store.run(key))?.worktree ?? null);
    if (key === null || path === null || path === repo.path) continue;
    if (existsSync(path)) return `fetch it first from where it was made: ${fetchFrom(path)}`;
    const name = (await store.effect(key))?.host ?? '';
    const host = (await store.hosts?.list())?.find((each) => each.name === name && name !== store.hosts?.own);
    away ??=
      host === undefined
        ? `it was made in ${path}, which is not there any more: fetch ${branch} from a copy of that into ${repo.path}`
        : `fetch it first from where it was made, ${path} on host ${name}; where that takes ssh: ${fetchFrom(`${host.address}:${path}`)}`;
  }
  return away ?? `no clone is known in which it was made: fetch ${branch} from a copy that has it into ${repo.path}`;
}

/** The clone of a run by the path of its worktree; null: that lies elsewhere, or the run had none. */
function cloneOf(worktree: string | null): string | null {
  const end = worktree?.lastIndexOf(`${sep}.worktrees${sep}`) ?? -1;
  return worktree === null || end < 1 ? null : worktree.slice(0, end);
}

function namesOf(lost: readonly DoneWork[]): string {
  return shortList(
    lost.map(({ title }) => title),
    shownWork,
  );
}
