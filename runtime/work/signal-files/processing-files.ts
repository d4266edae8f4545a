/**
 * The files in `processing/`, each `<name>.<uuid>`: its signal is inserted with that uuid in its key, and the file stays until the signal has its verdict;
 * then it is deleted, or moved to `failed/` with the reason. After a crash, the next engine does the same with the files there: the key makes a second insert
 * harmless, and the row has the outcome of the first.
 */
import { rename, unlink } from 'node:fs/promises';
import type { Kinds } from '../../../actors/kind.ts';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { signalBodyLimitBytes } from '../../../machines/vocabulary/signal-kind.ts';
import type { Faults } from '../../base/platform/faults.ts';
import type { SafeFolder } from '../../base/platform/safe-path.ts';
import { systemCode } from '../../base/platform/system-code.ts';
import { type ChangeOf, mustCommit, type Store } from '../../core/store/port.ts';
import { quietMs } from './arrivals.ts';
import { forEachFile } from './each-file.ts';
import { type NamedSignal, readFileName } from './file-name.ts';
import { meantPlan, type Reading, type ReadingRequest, readSignal } from './file-signal.ts';
import {
  type ByteName,
  draftPrefix,
  entryLimit,
  isGone,
  isSame,
  markableBytes,
  marked,
  type Print,
  pathOf,
  readContent,
  type Seen,
  seenAt,
  unmarked,
} from './files.ts';
import { failure, noFile, noSignal } from './reason-text.ts';
import { type Judgement, reasonAgainstOwner, type Saying, type Source } from './source.ts';

export interface ProcessingFilesParts {
  readonly project: string;
  readonly kinds: Kinds;
  readonly store: Pick<Store, 'commit' | 'plan' | 'signal'>;
  readonly faults?: Faults | undefined;
  readonly nowMs: () => number;
  /** Signals up to that id are in the inbox, and their verdicts are awaited. */
  onInsert(id: number): void;
  readonly source: Source;
  /** The signal folder and its `processing/`, as they are open now. */
  held(): { readonly own: SafeFolder; readonly processing: SafeFolder };
  /** Moves it to `failed/`. Throws the system's errors. */
  refuse(from: Buffer, name: ByteName, reason: string): Promise<void>;
  /** An operation failed for now; the file stays, and is tried again. */
  note(trouble: string): void;
}

export interface ProcessingFiles {
  /** There may be unfinished files of an earlier owner, or files that someone put there: `insert` handles them as well. */
  noteUnread(): void;
  /** Moves a checked file in from the folder above. Throws the system's errors. */
  take(name: ByteName, seen: Seen, saying: Saying): Promise<void>;
  /** Inserts the remaining files into the inbox; `isWaitedFor`: except those that are still being written. Throws the system's errors and the store's. */
  insert(isWaitedFor: boolean): Promise<void>;
  /** Removes the files of signals that have their verdict. */
  settle(): Promise<void>;
  /** Milliseconds until there is more to insert; null: nothing is known to come. */
  untilInsert(): number | null;
  readonly isEmpty: boolean;
  clear(): void;
}

interface Flying {
  readonly file: ByteName;
  readonly name: ByteName;
  readonly key: string;
  /** Where it was found; null: its source was checked before it was moved. */
  readonly found: Seen | null;
  readonly saying: Saying;
  /** Its state when it was collected: the content that is read must have the same state. */
  print: Print;
  /** Monotonic clock: it is not read earlier. */
  readAtMs: number;
  /** The signal's row, once it is in. */
  id: number | null;
}

type Refused = Extract<Reading, { kind: 'refused' }>;
/** A file whose author may send its signal. */
type Permitted = Omit<ReadingRequest, 'kinds' | 'project' | 'key'> & {
  readonly kind: 'permitted';
  readonly print: Print;
};

/** The files in one transaction, and the rows that are read without a pause: a few milliseconds. */
const sliceSize = 256;
/** Errors from a temporary shortage of the process or the machine: no fault of the file. */
const passing: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'EINTR', 'EBUSY', 'ESTALE']);

export function createProcessingFiles(parts: ProcessingFilesParts): ProcessingFiles {
  const { project, kinds, store, faults, nowMs } = parts;
  const files = new Map<ByteName, Flying>();
  let areUnread = false;

  function inFlight(file: ByteName): Buffer {
    return pathOf(parts.held().processing, file);
  }

  function add(file: ByteName, print: Print, how: Pick<Flying, 'found' | 'saying'>): void {
    const { name, key } = unmarked(file);
    files.set(file, { file, name, key: key ?? file, print, readAtMs: 0, id: null, ...how });
  }

  /** Takes up files that are not known yet. false: there are more, for the next check. */
  async function takeUp(): Promise<boolean> {
    const folder = parts.held().processing;
    const names = folder.list({ most: entryLimit }).map((name) => name.toString('latin1'));
    await forEachFile(names, async (file) => {
      if (file.startsWith(draftPrefix)) await unlink(pathOf(folder, file));
      if (file.startsWith('.') || files.has(file)) return;
      const found = await seenAt(pathOf(folder, file));
      if (found === null) return;
      // kasmos's files have no mark.
      const isMarked = unmarked(file).key !== null || file.length > markableBytes;
      const name = isMarked ? file : marked(file);
      if (!isMarked) await rename(pathOf(folder, file), pathOf(folder, name));
      add(name, found, { found, saying: { base: null } });
    });
    return names.length < entryLimit;
  }

  /** The file's signal; null: it is gone, or is still being written. */
  async function readFile(flying: Flying, isWaitedFor: boolean): Promise<Reading | null> {
    try {
      const read = await readPermitted(parts, flying, inFlight(flying.file));
      if (read.kind === 'refused') return read;
      if (isWaitedFor && !isSame(flying.print, read.print)) {
        flying.print = read.print;
        flying.readAtMs = performance.now() + quietMs;
        return null;
      }
      return readSignal({ kinds, project, key: flying.key, ...read });
    } catch (thrown) {
      const code = systemCode(thrown);
      if (code === '' || thrown instanceof EngineError) throw thrown;
      if (code === 'ENOENT') files.delete(flying.file);
      else if (passing.has(code)) parts.note(messageOf(thrown));
      else return { kind: 'refused', reason: unreadable(code, thrown) };
      return null;
    }
  }

  async function insertSlice(slice: readonly Flying[], isWaitedFor: boolean): Promise<void> {
    const readings = new Map<Flying, Reading>();
    await forEachFile(slice, async (flying) => {
      const reading = await readFile(flying, isWaitedFor);
      if (reading !== null) readings.set(flying, reading);
    });
    await insertAll(slice, readings);
    await forEachFile([...readings], async ([flying, reading]) => {
      if (reading.kind === 'refused') await leave(flying, reading.reason);
    });
  }

  async function insertAll(slice: readonly Flying[], readings: ReadonlyMap<Flying, Reading>): Promise<void> {
    const at = nowMs();
    const taken: Flying[] = [];
    const changes: ChangeOf<'signal.insert'>[] = [];
    // In the order of the slice, not of the disk's answers.
    for (const flying of slice) {
      const reading = readings.get(flying);
      if (reading?.kind !== 'signal') continue;
      taken.push(flying);
      changes.push({ do: 'signal.insert', ...reading.signal, at });
    }
    if (taken.length === 0) return;
    const { signals } = await mustCommit(store, changes);
    parts.faults?.('gateway.after-insert');
    signals.forEach(({ id }, index) => {
      const flying = taken[index];
      if (flying !== undefined) flying.id = id;
    });
    parts.onInsert(Math.max(...signals.map(({ id }) => id)));
  }

  /** Deletes the file, or refuses it. A failed operation is tried again at the next check. */
  async function leave(flying: Flying, reason: string | null): Promise<void> {
    const path = inFlight(flying.file);
    try {
      if (reason === null) {
        faults?.('gateway.before-unlink');
        await unlink(path);
      } else await parts.refuse(path, flying.name, reason);
      files.delete(flying.file);
    } catch (thrown) {
      if (systemCode(thrown) === 'ENOENT' && (await isGone(path))) files.delete(flying.file);
      else parts.note(`what was handled cannot be taken away: ${messageOf(thrown)}`);
    }
  }

  return {
    noteUnread() {
      areUnread = true;
    },
    async take(name, seen, saying) {
      const file = marked(name);
      await rename(pathOf(parts.held().own, name), inFlight(file));
      add(file, seen, { found: null, saying });
      faults?.('gateway.after-rename');
    },
    async insert(isWaitedFor) {
      areUnread &&= !(await takeUp());
      const now = performance.now();
      const due = [...files.values()].filter(({ id, readAtMs }) => id === null && (readAtMs <= now || !isWaitedFor));
      // Files that were written first are sent first.
      due.sort((a, b) => Number(a.print.mtimeNs - b.print.mtimeNs));
      for (let from = 0; from < due.length; from += sliceSize)
        await insertSlice(due.slice(from, from + sliceSize), isWaitedFor);
    },
    async settle() {
      const inserted = [...files.values()].filter(({ id }) => id !== null);
      for (let from = 0; from < inserted.length; from += sliceSize) {
        const slice = inserted.slice(from, from + sliceSize);
        const { settled, pending } = await readVerdicts(parts, slice);
        // Signals are handled in the order of their ids: if a whole slice waits, later ones wait too.
        if (pending === slice.length) return;
        await forEachFile(settled, ([flying, reason]) => leave(flying, reason));
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    },
    untilInsert() {
      const times = [...files.values()].flatMap(({ id, readAtMs }) => (id === null && readAtMs > 0 ? [readAtMs] : []));
      return times.length === 0 ? null : Math.max(0, Math.min(...times) - performance.now());
    },
    get isEmpty() {
      return files.size === 0 && !areUnread;
    },
    clear() {
      files.clear();
      areUnread = false;
    },
  };
}

/** The content of a file, if its author may send its signal; otherwise the reason against it. Throws the system's errors. */
async function readPermitted(
  { store, project, source }: ProcessingFilesParts,
  flying: Flying,
  path: Buffer,
): Promise<Permitted | Refused> {
  const named = readFileName(flying.name);
  if (named === null) return { kind: 'refused', reason: noSignal() };
  const plan = await meantPlan(store, project, named);
  const saying = await judgementOf(source, flying, named, plan);
  if (saying.kind === 'refused') return saying;
  const { bytes, print, uid } = await readContent(path, signalBodyLimitBytes);
  // Another file may have replaced it since it was checked.
  const others = reasonAgainstOwner(uid);
  return others === null
    ? { kind: 'permitted', named, plan, saying, bytes, print }
    : { kind: 'refused', reason: others };
}

/** Files that were already in `processing/` may come from anyone: a killed engine checked them when it collected them, but left no record of that. */
async function judgementOf(
  source: Source,
  { name, found, saying }: Flying,
  named: NamedSignal,
  plan: string,
): Promise<Judgement> {
  if (found === null) return { kind: 'counts', ...saying };
  if (found.oddity !== null) return { kind: 'refused', reason: noFile(found.oddity) };
  // It was moved here, so only its creation time shows when it was sent.
  const seen = { ...found, sinceMs: Math.min(found.sinceMs, found.madeMs) };
  return source.judge({ name, named, plan, seen, drafts: 0 });
}

/** The files whose signals have their verdict, each with the reason of a refusal; and the number of signals that are not handled yet. */
async function readVerdicts(
  { store, project }: ProcessingFilesParts,
  files: readonly Flying[],
): Promise<{ settled: [Flying, string | null][]; pending: number }> {
  const settled: [Flying, string | null][] = [];
  let pending = 0;
  for (const flying of files) {
    const row = flying.id === null ? null : await store.signal(flying.id);
    if (row?.status === 'pending') pending += 1;
    else if (row?.status === 'failed') settled.push([flying, failure(row, await store.plan(project, row.plan))]);
    else if (row?.status !== 'held') settled.push([flying, null]);
  }
  return { settled, pending };
}

function unreadable(code: string, thrown: unknown): string {
  if (code === 'ELOOP') return noFile('a symbolic link');
  if (code === 'EISDIR') return noFile('a folder');
  if (code === 'ENXIO') return noFile('a pipe or a socket');
  // The system's error names the requested path, which is a descriptor of this process and not the file's place.
  const why = messageOf(thrown).replace(/, [a-z]+ '.*'$/s, '');
  return `the file cannot be read: ${why}\nmake it readable for the user that the engine runs as, and put it back into the folder above`;
}
