/**
 * Looks at intervals at what a run takes, and says when that is over its limits: the memory and the number of all its processes where no scope counts them, and
 * always the disk. A limit of each process by itself, which rlimits are, would stop programs that reserve much and use little, such as Node and sanitizers; and one
 * of the user's processes would count everything else that they run.
 */
import { existsSync, readFileSync, type StatsFs, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { diskUsage } from '../../base/platform/disk-usage.ts';
import { createPollLoop } from '../../base/platform/poll-loop.ts';
import { hasProc } from '../../base/platform/process-table.ts';
import { sizeText } from '../../base/platform/size.ts';
import { processesOf } from './process-tree.ts';
import { type RunFolder, writeRunFile, writeStartFile } from './run-folder.ts';

const watched = z.object({
  /** Whose table in the configuration has the keys. */
  role: z.string(),
  memoryBytes: z.number().nullable(),
  processes: z.number().nullable(),
  diskBytes: z.number().nullable(),
  /** The folders whose disk use is counted. */
  folders: z.array(z.string()),
  /** Folders inside of its walls that are kept in memory; none without walls. */
  inMemory: z.array(z.string()),
  /** Further folders that it writes to. An earlier version recorded none. */
  writable: z.array(z.string()).default([]),
});
export type WatchedLimits = z.infer<typeof watched>;

export interface ResourceWatch {
  /** May be called twice. */
  stop(): Promise<void>;
}

const lookMs = 2_000;
/** Measuring a folder takes this part of the time at most, and a large one is measured more seldom. */
const diskPart = 20;
const leastDiskMs = 10_000;
const tmpfs = 0x01021994;

/** Kept in the run's folder, so that whoever adopts the run goes on. */
export function noteWatched(folder: RunFolder, limits: WatchedLimits): void {
  writeStartFile(noteFile(folder), JSON.stringify(limits));
}

/** The folders that the run could write to; empty if they were not recorded. */
export function writtenFolders(folder: RunFolder): readonly string[] {
  const known = readNote(folder);
  return known === null ? [] : [...known.folders, ...known.writable];
}

/** Which limit the run went over, and by which key it is set; null: none. */
export function limitReached(folder: RunFolder): string | null {
  return existsSync(reachedFile(folder)) ? readFileSync(reachedFile(folder), 'utf8') : null;
}

/** `onReached` is called once, when `limitReached` says which. */
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
    const { memoryBytes, processes, diskBytes, role, folders } = known;
    if (hasProc && (memoryBytes !== null || processes !== null)) {
      const taken = takenBy(folder, runId, known);
      if (memoryBytes !== null && taken.memoryBytes > memoryBytes)
        return text(`memory limit ${sizeText(memoryBytes, ' ')}`, 'memory', role);
      if (processes !== null && taken.processes > processes)
        return text(`process limit ${processes}`, 'processes', role);
    }
    if (diskBytes === null || performance.now() < diskDueMs) return null;
    const begunMs = performance.now();
    let bytes = 0;
    for (const each of folders) bytes += await diskUsage(each);
    const tookMs = performance.now() - begunMs;
    diskDueMs = performance.now() + Math.max(leastDiskMs, tookMs * diskPart);
    return bytes > diskBytes ? text(`disk limit ${sizeText(diskBytes, ' ')}`, 'disk', role) : null;
  }

  const loop = createPollLoop({
    everyMs: lookMs,
    async work() {
      const over = hasReached ? null : await overText(limits);
      if (over === null) return null;
      hasReached = true;
      // Before it is ended: whoever goes on after a crash knows why.
      writeRunFile(reachedFile(folder), over);
      onReached();
      return null;
    },
    onError,
  });
  // Who has just been started takes nothing yet, and most looks would be at those who do not live until the second.
  loop.start('with-beat');
  return { stop: () => loop.stop() };
}

function text(limit: string, key: string, role: string): string {
  return `${limit} reached (${key} under [agents.${role}])`;
}

function takenBy(folder: RunFolder, runId: string, { inMemory }: WatchedLimits) {
  let memoryBytes = 0;
  let processes = 0;
  const seen = new Set<number>();
  for (const { pid } of processesOf(folder, runId)) {
    const status = readQuietly(`/proc/${pid}/status`);
    // What it shares with others (its program, libraries) is nobody's own.
    for (const name of ['RssAnon', 'VmSwap']) memoryBytes += numberIn(status, name) * 1024;
    processes += Math.max(1, numberIn(status, 'Threads'));
    for (const place of inMemory) memoryBytes += filledIn(join(`/proc/${pid}/root`, place), seen);
  }
  return { memoryBytes, processes };
}

/** The content of a file system in memory, counted once for all its processes. */
function filledIn(place: string, seen: Set<number>): number {
  const device = deviceOf(place);
  if (device === null || seen.has(device)) return 0;
  seen.add(device);
  const found = statfsQuietly(place);
  return found === null || found.type !== tmpfs ? 0 : (found.blocks - found.bfree) * found.bsize;
}

/** null: there is no such place there, or it is one of this machine and not of the walls. */
function deviceOf(place: string): number | null {
  try {
    const { dev } = statSync(place);
    return dev === statSync(place.replace(/^\/proc\/\d+\/root/, ''), { throwIfNoEntry: false })?.dev ? null : dev;
  } catch {
    return null; // it has ended, or may not be looked at
  }
}

function statfsQuietly(place: string): StatsFs | null {
  try {
    return statfsSync(place);
  } catch {
    return null; // it has ended meanwhile
  }
}

function readQuietly(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
}

function numberIn(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0);
}

function readNote(folder: RunFolder): WatchedLimits | null {
  const file = noteFile(folder);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  // Empty: a power failure ended the run, and nothing of it is left to be watched.
  return text === '' ? null : watched.parse(JSON.parse(text));
}

function noteFile({ path }: RunFolder): string {
  return join(path, 'watched.json');
}

function reachedFile({ path }: RunFolder): string {
  return join(path, 'limit-reached');
}
