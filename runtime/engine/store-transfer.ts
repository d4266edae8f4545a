/** The whole store copied into another database: from a file of SQLite into PostgreSQL, or back. */
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { callApp } from '../api/client/call.ts';
import { createClient, type Verification } from '../api/client/client.ts';
import { isStoreThere, loadDaemonConfig, type StorePlace, storePlace, targetPlace } from '../base/config/config.ts';
import { systemClock } from '../base/platform/clock.ts';
import { type Environment, homeFolder, storeFile } from '../base/platform/home.ts';
import { createLog } from '../base/platform/log.ts';
import { systemCode } from '../base/platform/system-code.ts';
import { type AllRows, copyRows } from '../core/store/all-rows.ts';

export interface Transferred {
  readonly from: string;
  readonly to: string;
  readonly rows: number;
  /** Every tree of the copy, replayed. */
  readonly verified: Verification;
}

/**
 * `to`: the path of a file that does not exist yet; or an empty database of PostgreSQL, as `env:NAME` or as a URL without a password. Throws `owner_taken`
 * while an engine works on either store, `not_found`, `conflict`, `bad_config`, and as the stores.
 */
export async function transferStore(env: Environment, to: string): Promise<Transferred> {
  const home = homeFolder(env);
  const config = loadDaemonConfig(home);
  const [from, target] = [storePlace(home, config, env), targetPlace(home, to, env)];
  if (!isStoreThere(from))
    throw new EngineError('not_found', `there is no store at ${shown(from)}`, 'set STATOR_HOME to its home');
  const { acquireOwner } = await import('../core/store/sqlite/owner.ts');
  const owner = await acquireOwner(home, { nowMs: () => Date.now() });
  try {
    const source = await openRows(from);
    try {
      const copy = { source, home, env, place: shown(target) };
      const { rows, verified } = await (target.kind === 'file' ? intoFile(copy, target.file) : into(copy, target));
      return { from: shown(from), to: shown(target), rows, verified };
    } finally {
      await source.close();
    }
  } finally {
    owner.release();
  }
}

interface Copy {
  readonly source: AllRows;
  readonly home: string;
  readonly env: Environment;
  /** The name of the copy, in messages. */
  readonly place: string;
}

async function into({ source, home, env, place }: Copy, target: StorePlace) {
  const copy = await openRows(target);
  try {
    const rows = await copyRows(source, copy, place);
    return { rows, verified: await verify(home, env, target) };
  } finally {
    await copy.close();
  }
}

/** Beside its place, where it is verified before it gets its name. */
async function intoFile(copy: Copy, file: string) {
  if (statSync(file, { throwIfNoEntry: false }) !== undefined)
    throw new EngineError(
      'conflict',
      `${file} is there already`,
      'name a file that is not there yet, or move this one away',
    );
  const draft = `${file}.copying`;
  makeEmpty(draft, file);
  try {
    const made = storeFile(draft);
    const result = await into({ ...copy, home: draft }, { kind: 'file', file: made });
    renameSync(made, file);
    return result;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function makeEmpty(draft: string, file: string): void {
  try {
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { mode: 0o700 });
  } catch (cause) {
    const message = `${file} cannot be made (${systemCode(cause) ?? messageOf(cause)})`;
    throw new EngineError('store_unreadable', message, 'name a file in a folder that you can write to', { cause });
  }
}

/** On a store in PostgreSQL no other engine works until it is closed. */
async function openRows(place: StorePlace): Promise<AllRows> {
  if (place.kind === 'file') return (await import('../core/store/sqlite/all-rows.ts')).openFileRows(place.file);
  const { openPostgres } = await import('../core/store/postgres/store.ts');
  const store = openPostgres(place);
  try {
    return await store.rows();
  } catch (thrown) {
    store.close();
    throw thrown;
  }
}

async function verify(home: string, env: Environment, place: StorePlace): Promise<Verification> {
  const { createCore } = await import('./core.ts');
  const store = place.kind === 'file' ? '' : place.url;
  const log = createLog(() => {}, 'error'); // the caller reports the result
  const core = await createCore({ home, mode: 'reads', env, store, clock: systemClock, log });
  try {
    return await createClient(callApp(core.app, undefined), { note: null, close: async () => {} }).verify();
  } finally {
    core.close();
  }
}

function shown(place: StorePlace): string {
  return place.kind === 'file' ? place.file : place.shown;
}
