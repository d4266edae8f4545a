/** One folder of signal files: looks into it, takes what stands still, and says once what stands in the way. */
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { createFileWatcher, type FileWatcher } from '../../base/platform/file-watcher.ts';
import type { Log } from '../../base/platform/log.ts';
import { openFolder, type SafeFolder } from '../../base/platform/safe-path.ts';
import { ifMissing, systemCode } from '../../base/platform/system-code.ts';
import type { Troubles } from '../../base/platform/troubles.ts';
import { createArrivals, quietMs } from './arrivals.ts';
import { forEachFile } from './each-file.ts';
import { readFileName } from './file-name.ts';
import { meantPlan } from './file-signal.ts';
import {
  type ByteName,
  isGone,
  markableBytes,
  moveToFailed,
  namesOfFile,
  pathOf,
  type Seen,
  seenAt,
  shownName,
} from './files.ts';
import { createProcessingFiles, type ProcessingFilesParts } from './processing-files.ts';
import { noFile, noSignal } from './reason-text.ts';
import type { Standing } from './source.ts';

/** `path` is absolute and real: a link on the way to it is not followed. */
export interface SignalFolderParts extends Omit<ProcessingFilesParts, 'held' | 'refuse' | 'note'> {
  readonly path: string;
  readonly log: Log;
  readonly troubles: Troubles;
  /** The folder was not there before, or another one is there now. */
  onAppear(): void;
  /** Something changed in the folder, or a file of it is complete. */
  onChange(): void;
}

export interface SignalFolder {
  /**
   * Looks once; `isWaitedFor`: at a file that is still being written a second time, later. Answers in how many milliseconds there will be
   * more to do; null: nothing is known to come. Never throws: what stands in the way is logged, once.
   */
  look(options: { isWaitedFor: boolean }): Promise<number | null>;
  /** Whether what is dropped into it is told, or there is no such folder. */
  isTold(): boolean;
  /** The folder itself may be another: the next look reads it. */
  noteChange(): void;
  /** It is no longer watched. May be called twice. */
  close(): void;
}

/** The folder and those in it that are ours to make, held open: what is put in their place meanwhile is never reached. */
interface HeldFolders {
  readonly own: SafeFolder;
  readonly processing: SafeFolder;
  readonly failed: SafeFolder;
}

/** Files that are taken in one look: then the repo's other folders get their turn. */
const takenAtOnce = 2_048;
/** After so many files that cannot be moved a look ends: it is the folder, not the file. */
const toleratedFailures = 16;
/** A folder whose time stands still is not read again, once this has passed: some file systems count in steps of two seconds. */
const settlingMs = 3_000;
/** What is under way is looked after this often, where it does not say when. */
const underWayMs = 1_000;
/** A watch that ended by itself is begun again after this. */
const rewatchMs = 30_000;

/**
 * Throws where others may put files there: who moves one of ours into the folder would speak in our name. A group that this user alone works in by default is
 * no other.
 */
function refuseShared(path: string, { mode, gid }: { readonly mode: bigint; readonly gid: bigint }): void {
  const isForAll = (mode & 0o002n) !== 0n;
  const isForGroup = (mode & 0o020n) !== 0n && Number(gid) !== process.getgid?.();
  if (!isForAll && !isForGroup) return;
  throw new Error(`other users may write there; close it: chmod go-w ${shellWord(path)}`);
}

export function createSignalFolder(parts: SignalFolderParts): SignalFolder {
  const { path, project, store, source, log, troubles, nowMs } = parts;
  const notTaken = {
    what: `signal files in ${path} are not taken`,
    hint: 'they stay, and are looked at again every second',
  };
  const arrivals = createArrivals(path);
  const processingFiles = createProcessingFiles({ ...parts, held, refuse, note });
  /** null: nothing is being done in them. */
  let open: HeldFolders | null = null;
  let isChanged = true;
  /** The folder as it was found the last time; null: it was not there. */
  let known: { ino: bigint; mtimeNs: bigint } | null = null;
  /** On the monotonic clock: when its time was last seen to move, and when it was last read. */
  let changedAtMs = 0;
  let listedAtMs = 0;
  let trouble: string | null = null;
  let watcher: FileWatcher | null = null;
  /** On the monotonic clock: not before this is it watched again. */
  let watchAtMs = 0;
  let isClosed = false;

  /** In the words of people: by which path a folder is held is ours. */
  function note(found: string): void {
    let text = found;
    for (const folder of Object.values(open ?? {}) as SafeFolder[]) // every value of it is one
      text = text.replaceAll(String(folder.at('x')).slice(0, -1), `${folder.path}/`);
    trouble ??= text;
  }

  function held(): HeldFolders {
    if (open === null) throw new Error(`nothing is done in ${path} now`);
    return open;
  }

  /** Opens the folders that are ours, made where they are not there, and does it in those. Throws where something else, or a link, is in their place. */
  async function holding(work: () => Promise<void>): Promise<void> {
    const own = openFolder(path, '');
    if (own === null) return;
    const folders = [own];
    const keep = (name: string): SafeFolder => {
      const folder = ownFolder(own, name);
      folders.push(folder);
      return folder;
    };
    try {
      open = { own, processing: keep('processing'), failed: keep('failed') };
      await work();
    } catch (thrown) {
      note(messageOf(thrown));
      throw thrown;
    } finally {
      open = null;
      for (const folder of folders) folder.close();
    }
  }

  async function refuse(from: Buffer, name: ByteName, reason: string): Promise<void> {
    const { processing: drafts, failed } = held();
    await moveToFailed({ from, failed, drafts, name, reason, at: nowMs() });
    const place = join(path, 'failed');
    log.info(`signal file ${shownName(name)} of ${project} lies in ${place} now: ${reason.split('\n')[0]}`);
  }

  /** Begins to watch the folder, which is there. Its own folders are not watched, and neither is what is no file. */
  function keepWatch(): void {
    if (isClosed || watcher !== null || performance.now() < watchAtMs) return;
    const found = createFileWatcher({
      paths: [path],
      includes: (file) => dirname(file) === path && !basename(file).startsWith('.'),
      quietMs,
      onFile(file) {
        arrivals.noteComplete(Buffer.from(basename(file)).toString('latin1'));
        noteAndTell();
      },
      onChange: noteAndTell,
      onEnd(reason) {
        watcher = null;
        watchAtMs = performance.now() + rewatchMs;
        log.debug(`${path} is looked at every second, and not watched: ${reason.message}`);
      },
    });
    watcher = found;
  }

  function noteAndTell(): void {
    isChanged = true;
    parts.onChange();
  }

  function endWatch(): void {
    watcher?.close();
    watcher = null;
  }

  /** Whether there is a folder to look into. A new one is taken up from the beginning. */
  async function find(): Promise<boolean> {
    const found = await lstat(path, { bigint: true }).catch(ifMissing(null, 'ENOTDIR'));
    if (found === null || found.ino !== known?.ino) forget();
    if (found === null) return false;
    const { ino, mtimeNs } = found;
    if (known === null) {
      const real = await realpath(path);
      if (real !== path) throw new Error(`a symbolic link leads from there to ${real}; links are not followed`);
      if (!found.isDirectory()) throw new Error('it is no folder; move it away');
      refuseShared(path, found);
      if ((await seenAt(pathOf(path, 'processing'))) !== null) await holding(() => processingFiles.takeUp());
      parts.onAppear();
    }
    if (known?.mtimeNs !== mtimeNs) changedAtMs = performance.now();
    known = { ino, mtimeNs };
    // Before it is read: what comes after that is told.
    keepWatch();
    return true;
  }

  function forget(): void {
    known = null;
    isChanged = true;
    endWatch();
    watchAtMs = 0;
    arrivals.clear();
    processingFiles.clear();
  }

  /** Null: it is a signal's file, and whoever may have written it may say that. */
  async function standingOf(name: ByteName, seen: Seen): Promise<Standing> {
    const named = name.length > markableBytes ? null : readFileName(name);
    if (seen.oddity !== null) return { kind: 'refused', reason: noFile(seen.oddity) };
    if (named === null) return { kind: 'refused', reason: noSignal() };
    const plan = await meantPlan(store, project, named);
    // A writer that was killed left its draft beside it, which is the same file.
    const drafts = seen.links > 1 ? await namesOfFile(join(path, 'staging'), seen) : 0;
    return source.judge({ name, named, plan, seen, drafts });
  }

  /** Answers whether the folder lets its files go. */
  async function takeAll(files: readonly [ByteName, Seen][]): Promise<boolean> {
    let failures = 0;
    await forEachFile(files, async ([name, seen]) => {
      if (failures >= toleratedFailures) return;
      try {
        const judged = await standingOf(name, seen);
        if (judged.kind === 'counts') await processingFiles.take(name, seen, judged);
        else await refuse(pathOf(held().own, name), name, judged.reason);
        arrivals.drop(name);
      } catch (thrown) {
        if (systemCode(thrown) === 'ENOENT' && (await isGone(pathOf(held().own, name)))) return arrivals.drop(name);
        arrivals.countFailure(name);
        failures += 1;
        note(`${shownName(name)} cannot be moved: ${messageOf(thrown)}`);
      }
    });
    return failures < toleratedFailures;
  }

  /** Reads the folder, unless it is asleep, or was just read and not all that was found there is taken yet. */
  async function list(isWaitedFor: boolean): Promise<void> {
    const now = performance.now();
    const isRecent = isWaitedFor && !isChanged && now - listedAtMs < quietMs && arrivals.hasStable();
    const isAwake = isChanged || now - changedAtMs < settlingMs || !isWaitedFor || arrivals.size > 0;
    if (isRecent || !isAwake) return;
    isChanged = false;
    listedAtMs = now;
    await arrivals.list();
  }

  async function work(isWaitedFor: boolean): Promise<number | null> {
    await list(isWaitedFor);
    const stable = arrivals.stable(isWaitedFor).slice(0, takenAtOnce);
    let letsGo = true;
    if (stable.length > 0 || !processingFiles.isEmpty) {
      source.forget();
      await holding(async () => {
        letsGo = stable.length === 0 || (await takeAll(stable));
        await processingFiles.insert(isWaitedFor);
        await processingFiles.settle();
      });
    }
    // Nobody tells of a verdict that comes late, or of a change that the folder's time does not show yet.
    const isUnderWay = arrivals.size > 0 || !processingFiles.isEmpty || performance.now() - changedAtMs < settlingMs;
    const waits = [
      letsGo && arrivals.hasStable() ? 0 : null,
      processingFiles.untilInsert(),
      isUnderWay ? underWayMs : null,
    ].filter((wait) => wait !== null);
    return waits.length === 0 ? null : Math.min(...waits);
  }

  return {
    async look({ isWaitedFor }) {
      trouble = null;
      let waitMs: number | null = null;
      try {
        if (await find()) waitMs = await work(isWaitedFor);
      } catch (thrown) {
        note(messageOf(thrown));
      }
      if (trouble !== null) waitMs = Math.min(waitMs ?? underWayMs, underWayMs);
      if (trouble !== null) troubles.failed(notTaken, trouble);
      else troubles.worked(notTaken);
      return waitMs;
    },
    isTold: () => known === null || watcher?.isLive() === true,
    noteChange() {
      isChanged = true;
    },
    close() {
      isClosed = true;
      troubles.worked(notTaken);
      endWatch();
    },
  };
}

/** Throws `unsafe_path` where a link or no folder is in its place. */
function ownFolder(parent: SafeFolder, name: string): SafeFolder {
  const folder = parent.folder(name, { makeMode: 0o755 });
  if (folder === null) throw new Error(`${parent.path}/${name} was taken away as soon as it was made`);
  return folder;
}
