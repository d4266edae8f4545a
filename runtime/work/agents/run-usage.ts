/**
 * Measures the resources of a run's processes from the kernel's data: memory that belongs to no process (files and file systems in memory), and deleted files
 * on disk that are still open. Only on Linux.
 */
import { readdirSync, readFileSync, type StatsFs } from 'node:fs';
import { join } from 'node:path';
import { blockBytes, diskUsage } from '../../base/platform/disk-usage.ts';
import { linkOrNull, statfsOrNull, statOrNull } from '../../base/platform/quiet-look.ts';
import { systemCode } from '../../base/platform/system-code.ts';
import { createTimeSlice } from '../../base/platform/time-slice.ts';

/** The type of a file system, from statfs. */
const tmpfs = 0x01021994;

export interface HeldFiles {
  /** Bytes on a disk. */
  readonly bytes: number;
  readonly files: number;
  /** Bytes that the processes have written to disks since they began, including ended processes of the run. */
  readonly writtenBytes: number;
  /** Whether every process could be read. */
  readonly isWhole: boolean;
}

export interface MemoryUse {
  readonly memoryBytes: number;
  /** Including threads. */
  readonly processes: number;
  /** Whether every process could be read. */
  readonly isWhole: boolean;
}

/** The memory, and the number of processes and threads. Above `limitBytes` the measurement is more exact, which takes longer; null: no limit. */
export async function memoryUse(pids: readonly number[], limitBytes: number | null): Promise<MemoryUse> {
  let memoryBytes = 0;
  let sharedBytes = 0;
  let processes = 0;
  for (const pid of pids) {
    const status = readQuietly(`/proc/${pid}/status`);
    // Memory that it shares with others (its program, libraries) is not counted.
    for (const name of ['RssAnon', 'VmSwap']) memoryBytes += numberIn(status, name) * 1024;
    sharedBytes += numberIn(status, 'RssShmem') * 1024;
    processes += Math.max(1, numberIn(status, 'Threads'));
  }
  if (limitBytes === null) return { memoryBytes, processes, isWhole: true };
  const files = filesInMemory(pids);
  const named = files.bytes + (await mountedInMemory(pids));
  // Pages that several processes map, or that belong to one of these files, count once: the larger of both is the minimum.
  const isOver = memoryBytes + Math.max(named, sharedBytes) > limitBytes;
  memoryBytes += Math.max(named, isOver ? sharedUse(pids) : sharedBytes);
  return { memoryBytes, processes, isWhole: files.isWhole };
}

/** Files that were deleted, or never had a name, and live as long as a process holds them. */
export async function heldFiles(pids: readonly number[]): Promise<HeldFiles> {
  const slice = createTimeSlice();
  // A memory file system that the engine can also see counts as a disk; one of the run's own counts as memory.
  const known = new Set(mountsOf('self').map(({ device }) => device));
  const seen = new Set<string>();
  let bytes = 0;
  let writtenBytes = 0;
  let isWhole = true;
  for (const pid of pids) {
    const open = openFiles(pid);
    const io = readOrNull(`/proc/${pid}/io`);
    if (open === null || io === null) {
      if (isThere(pid)) isWhole = false;
      continue;
    }
    writtenBytes += Math.max(0, numberIn(io, 'write_bytes') - numberIn(io, 'cancelled_write_bytes'));
    for (const { path, target } of open) {
      if (slice.isOver()) await slice.yield();
      if (!target.endsWith(' (deleted)') || isOfMemory(target)) continue;
      const found = statOrNull(path);
      if (found === null || !found.isFile() || found.nlink > 0) continue;
      const device = deviceOf(found.dev);
      const isOfDisk = known.has(device) || statfsOrNull(path)?.type !== tmpfs;
      if (!isOfDisk || seen.has(`${device}:${found.ino}`)) continue;
      seen.add(`${device}:${found.ino}`);
      bytes += found.blocks * blockBytes;
    }
    const mapped = mappedAway(pid);
    const inMemory = new Set(
      mapped.length === 0
        ? []
        : mountsOf(pid)
            .filter(isInMemory)
            .map(({ device }) => device),
    );
    for (const { target, device, inode, endBytes } of mapped) {
      const isOfDisk = known.has(device) || !inMemory.has(device);
      const id = `${device}:${inode}`;
      if (!isOfDisk || isOfMemory(target) || seen.has(id)) continue;
      seen.add(id);
      bytes += endBytes;
    }
  }
  return { bytes, files: seen.size, writtenBytes, isWhole };
}

/** Files without a name: memfd_create(2). */
function filesInMemory(pids: readonly number[]): { bytes: number; isWhole: boolean } {
  const seen = new Set<number>();
  let bytes = 0;
  let isWhole = true;
  for (const pid of pids) {
    const open = openFiles(pid);
    if (open === null && isThere(pid)) isWhole = false;
    for (const { path } of (open ?? []).filter(({ target }) => target.startsWith('/memfd:'))) {
      const found = statOrNull(path);
      if (found === null || seen.has(found.ino)) continue;
      seen.add(found.ino);
      bytes += found.blocks * blockBytes;
    }
  }
  return { bytes, isWhole };
}

/** The content of the run's own memory file systems: those of its walls, and those that it mounted itself. */
async function mountedInMemory(pids: readonly number[]): Promise<number> {
  let known: Set<string> | null = null;
  const spaces = new Set([linkOrNull('/proc/self/ns/mnt')]);
  let bytes = 0;
  for (const pid of pids) {
    const space = linkOrNull(`/proc/${pid}/ns/mnt`);
    if (space === null || spaces.has(space)) continue;
    spaces.add(space);
    known ??= new Set(mountsOf('self').map(({ device }) => device));
    for (const { device, type, place } of mountsOf(pid).filter(isInMemory)) {
      if (known.has(device)) continue;
      const path = join(`/proc/${pid}/root`, place);
      const found = statfsOrNull(path);
      if (found === null) continue;
      known.add(device);
      // A ramfs does not report its use.
      bytes += type === 'ramfs' ? await diskUsage(path) : filled(found);
    }
  }
  return bytes;
}

function filled({ type, blocks, bfree, bsize }: StatsFs): number {
  return type === tmpfs ? (blocks - bfree) * bsize : 0;
}

/** Memory that processes share, each page divided among those that map it. */
function sharedUse(pids: readonly number[]): number {
  let bytes = 0;
  for (const pid of pids) bytes += numberIn(readQuietly(`/proc/${pid}/smaps_rollup`), 'Pss_Shmem') * 1024;
  return bytes;
}

interface Mount {
  readonly device: string;
  readonly type: string;
  readonly place: string;
}

function isInMemory({ type }: Mount): boolean {
  return type === 'tmpfs' || type === 'ramfs';
}

/** mountinfo: `36 35 98:0 /root /place options - type source options`. */
function mountsOf(pid: number | 'self'): Mount[] {
  return readQuietly(`/proc/${pid}/mountinfo`)
    .split('\n')
    .map((line) => line.split(' '))
    .filter((words) => words.includes('-'))
    .map((words) => ({
      device: words[2] ?? '',
      type: words[words.indexOf('-') + 1] ?? '',
      place: (words[4] ?? '').replace(/\\([0-7]{3})/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 8)),
      ),
    }));
}

/** null: it may not be read, or has ended. */
function openFiles(pid: number): { path: string; target: string }[] | null {
  const folder = `/proc/${pid}/fd`;
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return null;
  }
  return names.flatMap((name) => {
    const path = join(folder, name);
    const target = linkOrNull(path);
    return target === null ? [] : [{ path, target }];
  });
}

interface Mapped {
  readonly target: string;
  /** `<major>:<minor>`, as in mountinfo. */
  readonly device: string;
  readonly inode: string;
  /** A lower bound of the file's size from its mapped and touched part; the size itself cannot be read. */
  readonly endBytes: number;
}

/** maps: `start-end perms offset major:minor inode path (deleted)`. */
function mappedAway(pid: number): Mapped[] {
  const found: Mapped[] = [];
  for (const line of readQuietly(`/proc/${pid}/maps`).split('\n')) {
    if (!line.endsWith(' (deleted)')) continue;
    const [range = '', , offset = '0', numbers = '', inode = '0'] = line.split(/\s+/);
    const [start = '0', end = '0'] = range.split('-');
    const target = line.slice(line.indexOf('/'));
    const [major = '0', minor = '0'] = numbers.split(':');
    const device = `${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}`;
    const endBytes = Number.parseInt(offset, 16) + Number.parseInt(end, 16) - Number.parseInt(start, 16);
    found.push({ target, device, inode, endBytes });
  }
  return found;
}

/** The device number of stat(2) in mountinfo's form: makedev(3). */
function deviceOf(number: number): string {
  const major = Math.floor(number / 0x100) & 0xfff;
  const minor = (number & 0xff) + Math.floor(number / 0x100000) * 0x100;
  return `${major}:${minor}`;
}

function isOfMemory(target: string): boolean {
  return /^\/(?:memfd:|dev\/zero \(deleted\)|SYSV|anon_hugepage|\[aio\])/.test(target);
}

function isThere(pid: number): boolean {
  return !['', 'Z'].includes(/^State:\s*(\S)/m.exec(readQuietly(`/proc/${pid}/status`))?.[1] ?? '');
}

function readQuietly(file: string): string {
  return readOrNull(file) ?? '';
}

/** null: it has ended meanwhile, or may not be read. Throws if this process can open no more files. */
function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'EMFILE') throw error;
    return null;
  }
}

function numberIn(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}
