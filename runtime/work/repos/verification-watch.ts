/**
 * A review and a verification are of one commit. Here the branches of plans that are done, approved and not merged are watched, and the plan is told when
 * its branch has moved on: then it is verified anew, or reviewed where nobody verified it. Plans that are asleep cost nothing: without such a plan nothing
 * is looked at; with some of them the ages of a few files and folders are, however many plans there are, and git only where one of those has changed.
 */

import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { storedPlan } from '../../../actors/stored-tree.ts';
import { approvalOf } from '../../../machines/plan/context.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type PlanTree, planTree } from '../../../machines/vocabulary/ids.ts';
import type { Approval } from '../../../machines/vocabulary/plan-merge.ts';
import type { Clock } from '../../base/platform/clock.ts';
import { createServiceLoop, type Troubles } from '../../base/platform/troubles.ts';
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
  readonly watchers: Pick<RepoWatchers, 'subscribe' | 'tellsOfRefs'>;
  readonly clock: Clock;
  readonly troubles: Troubles;
  /** Something has been committed: what is done and verified may be another now. */
  readonly facts: AsyncIterable<unknown> & { close(): void };
  /** Whether this process still owns the home: asked before it writes. */
  isOwner(): boolean;
  onSignals(): void;
}

export interface VerificationWatch {
  start(): void;
  /** May be called twice; a look that is under way says nothing any more. */
  stop(): void;
}

/** A branch that moved is not urgent: whoever uses the plan is told the same at once. */
const pollMs = 5_000;
/** Where a watcher tells of every change it is only looked whether that is so. */
const watchedPollMs = 60_000;
/** The clock of a file system ticks: what was changed so short a time ago may be changed again within the same tick. */
const freshMs = 2_000;
/** Rows of the store that are read in one turn of the event loop. */
const chunk = 50;

interface Approved {
  readonly project: string;
  readonly plan: string;
  readonly branch: string;
  readonly approval: Approval;
  /** Of the plan's row when it was read: a plan that has moved on since is another matter. */
  readonly updatedAt: number;
}

/** How old what git writes was when a repo's branches were last looked at. */
interface Seen {
  readonly commonDir: string;
  /** null: something was written so lately that its age does not tell of what came right after it. */
  readonly folders: string | null;
  readonly files: string;
}

/** An approved plan whose branch stands at another commit. */
export interface Stale extends Approved {
  readonly head: string;
}

export function createVerificationWatch(parts: VerificationWatchParts): VerificationWatch {
  const { store, projects, watchers, facts } = parts;
  /** By project; what is done and approved, as of `updatedAt`. */
  let watched = new Map<string, Approved[]>();
  const known = new Map<PlanTree, { updatedAt: number; approval: Approval | null }>();
  const seen = new Map<string, Seen>();
  const nextAt = new Map<string, number>();
  let isChanged = true;
  let isOpen = false;

  async function listen(): Promise<void> {
    for await (const _lines of facts) isChanged = true;
  }

  const loop = createServiceLoop({
    trouble: { what: 'the branches of verified plans are not looked at' },
    troubles: parts.troubles,
    everyMs: pollMs,
    async work() {
      if (isChanged) await takeStock().catch(retryWithNextLook);
      for (const [project, plans] of watched) {
        if (!isOpen || (nextAt.get(project) ?? 0) > performance.now() + pollMs / 2) continue;
        const waitMs = watchers.tellsOfRefs(project) ? watchedPollMs : 0;
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

  /** What was to be read is read with the next look. */
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
    const repository = await projects.repository(project).catch(() => null); // who works with it says what is wrong with it
    if (repository === null) return;
    const { commonDir } = repository;
    const folders = await agesOf(commonDir, foldersOf(plans));
    // Every branch that moves changes a folder; most are of others.
    const files = (await agesOf(commonDir, filesOf(plans))).text;
    const now = { commonDir, folders: folders.isFresh ? null : folders.text, files };
    if (before?.files === files) {
      seen.set(project, now);
      return;
    }
    const heads = await headsOf(repository, plans);
    for (const approved of plans) {
      const head = heads.get(branchRef(approved.branch));
      if (head !== undefined && head !== approved.approval.sha && isOpen && parts.isOwner()) await tell(approved, head);
    }
    seen.set(project, now);
  }

  async function tell(approved: Approved, head: string): Promise<void> {
    const words = await staleWords({ store, clock: parts.clock }, { ...approved, head });
    if (words.length === 0) return;
    await store.commit(words);
    parts.onSignals();
  }

  return {
    start() {
      isOpen = true;
      void listen();
      loop.start();
    },
    stop() {
      isOpen = false;
      unsubscribe();
      facts.close();
      void loop.stop(); // never rejects; git ends within its own limit
    },
  };
}

/** The same question for one plan, asked before a word to it is handled. */
export function createStaleVerification({
  store,
  projects,
  clock,
}: {
  readonly store: Pick<Store, 'plan' | 'tree'>;
  readonly projects: Projects;
  readonly clock: Clock;
}) {
  return {
    /** null: the branch stands where it was approved, or there is nothing to compare. */
    async of(row: PlanRow): Promise<Stale | null> {
      const approval = row.status === 'done' ? await approvalOfRow(store, row) : null;
      if (approval === null) return null;
      const { project, plan, branch, updatedAt } = row;
      const head = await readRef(await projects.repository(project), branchRef(branch));
      return head === null || head === approval.sha ? null : { project, plan, branch, approval, updatedAt, head };
    },
    /** For the commit of that word, before it. */
    words: (stale: Stale): Promise<readonly Change[]> => staleWords({ store, clock }, stale),
  };
}

/**
 * Said once of one approval, however often and by whom it is seen; not at all of a plan that has moved on. One that moves on before it hears of it
 * judges the word itself, as it does of all that lies in the inbox.
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
 * The commit that a done plan was approved at, read off its row; null where it was not bound to one, or its approval no longer counts, and where its
 * stored state is damaged, of which the plan itself is told when it is next spoken to.
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
    return approvalOf(stored.context);
  } catch (thrown) {
    if (thrown instanceof EngineError && !(thrown instanceof StoreTrouble)) return null;
    throw thrown;
  }
}

/** What git writes when branches move: the file that holds many, and a new file in the folder of the branch's own, which changes the folder. */
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
