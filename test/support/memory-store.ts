/** The real store with an SQLite database in memory, for tests that do not depend on the disk. */
import type { Store } from '../../runtime/core/store/port.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';

export function openStoreInMemory(): Store {
  return openStore('/nowhere', { isAbsent: true });
}
