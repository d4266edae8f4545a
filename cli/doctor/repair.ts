/** The repairs of `doctor --fix`. A damaged store is left to `stator store restore`, and so are all other repairs: they depend on the store. */

import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { Orphan } from '../../runtime/api/client/client.ts';
import { isStoreThere } from '../../runtime/base/config/config.ts';
import { connect } from '../../runtime/engine/connect.ts';
import { storeFaultsIn, storePlaceIn } from '../../runtime/engine/store-copies.ts';
import type { Call } from '../command.ts';

export interface Repairs {
  /** null: it is whole, or there is none. */
  readonly store: { readonly state: Orphan['state']; readonly what: string } | null;
  readonly orphans: readonly Orphan[];
  readonly notes: readonly string[];
}

/** Never throws because of a fault: it names what cannot be repaired. */
export async function repair({ env }: Call, dry: boolean): Promise<Repairs> {
  try {
    if (!isStoreThere(storePlaceIn(env))) return { store: null, orphans: [], notes: [] };
  } catch (thrown) {
    return { store: null, orphans: [], notes: [notLookedAt(thrown)] };
  }
  const restore = 'put the newest copy in its place: stator store restore';
  const what = await storeFaultsIn(env).then(
    (faults) => (faults.length === 0 ? '' : [...faults, restore].join('; ')),
    wordsOf,
  );
  if (what !== '') return { store: { state: 'kept', what }, orphans: [], notes: ['nothing else was looked at'] };
  try {
    const client = await connect({ env, mode: 'write' });
    try {
      const { orphans, notes } = await client.repair({ dry });
      return { store: null, orphans, notes };
    } finally {
      await client.close();
    }
  } catch (thrown) {
    return { store: null, orphans: [], notes: [notLookedAt(thrown)] };
  }
}

const notLookedAt = (thrown: unknown) => `nothing could be looked at: ${wordsOf(thrown)}`;

function wordsOf(thrown: unknown): string {
  if (!(thrown instanceof EngineError)) throw thrown;
  return `${thrown.message}; ${thrown.hint}`;
}
