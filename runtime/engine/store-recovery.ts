/** The store's own file, looked at and made anew where no engine runs: for `stator doctor`. SQLite is loaded when it is asked for. */
import { join } from 'node:path';
import { type Environment, homeFolder } from '../base/config/home.ts';
import type { Recovery } from '../core/store/sqlite/recovery.ts';

export type { Recovery } from '../core/store/sqlite/recovery.ts';

/** Throws what Node throws where SQLite's own part is not built, or built for another Node. */
export async function tryStoreModule(): Promise<void> {
  const { tryModule } = await import('../core/store/sqlite/recovery.ts');
  tryModule();
}

/** What SQLite finds wrong in the store of that environment, a line each; none where it is whole, or there is none. Reads the whole file. Throws as the store. */
export async function storeFaultsIn(env: Environment): Promise<string[]> {
  const { storeFaults } = await import('../core/store/sqlite/recovery.ts');
  return storeFaults(join(homeFolder(env), 'taskstore.db'));
}

/** Makes a damaged store anew from what can be read of it. Throws `owner_taken` while an engine runs, `store_corrupt` where nothing can be read. */
export async function recoverStoreIn(env: Environment): Promise<Recovery> {
  const home = homeFolder(env);
  const [{ recoverStore }, { migrations }, { acquireOwner }] = await Promise.all([
    import('../core/store/sqlite/recovery.ts'),
    import('../core/store/sqlite/schema.ts'),
    import('../core/store/sqlite/owner.ts'),
  ]);
  const owner = await acquireOwner(home, { nowMs: () => Date.now() });
  try {
    return recoverStore(join(home, 'taskstore.db'), { migrations, at: Date.now() });
  } finally {
    owner.release();
  }
}
