/** The store's file and its copies, for verbs that need no engine. SQLite is loaded when it is needed. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { loadDaemonConfig, type StorePlace, storePlace } from '../base/config/config.ts';
import { type Environment, homeFolder, storeFile } from '../base/platform/home.ts';
import type { StoreCopy } from '../core/store/sqlite/copies.ts';

export type { StoreCopy } from '../core/store/sqlite/copies.ts';

const load = () => import('../core/store/sqlite/copies.ts');
export const backupsFolder = (home: string) => join(home, 'backups');

export interface Restored {
  readonly copy: string;
  /** The time of the last event in the copy; null: it has none. */
  readonly knowsUntilMs: number | null;
  /** Where the files of the replaced store lie. */
  readonly replaced: string;
  /** The folders of runs and checks that were started after the copy: each is taken over by the plan that asks for it. */
  readonly runs: readonly { readonly folder: string; readonly alive: boolean }[];
}

/** Where the store of that environment's home is. Throws `bad_config`. */
export function storePlaceIn(env: Environment): StorePlace {
  const home = homeFolder(env);
  return storePlace(home, loadDaemonConfig(home), env);
}

/** Throws `conflict` where it is in PostgreSQL: stator does not make copies there. */
function mustBeFile(env: Environment): string {
  const place = storePlaceIn(env);
  if (place.kind === 'file') return place.file;
  const hint =
    'copy it with pg_dump --format=custom, and put a copy back with pg_restore while no daemon runs; then: stator plan verify --all';
  throw new EngineError(
    'conflict',
    `the store is in PostgreSQL, at ${place.shown}: its copies are not made here`,
    hint,
  );
}

/** Throws Node's error if SQLite's native module is not built, or built for another Node. */
export async function tryStoreModule(): Promise<void> {
  (await load()).tryModule();
}

/**
 * SQLite's findings in the store of that environment, one line each; none if it is whole or missing. For PostgreSQL only the connection is tested. Reads the
 * whole file. Throws as the store.
 */
export async function storeFaultsIn(env: Environment): Promise<string[]> {
  const place = storePlaceIn(env);
  if (place.kind === 'file') return (await load()).storeFaults(place.file);
  const { openPostgres } = await import('../core/store/postgres/store.ts');
  const store = openPostgres(place, { mayMigrate: false });
  try {
    await store.lastLine();
    return [];
  } finally {
    store.close();
  }
}

/** The copies of that environment's store, the newest first. */
export async function copiesIn(env: Environment): Promise<StoreCopy[]> {
  return (await load()).listCopies(backupsFolder(homeFolder(env)), Date.now());
}

/** Copies the store, even while it is in use: into that file, which must not exist yet, or among the daily copies. Throws `not_found`, `conflict`, also of a store in PostgreSQL, and as the store. */
export async function backUpStoreIn(env: Environment, to: string | null): Promise<StoreCopy> {
  const home = homeFolder(env);
  const [file, { makeCopy, writeCopy }, at] = [mustBeFile(env), await load(), Date.now()];
  const isThere = (path: string) => statSync(path, { throwIfNoEntry: false }) !== undefined;
  if (!isThere(file)) throw new EngineError('not_found', `there is no store at ${file}`, 'set STATOR_HOME to its home');
  if (to === null) return makeCopy(file, { folder: backupsFolder(home), keep: loadDaemonConfig(home).backups, at });
  if (isThere(to)) throw new EngineError('conflict', `${to} is there already`, 'name a file that is not there yet');
  const folder = dirname(to);
  if (!isThere(folder))
    throw new EngineError('not_found', `there is no folder ${folder}`, 'make it, mount its disk, or name another file');
  return { file: to, atMs: at, bytes: await writeCopy(file, to), schema: null };
}

/**
 * The copy for a restore, the newest or the named one, and the time of its last event. Throws `not_found`, and as the store if the copy is damaged, of another
 * program or of a newer stator.
 */
export async function copyToRestore(
  env: Environment,
  named: string | null,
): Promise<Pick<Restored, 'copy' | 'knowsUntilMs'>> {
  mustBeFile(env);
  const [{ lastKnownMs }, { migrations }, copies] = await Promise.all([
    load(),
    import('../core/store/sqlite/schema.ts'),
    copiesIn(env),
  ]);
  const copy = named ?? copies[0]?.file;
  if (copy === undefined || statSync(copy, { throwIfNoEntry: false })?.isFile() !== true)
    throw new EngineError(
      'not_found',
      copy === undefined ? `there are no copies in ${backupsFolder(homeFolder(env))}` : `there is no copy at ${copy}`,
      'name the file of a copy: stator store restore <file>; see the existing ones: stator store check',
    );
  return { copy, knowsUntilMs: lastKnownMs(copy, migrations) };
}

/** Puts that copy in the place of the store. Throws `owner_taken` while an engine owns the home, and as `copyToRestore`. */
export async function restoreStoreIn(env: Environment, named: string): Promise<Restored> {
  const home = homeFolder(env);
  const [{ restoreCopy }, { migrations }, { acquireOwner }, { markRestored, startedRuns }] = await Promise.all([
    load(),
    import('../core/store/sqlite/schema.ts'),
    import('../core/store/sqlite/owner.ts'),
    import('../work/agents/started-runs.ts'),
  ]);
  const owner = await acquireOwner(home, { nowMs: () => Date.now() });
  try {
    const { copy, knowsUntilMs } = await copyToRestore(env, named);
    const started = startedRuns(join(home, 'runs'), knowsUntilMs ?? 0);
    markRestored(join(home, 'runs'), started);
    const { replaced, unknown } = await restoreCopy(mustBeFile(env), { copy, migrations, started, at: Date.now() });
    const runs = started.flatMap(({ folder, alive }) => (unknown.includes(folder) ? [{ folder, alive }] : []));
    return { copy, knowsUntilMs, replaced, runs };
  } finally {
    owner.release();
  }
}

/** File times are coarser than the clock, and a run's folder is made before its first event. */
const slackMs = 1_000;

/**
 * For a store that somebody may have put in the place of another one: its runs that it does not know are noted, as a restore does. Answers their folders. None
 * of a store in which nothing has happened, nor of an earlier version, which is copied before it is changed, nor where no run was begun after its last event.
 * The caller owns the home, and no engine has the store open. Throws as the store.
 */
export async function noteUnknownRuns(home: string): Promise<readonly string[]> {
  const [file, root] = [storeFile(home), join(home, 'runs')];
  const [store, runs] = [file, root].map((path) => statSync(path, { throwIfNoEntry: false }));
  if (store === undefined || store.size === 0 || runs === undefined) return [];
  const [{ lastKnownMs, noteUnknown, outdatedSchema }, { migrations }] = await Promise.all([
    load(),
    import('../core/store/sqlite/schema.ts'),
  ]);
  if (outdatedSchema(file, migrations) !== null) return [];
  const sinceMs = lastKnownMs(file, migrations);
  if (sinceMs === null || runs.mtimeMs < sinceMs - slackMs) return [];
  const { markRestored, startedRuns } = await import('../work/agents/started-runs.ts');
  const started = startedRuns(root, sinceMs);
  return noteUnknown(file, { migrations, started, at: Date.now(), mark: () => markRestored(root, started) });
}
