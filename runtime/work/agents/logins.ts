/**
 * The logins of an agent's program, which it gets as copies: what it makes of one is taken over only where that is the same login, renewed. While it runs, the
 * copy and the user's own file are kept alike, so that of several programs each finds what another has renewed.
 */
import { existsSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Preset } from '../../base/config/config.ts';
import { replaceFile } from '../../base/platform/atomic-file.ts';
import { isRenewal } from './presets/renewal.ts';
import { type RunFolder, writeRunFile } from './run-folder.ts';

const noted = z.object({
  preset: z.enum(['claude', 'codex', 'gemini', 'opencode']),
  /** Each with its copy in the run's folder, and what both were when they were last alike. */
  logins: z.array(z.object({ path: z.string(), copy: z.string(), given: z.string() })),
});

export interface LoginCopy {
  readonly path: string;
  readonly copy: string;
}

/** More than any login needs. */
const limitBytes = 1024 * 1024;

/** Copies those files that are there, and notes them in the folder, so that whoever adopts the run goes on. Throws the system's errors. */
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
 * Brings copies and files together, as far as that may be. Answers the files of which the copy is neither what it was nor a renewal of it: they stay as they
 * are. Called again it does no harm. Throws the system's errors.
 */
export function syncLogins(folder: RunFolder, nowMs: number): string[] {
  if (!existsSync(noteFile(folder))) return [];
  const { preset, logins } = noted.parse(JSON.parse(readFileSync(noteFile(folder), 'utf8')));
  return logins.flatMap(({ path, copy, given }) => {
    const [own, made, before] = [textOf(path), textOf(copy), textOf(given)];
    if (before === null || made === null) return [];
    if (made === before) {
      // In place: a mount holds the file, not its name.
      if (own !== null && own !== before) for (const file of [copy, given]) writeFileSync(file, own);
      return [];
    }
    if (!isRenewal(preset, { before, after: made }, nowMs)) return [path];
    if (own !== before) return []; // somebody else was quicker: theirs stays
    replaceFile(realpathSync(path), made, { mode: 0o600 });
    writeFileSync(given, made);
    return [];
  });
}

/** null: it is not there, or is no login. */
function textOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size <= limitBytes ? readFileSync(path, 'utf8') : null;
}

function noteFile({ path }: RunFolder): string {
  return join(path, 'logins.json');
}
