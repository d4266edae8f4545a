/** Live trees, the ones used last. A cache of rows and nothing more: a dropped tree is restored when a signal needs it. */
import type { Tree, Trees } from '../../../actors/tree.ts';
import type { TreeAddress } from '../../../machines/vocabulary/ids.ts';
import type { Store } from '../store/port.ts';

/** Beyond this the tree that was used longest ago is dropped; its next signal costs a restore. */
const liveTrees = 1_024;

export interface CachedTree {
  readonly tree: Tree;
  /** Steps that the row has; 0: the tree has no row yet. */
  stored: number;
  /** The number of steps that the live tree has taken. */
  steps: number;
  /** The shown part of its row, as text; null: not known, so it is written with the next step. */
  shown: string | null;
  /** The values from which it was computed. */
  shownOf: readonly unknown[] | null;
  /** The same for its runs, by their keys. */
  readonly shownRuns: Map<string, string>;
}

export interface TreeCache {
  /** The tree in the state of its row, restored if it is not in memory; null if there is none. Throws `snapshot_unknown`. */
  get(address: TreeAddress): Promise<CachedTree | null>;
  /** As `get`, for the batch that will step it: it does not wait for another batch. */
  load(address: TreeAddress): Promise<CachedTree | null>;
  /** From here until the returned function is called the live trees of a batch are ahead of their rows: `get` waits. */
  hold(): () => void;
  keep(address: TreeAddress, entry: CachedTree): void;
  forget(address: TreeAddress): void;
  /** Other processes may have stepped these trees. */
  forgetThose(are: (address: TreeAddress) => boolean): void;
}

/** A tree that has no row yet. */
export function unstored(tree: Tree): CachedTree {
  return { tree, stored: 0, steps: 0, shown: null, shownOf: null, shownRuns: new Map() };
}

export function createTreeCache({ store, trees }: { store: Pick<Store, 'tree'>; trees: Trees }): TreeCache {
  const live = new Map<TreeAddress, CachedTree>();
  /** Rows that are being read: two callers at once get the same live tree. */
  const loading = new Map<TreeAddress, Promise<CachedTree | null>>();
  let held: Promise<void> | null = null;

  function keep(address: TreeAddress, entry: CachedTree): void {
    live.delete(address);
    // The tree will not change any more, and its row may expire.
    if (entry.tree.kind.statusOf(entry.tree.root).isEnded) return;
    live.set(address, entry);
    for (const oldest of live.keys()) {
      if (live.size <= liveTrees) return;
      live.delete(oldest);
    }
  }

  async function restore(address: TreeAddress, isWanted: () => boolean): Promise<CachedTree | null> {
    const row = await store.tree(address);
    if (row === null) return null;
    const entry = { ...unstored(trees.restore(address, row.stored)), stored: row.steps, steps: row.steps };
    if (isWanted()) keep(address, entry);
    return entry;
  }

  function load(address: TreeAddress): Promise<CachedTree | null> {
    const cached = live.get(address);
    if (cached !== undefined) {
      keep(address, cached);
      return Promise.resolve(cached);
    }
    const known = loading.get(address);
    if (known !== undefined) return known;
    const reading: Promise<CachedTree | null> = restore(address, () => loading.get(address) === reading).finally(() => {
      if (loading.get(address) === reading) loading.delete(address);
    });
    loading.set(address, reading);
    return reading;
  }

  function forget(address: TreeAddress): void {
    live.delete(address);
    loading.delete(address);
  }

  return {
    async get(address) {
      while (held !== null) await held;
      return load(address);
    },
    load,
    hold() {
      let release = () => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      return () => {
        held = null;
        release();
      };
    },
    keep,
    forget,
    forgetThose(are) {
      for (const address of [...live.keys(), ...loading.keys()]) if (are(address)) forget(address);
    },
  };
}
