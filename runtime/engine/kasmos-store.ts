/** The store of kasmos, for the verb that imports it. SQLite is loaded when it is asked for. */
import type { KasmosStore } from '../core/store/sqlite/kasmos.ts';

export type { KasmosStore, KasmosTask } from '../core/store/sqlite/kasmos.ts';

/** The content of that file, which is only read. Throws `not_found`, `store_locked`, `store_unreadable`. */
export async function readKasmosStore(file: string): Promise<KasmosStore> {
  return (await import('../core/store/sqlite/kasmos.ts')).readKasmosStore(file);
}
