/**
 * Deletes rows of the store that ended long ago, and releases their space. Each step reads a span of rows and deletes the expired ones in one short
 * transaction; then unused pages are released, some at a time.
 */
import { type ExpiringKind, expiringKinds } from '../../core/store/rows.ts';
import { type CleaningParts, noteGone, type Round } from './round.ts';

/** Rows of one step: a few milliseconds. */
const span = 200;
/** A signal that is repeated with its key within a day is recognized, whatever age a person names. */
const leastMs = 86_400_000;
const giveBackBytes = 128 * 1024;

/** The rows with which a person finds out why a tree and its journal differ. */
const evidence: ReadonlySet<ExpiringKind> = new Set(['trees', 'signals', 'effects', 'journal']);

type RowParts = Pick<CleaningParts, 'store' | 'faults' | 'nowMs' | 'differs'>;
type SpaceParts = Pick<CleaningParts, 'store' | 'faults'>;
/** The part of a round that the cleaning of rows needs. */
export type RowRound = Pick<Round, 'beforeMs' | 'dry' | 'items' | 'notes' | 'rest'>;

export async function clearRows(parts: RowParts, round: RowRound): Promise<void> {
  const { store, faults, nowMs } = parts;
  const beforeMs = Math.min(round.beforeMs, nowMs() - leastMs);
  const isDoubtful = await isAnyDoubtful(parts, round, beforeMs);
  for (const kind of expiringKinds) {
    if (isDoubtful && evidence.has(kind)) continue;
    let count = 0;
    for (let after = 0; ; ) {
      const found = await store.expiring({ kind, beforeMs, after, span });
      if (found === null) break;
      const { rows, upTo } = found;
      if (rows > 0 && !round.dry) await store.commit([{ do: 'rows.expire', kind, beforeMs, after, upTo }]);
      if (rows > 0) faults?.('gc.between-rows');
      count += rows;
      after = upTo;
      await round.rest();
    }
    if (count > 0) noteGone(round, { kind: 'rows', project: null, plan: null, name: kind, bytes: null, count });
  }
}

/** Verifies the trees that will be deleted, or whose journal will be shortened: afterwards they cannot be verified. */
async function isAnyDoubtful({ store, differs }: RowParts, round: RowRound, beforeMs: number): Promise<boolean> {
  let isDoubtful = false;
  for (const tree of await store.treesExpiring(beforeMs)) {
    if (await differs(tree)) {
      isDoubtful = true;
      round.notes.push(
        `rows of trees, signals, effects and the journal stay: what is stored of ${tree} is not what its journal leads to; see: stator plan verify --all`,
      );
    }
    await round.rest();
  }
  return isDoubtful;
}

export async function giveSpaceBack({ store, faults }: SpaceParts, round: RowRound): Promise<void> {
  if (round.dry) return;
  while ((await store.giveBack(giveBackBytes)) > 0) {
    faults?.('gc.between-pages');
    await round.rest();
  }
}
