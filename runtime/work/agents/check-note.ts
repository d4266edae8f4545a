/** The description of a check in its run folder: the document may have changed when its log is read. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type RunFolder, writeRunFile } from './run-folder.ts';

const checkNote = z.object({ wave: z.int(), task: z.int(), command: z.string() });
export type CheckNote = z.infer<typeof checkNote>;

/** Throws home_unusable, and errors that are waited for. */
export function writeCheckNote(folder: RunFolder, note: CheckNote): void {
  writeRunFile(fileOf(folder), `${JSON.stringify(note)}\n`);
}

/** null: its folder is gone. */
export function readCheckNote(folder: Pick<RunFolder, 'path'>): CheckNote | null {
  const file = fileOf(folder);
  return existsSync(file) ? checkNote.parse(JSON.parse(readFileSync(file, 'utf8'))) : null;
}

function fileOf({ path }: Pick<RunFolder, 'path'>): string {
  return join(path, 'check.json');
}
