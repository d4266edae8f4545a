/**
 * What people type to a run that has a terminal: a file of its folder, from which its wrapper feeds the terminal. Only the user may read it, nothing of it is there inside
 * of walls, and it is only ever appended to, so it outlives the engine as the run does.
 */
import { appendFileSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type RunFolder, writeStartFile } from './run-folder.ts';

const last = z.strictObject({ key: z.string(), from: z.int() });

/** Before the wrapper starts: one that finds the file gives the agent a terminal's input, and no other does. */
export function prepareInput(folder: RunFolder, isWanted: boolean): void {
  if (!isWanted) rmSync(folder.input, { force: true });
  else appendFileSync(folder.input, '', { mode: 0o600 });
}

export function hasInput({ input }: RunFolder): boolean {
  return existsSync(input);
}

/**
 * Appends a text once, however often it is called with one key, if no other comes in between. Where it begins is noted before it is written: killed at any line, the rest of
 * it, and only that, is written the next time.
 */
export function typeInto(folder: RunFolder, { key, text }: { readonly key: string; readonly text: string }): void {
  const sizeBytes = statSync(folder.input).size;
  const before = readLast(folder);
  const from = before?.key === key ? before.from : sizeBytes;
  if (before?.key !== key) writeStartFile(lastFile(folder), JSON.stringify({ key, from }));
  appendFileSync(folder.input, Buffer.from(text).subarray(sizeBytes - from));
}

function readLast(folder: RunFolder): z.infer<typeof last> | null {
  return existsSync(lastFile(folder)) ? last.parse(JSON.parse(readFileSync(lastFile(folder), 'utf8'))) : null;
}

function lastFile({ path }: RunFolder): string {
  return join(path, 'input-last.json');
}
