/**
 * A folder of documents. A file becomes this engine's by a rename into `.taking`, under a key of its own, and is moved to `taken` when its row is stored: so
 * neither a new name nor an edit makes a second item of it, and of two engines one gets it. What a killed engine left in `.taking` is found again.
 */
import { lstat, mkdir, readdir, realpath, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { decodePlan } from '../../../machines/document/plan-document.ts';
import { readPlan } from '../../../machines/document/read-plan.ts';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { planNameOf } from '../../../machines/vocabulary/ids.ts';
import { planDocumentLimitBytes } from '../../../machines/vocabulary/plan-file.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { FolderIntake } from '../../base/config/config.ts';
import { newDeliveryId } from '../../base/platform/delivery-id.ts';
import { inFolder } from '../../base/platform/safe-path.ts';
import { systemCode } from '../../base/platform/system-code.ts';
import { type Claim, type Found, type ItemReading, lookLimit, type Source, type SourceParts } from './source.ts';

const takingFolder = '.taking';
const takenFolder = 'taken';
/** The name of a file in `.taking`: its key, a dot, and the name that it had. */
const claimedName = /^(msg_[0-9a-z]{26})\.(.+)$/;
const documentName = /\.(?:md|markdown|json)$/i;
/** File systems take 255 bytes, and the key comes before it. */
const nameLimitBytes = 200;

interface Print {
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
}

/** A file at the last look. */
interface Known extends Print {
  /** Monotonic: since when it has not changed. */
  readonly sinceMs: number;
  readonly read: Read;
}
type Read = { readonly reading: ItemReading; readonly plan: string } | { readonly reason: string };

/** A file is complete when it has not changed between two looks that are this far apart. */
const quietMs = 250;

export function createFolderSource({ folder }: FolderIntake, { projects, nowMs }: SourceParts): Source {
  const [taking, taken] = [join(folder, takingFolder), join(folder, takenFolder)];
  let known = new Map<string, Known>();

  /** Throws `bad_config` for a folder in which others could start agents. */
  async function mustBeSafe(): Promise<void> {
    const found = await lstat(await existing(folder));
    if (!found.isDirectory()) throw unusable('is no folder', 'name a folder');
    if (found.uid !== process.getuid?.()) throw unusable('belongs to another user', 'name a folder of your own');
    if ((found.mode & 0o022) !== 0) throw unusable('may be written by other users', `chmod go-w ${shellWord(folder)}`);
    const real = await realpath(folder);
    for (const { project, path } of projects.all()) {
      const root = await realpath(path).catch(() => path); // a repo that is away holds nothing
      if (real === root || real.startsWith(`${root}/`))
        throw unusable(
          `is in the repo ${project}: who can push to that could start agents`,
          'name a folder outside of every repo',
        );
    }
  }

  function unusable(why: string, hint: string): EngineError {
    return new EngineError('bad_config', `the folder ${folder} ${why}`, hint);
  }

  async function existing(path: string): Promise<string> {
    return realpath(path).catch((thrown: unknown) => {
      throw unusable(`cannot be read: ${messageOf(thrown)}`, `make it: mkdir -p ${shellWord(path)}`);
    });
  }

  async function look(): Promise<readonly Found[]> {
    await mustBeSafe();
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
    return all.slice(0, lookLimit);
  }

  async function fileAt(name: string, { ino, size, mtimeMs }: Print, before: Known | undefined): Promise<Found> {
    const isSame = before?.ino === ino && before.size === size && before.mtimeMs === mtimeMs;
    const now = performance.now();
    const read = isSame ? before.read : await readAt(join(folder, name), name);
    const sinceMs = isSame ? before.sinceMs : now;
    known.set(name, { ino, size, mtimeMs, sinceMs, read });
    if ('reason' in read) return left(name, read.reason);
    const { document } = read.reading;
    const claim = async () => (now - sinceMs >= quietMs ? claimFile(name) : null);
    return { kind: 'item', title: document.title ?? name, plan: read.plan, claim };
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
    const read = await readAt(join(taking, own), name);
    // The next look says what is wrong with it.
    return 'reason' in read ? null : claimOf(own, read.reading);
  }

  /** A file that an engine made its own before it was killed. */
  async function claimedFile(own: string): Promise<Found> {
    const read = await readAt(join(taking, own), nameOf(own));
    if ('reason' in read) return left(`${takingFolder}/${own}`, read.reason);
    const { document } = read.reading;
    return {
      kind: 'item',
      title: document.title ?? nameOf(own),
      plan: read.plan,
      claim: async () => claimOf(own, read.reading),
    };
  }

  function claimOf(own: string, reading: ItemReading): Claim {
    return {
      item: own.slice(0, own.indexOf('.')),
      reading,
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

function nameOf(own: string): string {
  return claimedName.exec(own)?.[2] ?? own;
}

function left(title: string, reason: string): Found {
  return { kind: 'left', title, reason };
}

/** Empty for a folder that is not there. */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT') return [];
    throw thrown;
  });
}

/** `name`: the name of the file as a person gave it. */
async function readAt(path: string, name: string): Promise<Read> {
  let bytes: Buffer | null;
  try {
    const place = { root: await realpath(dirname(path)), way: '' };
    const ownerUid = process.getuid?.();
    const options = { maxBytes: planDocumentLimitBytes, ...(ownerUid === undefined ? {} : { ownerUid }) };
    bytes = inFolder(place, (folder) => folder.read(basename(path), options));
  } catch (thrown) {
    return { reason: `it cannot be read: ${messageOf(thrown)}` };
  }
  if (bytes === null) return { reason: 'it is gone' };
  const decoded = decodePlan(bytes);
  if ('problem' in decoded) return { reason: decoded.problem.message };
  const reading = readPlan({ text: decoded.content, path: name, beside: [] });
  const [problem] = reading.problems;
  // Without waves it is a draft for a planner.
  if (problem !== undefined && reading.document.waves.length > 0)
    return { reason: `line ${problem.line}: ${problem.message}` };
  if (/\.json$/i.test(name) && reading.family === 'stator') return { reason: 'it is no plan of a known kind' };
  const plan = reading.name ?? planNameOf(basename(name));
  return plan === null ? { reason: 'its name makes no name of a plan' } : { reading, plan };
}
