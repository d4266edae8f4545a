/** What `doctor --fix` mends: first the store, for all the rest is judged by what it knows. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { Orphan } from '../../runtime/api/client/client.ts';
import { homeFolder } from '../../runtime/base/config/config.ts';
import { connect } from '../../runtime/engine/connect.ts';
import { type Recovery, recoverStoreIn, storeFaultsIn } from '../../runtime/engine/store-recovery.ts';
import type { Call } from '../command.ts';

export interface Repairs {
  /** null: it is whole, or there is none. */
  readonly store: { readonly state: Orphan['state']; readonly what: string } | null;
  readonly orphans: readonly Orphan[];
  readonly notes: readonly string[];
}

/** Never throws of what it finds: what cannot be mended is named. */
export async function repair({ env }: Call, dry: boolean): Promise<Repairs> {
  if (!existsSync(join(homeFolder(env), 'taskstore.db'))) return { store: null, orphans: [], notes: [] };
  let store: Repairs['store'] = null;
  try {
    const faults = await storeFaultsIn(env);
    if (faults.length > 0) store = dry ? { state: 'fixable', what: wouldRecover(faults) } : await recover(env);
  } catch (thrown) {
    store = { state: 'kept', what: wordsOf(thrown) };
  }
  // What it does not know now may be somebody's whose row was lost: a person looks first.
  if (store !== null)
    return {
      store,
      orphans: [],
      notes: ['nothing else was looked at; when the plans are as they should be: stator doctor --fix --dry-run'],
    };
  try {
    const client = await connect({ env, mode: 'write' });
    try {
      const { orphans, notes } = await client.repair({ dry });
      return { store, orphans, notes };
    } finally {
      await client.close();
    }
  } catch (thrown) {
    return { store, orphans: [], notes: [`nothing else could be looked at: ${wordsOf(thrown)}`] };
  }
}

function wouldRecover(faults: readonly string[]): string {
  return `${faults.join('; ')}: it would be kept aside, and made anew of all rows that can be read`;
}

async function recover(env: Call['env']): Promise<NonNullable<Repairs['store']>> {
  try {
    return { state: 'fixed', what: recovered(await recoverStoreIn(env)) };
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    const first = thrown.code === 'owner_taken' ? 'stop it first: stator daemon stop' : thrown.hint;
    return { state: 'kept', what: `${thrown.message}; ${first}` };
  }
}

function recovered({ aside, tables, plansWithoutState }: Recovery): string {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const lost = tables
    .filter((table) => table.lost !== 0)
    .map(({ table, lost: count }) => `${count ?? 'some'} of ${table}`);
  const what = `made anew with ${rows} rows, ${lost.length === 0 ? 'none was lost' : `lost: ${lost.join(', ')}`}; the damaged one is in ${aside}`;
  if (plansWithoutState.length === 0) return what;
  return `${what}; the progress of ${plansWithoutState.join(', ')} is lost: delete these and register them again`;
}

function wordsOf(thrown: unknown): string {
  if (!(thrown instanceof EngineError)) throw thrown;
  return `${thrown.message}; ${thrown.hint}`;
}
