/**
 * People's input for a run with a terminal: a file in its folder, from which the wrapper feeds the terminal. Only the user may read it, it is not visible
 * inside walls, and it is only appended to, so it survives the engine like the run.
 */
import { appendFileSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type RunFolder, writeStartFile } from './run-folder.ts';

const last = z.strictObject({ key: z.string(), from: z.int() });

/** Call it before the wrapper starts: only a wrapper that finds the file gives the agent terminal input. */
export function prepareInput(folder: RunFolder, isWanted: boolean): void {
  if (!isWanted) rmSync(folder.input, { force: true });
  else appendFileSync(folder.input, '', { mode: 0o600 });
}

export function hasInput({ input }: RunFolder): boolean {
  return existsSync(input);
}

/**
 * Appends a text once, even if called several times with the same key, as long as no other key comes in between. Its start position is stored before it is
 * written: after a kill at any line, exactly the rest is written the next time.
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
