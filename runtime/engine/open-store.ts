/** The store of an engine, at the place that daemon.toml names. */
import { existsSync, readdirSync } from 'node:fs';
import type { DaemonConfig, StorePlace } from '../base/config/config.ts';
import type { EffectCarrier } from '../core/outbox/carrier.ts';
import type { Store } from '../core/store/port.ts';
import { openStore } from '../core/store/sqlite/store.ts';
import type { CoreOptions } from './composition.ts';

export interface OpenedStore {
  readonly store: Store;
  /** The number that marks the effects of this engine in the store. */
  readonly epoch: number;
  /** The carrier of its effects; absent: this process does. */
  readonly carrier?: EffectCarrier;
}

/** The store at its place. Throws as `createCore`. */
export async function openEngineStore(
  { home, mode, owner, isAbsent = false, maxPageCount, faults, log }: CoreOptions,
  place: StorePlace,
  { host }: DaemonConfig,
): Promise<OpenedStore> {
  if (place.kind === 'postgres') {
    // A home without it does not load its code.
    const { openPostgres } = await import('../core/store/postgres/store.ts');
    const { clones } = host;
    const own = { ...host, clones: clones === null || mode !== 'stays' ? null : clonesIn(clones) };
    const store = openPostgres(place, {
      faults,
      mayMigrate: owner !== undefined,
      isBrief: mode !== 'stays',
      host: own,
    });
    if (owner === undefined) return { store, epoch: 0 };
    try {
      const epoch = await store.own(home);
      if (mode !== 'stays') return { store, epoch };
      const { openDbosCarrier } = await import('../core/outbox/dbos.ts');
      return { store, epoch, carrier: await openDbosCarrier({ store, log }) };
    } catch (thrown) {
      store.close();
      throw thrown;
    }
  }
  const limit = maxPageCount === undefined ? {} : { maxPageCount };
  const how = { readonly: mode === 'reads', isAbsent, isShared: mode === 'inbox', faults, ...limit };
  return { store: openStore(home, how), epoch: owner?.epoch ?? 0 };
}

/** The names in the folder of clones. */
function clonesIn(folder: string): string[] {
  const found = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  return found.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
}
