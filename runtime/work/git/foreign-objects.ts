/**
 * Imports commits from an object folder that a foreign program wrote. Git never runs on that folder: its regular files with valid names are linked into a
 * folder of ours, without its `info/alternates`, indexes or links. There git packs the objects that the commits need, and the shared repository accepts the
 * pack like a push: it computes each object's name from its content, checks trees for forbidden entries, and requires every object to be complete.
 */
import {
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  unlinkSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inflateSync, constants as zlib } from 'node:zlib';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { openFolder, type SafeFolder } from '../../base/platform/safe-path.ts';
import { sizeText } from '../../base/platform/size.ts';
import { checkoutTimeoutMs, type GitResult, tryOwnGit } from './git.ts';

/** Limits for one run: more than any agent makes, and no more than git can handle in its time limit. */
const limits = {
  looseCount: 100_000,
  packCount: 64,
  /** The sum over all files, as stored. */
  fileBytes: 4 * 1024 ** 3,
  /** One object, unpacked: git holds it in memory, except for a large blob. */
  blobBytes: 2 * 1024 ** 3,
  otherBytes: 128 * 1024 ** 2,
  /** The sum over all loose objects, unpacked. */
  unpackedBytes: 16 * 1024 ** 3,
};
/** The most names that are read in one folder, in one turn of the engine. */
const namesLimit = limits.looseCount + 1;
/** Git itself stores a push of fewer objects as loose objects. */
const unpackLimit = 100;
/** The most memory that git may allocate at once: a hostile object can claim any size. */
const allocation = '1g';
const filesAtOnce = 128;
/** The tables of the first block can come before its first byte of output. */
const headBytes = 1_024;

/** `refused`: the objects cannot be imported, with the reason; none was imported. */
export type Taken = { readonly kind: 'taken' } | { readonly kind: 'refused'; readonly why: string };

export interface ForeignObjects {
  /** A git folder, as an absolute real path; its `objects` are imported. */
  readonly gitDir: string;
  /** The path prefix of our temporary folder, on the same disk; it is removed again. */
  readonly tempPrefix: string;
  /** The git folder that receives the objects. */
  readonly into: string;
  readonly heads: readonly string[];
  /** Commits of `into`, whose history git need not walk. */
  readonly known: readonly string[];
  /** The limit for the sum of all its files, as stored. Default: 4 GiB. */
  readonly maxBytes?: number;
}

interface Taking extends ForeignObjects {
  readonly tempFolder: string;
}

/** Safe to run again, also twice at once. After a kill in between, `into` has unreferenced objects at worst. Throws the errors of the disk and of git. */
export async function takeObjects(foreign: ForeignObjects): Promise<Taken> {
  const tempFolder = await mkdtemp(foreign.tempPrefix);
  const taking = { ...foreign, tempFolder };
  try {
    const found = await linkObjects(foreign, tempFolder).catch((thrown: unknown) => {
      if (thrown instanceof EngineError && thrown.code === 'unsafe_path') return thrown.message;
      throw thrown;
    });
    if (typeof found === 'string') return { kind: 'refused', why: found };
    if (found.count === 0) return { kind: 'taken' };
    for (const pack of found.packs) {
      const indexed = await inTempFolder(taking, ['index-pack', '--no-rev-index', pack]);
      if (indexed.exitCode !== 0) return refusal('a pack of it is broken', indexed);
    }
    return await passOn(taking);
  } finally {
    await rm(tempFolder, { recursive: true, force: true });
  }
}

async function passOn(foreign: Taking): Promise<Taken> {
  const { tempFolder, into, heads, known } = foreign;
  const args = ['pack-objects', '--revs', '--local', '--delta-base-offset', '-q', join(tempFolder, 'passed')];
  const input = [...heads, ...known.map((commit) => `^${commit}`)].map((line) => `${line}\n`).join('');
  const packed = await inTempFolder(foreign, args, input);
  if (packed.exitCode !== 0) return refusal('what its commits need is not all there', packed);
  for (const name of readdirSync(tempFolder).filter((file) => /^passed-.+\.pack$/.test(file))) {
    const pack = join(tempFolder, name);
    const count = objectCount(pack);
    if (count === 0) continue;
    const size = `--max-input-size=${limits.fileBytes}`;
    const command =
      count < unpackLimit ? ['unpack-objects', '-q', '--strict', size] : ['index-pack', '--stdin', '--strict', size];
    const done = await tryOwnGit(into, command, {
      env: { GIT_DIR: into, GIT_ALLOC_LIMIT: allocation },
      inputFile: pack,
      timeoutMs: checkoutTimeoutMs,
    });
    if (done.exitCode !== 0) return refusal('an object of it is broken, or holds what none may', done);
  }
  return { kind: 'taken' };
}

/** Runs git with the settings of `into`, on the linked objects and those of `into`. */
function inTempFolder({ tempFolder, into }: Taking, args: readonly string[], input?: string): Promise<GitResult> {
  const shared = join(into, 'objects');
  const env = {
    GIT_DIR: into,
    GIT_OBJECT_DIRECTORY: join(tempFolder, 'objects'),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: /["\\:]/.test(shared) ? JSON.stringify(shared) : shared,
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ALLOC_LIMIT: allocation,
  };
  return tryOwnGit(tempFolder, args, { env, timeoutMs: checkoutTimeoutMs, ...(input === undefined ? {} : { input }) });
}

interface Linked {
  count: number;
  fileBytes: number;
  unpackedBytes: number;
  readonly packs: string[];
}

/** A returned text names the exceeded limit. */
async function linkObjects(
  { gitDir, maxBytes = limits.fileBytes }: ForeignObjects,
  tempFolder: string,
): Promise<Linked | string> {
  mkdirSync(join(tempFolder, 'objects', 'pack'), { recursive: true, mode: 0o700 });
  const linked: Linked = { count: 0, fileBytes: 0, unpackedBytes: 0, packs: [] };
  const objects = openFolder(gitDir, 'objects');
  if (objects === null) return linked;
  try {
    for (const entry of objects.list({ most: namesLimit })) {
      const name = entry.toString('latin1');
      if (!/^(?:pack|[0-9a-f]{2})$/.test(name)) continue;
      const folder = isFolder(objects, name) ? objects.folder(name) : null;
      if (folder === null) continue;
      try {
        const beyond = await linkFolder(folder, { name, to: join(tempFolder, 'objects', name), linked, maxBytes });
        if (beyond !== null) return beyond;
      } finally {
        folder.close();
      }
    }
  } finally {
    objects.close();
  }
  return linked;
}

function isFolder(parent: SafeFolder, name: string): boolean {
  return parent.stat(name)?.isDirectory() === true;
}

async function linkFolder(
  folder: SafeFolder,
  { name: folderName, to, linked, maxBytes }: { name: string; to: string; linked: Linked; maxBytes: number },
): Promise<string | null> {
  const isPacks = folderName === 'pack';
  const wanted = isPacks ? /^pack-[0-9a-f]{40,64}\.pack$/ : /^(?:[0-9a-f]{38}|[0-9a-f]{62})$/;
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const [index, entry] of folder.list({ most: namesLimit }).entries()) {
    if (index % filesAtOnce === filesAtOnce - 1) await nextTurn();
    const name = entry.toString('latin1');
    if (!wanted.test(name)) continue;
    const place = join(to, name);
    if (folder.stat(name)?.isFile() !== true) continue;
    linkSync(folder.at(name), place);
    // A live agent may have put a link in its place meanwhile, and git would follow it.
    const found = lstatSync(place);
    const bytes = !found.isFile() ? null : isPacks ? 0 : unpackedBytes(place);
    if (bytes === null) {
      unlinkSync(place);
      continue;
    }
    linked.count += 1;
    linked.fileBytes += found.size;
    linked.unpackedBytes += bytes;
    if (isPacks) linked.packs.push(place);
    const beyond = beyondLimits(linked, maxBytes);
    if (beyond !== null) return beyond;
  }
  return null;
}

function beyondLimits({ count, fileBytes, unpackedBytes: bytes, packs }: Linked, maxBytes: number): string | null {
  if (packs.length > limits.packCount) return `it has more than ${limits.packCount} packs`;
  if (count > limits.looseCount) return `it has more than ${limits.looseCount} objects of its own`;
  if (fileBytes > maxBytes) return `its objects take more than ${sizeText(maxBytes, ' ')}`;
  if (bytes > limits.unpackedBytes) return `its objects or one of them would unpack to too much`;
  return null;
}

/** The size that an object claims, or Infinity if no object may be that large; null: it is no object. */
function unpackedBytes(file: string): number | null {
  const head = Buffer.alloc(headBytes);
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const read = readSync(descriptor, head, 0, headBytes, 0);
    const text = inflateSync(head.subarray(0, read), { finishFlush: zlib.Z_SYNC_FLUSH }).toString('latin1');
    const [, type, size] = /^(blob|commit|tree|tag) (\d{1,15})\0/.exec(text) ?? [];
    if (type === undefined) return null;
    const limit = type === 'blob' ? limits.blobBytes : limits.otherBytes;
    return Number(size) > limit ? Number.POSITIVE_INFINITY : Number(size);
  } catch {
    return null; // not compressed like an object; git reports it if one of the commits needs it
  } finally {
    closeSync(descriptor);
  }
}

/** A pack begins with `PACK`, a version and the number of its objects. */
function objectCount(pack: string): number {
  const head = Buffer.alloc(12);
  const descriptor = openSync(pack, 'r');
  try {
    readSync(descriptor, head, 0, head.length, 0);
    return head.readUInt32BE(8);
  } finally {
    closeSync(descriptor);
  }
}

function refusal(what: string, { stderr }: GitResult): Taken {
  return { kind: 'refused', why: `${what}: ${stderr.trim().split('\n').slice(-3).join('; ').slice(0, 500)}` };
}
