/**
 * Git LFS stores large files beside git's objects, in `lfs/objects`, each named by the SHA-256 of its content. Files that an agent added in its own git
 * folder are copied from there: only regular files whose name matches the content, and through no link.
 */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, read } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { openFolder, type SafeFolder } from '../../base/platform/safe-path.ts';

const limits = { count: 10_000, bytes: 4 * 1024 ** 3 };
const chunkBytes = 1024 * 1024;
const readPart = promisify(read);

interface Taking {
  /** The repository's git folder, whose `lfs` receives the files. */
  readonly commonDir: string;
  count: number;
  bytes: number;
}

/**
 * null: the repository now has all files; otherwise the reason. Existing files stay unchanged, and files whose content does not match the name are left out.
 * Nothing is written through a link. Safe to run again.
 */
export async function takeLfsObjects(gitDir: string, commonDir: string): Promise<string | null> {
  const objects = openFolder(gitDir, 'lfs/objects');
  if (objects === null) return null;
  const taking = { commonDir, count: 0, bytes: 0 };
  try {
    return await takeBelow(objects, '', taking);
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'unsafe_path') return thrown.message;
    throw thrown;
  } finally {
    objects.close();
  }
}

/** The files lie below two levels of folders, each named by two digits. */
async function takeBelow(folder: SafeFolder, prefix: string, taking: Taking): Promise<string | null> {
  const isFiles = prefix.length === 4;
  const wanted = isFiles ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{2}$/;
  for (const entry of folder.list({ most: limits.count + 1 })) {
    const name = entry.toString('latin1');
    const found = wanted.test(name) ? folder.stat(name) : null;
    if (isFiles && found?.isFile() === true && name.startsWith(prefix)) {
      taking.count += 1;
      taking.bytes += Number(found.size);
      if (taking.count > limits.count || taking.bytes > limits.bytes)
        return `it has more than ${limits.count} files of Git LFS, or more than ${limits.bytes / 1024 ** 3} GiB of them`;
      await takeFile(folder, name, taking.commonDir);
    } else if (!isFiles && found?.isDirectory() === true) {
      const below = folder.folder(name);
      const why = below === null ? null : await takeBelow(below, prefix + name, taking).finally(() => below.close());
      if (why !== null) return why;
    }
  }
  return null;
}

async function takeFile(folder: SafeFolder, name: string, commonDir: string): Promise<void> {
  const way = join('lfs', 'objects', name.slice(0, 2), name.slice(2, 4));
  const place = openFolder(commonDir, way, { makeMode: 0o777 & ~process.umask() });
  if (place === null) throw new Error(`${commonDir} is gone`);
  const draft = `stator-${randomBytes(12).toString('hex')}`;
  let descriptor: number | null = null;
  try {
    if (place.stat(name) !== null) return;
    descriptor = openSync(folder.at(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const copy = await open(String(place.at(draft)), 'wx', 0o644);
    const digest = await copyOf(descriptor, copy).finally(() => copy.close());
    if (digest === name) place.rename(draft, { folder: place, name });
  } finally {
    if (descriptor !== null) closeSync(descriptor);
    place.remove(draft);
    place.close();
  }
}

/** Returns the SHA-256 of the copied content. */
async function copyOf(descriptor: number, copy: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(chunkBytes);
  for (let sizeBytes = 0; sizeBytes <= limits.bytes; ) {
    const { bytesRead: count } = await readPart(descriptor, chunk, 0, chunkBytes, null);
    if (count === 0) return hash.digest('hex');
    const part = chunk.subarray(0, count);
    hash.update(part);
    await copy.write(part);
    sizeBytes += count;
  }
  return '';
}
