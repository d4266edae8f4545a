/**
 * A folder of documents. Renaming a file into `.taking`, under a unique key, claims it for this engine, and it is moved to `taken` when its row is
 * stored. So neither a new name nor an edit makes a second item of it, and only one of two engines gets it. Files that a killed engine left in
 * `.taking` are found again.
 */
import { lstat, mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { planDocumentLimitBytes } from '../../../../machines/vocabulary/plan-file.ts';
import type { IntakeOf } from '../../../base/config/config.ts';
import { newDeliveryId } from '../../../base/platform/delivery-id.ts';
import { systemCode } from '../../../base/platform/system-code.ts';
import { mustBeOwn } from '../own-path.ts';
import { type DocumentRead, type ItemReading, readDocument } from '../read-document.ts';
import { type Claim, type Found, lookLimit, type Source, type SourceParts, type Work } from '../source.ts';

const takingFolder = '.taking';
const takenFolder = 'taken';
/** The name of a file in `.taking`: its key, a dot, and its former name. */
const claimedName = /^(msg_[0-9a-z]{26})\.(.+)$/;
const documentName = /\.(?:md|markdown|json)$/i;
/** File systems accept 255 bytes, and the key precedes the name. */
const nameLimitBytes = 200;

interface Print {
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
}

/** A file in the last round. */
interface Known extends Print {
  /** Monotonic clock: when it last changed. */
  readonly sinceMs: number;
  readonly read: DocumentRead;
}

/** A file is complete if it has not changed between two rounds at least this far apart. */
const quietMs = 250;

export function createFolderSource({ folder }: IntakeOf<'folder'>, { projects, nowMs }: SourceParts): Source {
  const [taking, taken] = [join(folder, takingFolder), join(folder, takenFolder)];
  let known = new Map<string, Known>();

  async function look(): Promise<readonly Found[]> {
    await mustBeOwn({ path: folder, is: 'folder' }, projects);
    const before = known;
    known = new Map();
    const claimed = (await namesIn(taking)).filter((name) => claimedName.test(name)).sort();
    const names = (await namesIn(folder)).filter((name) => !name.startsWith('.') && documentName.test(name));
    const fresh: { readonly mtimeMs: number; readonly found: Found }[] = [];
    for (const name of names) {
      const seen = await lstat(join(folder, name)).catch(() => null); // it went meanwhile
      if (seen === null || seen.isDirectory()) continue;
      const reason = !seen.isFile()
        ? 'it is no ordinary file'
        : seen.uid !== process.getuid?.()
          ? 'it belongs to another user'
          : Buffer.byteLength(name) > nameLimitBytes
            ? `its name has more than ${nameLimitBytes} bytes`
            : seen.size > planDocumentLimitBytes
              ? `it has more than ${planDocumentLimitBytes} bytes`
              : null;
      const found = reason === null ? await fileAt(name, seen, before.get(name)) : left(name, reason);
      fresh.push({ mtimeMs: seen.mtimeMs, found });
    }
    fresh.sort((a, b) => a.mtimeMs - b.mtimeMs);
    const all = [...(await Promise.all(claimed.map(claimedFile))), ...fresh.map(({ found }) => found)];
    // Documents that cannot become plans stay in the folder, and must not hide later ones.
    const items = all.filter(({ kind }) => kind === 'item').slice(0, lookLimit);
    return [...items, ...all.filter(({ kind }) => kind !== 'item').slice(0, lookLimit)];
  }

  async function fileAt(name: string, { ino, size, mtimeMs }: Print, before: Known | undefined): Promise<Found> {
    const isSame = before?.ino === ino && before.size === size && before.mtimeMs === mtimeMs;
    const now = performance.now();
    const read = isSame ? before.read : await readDocument(join(folder, name), name);
    const sinceMs = isSame ? before.sinceMs : now;
    known.set(name, { ino, size, mtimeMs, sinceMs, read });
    if ('reason' in read) return left(name, read.reason);
    const { document } = read.reading;
    const claim = async () => (now - sinceMs >= quietMs ? claimFile(name) : null);
    const work = async () => workOf(read.reading);
    return { kind: 'item', title: document.title ?? name, plan: read.plan, work, claim };
  }

  async function claimFile(name: string): Promise<Claim | null> {
    const item = newDeliveryId(nowMs());
    const own = `${item}.${name}`;
    await mkdir(taking, { recursive: true, mode: 0o700 });
    try {
      await rename(join(folder, name), join(taking, own));
    } catch (thrown) {
      if (systemCode(thrown) === 'ENOENT') return null; // another engine has it
      throw thrown;
    }
    const read = await readDocument(join(taking, own), name);
    // The next round reports the fault.
    return 'reason' in read ? null : claimOf(own, read.reading);
  }

  /** A file that an engine claimed before it was killed. */
  async function claimedFile(own: string): Promise<Found> {
    const read = await readDocument(join(taking, own), nameOf(own));
    if ('reason' in read) return left(`${takingFolder}/${own}`, read.reason);
    const { document } = read.reading;
    return {
      kind: 'item',
      title: document.title ?? nameOf(own),
      plan: read.plan,
      work: async () => workOf(read.reading),
      claim: async () => claimOf(own, read.reading),
    };
  }

  function claimOf(own: string, reading: ItemReading): Claim {
    return {
      item: own.slice(0, own.indexOf('.')),
      work: workOf(reading),
      with: [],
      async taken() {
        await mkdir(taken, { recursive: true, mode: 0o700 });
        await rename(join(taking, own), join(taken, own)).catch((thrown: unknown) => {
          if (systemCode(thrown) !== 'ENOENT') throw thrown;
        });
      },
    };
  }

  return { look };
}

function workOf({ content }: ItemReading): Work {
  return { kind: 'document', content };
}

function nameOf(own: string): string {
  return claimedName.exec(own)?.[2] ?? own;
}

function left(title: string, reason: string): Found {
  return { kind: 'left', title, reason };
}

/** Empty if there is no such folder. */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT') return [];
    throw thrown;
  });
}
