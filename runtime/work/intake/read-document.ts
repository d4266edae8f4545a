/** Reads a document that may become a plan. */
import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { decodePlan } from '../../../machines/document/plan-document.ts';
import { type PlanReading, readPlan } from '../../../machines/document/read-plan.ts';
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import { planNameOf } from '../../../machines/vocabulary/ids.ts';
import { planDocumentLimitBytes } from '../../../machines/vocabulary/plan-file.ts';
import { inFolder } from '../../base/platform/safe-path.ts';

/** The document of an item, read. */
export type ItemReading = Pick<PlanReading, 'content' | 'document' | 'family'>;
export type DocumentRead = { readonly reading: ItemReading; readonly plan: string } | { readonly reason: string };

/** `name`: the name of the file as a person gave it. */
export async function readDocument(path: string, name: string): Promise<DocumentRead> {
  const read = await readOwnFile(path);
  return 'reason' in read ? read : readBytes(read.bytes, name);
}

/** A file of this user with a plan's size at most. */
export async function readOwnFile(path: string): Promise<{ readonly bytes: Buffer } | { readonly reason: string }> {
  try {
    const place = { root: await realpath(dirname(path)), way: '' };
    const ownerUid = process.getuid?.();
    const options = { maxBytes: planDocumentLimitBytes, ...(ownerUid === undefined ? {} : { ownerUid }) };
    const bytes = inFolder(place, (folder) => folder.read(basename(path), options));
    return bytes === null ? { reason: 'it is gone' } : { bytes };
  } catch (thrown) {
    return { reason: `it cannot be read: ${messageOf(thrown)}` };
  }
}

/** A text that may become a plan, as `readDocument`. */
export function readDocumentText(text: string, name: string): DocumentRead {
  return readBytes(Buffer.from(text), name);
}

function readBytes(bytes: Buffer, name: string): DocumentRead {
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
