/** One folder of signal files: looks into it, takes what stands still, and says once what stands in the way. */
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../machines/vocabulary/errors.ts';
import type { Log } from '../platform/log.ts';
import { createArrivals, quietMs } from './arrivals.ts';
import { forEachFile } from './each-file.ts';
import { readFileName } from './file-name.ts';
import { type ByteName, codeOf, isGone, markableBytes, moveToFailed, pathOf, type Seen, shownName } from './files.ts';
import { createProcessingFiles, type ProcessingFilesParts } from './processing-files.ts';
import { noFile, noSignal } from './reason-text.ts';

/** `path` is absolute and real: a link on the way to it is not followed. */
export interface SignalFolderParts extends Omit<ProcessingFilesParts, 'folder' | 'refuse' | 'note'> {
  readonly log: Log;
  /** The folder was not there before, or another one is there now. */
  onAppear(): void;
}

export interface SignalFolder {
  /**
   * Looks once; `isWaitedFor`: at a file that is still being written a second time, later. Answers in how many milliseconds there will be
   * more to do; null: nothing is known to come. Never throws: what stands in the way is logged, once.
   */
  look(options: { isWaitedFor: boolean }): Promise<number | null>;
  /** Something changed in the folder: the next look reads it. */
  noteChange(): void;
}

/** Files that are taken in one look: then the repo's other folders get their turn. */
const takenAtOnce = 2_048;
/** After so many files that cannot be moved a look ends: it is the folder, not the file. */
const toleratedFailures = 16;
/** A folder whose time stands still is not read again, once this has passed: some file systems count in steps of two seconds. */
const settlingMs = 3_000;
/** What is under way is looked after this often, where it does not say when. */
const underWayMs = 1_000;

export function createSignalFolder(parts: SignalFolderParts): SignalFolder {
  const { path, project, log, nowMs } = parts;
  const processing = join(path, 'processing');
  const failed = join(path, 'failed');
  const arrivals = createArrivals(path);
  const processingFiles = createProcessingFiles({ ...parts, folder: processing, refuse, note });
  let isChanged = true;
  /** The folder as it was found the last time; null: it was not there. */
  let known: { ino: bigint; mtimeNs: bigint } | null = null;
  /** On the monotonic clock: when its time was last seen to move, and when it was last read. */
  let changedAtMs = 0;
  let listedAtMs = 0;
  let told: string | null = null;
  let trouble: string | null = null;

  function note(found: string): void {
    trouble ??= found;
  }

  async function refuse(from: Buffer, name: ByteName, reason: string): Promise<void> {
    await moveToFailed({ from, failed, drafts: processing, name, reason, at: nowMs() });
    log.info(`signal file ${shownName(name)} of ${project} lies in ${failed} now: ${reason.split('\n')[0]}`);
  }

  /** Whether there is a folder to look into. A new one is taken up from the beginning. */
  async function find(): Promise<boolean> {
    const found = await lstat(path, { bigint: true }).catch((thrown: unknown) => {
      if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR') return null;
      throw thrown;
    });
    if (found === null || found.ino !== known?.ino) forget();
    if (found === null) return false;
    const { ino, mtimeNs } = found;
    if (known === null) {
      const real = await realpath(path);
      if (real !== path) throw new Error(`a symbolic link leads from there to ${real}; links are not followed`);
      if (!found.isDirectory()) throw new Error('it is no folder; move it away');
      await processingFiles.takeUp();
      parts.onAppear();
    }
    if (known?.mtimeNs !== mtimeNs) changedAtMs = performance.now();
    known = { ino, mtimeNs };
    return true;
  }

  function forget(): void {
    known = null;
    isChanged = true;
    arrivals.clear();
    processingFiles.clear();
  }

  /** The folders that are ours to make. Throws where something else is in their place. */
  async function makeOwn(): Promise<void> {
    for (const folder of [processing, failed]) {
      await mkdir(folder).catch((thrown: unknown) => {
        if (codeOf(thrown) !== 'EEXIST') throw thrown;
      });
      if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is no folder; move it away`);
    }
  }

  /** Answers whether the folder lets its files go. */
  async function takeAll(files: readonly [ByteName, Seen][]): Promise<boolean> {
    let failures = 0;
    await forEachFile(files, async ([name, seen]) => {
      if (failures >= toleratedFailures) return;
      try {
        const reason = reasonAgainst(name, seen);
        if (reason === null) await processingFiles.take(name, seen);
        else await refuse(pathOf(path, name), name, reason);
        arrivals.drop(name);
      } catch (thrown) {
        if (codeOf(thrown) === 'ENOENT' && (await isGone(pathOf(path, name)))) return arrivals.drop(name);
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
    const isRecent = isWaitedFor && now - listedAtMs < quietMs && arrivals.hasStable();
    const isAwake = isChanged || now - changedAtMs < settlingMs || !isWaitedFor || arrivals.size > 0;
    if (isRecent || !isAwake) return;
    isChanged = false;
    listedAtMs = now;
    await arrivals.list();
  }

  async function work(isWaitedFor: boolean): Promise<number | null> {
    await list(isWaitedFor);
    const stable = arrivals.stable(isWaitedFor).slice(0, takenAtOnce);
    if (stable.length > 0 || !processingFiles.isEmpty) await makeOwn();
    const letsGo = stable.length === 0 || (await takeAll(stable));
    await processingFiles.insert(isWaitedFor);
    await processingFiles.settle();
    // Nobody tells of a file that is written to, of a verdict that comes late, or of a change that the folder's time does not show yet.
    const isUnderWay = arrivals.size > 0 || !processingFiles.isEmpty || performance.now() - changedAtMs < settlingMs;
    const waits = [
      letsGo ? arrivals.untilStable() : null,
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
      if (trouble !== null && trouble !== told)
        log.warn(`signal files in ${path}: ${trouble}; they stay, and are looked at again every second`);
      else if (trouble === null && told !== null) log.info(`signal files in ${path} are taken again`);
      told = trouble;
      return waitMs;
    },
    noteChange() {
      isChanged = true;
    },
  };
}

/** Null: the name is a signal's, and it is a file. */
function reasonAgainst(name: ByteName, { oddity }: Seen): string | null {
  if (oddity !== null) return noFile(oddity);
  return name.length > markableBytes || readFileName(name) === null ? noSignal() : null;
}
