/**
 * The logins of an agent's program. The program gets copies; a changed copy is taken back only if it is the same login, renewed. While the program runs, its
 * copy and the user's file are synchronized, so that several programs see each other's renewals.
 */
import { existsSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Preset } from '../../base/config/config.ts';
import { isProgramPreset } from '../../base/config/preset-programs.ts';
import { replaceFile } from '../../base/platform/atomic-file.ts';
import { programOf } from './presets/programs.ts';
import { isRenewal } from './presets/renewal.ts';
import { type RunFolder, writeRunFile } from './run-folder.ts';

const noted = z.object({
  preset: z.string(),
  /** Each login with its copy in the run's folder, and the content of both at their last synchronization. */
  logins: z.array(z.object({ path: z.string(), copy: z.string(), given: z.string() })),
});

export interface LoginCopy {
  readonly path: string;
  readonly copy: string;
}

/** The size limit: more than any login needs. */
const limitBytes = 1024 * 1024;

/** Copies the existing files, and records them in the folder, so that an engine that adopts the run can continue. Throws the system's errors. */
export function copyLogins(folder: RunFolder, preset: Preset, paths: readonly string[]): LoginCopy[] {
  const there = paths.filter((path) => textOf(path) !== null);
  if (there.length === 0) return [];
  const copies = join(folder.path, 'copies');
  mkdirSync(copies, { recursive: true, mode: 0o700 });
  const logins = there.map((path) => {
    const copy = join(copies, basename(path));
    const given = `${copy}.given`;
    const text = textOf(path) ?? '';
    for (const file of [copy, given]) writeFileSync(file, text, { mode: 0o600 });
    return { path, copy, given };
  });
  writeRunFile(noteFile(folder), JSON.stringify({ preset, logins }));
  return logins;
}

/**
 * Synchronizes copies and files as far as permitted. Returns the files whose copy changed and is no renewal: they stay unchanged. May be repeated. Throws the
 * system's errors.
 */
export function syncLogins(folder: RunFolder, nowMs: number): string[] {
  if (!existsSync(noteFile(folder))) return [];
  const { preset, logins } = noted.parse(JSON.parse(readFileSync(noteFile(folder), 'utf8')));
  const program = isProgramPreset(preset) ? programOf(preset) : {};
  return logins.flatMap(({ path, copy, given }) => {
    const [own, made, before] = [textOf(path), textOf(copy), textOf(given)];
    if (before === null || made === null) return [];
    if (made === before) {
      // Written in place: a mount refers to the file, not to its name.
      if (own !== null && own !== before) for (const file of [copy, given]) writeFileSync(file, own);
      return [];
    }
    if (!isRenewal(program, { before, after: made }, nowMs)) return [path];
    if (own !== before) return []; // another program was quicker, and its renewal stays
    replaceFile(realpathSync(path), made, { mode: 0o600 });
    writeFileSync(given, made);
    return [];
  });
}

/** null: it is missing, or is no login. */
function textOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size <= limitBytes ? readFileSync(path, 'utf8') : null;
}

function noteFile({ path }: RunFolder): string {
  return join(path, 'logins.json');
}
