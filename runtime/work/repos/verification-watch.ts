/**
 * A review and a verification are about one commit. This watches the branches of plans that are done, approved and not merged. A plan gets a signal when its
 * branch has moved: then it is verified again, or reviewed if it was not verified. Other plans cost nothing. If there are such plans, only the modification
 * times of a few files and folders are read, however many plans there are; git runs only if one of them has changed.
 */

import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { storedPlan } from '../../../actors/stored-tree.ts';
import { approvalOf } from '../../../machines/plan/context.ts';
import { isStacked } from '../../../machines/plan/stack.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type PlanTree, planTree } from '../../../machines/vocabulary/ids.ts';
import type { Approval } from '../../../machines/vocabulary/plan-merge.ts';
import type { Clock } from '../../base/platform/clock.ts';
import { createServiceLoop, type Troubles } from '../../base/platform/poll-loop.ts';
import type { Follows } from '../../core/inbox/facts.ts';
import { type Change, type Store, StoreTrouble } from '../../core/store/port.ts';
import type { PlanRow } from '../../core/store/rows.ts';
import { ownGit } from '../git/git.ts';
import { branchRef, readRef } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import type { Projects } from './registry.ts';
import type { RepoWatchers } from './repo-watchers.ts';

export interface VerificationWatchParts {
  readonly store: Pick<Store, 'commit' | 'plan' | 'plans' | 'tree'>;
  readonly projects: Projects;
  readonly watchers: Pick<RepoWatchers, 'subscribe' | 'watchesRefs'>;
  readonly clock: Clock;
  readonly troubles: Troubles;
  /** Whether this process still owns the home: checked before it writes. */
  isOwner(): boolean;
  onSignals(): void;
}

/** A moved branch is not urgent: each use of the plan checks it anyway. */
const pollMs = 5_000;
/** While a watcher reports every change, this poll only checks that it still does. */
const watchedPollMs = 60_000;
/** The resolution of a file system's clock: a file may change again within the same tick. */
const freshMs = 2_000;
/** The rows that are read in one turn of the event loop. */
const chunk = 50;

interface Approved {
  readonly project: string;
  readonly plan: string;
  readonly branch: string;
  readonly approval: Approval;
  /** `updatedAt` of the plan's row when it was read: a plan that has moved on since is not reported. */
  readonly updatedAt: number;
}

/** The modification times of git's files at the last check of a repo's branches. */
interface Seen {
  readonly commonDir: string;
  /** null: a file was written so recently that its time does not reveal a later change. */
  readonly folders: string | null;
  readonly files: string;
}

/** An approved plan whose branch is at another commit. */
export interface Stale extends Approved {
  readonly head: string;
}

export function createVerificationWatch(parts: VerificationWatchParts) {
  const { store, projects, watchers } = parts;
  /** The done and approved plans by project, as of `updatedAt`. */
  let watched = new Map<string, Approved[]>();
  const known = new Map<PlanTree, { updatedAt: number; approval: Approval | null }>();
  const seen = new Map<string, Seen>();
  const nextAt = new Map<string, number>();
  let isChanged = true;
  let isOpen = false;

  const follows: Follows = {
    states: ['status:done'],
    plans: known,
    noted() {
      isChanged = true;
    },
  };

  const loop = createServiceLoop({
    trouble: { what: 'the branches of verified plans are not looked at' },
    troubles: parts.troubles,
    everyMs: pollMs,
    async work() {
      if (isChanged) await takeStock().catch(retryWithNextLook);
      for (const [project, plans] of watched) {
        if (!isOpen || (nextAt.get(project) ?? 0) > performance.now() + pollMs / 2) continue;
        const waitMs = watchers.watchesRefs(project) ? watchedPollMs : 0;
        nextAt.set(project, performance.now() + waitMs);
        await look(project, plans);
      }
      return null;
    },
  });

  const unsubscribe = watchers.subscribe(({ topic, project }) => {
    if (topic !== 'refs' || !watched.has(project)) return;
    nextAt.delete(project);
    loop.wake();
  });

  /** The next check reads these plans. */
  function retryWithNextLook(thrown: unknown): never {
    isChanged = true;
    throw thrown;
  }

  async function takeStock(): Promise<void> {
    isChanged = false;
    const found = new Map<string, Approved[]>();
    const rows = (await store.plans(null)).filter((row) => row.status === 'done' && !projects.isElsewhere(row.project));
    for (const [index, row] of rows.entries()) {
      if (index % chunk === chunk - 1) await nextTurn();
      if (!isOpen) return;
      const tree = planTree(row.project, row.plan);
      const before = known.get(tree);
      const approval = before?.updatedAt === row.updatedAt ? before.approval : await approvalOfRow(store, row);
      known.set(tree, { updatedAt: row.updatedAt, approval });
      if (approval === null) continue;
      const { project, plan, branch, updatedAt } = row;
      found.set(project, [...(found.get(project) ?? []), { project, plan, branch, approval, updatedAt }]);
    }
    const here = new Set(rows.map((row) => planTree(row.project, row.plan)));
    for (const tree of known.keys()) if (!here.has(tree)) known.delete(tree);
    for (const project of new Set([...watched.keys(), ...found.keys()])) {
      if (JSON.stringify(found.get(project)) === JSON.stringify(watched.get(project))) continue;
      seen.delete(project);
      nextAt.delete(project);
    }
    watched = found;
  }

  async function look(project: string, plans: readonly Approved[]): Promise<void> {
    const before = seen.get(project);
    if (before !== undefined && before.folders === (await agesOf(before.commonDir, foldersOf(plans))).text) return;
    const repository = await projects.repository(project).catch(() => null); // other uses of the repository report its fault
    if (repository === null) return;
    const { commonDir } = repository;
    const folders = await agesOf(commonDir, foldersOf(plans));
    // Every moved branch changes a folder, but most belong to other plans.
    const files = (await agesOf(commonDir, filesOf(plans))).text;
    const now = { commonDir, folders: folders.isFresh ? null : folders.text, files };
    if (before?.files === files) {
      seen.set(project, now);
      return;
    }
    const heads = await headsOf(repository, plans);
    for (const approved of plans) {
      const head = heads.get(branchRef(approved.branch));
      if (head !== undefined && head !== approved.approval.sha && isOpen && parts.isOwner())
        await reportStale(approved, head);
    }
    seen.set(project, now);
  }

  async function reportStale(approved: Approved, head: string): Promise<void> {
    const words = await staleWords({ store, clock: parts.clock }, { ...approved, head });
    if (words.length === 0) return;
    await store.commit(words);
    parts.onSignals();
  }

  return {
    follows,
    start() {
      isOpen = true;
      loop.start();
    },
    /** May be called twice; a check that is under way reports nothing any more. */
    stop() {
      isOpen = false;
      unsubscribe();
      void loop.stop(); // never rejects; git ends within its own limit
    },
  };
}

/** The same check for one plan, before a signal to it is handled. */
export function createStaleVerification(parts: {
  readonly store: Pick<Store, 'plan' | 'tree'>;
  readonly projects: Projects;
  readonly clock: Clock;
}) {
  return {
    /** null: the branch is at the approved commit, or there is nothing to compare. */
    async of(row: PlanRow): Promise<Stale | null> {
      const approval = row.status === 'done' ? await approvalOfRow(parts.store, row) : null;
      if (approval === null) return null;
      const { project, plan, branch, updatedAt } = row;
      const head = await readRef(await parts.projects.repository(project), branchRef(branch));
      return head === null || head === approval.sha ? null : { project, plan, branch, approval, updatedAt, head };
    },
    /** The changes to commit with the signal, before it. */
    words: (stale: Stale): Promise<readonly Change[]> => staleWords({ store: parts.store, clock: parts.clock }, stale),
  };
}

/**
 * Sent once for one approval, however often it is noticed, and not to a plan that has moved on. A plan that moves on before it gets the signal judges it, as
 * it judges every signal in the inbox.
 */
async function staleWords(
  { store, clock }: { readonly store: Pick<Store, 'plan'>; readonly clock: Clock },
  { project, plan, approval, updatedAt, head }: Stale,
): Promise<readonly Change[]> {
  const row = await store.plan(project, plan);
  if (row?.status !== 'done' || row.updatedAt !== updatedAt) return [];
  const tree = planTree(project, plan);
  return [
    {
      do: 'signal.insert',
      tree,
      type: 'verification_stale',
      payload: { head },
      origin: 'engine',
      dedupeKey: `${tree} stale ${approval.sha} ${updatedAt} ${head}`,
      at: clock.nowMs(),
    },
  ];
}

/**
 * The commit at which a done plan was approved, from its row. null: the approval names no commit or no longer counts, or the stored state is damaged, which
 * the plan's next signal reports.
 */
async function approvalOfRow(
  store: Pick<Store, 'tree'>,
  { project, plan }: Pick<PlanRow, 'project' | 'plan'>,
): Promise<Approval | null> {
  const address = planTree(project, plan);
  try {
    const row = await store.tree(address);
    const stored = row === null ? null : storedPlan(address, row.stored);
    if (stored === null || stored.has('merge:working') || stored.context.merge?.merged != null) return null;
    // People's pushes to its stack may be moving the branch.
    if (stored.has('pull_working') && isStacked(stored.context)) return null;
    return approvalOf(stored.context);
  } catch (thrown) {
    if (thrown instanceof EngineError && !(thrown instanceof StoreTrouble)) return null;
    throw thrown;
  }
}

/** The files that change when branches move: packed-refs, and the folder of the branch's loose file. */
function foldersOf(plans: readonly Approved[]): string[] {
  return [...filesOfAll, ...new Set(plans.map(({ branch }) => dirname(branchRef(branch))))];
}

function filesOf(plans: readonly Approved[]): string[] {
  return [...filesOfAll, ...plans.map(({ branch }) => branchRef(branch))];
}

const filesOfAll = ['packed-refs', 'reftable/tables.list'];

/** `isFresh`: one of them was written just now. */
async function agesOf(
  commonDir: string,
  places: readonly string[],
): Promise<{ readonly text: string; readonly isFresh: boolean }> {
  const found = await Promise.all(places.map((place) => stat(join(commonDir, place)).catch(() => null)));
  const nowMs = Date.now();
  return {
    text: found.map((each) => (each === null ? '-' : `${each.ino}:${each.size}:${each.mtimeMs}`)).join(' '),
    isFresh: found.some((each) => each !== null && Math.abs(nowMs - each.mtimeMs) < freshMs),
  };
}

async function headsOf(repository: Repository, plans: readonly Approved[]): Promise<Map<string, string>> {
  const refs = plans.map(({ branch }) => branchRef(branch));
  const listing = await ownGit(repository.path, ['for-each-ref', '--format=%(refname) %(objectname)', ...refs]);
  return new Map(
    listing.split('\n').map((line) => {
      const [ref = '', head = ''] = line.split(' ');
      return [ref, head];
    }),
  );
}
