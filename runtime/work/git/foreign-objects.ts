/**
 * Takes commits out of a folder of objects that a program of others has written. Git is never run on that folder: its regular files of the right names are
 * linked into one of ours, without `info/alternates`, indexes or links of theirs. From there git packs what the commits need, and the shared repository
 * takes that pack as it would take one that was pushed: each object is named by its content, looked at for what no tree may hold, and must be whole.
 */
import {
  closeSync,
  constants,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
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

/** Of one run: more than any agent makes, and no more than git works through in its time. */
const limits = {
  looseCount: 100_000,
  packCount: 64,
  /** Of all files, as they lie there. */
  fileBytes: 4 * 1024 ** 3,
  /** Of one object, unpacked: git holds it in memory, but for a large blob. */
  blobBytes: 2 * 1024 ** 3,
  otherBytes: 128 * 1024 ** 2,
  /** The sum over all loose objects, unpacked. */
  unpackedBytes: 16 * 1024 ** 3,
};
/** Git itself keeps a push of fewer objects loose. */
const unpackLimit = 100;
/** What git may ask for at once; a hostile object claims any size. */
const allocation = '1g';
const filesAtOnce = 128;
/** The first block's tables may stand before the first byte that it says. */
const headBytes = 1_024;

/** `refused`: what lies there cannot be taken, and why; nothing of it was. */
export type Taken = { readonly kind: 'taken' } | { readonly kind: 'refused'; readonly why: string };

export interface ForeignObjects {
  /** A git folder, absolute and real; its `objects` are looked through. */
  readonly gitDir: string;
  /** What the path of a new folder of ours begins with, on the same disk; it is taken away again. */
  readonly asidePrefix: string;
  /** The git folder that takes the objects. */
  readonly into: string;
  readonly tips: readonly string[];
  /** Commits that `into` has, whose history need not be walked. */
  readonly known: readonly string[];
  /** Of all its files, as they lie there. Default: 4 GiB. */
  readonly maxBytes?: number;
}

interface Taking extends ForeignObjects {
  readonly aside: string;
}

/** Safe to run again, also twice at once; killed in between, at worst `into` has objects that nothing refers to. Throws what the disk and git themselves fail of. */
export async function takeObjects(foreign: ForeignObjects): Promise<Taken> {
  const aside = await mkdtemp(foreign.asidePrefix);
  const taking = { ...foreign, aside };
  try {
    const found = await linkObjects(foreign, aside).catch((thrown: unknown) => {
      if (thrown instanceof EngineError && thrown.code === 'unsafe_path') return thrown.message;
      throw thrown;
    });
    if (typeof found === 'string') return { kind: 'refused', why: found };
    if (found.count === 0) return { kind: 'taken' };
    for (const pack of found.packs) {
      const indexed = await inAside(taking, ['index-pack', '--no-rev-index', pack]);
      if (indexed.exitCode !== 0) return refusal('a pack of it is broken', indexed);
    }
    return await passOn(taking);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function passOn(foreign: Taking): Promise<Taken> {
  const { aside, into, tips, known } = foreign;
  const args = ['pack-objects', '--revs', '--local', '--delta-base-offset', '-q', join(aside, 'passed')];
  const input = [...tips, ...known.map((commit) => `^${commit}`)].map((line) => `${line}\n`).join('');
  const packed = await inAside(foreign, args, input);
  if (packed.exitCode !== 0) return refusal('what its commits need is not all there', packed);
  for (const name of readdirSync(aside).filter((file) => /^passed-.+\.pack$/.test(file))) {
    const pack = join(aside, name);
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

/** Git by the settings of `into`, on the objects that were linked aside and those of `into`. */
function inAside({ aside, into }: Taking, args: readonly string[], input?: string): Promise<GitResult> {
  const shared = join(into, 'objects');
  const env = {
    GIT_DIR: into,
    GIT_OBJECT_DIRECTORY: join(aside, 'objects'),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: /["\\:]/.test(shared) ? JSON.stringify(shared) : shared,
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ALLOC_LIMIT: allocation,
  };
  return tryOwnGit(aside, args, { env, timeoutMs: checkoutTimeoutMs, ...(input === undefined ? {} : { input }) });
}

interface Linked {
  count: number;
  fileBytes: number;
  unpackedBytes: number;
  readonly packs: string[];
}

/** A text says what is beyond the limits. */
async function linkObjects(
  { gitDir, maxBytes = limits.fileBytes }: ForeignObjects,
  aside: string,
): Promise<Linked | string> {
  mkdirSync(join(aside, 'objects', 'pack'), { recursive: true, mode: 0o700 });
  const linked: Linked = { count: 0, fileBytes: 0, unpackedBytes: 0, packs: [] };
  const objects = openFolder(gitDir, 'objects');
  if (objects === null) return linked;
  try {
    for (const entry of objects.list()) {
      const name = entry.toString('latin1');
      if (!/^(?:pack|[0-9a-f]{2})$/.test(name)) continue;
      const folder = isFolder(objects, name) ? objects.folder(name) : null;
      if (folder === null) continue;
      try {
        const beyond = await linkFolder(folder, { name, to: join(aside, 'objects', name), linked, maxBytes });
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
  for (const [index, entry] of folder.list().entries()) {
    if (index % filesAtOnce === filesAtOnce - 1) await nextTurn();
    const name = entry.toString('latin1');
    if (!wanted.test(name)) continue;
    const place = join(to, name);
    if (folder.stat(name)?.isFile() !== true) continue;
    linkSync(folder.at(name), place);
    const bytes = isPacks ? 0 : unpackedBytes(place);
    if (bytes === null) unlinkSync(place);
    else linked.count += 1;
    linked.fileBytes += bytes === null ? 0 : statSync(place).size;
    linked.unpackedBytes += bytes ?? 0;
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

/** What an object says that it has, without end where that is too much for one; null: it is none. */
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
    return null; // not even packed as an object is; git says so where one of the commits needs it
  } finally {
    closeSync(descriptor);
  }
}

/** A pack begins with `PACK`, its version and the number of its objects. */
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
