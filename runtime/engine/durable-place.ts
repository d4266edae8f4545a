/** Where durable actors are stored: in a file of SQLite, in this process alone, or in a database of PostgreSQL that several hosts share. */
import { lstatSync, mkdirSync, readlinkSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { storePlace } from '../base/config/store-place.ts';
import type { Faults } from '../base/platform/faults.ts';
import { systemCode } from '../base/platform/system-code.ts';
import type { Store } from '../core/store/port.ts';
import { acquireOwner, readOwner } from '../core/store/sqlite/owner.ts';
import { readFacts } from '../core/store/sqlite/owner-facts.ts';
import { openStoreFile } from '../core/store/sqlite/store.ts';

export interface PlaceOptions {
  readonly file?: string | undefined;
  readonly store?: string | undefined;
  readonly host?: string | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly waitMs: number;
  readonly faults?: Faults | undefined;
}

export interface DurablePlace {
  readonly store: Store;
  /** By this number the effects of this engine are known in it. */
  readonly epoch: number;
  /** The name of this host and its labels. */
  readonly hostNames: readonly string[];
  /** Whether no other engine works with it. */
  isOwner(): boolean;
  /** The engine before this one did not stop in order. */
  wasCutOff(): boolean;
  /** After the store was closed. May be called twice. */
  release(): void;
}

const inMemory = ':memory:';

/** Throws `bad_request`, `owner_taken`, and what the store throws. */
export async function openPlace(options: PlaceOptions): Promise<DurablePlace> {
  const { file, store, host, labels } = options;
  if ((file === undefined) === (store === undefined))
    throw new EngineError(
      'bad_request',
      `createEngine takes one place for its actors: ${file === undefined ? 'none was given' : 'file and store were given'}`,
      "give { file: 'app.db' }, { file: ':memory:' } or { store: 'postgresql://host:5432/database' }",
    );
  if (store !== undefined) return openShared(store, options);
  if (host !== undefined || labels !== undefined)
    throw new EngineError('bad_request', 'createEngine: host and labels need { store }', 'leave them out');
  return file === inMemory ? inThisProcess(options) : openFile(resolve(file ?? ''), options);
}

function inThisProcess({ faults }: PlaceOptions): DurablePlace {
  return {
    store: openStoreFile(inMemory, { isAbsent: true, faults }),
    ...{ epoch: 1, hostNames: [hostname()] },
    ...{ isOwner: () => true, wasCutOff: () => false, release: () => {} },
  };
}

async function openFile(given: string, { waitMs, faults }: PlaceOptions): Promise<DurablePlace> {
  const file = withoutLinks(given);
  // The lock lies beside the store: other programs may open that, to read it or to copy it.
  const lock = `${file}.owner`;
  makeFolder(lock);
  const before = readFacts(lock);
  const owner = await acquireOwner(lock, { starts: 'all', waitMs, nowMs: () => Date.now() }).catch((thrown) => {
    throw thrown instanceof EngineError && thrown.code === 'owner_taken' ? taken(file, lock) : thrown;
  });
  try {
    return {
      store: openStoreFile(file, { faults }),
      epoch: owner.epoch,
      hostNames: [hostname()],
      isOwner: owner.isHeld,
      wasCutOff: () => before !== null,
      release: owner.release,
    };
  } catch (thrown) {
    owner.release();
    throw thrown;
  }
}

function makeFolder(lock: string): void {
  try {
    mkdirSync(lock, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new EngineError(
      'home_unusable',
      `${lock}, the folder of the lock, cannot be made (${systemCode(cause)})`,
      'give createEngine a file in a folder that this user can make and write',
      { cause },
    );
  }
}

/** Two paths of one file have one lock. Where the end of the path is missing, it is made there. */
function withoutLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') return path; // SQLite says what is wrong with it
    const link = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(path) : null;
    if (link !== null) return withoutLinks(resolve(dirname(path), link));
    return dirname(path) === path ? path : join(withoutLinks(dirname(path)), basename(path));
  }
}

function taken(file: string, lock: string): EngineError {
  const pid = readOwner(lock)?.pid ?? null;
  if (pid === process.pid)
    return new EngineError(
      'owner_taken',
      `an engine of this very process works with ${file}`,
      'use that one, stop it first (await engine.stop()), or give this one another file',
    );
  return new EngineError(
    'owner_taken',
    `${pid === null ? 'another process' : `the process ${pid}`} works with ${file}`,
    'one engine works with a file at a time: end that process, or wait for it with { waitMs }; several share a database of PostgreSQL with { store }',
  );
}

async function openShared(given: string, { host = '', labels = [], faults }: PlaceOptions): Promise<DurablePlace> {
  const place = storePlace('', { file: '', storeUrl: null }, process.env, given);
  if (place.kind === 'file') throw new EngineError('bad_request', 'createEngine: store is empty', 'give a URL');
  // An engine with a file does not load this code.
  const { openPostgres } = await import('../core/store/postgres/store.ts');
  const store = openPostgres(place, { faults, host: { name: host, labels } });
  try {
    const epoch = await store.own(process.cwd());
    return {
      store,
      epoch,
      hostNames: [store.hosts.own, ...labels],
      isOwner: () => store.loss() === null,
      wasCutOff: store.hosts.wasCutOff,
      release: () => {},
    };
  } catch (thrown) {
    store.close();
    throw thrown;
  }
}
