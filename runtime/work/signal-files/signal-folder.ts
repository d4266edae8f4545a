/** One folder of signal files: reads it, collects complete files, and reports each obstacle once. */
import type { BigIntStats } from 'node:fs';
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { createFileWatcher, type FileWatcher } from '../../base/platform/file-watcher.ts';
import type { Log } from '../../base/platform/log.ts';
import type { Troubles } from '../../base/platform/poll-loop.ts';
import { openFolder, type SafeFolder } from '../../base/platform/safe-path.ts';
import { ifMissing, systemCode } from '../../base/platform/system-code.ts';
import { createArrivals, quietMs } from './arrivals.ts';
import { forEachFile } from './each-file.ts';
import { readFileName } from './file-name.ts';
import { meantPlan } from './file-signal.ts';
import {
  type ByteName,
  entryLimit,
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
import type { Judgement } from './source.ts';

/** `path` is absolute and real: links in it are not followed. */
export interface SignalFolderParts extends Omit<ProcessingFilesParts, 'held' | 'refuse' | 'note'> {
  readonly path: string;
  readonly log: Log;
  readonly troubles: Troubles;
  /** Called when the folder is new, or has been replaced. */
  onAppear(): void;
  /** Called when something changed in the folder, or a file is complete. */
  onChange(): void;
}

export interface SignalFolder {
  /**
   * Checks once; `isWaitedFor`: files that are still being written are checked again later. Returns the milliseconds until there is more to do; null: nothing
   * is expected. Never throws: obstacles are logged, once each.
   */
  look(options: { isWaitedFor: boolean }): Promise<number | null>;
  /** Whether new files in it are reported, or there is no such folder. */
  isReported(): boolean;
  /** The folder itself may have been replaced: the next check reads it. */
  noteChange(): void;
  /** Ends the watch. May be called twice. */
  close(): void;
}

/** The folder and our own folders in it, held open: a replacement of them is never used. */
interface HeldFolders {
  readonly own: SafeFolder;
  readonly processing: SafeFolder;
  readonly failed: SafeFolder;
}

/** The files that are collected in one check; then the repo's other folders get their turn. */
const takenAtOnce = 2_048;
/** A check ends after this many files that cannot be moved: the folder is at fault, not the file. */
const toleratedFailures = 16;
/** A folder whose time has not changed for this long is not read again: some file systems count in steps of two seconds. */
const settlingMs = 3_000;
/** How often work under way is checked if it names no time. */
const underWayMs = 1_000;
/** A watch that ended by itself is started again after this time. */
const rewatchMs = 30_000;

export function createSignalFolder(parts: SignalFolderParts): SignalFolder {
  const { path, source, log, troubles } = parts;
  const notTaken = {
    what: `signal files in ${path} are not taken`,
    hint: 'they stay, and are looked at again every second',
  };
  const arrivals = createArrivals(path);
  const folders = createHeldFolders(path, note);
  const { held, holding } = folders;
  const processingFiles = createProcessingFiles({ ...parts, held, refuse, note });
  const watch = createFolderWatch(path, {
    log,
    onChange: noteChange,
    onFile(name) {
      arrivals.noteComplete(name);
      noteChange();
    },
  });
  let isChanged = true;
  /** The folder's last known state; null: it was missing. */
  let known: { ino: bigint; mtimeNs: bigint } | null = null;
  /** Monotonic clock: when its time last changed, and when it was last read. */
  let changedAtMs = 0;
  let listedAtMs = 0;
  let trouble: string | null = null;

  function note(found: string): void {
    trouble ??= folders.withPaths(found);
  }

  function refuse(from: Buffer, name: ByteName, reason: string): Promise<void> {
    return moveRefused(parts, held(), { from, name, reason });
  }

  function noteChange(): void {
    isChanged = true;
    parts.onChange();
  }

  /** Whether there is a folder to check. A new one is handled from the beginning. */
  async function find(): Promise<boolean> {
    const found = await lstat(path, { bigint: true }).catch(ifMissing(null, 'ENOTDIR'));
    if (found === null || found.ino !== known?.ino) forget();
    if (found === null) return false;
    const { ino, mtimeNs } = found;
    if (known === null) {
      await refuseUnsafe(path, found);
      if ((await seenAt(pathOf(path, 'processing'))) !== null) processingFiles.noteUnread();
      parts.onAppear();
    }
    if (known?.mtimeNs !== mtimeNs) changedAtMs = performance.now();
    known = { ino, mtimeNs };
    // This comes before the reading: later files are reported.
    watch.begin();
    return true;
  }

  function forget(): void {
    known = null;
    isChanged = true;
    watch.end();
    arrivals.clear();
    processingFiles.clear();
  }

  /** Returns whether files can be moved out of the folder. */
  async function takeAll(files: readonly [ByteName, Seen][]): Promise<boolean> {
    let failures = 0;
    await forEachFile(files, async ([name, seen]) => {
      if (failures >= toleratedFailures) return;
      try {
        const judged = await judgementOf(parts, name, seen);
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

  /** Reads the folder, unless it is unchanged, or was just read and files of that reading are still waiting. */
  async function list(isWaitedFor: boolean): Promise<void> {
    const now = performance.now();
    const isRecent = isWaitedFor && !isChanged && now - listedAtMs < quietMs && arrivals.hasStable();
    const isAwake = isChanged || now - changedAtMs < settlingMs || !isWaitedFor || arrivals.size > 0;
    if (isRecent || !isAwake) return;
    isChanged = false;
    listedAtMs = now;
    if (!(await arrivals.list()))
      note(`it has more than ${entryLimit} entries; the others are looked at when these are moved or deleted`);
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
    // A late verdict, or a change that the folder's time does not show yet, is not reported.
    const isUnderWay = arrivals.size > 0 || !processingFiles.isEmpty || performance.now() - changedAtMs < settlingMs;
    const untilStableMs = letsGo && arrivals.hasStable() ? 0 : null;
    return shortest([untilStableMs, processingFiles.untilInsert(), isUnderWay ? underWayMs : null]);
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
      if (trouble !== null) waitMs = shortest([waitMs, underWayMs]);
      if (trouble !== null) troubles.failed(notTaken, trouble);
      else troubles.worked(notTaken);
      return waitMs;
    },
    isReported: () => known === null || watch.isLive(),
    noteChange() {
      isChanged = true;
    },
    close() {
      troubles.worked(notTaken);
      watch.close();
    },
  };
}

/** Throws if it is no folder, if a link leads to it, or if other users may put files there. */
async function refuseUnsafe(path: string, found: BigIntStats): Promise<void> {
  const real = await realpath(path);
  if (real !== path) throw new Error(`a symbolic link leads from there to ${real}; links are not followed`);
  if (!found.isDirectory()) throw new Error('it is no folder; move it away');
  refuseShared(path, found);
}

/**
 * Throws if other users may put files there: a user who moves one of our files into the folder would send a signal in our name. A group that by default has
 * only this user does not count.
 */
function refuseShared(path: string, { mode, gid }: { readonly mode: bigint; readonly gid: bigint }): void {
  const isForAll = (mode & 0o002n) !== 0n;
  const isForGroup = (mode & 0o020n) !== 0n && Number(gid) !== process.getgid?.();
  if (!isForAll && !isForGroup) return;
  throw new Error(`other users may write there; close it: chmod go-w ${shellWord(path)}`);
}

/** null: all of them are null. */
function shortest(waitsMs: readonly (number | null)[]): number | null {
  const known = waitsMs.filter((ms) => ms !== null);
  return known.length === 0 ? null : Math.min(...known);
}

async function moveRefused(
  { path, project, log, nowMs }: SignalFolderParts,
  { processing: drafts, failed }: HeldFolders,
  file: { readonly from: Buffer; readonly name: ByteName; readonly reason: string },
): Promise<void> {
  await moveToFailed({ ...file, failed, drafts, at: nowMs() });
  const place = join(path, 'failed');
  log.info(`signal file ${shownName(file.name)} of ${project} lies in ${place} now: ${file.reason.split('\n')[0]}`);
}

/** null: it is a signal file, and its possible author may send that signal. */
async function judgementOf(
  { path, project, store, source }: SignalFolderParts,
  name: ByteName,
  seen: Seen,
): Promise<Judgement> {
  const named = name.length > markableBytes ? null : readFileName(name);
  if (seen.oddity !== null) return { kind: 'refused', reason: noFile(seen.oddity) };
  if (named === null) return { kind: 'refused', reason: noSignal() };
  const plan = await meantPlan(store, project, named);
  // A killed writer left its draft beside it, which is the same file.
  const drafts = seen.links > 1 ? await namesOfFile(join(path, 'staging'), seen) : 0;
  return source.judge({ name, named, plan, seen, drafts });
}

/** Our own folders, while work is done in them. */
function createHeldFolders(path: string, onFailure: (trouble: string) => void) {
  /** null: nothing is being done in them. */
  let open: HeldFolders | null = null;
  /** With the path for people in place of the descriptor by which we hold a folder. */
  function withPaths(found: string): string {
    let text = found;
    for (const folder of Object.values(open ?? {}) as SafeFolder[]) // every value is a folder
      text = text.replaceAll(String(folder.at('x')).slice(0, -1), `${folder.path}/`);
    return text;
  }
  return {
    withPaths,
    held(): HeldFolders {
      if (open === null) throw new Error(`nothing is done in ${path} now`);
      return open;
    },
    /** Opens our own folders, makes missing ones, and runs the work in them. Throws if something else, or a link, is in their place. */
    async holding(work: () => Promise<void>): Promise<void> {
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
        onFailure(messageOf(thrown)); // while the folders have their paths
        throw thrown;
      } finally {
        open = null;
        for (const folder of folders) folder.close();
      }
    },
  };
}

interface FolderWatchParts {
  readonly log: Log;
  /** A file is complete. */
  onFile(name: ByteName): void;
  onChange(): void;
}

/** Watches the folder, without its subfolders and things that are no files. */
function createFolderWatch(path: string, { log, onFile, onChange }: FolderWatchParts) {
  let watcher: FileWatcher | null = null;
  /** Monotonic clock: it is not watched again before this. */
  let watchAtMs = 0;
  let isClosed = false;
  function end(): void {
    watcher?.close();
    watcher = null;
    watchAtMs = 0;
  }
  return {
    isLive: () => watcher?.isLive() === true,
    end,
    close() {
      isClosed = true;
      end();
    },
    /** The folder must exist. */
    begin(): void {
      if (isClosed || watcher !== null || performance.now() < watchAtMs) return;
      watcher = createFileWatcher({
        paths: [path],
        includes: (file) => dirname(file) === path && !basename(file).startsWith('.'),
        quietMs,
        onFile: (file) => onFile(Buffer.from(basename(file)).toString('latin1')),
        onChange,
        onReady: onChange,
        onEnd(reason) {
          watcher = null;
          watchAtMs = performance.now() + rewatchMs;
          log.debug(`${path} is looked at every second, and not watched: ${reason.message}`);
        },
      });
    },
  };
}

/** Throws `unsafe_path` if a link, or something that is no folder, is in its place. */
function ownFolder(parent: SafeFolder, name: string): SafeFolder {
  const folder = parent.folder(name, { makeMode: 0o755 });
  if (folder === null) throw new Error(`${parent.path}/${name} was taken away as soon as it was made`);
  return folder;
}
