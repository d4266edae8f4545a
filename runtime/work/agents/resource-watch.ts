/**
 * Measures a run's resources at intervals, and reports when they exceed its limits: the memory and the number of its processes if no scope counts them, and
 * always the disk. Limits for each single process (rlimits) would stop programs that reserve much memory and use little, such as Node and sanitizers. A limit
 * for the user's processes would count everything else that the user runs.
 *
 * The disk use counts the run's writable paths, and deleted files that its processes hold open. Hidden use is caught when the disk is nearly full: then a run
 * is ended that has written more than the required free space, or that holds files that cannot be measured.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type DiskUse, strictDiskUse } from '../../base/platform/disk-usage.ts';
import { isMemoryShort, leastFree } from '../../base/platform/machine-share.ts';
import { createPollLoop } from '../../base/platform/poll-loop.ts';
import { hasProc } from '../../base/platform/process-table.ts';
import { statfsOrNull, statOrNull } from '../../base/platform/quiet-look.ts';
import { sizeText } from '../../base/platform/size.ts';
import { processesOf } from './process-tree.ts';
import { type RunFolder, writeRunFile, writeStartFile } from './run-folder.ts';
import { type HeldFiles, heldFiles, memoryUse } from './run-usage.ts';

const watched = z.object({
  /** The table in the configuration that has the keys. */
  role: z.string(),
  memoryBytes: z.number().nullable(),
  processes: z.number().nullable(),
  diskBytes: z.number().nullable(),
  diskFiles: z.number().nullable(),
  /** Paths that only the run writes: counted as a whole. */
  folders: z.array(z.string()),
  /** Further writable paths with their earlier size: only their growth counts. */
  shared: z.array(z.object({ path: z.string(), bytes: z.number(), files: z.number() })),
});
export type WatchedLimits = z.infer<typeof watched>;

export interface ResourceWatch {
  /** May be called twice. */
  stop(): Promise<void>;
}

const lookMs = 2_000;
/** Measuring a folder takes at most this part of the time, so a large folder is measured less often. */
const diskPart = 20;
const leastDiskMs = 10_000;
const mebibyte = 1024 ** 2;

/** Stored in the run's folder, so that an engine that adopts the run can continue. */
export function noteWatched(folder: RunFolder, limits: WatchedLimits): void {
  writeStartFile(noteFile(folder), JSON.stringify(limits));
}

/** The folders that the run could write to; empty if they were not recorded. */
export function writtenFolders(folder: RunFolder): readonly string[] {
  const known = readNote(folder);
  return known === null ? [] : writtenBy(known);
}

function writtenBy({ folders, shared }: WatchedLimits): string[] {
  return [...folders, ...shared.map(({ path }) => path)];
}

/** The exceeded limit, with its configuration key; null: none. */
export function limitReached(folder: RunFolder): string | null {
  return existsSync(reachedFile(folder)) ? readFileSync(reachedFile(folder), 'utf8') : null;
}

/** `onReached` is called once, when `limitReached` has a limit. */
export function watchResources(
  folder: RunFolder,
  runId: string,
  { onReached, onError }: { readonly onReached: () => void; readonly onError: (thrown: unknown) => void },
): ResourceWatch {
  const limits = readNote(folder);
  if (limits === null) return { stop: async () => {} };
  let diskDueMs = 0;
  let hasReached = false;

  async function overText(known: WatchedLimits): Promise<string | null> {
    const { memoryBytes, processes, role } = known;
    if (hasProc && (memoryBytes !== null || processes !== null)) {
      const taken = await memoryUse(pidsOf(folder, runId), memoryBytes);
      if (memoryBytes !== null && taken.memoryBytes > memoryBytes)
        return text(`memory limit ${sizeText(memoryBytes, ' ')}`, 'memory', role);
      if (memoryBytes !== null && !taken.isWhole && isMemoryShort())
        return 'the machine has less than a twentieth of its memory left, and what the run holds cannot be looked at';
      if (processes !== null && taken.processes > processes)
        return text(`process limit ${processes}`, 'processes', role);
    }
    const short = shortDisk(writtenBy(known));
    if (performance.now() < diskDueMs && short === null) return null;
    const begunMs = performance.now();
    const use = await diskUseOf(known, hasProc ? await heldFiles(pidsOf(folder, runId)) : nothingHeld);
    const tookMs = performance.now() - begunMs;
    diskDueMs = performance.now() + Math.max(leastDiskMs, tookMs * diskPart);
    return overDisk(known, use) ?? (short === null ? null : overShort(use, short));
  }

  const loop = createPollLoop({
    everyMs: lookMs,
    async work() {
      const over = hasReached ? null : await overText(limits);
      if (over === null) return null;
      hasReached = true;
      // This comes before the run is ended, so that the reason is known after a crash.
      writeRunFile(reachedFile(folder), over);
      onReached();
      return null;
    },
    onError,
  });
  // A new run uses nothing yet, and most short runs end before the second check.
  loop.start('with-beat');
  return { stop: () => loop.stop() };
}

function text(limit: string, key: string, role: string): string {
  return `${limit} reached (${key} under [agents.${role}])`;
}

function pidsOf(folder: RunFolder, runId: string): number[] {
  return processesOf(folder, runId, { isMeasured: true }).map(({ pid }) => pid);
}

const nothingHeld: HeldFiles = { bytes: 0, files: 0, writtenBytes: 0, isWhole: true };

type RunUse = DiskUse & Pick<HeldFiles, 'writtenBytes'>;

async function diskUseOf({ folders, shared }: WatchedLimits, held: HeldFiles): Promise<RunUse> {
  const own = await strictDiskUse(folders);
  let { bytes, files, isWhole } = own;
  for (const before of shared) {
    const now = await strictDiskUse([before.path]);
    bytes += Math.max(0, now.bytes - before.bytes);
    files += Math.max(0, now.files - before.files);
    isWhole &&= now.isWhole;
  }
  return {
    bytes: bytes + held.bytes,
    files: files + held.files,
    writtenBytes: held.writtenBytes,
    isWhole: isWhole && held.isWhole,
  };
}

function overDisk({ diskBytes, diskFiles, role }: WatchedLimits, { bytes, files }: RunUse): string | null {
  if (diskBytes !== null && bytes > diskBytes) return text(`disk limit ${sizeText(diskBytes, ' ')}`, 'disk', role);
  if (diskFiles === null || files <= diskFiles) return null;
  return text(`limit of ${diskFiles} files, half of what the disk had left,`, 'disk', role);
}

interface ShortDisk {
  readonly place: string;
  /** The required free space; null: there is enough. */
  readonly bytes: number | null;
  readonly files: number | null;
}

/** The first of these folders whose disk is almost full; null: there is none. */
function shortDisk(places: readonly string[]): ShortDisk | null {
  const seen = new Set<number>();
  for (const place of places) {
    const device = statOrNull(place)?.dev;
    const found = device === undefined || seen.has(device) ? null : statfsOrNull(place);
    if (device === undefined || found === null) continue;
    seen.add(device);
    const least = leastFree(found);
    const bytes = found.bavail * found.bsize < least.bytes ? least.bytes : null;
    const files = found.files > 0 && found.ffree < least.files ? least.files : null;
    if (bytes !== null || files !== null) return { place, bytes, files };
  }
  return null;
}

/** A run with little use is not ended because of others. */
function overShort({ bytes, files, writtenBytes, isWhole }: RunUse, short: ShortDisk): string | null {
  const hasTaken =
    (short.bytes !== null && Math.max(bytes, writtenBytes) > short.bytes) ||
    (short.files !== null && files > short.files);
  if (!hasTaken && isWhole) return null;
  const left =
    short.bytes === null ? `${short.files} files` : sizeText(Math.ceil(short.bytes / mebibyte) * mebibyte, ' ');
  const why = hasTaken ? 'the run wrote more than that' : 'what the run holds cannot be looked at';
  return `the disk of ${short.place} has room for less than ${left}, and ${why}`;
}

function readNote(folder: RunFolder): WatchedLimits | null {
  const file = noteFile(folder);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  // The file is empty: a power failure ended the run, and there is nothing to watch.
  return text === '' ? null : watched.parse(JSON.parse(text));
}

function noteFile({ path }: RunFolder): string {
  return join(path, 'watched.json');
}

function reachedFile({ path }: RunFolder): string {
  return join(path, 'limit-reached');
}
