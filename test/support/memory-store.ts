/** The store that users run, over a database of SQLite in memory: for tests that are about something else than what lies on the disk. */
import type { Store } from '../../runtime/core/store/port.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';

export function openStoreInMemory(): Store {
  return openStore('/nowhere', { isAbsent: true });
}
