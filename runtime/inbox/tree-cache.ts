/** Live trees, the ones used last. A cache of rows and nothing more: what is forgotten is restored when a signal needs it. */
import type { Tree, Trees } from '../../actors/tree.ts';
import type { TreeAddress } from '../../machines/vocabulary/ids.ts';
import type { Store } from '../store/sqlite/store.ts';

/** Beyond this the tree that was used longest ago is dropped; its next signal costs a restore. */
const liveTrees = 512;

export interface CachedTree {
  readonly tree: Tree;
  /** Steps that the row has; 0 is a tree that has no row yet. */
  stored: number;
  /** Steps that the live tree has taken. */
  steps: number;
  /** What its row in a list shows, as text; null: not known, so it is written with the next step. */
  shown: string | null;
  /** What that was read off. */
  shownOf: readonly unknown[] | null;
  /** The same for its runs, by their keys. */
  readonly shownRuns: Map<string, string>;
}

export type TreeCache = ReturnType<typeof createTreeCache>;

export function createTreeCache({ store, trees }: { store: Store; trees: Trees }) {
  const live = new Map<TreeAddress, CachedTree>();
  let isEvicting = false;

  function get(address: TreeAddress): CachedTree | null {
    const cached = live.get(address);
    if (cached !== undefined) {
      live.delete(address);
      live.set(address, cached);
      return cached;
    }
    const row = store.trees.read(address);
    if (row === null) return null;
    const entry = {
      tree: trees.restore(address, row.stored),
      stored: row.steps,
      steps: row.steps,
      shown: null,
      shownOf: null,
      shownRuns: new Map<string, string>(),
    };
    keep(address, entry);
    return entry;
  }

  function keep(address: TreeAddress, entry: CachedTree): void {
    live.set(address, entry);
    if (live.size <= liveTrees || isEvicting) return;
    isEvicting = true;
    // Later, whoever asked: trees of a batch under way have gone on without their rows, and must stay until these are written.
    setImmediate(evict);
  }

  function evict(): void {
    isEvicting = false;
    for (const address of live.keys()) {
      if (live.size <= liveTrees) return;
      live.delete(address);
    }
  }

  function mustGet(address: TreeAddress): CachedTree {
    const entry = live.get(address);
    if (entry === undefined) throw new Error(`tree ${address} is not live`);
    return entry;
  }

  return {
    /** The live tree, restored where needed; null where there is none. Throws `snapshot_unknown`. */
    get,
    mustGet,
    add: (address: TreeAddress, tree: Tree): void =>
      keep(address, { tree, stored: 0, steps: 0, shown: null, shownOf: null, shownRuns: new Map() }),
    countSteps(address: TreeAddress, count: number): void {
      mustGet(address).steps += count;
    },
    markStored(address: TreeAddress): void {
      const entry = mustGet(address);
      entry.stored = entry.steps;
    },
    forget: (address: TreeAddress): void => void live.delete(address),
  };
}
