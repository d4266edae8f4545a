/**
 * Resources that a worktree's processes may use without conflicts: a block of ports, and a name for a database or a container. A symbolic link
 * `<port>-<digest>` to the worktree claims a block, in a folder that all engines of the user share; the link is never followed. The block is free again when
 * the worktree is gone, so nothing needs to be released after a kill.
 */
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { ownFolder } from '../../base/config/socket-path.ts';
import { systemCode } from '../../base/platform/system-code.ts';
import { textDigest } from '../../base/platform/text-digest.ts';

/** The number of ports in a block. */
export const portsOfBlock = 20;
/** The range is below the ephemeral ports of Linux and macOS. */
const firstPort = 20_000;
const blocks = 600;
/** The state of listening sockets in `/proc/net/tcp`. */
const listening = '0A';

export interface OwnPorts {
  /** The first port of the block; null: all blocks are taken. */
  readonly base: number | null;
  /** `[a-z][a-z0-9_]*`, at most 40 characters. */
  readonly slug: string;
}

/** The folder of claims: the same for each home of the user, unless another user has made the folder. */
export function portsFolder(home: string): string {
  return join(ownFolder(`/tmp/stator-${process.getuid?.() ?? 0}`, home), 'ports');
}

export interface PortsOwner {
  readonly project: string;
  /** The absolute path of the worktree. */
  readonly path: string;
}

/** Returns the same at each call while the worktree exists. Throws the system's error if the folder cannot be written. */
export function ownPorts(folder: string, { project, path }: PortsOwner): OwnPorts {
  const digest = textDigest(path).slice(0, 16);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const known = readdirSync(folder);
  const base = claimedBy(known, digest) ?? claim(folder, known, { path, digest });
  return { base, slug: slugOf(`${project}_${basename(path)}`, digest) };
}

function claimedBy(known: readonly string[], digest: string): number | null {
  const found = known.find((name) => name.endsWith(`-${digest}`));
  return found === undefined ? null : baseOf(found);
}

function baseOf(name: string): number | null {
  const base = Number(/^\d{5}(?=-)/.exec(name)?.[0]);
  const isOurs =
    base >= firstPort && base < firstPort + blocks * portsOfBlock && (base - firstPort) % portsOfBlock === 0;
  return isOurs ? base : null;
}

/**
 * Each worktree tries the blocks in its own order. If another worktree has claimed the same block, it takes the next one; two worktrees at once may both move
 * on. `known`: the claims of a moment ago. The folder is read again only for a block that was free then, since to read it for each of 600 taken blocks stops the
 * engine for half a second at each start of an agent.
 */
function claim(
  folder: string,
  known: readonly string[],
  { path, digest }: { readonly path: string; readonly digest: string },
): number | null {
  const seed = Number.parseInt(digest.slice(0, 8), 16);
  const busy = listeningPorts(folder);
  for (let tried = 0; tried < blocks; tried += 1) {
    const base = firstPort + ((seed + tried) % blocks) * portsOfBlock;
    if (Array.from({ length: portsOfBlock }, (_, index) => base + index).some((port) => busy.has(port))) continue;
    const own = `${base}-${digest}`;
    if (othersOf(folder, known, own).length > 0) continue;
    link(path, join(folder, own));
    if (othersOf(folder, readdirSync(folder), own).length === 0) return base;
    rmSync(join(folder, own), { force: true });
  }
  return null;
}

function link(path: string, at: string): void {
  try {
    symlinkSync(path, at);
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST') throw thrown; // another run of the same worktree was first
  }
}

/** The existing worktrees that have claimed the block of the claim `own`; claims of missing ones are removed. */
function othersOf(folder: string, claims: readonly string[], own: string): string[] {
  const block = own.slice(0, own.indexOf('-') + 1);
  return claims.filter((name) => {
    if (name === own || !name.startsWith(block)) return false;
    if (isThere(join(folder, name))) return true;
    rmSync(join(folder, name), { force: true });
    return false;
  });
}

function isThere(claimed: string): boolean {
  try {
    return lstatSync(readlinkSync(claimed), { throwIfNoEntry: false }) !== undefined;
  } catch (thrown) {
    const code = systemCode(thrown);
    // The claim is gone meanwhile. Anything that is no link is not ours, and blocks the claim.
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    if (code === 'EINVAL') return true;
    throw thrown;
  }
}

/** The tasks of a wave begin together: one look at the ports is enough for all of them. */
const recentMs = 5_000;
let looked: { readonly folder: string; readonly atMs: number; readonly ports: ReadonlySet<number> } | null = null;

/** The ports of all users and programs, as they were at most `recentMs` ago for claims in the same folder. Empty if the system has no `/proc`. */
function listeningPorts(folder: string): ReadonlySet<number> {
  if (looked?.folder === folder && performance.now() - looked.atMs < recentMs) return looked.ports;
  const ports = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap(listeningIn));
  looked = { folder, ports, atMs: performance.now() };
  return ports;
}

/** Shorter than two lines. */
const readBytes = 256;

/**
 * The kernel lists the listening sockets first. It is asked for no more than these, since to find all connections it searches a table of up to 262,144 rows,
 * which takes 5 ms. It begins that search after the last of them all the same.
 */
function listeningIn(file: string): number[] {
  const ports: number[] = [];
  const buffer = Buffer.alloc(readBytes);
  let fd: number | null = null;
  try {
    fd = openSync(file, 'r');
    let rest = '';
    let isHeader = true;
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer)) {
      const lines = (rest + buffer.toString('latin1', 0, read)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [, local = '', , state] = line.trim().split(/\s+/);
        if (!isHeader && state !== listening) return ports;
        if (!isHeader) ports.push(Number.parseInt(local.split(':').at(-1) ?? '', 16));
        isHeader = false;
      }
    }
    return ports;
  } catch {
    return ports;
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** Both databases and containers accept this name. */
function slugOf(text: string, digest: string): string {
  const words = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+/, '');
  const name = words.slice(0, 31).replace(/_+$/, '');
  return `${name === '' ? 'stator' : name}_${digest.slice(0, 8)}`;
}
