/**
 * A review and a verification are of one commit. Here the branches of plans that are done, approved and not merged are watched, and the plan is told when
 * its branch has moved on: then it is verified anew, or reviewed where nobody verified it. Plans that are asleep cost nothing: without such a plan nothing is looked at, and with some of them a few
 * files' ages are, and git only where one of those has changed.
 */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { approvalOf, type PlanContext } from '../../machines/plan/context.ts';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { type PlanTree, planTree } from '../../machines/vocabulary/ids.ts';
import type { Approval } from '../../machines/vocabulary/plan-merge.ts';
import { ownGit } from '../git/git.ts';
import { branchRef, readRef } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { createPollLoop } from '../platform/poll-loop.ts';
import { type Change, type Store, StoreTrouble } from '../store/port.ts';
import type { PlanRow } from '../store/rows.ts';
import type { Projects } from './registry.ts';
import type { RepoWatchers } from './repo-watchers.ts';

export interface VerificationWatchParts {
  readonly store: Pick<Store, 'commit' | 'plan' | 'plans' | 'tree'>;
  readonly projects: Projects;
  readonly watchers: Pick<RepoWatchers, 'subscribe'>;
  readonly clock: Clock;
  readonly log: Log;
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

/** An approved plan whose branch stands at another commit. */
export interface Stale extends Approved {
  readonly head: string;
}

export function createVerificationWatch(parts: VerificationWatchParts): VerificationWatch {
  const { store, projects, log, facts } = parts;
  /** By project; what is done and approved, as of `updatedAt`. */
  let watched = new Map<string, Approved[]>();
  const known = new Map<PlanTree, { updatedAt: number; approval: Approval | null }>();
  const seen = new Map<string, string>();
  let isChanged = true;
  let isOpen = false;

  async function listen(): Promise<void> {
    for await (const _lines of facts) isChanged = true;
  }

  const loop = createPollLoop({
    everyMs: pollMs,
    async work() {
      if (isChanged) await takeStock().catch(again);
      for (const [project, plans] of watched) if (isOpen) await look(project, plans);
      return null;
    },
    onError: (thrown) => log.warn(`the branches of verified plans were not looked at: ${messageOf(thrown)}`),
  });

  const unsubscribe = parts.watchers.subscribe(({ topic, project }) => {
    if (topic === 'refs' && watched.has(project)) loop.poke();
  });

  /** What was to be read is read with the next look. */
  function again(thrown: unknown): never {
    isChanged = true;
    throw thrown;
  }

  async function takeStock(): Promise<void> {
    isChanged = false;
    const found = new Map<string, Approved[]>();
    const rows = (await store.plans(null)).filter((row) => row.status === 'done');
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
    watched = found;
    seen.clear();
  }

  async function look(project: string, plans: readonly Approved[]): Promise<void> {
    const repository = await projects.repository(project).catch(() => null); // who works with it says what is wrong with it
    if (repository === null) return;
    const signature = await signatureOf(repository, plans);
    if (seen.get(project) === signature) return;
    const heads = await headsOf(repository, plans);
    for (const approved of plans) {
      const head = heads.get(branchRef(approved.branch));
      if (head !== undefined && head !== approved.approval.sha && isOpen && parts.isOwner()) await tell(approved, head);
    }
    seen.set(project, signature);
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
    async of(project: string, plan: string): Promise<Stale | null> {
      const row = await store.plan(project, plan);
      const approval = row?.status === 'done' ? await approvalOfRow(store, row) : null;
      if (row === null || approval === null) return null;
      const { branch, updatedAt } = row;
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
  const row = await store.tree(planTree(project, plan)).catch((thrown: unknown) => {
    if (thrown instanceof EngineError && !(thrown instanceof StoreTrouble)) return null;
    throw thrown;
  });
  const stored = row?.stored.snapshot as { context?: Partial<PlanContext> } | undefined; // a plan's row
  const { verifiedSha = null, reviewedSha = null, merge = null } = stored?.context ?? {};
  if (merge !== null && (merge.work !== null || merge.merged !== null)) return null;
  return approvalOf({ verifiedSha, reviewedSha });
}

/** Whatever git writes when a branch moves: the branch's own file, or the one that holds many. */
async function signatureOf({ commonDir }: Repository, plans: readonly Approved[]): Promise<string> {
  const files = ['packed-refs', 'reftable/tables.list', ...plans.map(({ branch }) => branchRef(branch))];
  const ages = files.map((file) =>
    stat(join(commonDir, file)).then(
      ({ ino, size, mtimeMs }) => `${ino}:${size}:${mtimeMs}`,
      () => '-',
    ),
  );
  return (await Promise.all(ages)).join(' ');
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
