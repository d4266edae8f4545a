/**
 * Branches and refs of plans that are over. A branch is ours if it has our mark *and* a plan of this store uses it: anyone can write marks and refs, even an
 * agent. A branch is deleted if a branch that is not ours, or a remote's, contains all of it; a failed task's branch also if an attempt's ref holds it. Such
 * refs are never deleted because of age alone: only if a remaining branch contains their commits, or if a person requests it.
 */
import { ownGit } from '../git/git.ts';
import { dropRefs, listRefs, type Ref } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { listWorktrees } from '../git/worktree-list.ts';
import { keptAs, keptBy, reasonOfBranch, reasonOfSavedRef } from './reasons.ts';
import { type CleaningParts, type CleaningSubject, noteGone, noteKept, planOfBranch, type Round } from './round.ts';

export const owned = 'refs/stator/owned/';
export const heads = 'refs/heads/';
export const attempts = 'refs/stator/attempts/';
export const archive = 'refs/stator/archive/';
/** The number of branches that are checked or deleted in one step. */
const page = 100;

interface Going {
  readonly item: CleaningSubject;
  readonly why: string;
  readonly ref: Ref;
  /** A branch's mark, which is deleted after it. */
  readonly mark: Ref | null;
}

export async function clearRefs(
  parts: CleaningParts,
  round: Round,
  { project, repository }: { readonly project: string; readonly repository: Repository },
): Promise<void> {
  const refs = await listRefs(repository, ['refs/heads', 'refs/remotes', 'refs/stator']);
  const of = { project, repository, refs };
  const branches = await judgeBranches(round, of);
  const leaving = new Set(branches.map(({ ref }) => ref.name));
  const staying = refs.filter(({ name }) => !name.startsWith('refs/stator/') && !leaving.has(name));
  await dropInSteps(parts, round, repository, [...branches, ...(await judgeKeeping(round, of, staying))]);
}

/** Deletes branches only. */
export async function clearBranches(
  parts: CleaningParts,
  round: Round,
  { project, repository }: { readonly project: string; readonly repository: Repository },
): Promise<void> {
  const refs = await listRefs(repository, ['refs/heads', 'refs/remotes', 'refs/stator']);
  await dropInSteps(parts, round, repository, await judgeBranches(round, { project, repository, refs }));
}

/** Deletes the marks of this store's branches that stay: nobody uses them as stator's from here on, a later installation neither. */
export async function dropMarks(
  round: Round,
  { project, repository }: { readonly project: string; readonly repository: Repository },
): Promise<void> {
  const marks = (await listRefs(repository, ['refs/stator/owned'])).filter(
    ({ name, isSymbolic }) => !isSymbolic && planOfBranch(round, project, name.slice(owned.length)) !== undefined,
  );
  await repository.exclusively(() => dropRefs(repository, marks));
}

async function dropInSteps(
  parts: CleaningParts,
  round: Round,
  repository: Repository,
  going: readonly Going[],
): Promise<void> {
  for (let at = 0; at < going.length; at += page) {
    await dropSome(parts, round, repository, going.slice(at, at + page));
    await round.rest();
  }
}

interface Listed {
  readonly project: string;
  readonly repository: Repository;
  readonly refs: readonly Ref[];
}

async function judgeBranches(round: Round, { project, repository, refs }: Listed): Promise<Going[]> {
  const byName = new Map(refs.map((ref) => [ref.name, ref]));
  const marks = refs.filter(({ name }) => name.startsWith(owned));
  const isMarked = new Set(marks.map(({ name }) => heads + name.slice(owned.length)));
  const worktrees = (await listWorktrees(repository)).filter(({ path }) => !round.leaving.has(path));
  const checkedOut = new Map(worktrees.map(({ branch, path }) => [branch, path]));
  const lost = await lostWith(repository, refs, isMarked, round, project);
  const going: Going[] = [];
  for (const [index, mark] of marks.entries()) {
    if (index % page === page - 1) await round.rest();
    const branch = mark.name.slice(owned.length);
    const ref = byName.get(heads + branch);
    const plan = planOfBranch(round, project, branch);
    if (plan === undefined && round.isOfThese) continue;
    const item = { kind: 'branch', project, plan: plan?.plan ?? null, name: branch, bytes: null, count: 1 } as const;
    const reason = reasonOfBranch(round, { mark, ref, plan, path: checkedOut.get(branch), isLost: lost(ref) });
    const kept = keptBy(round, reason);
    if (kept !== null) noteKept(round, item, kept);
    else if (ref === undefined)
      going.push({ item, why: 'it was gone already, its mark was left', ref: mark, mark: null });
    else going.push({ item, why: reason === null ? '' : `it was at ${ref.commit}`, ref, mark });
  }
  return going;
}

/**
 * Whether commits would be lost with a branch. One reading of the history serves all plans' own branches, and one those of tasks, whose commits are safe if
 * their plan's branch or an attempt has them.
 */
async function lostWith(
  repository: Repository,
  refs: readonly Ref[],
  isMarked: ReadonlySet<string>,
  round: Round,
  project: string,
): Promise<(ref: Ref | undefined) => boolean> {
  const others = refs.filter(({ name }) => !isMarked.has(name) && !name.startsWith('refs/stator/'));
  const ours = refs.filter(({ name }) => isMarked.has(name));
  const isPlansOwn = ({ name }: Ref) =>
    planOfBranch(round, project, name.slice(heads.length))?.branch === name.slice(heads.length);
  const plansOwn = ours.filter(isPlansOwn);
  const tasks = ours.filter((ref) => !isPlansOwn(ref));
  const kept = refs.filter(({ name }) => name.startsWith(attempts) || name.startsWith(archive));
  const lostPlans = await unreached(repository, plansOwn, others);
  const lostTasks = await unreached(repository, tasks, [...others, ...plansOwn, ...kept]);
  return (ref) => ref !== undefined && (isPlansOwn(ref) ? lostPlans : lostTasks).has(ref.commit);
}

/** The commits that no ref of `from` reaches. */
export async function unreached(
  repository: Repository,
  refs: readonly Ref[],
  from: readonly Ref[],
): Promise<Set<string>> {
  if (refs.length === 0) return new Set();
  const reaching = from.filter(({ committedMs }) => committedMs > 0);
  const input = [...refs.map(({ commit }) => commit), ...new Set(reaching.map(({ commit }) => `^${commit}`))].join(
    '\n',
  );
  const listing = await ownGit(repository.path, ['rev-list', '--stdin'], { input: `${input}\n` });
  // An object that is no commit is in no list of commits, so it counts as in no branch.
  const others = refs.filter(({ committedMs }) => committedMs === 0).map(({ commit }) => commit);
  return new Set([...listing.split('\n'), ...others]);
}

/** Refs of attempts and archives. `staying`: the branches that remain after this round. */
async function judgeKeeping(
  round: Round,
  { project, repository, refs }: Listed,
  staying: readonly Ref[],
): Promise<Going[]> {
  const going: Going[] = [];
  const keeping = refs.filter(({ name }) => name.startsWith(attempts) || name.startsWith(archive));
  const sound = keeping.filter(({ isSymbolic }) => !isSymbolic);
  const lost = await unreached(repository, sound, staying);
  for (const [index, ref] of keeping.entries()) {
    if (index % page === page - 1) await round.rest();
    const plan = round.plans.get(`${project}/${planNamed(ref.name)}`);
    const item = { kind: 'ref', project, plan: plan?.plan ?? null, name: ref.name, bytes: null, count: 1 } as const;
    const reason = reasonOfSavedRef(round, { ref, plan, isLost: lost.has(ref.commit) });
    const kept = keptBy(round, reason);
    if (kept !== null) noteKept(round, item, kept);
    else going.push({ item, why: reason === null ? '' : `it was at ${ref.commit}`, ref, mark: null });
  }
  return going;
}

/** `refs/stator/attempts/<plan>#…` and `refs/stator/archive/<plan>/<pass>`. */
export function planNamed(ref: string): string {
  return ref.startsWith(attempts)
    ? (ref.slice(attempts.length).split('#')[0] ?? '')
    : (ref.slice(archive.length).split('/')[0] ?? '');
}

async function dropSome(
  { faults }: CleaningParts,
  round: Round,
  repository: Repository,
  some: readonly Going[],
): Promise<void> {
  const gone = round.dry ? new Set(some.map(({ ref }) => ref.name)) : await dropAll();
  for (const { item, why, ref } of some) {
    if (gone.has(ref.name)) noteGone(round, item, why);
    else noteKept(round, item, keptAs('it has moved meanwhile'));
  }

  async function dropAll(): Promise<Set<string>> {
    return repository.exclusively(async () => {
      const dropped = await dropRefs(
        repository,
        some.map(({ ref }) => ref),
      );
      faults?.('gc.before-marks');
      await dropRefs(
        repository,
        some.flatMap(({ ref, mark }) => (mark !== null && dropped.has(ref.name) ? [mark] : [])),
      );
      return dropped;
    });
  }
}
