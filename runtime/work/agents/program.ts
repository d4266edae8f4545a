/** Where a program is, asked before anything is started: a name that nothing answers to is a start failure, not an agent's exit 127. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

export type Resolved =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'missing'; readonly message: string };

/** The default of execvp for a missing PATH, without the current folder. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';
/** Enough to know whose PATH it is; what to do stands behind it and is to be read, too. */
const shownCharacters = 160;

/**
 * The absolute path of a program as exec would find it: a name with a slash from `from`, any other on the PATH of `env`, whose relative entries begin at
 * `from`. null: nothing relative is looked for, since who works in the folder of the run could have put it there.
 */
export function resolveProgram(
  program: string,
  { from, env }: { from: string | null; env: Readonly<Record<string, string>> },
): Resolved {
  if (program.includes('/')) {
    if (from === null && !isAbsolute(program))
      return { kind: 'missing', message: `program "${program}" is no absolute path` };
    const path = resolve(from ?? '/', program);
    if (isExecutable(path)) return { kind: 'found', path };
    return { kind: 'missing', message: `program "${program}" was not found, or is not executable, at ${path}` };
  }
  const searchPath = env.PATH ?? DEFAULT_PATH;
  for (const entry of searchPath.split(delimiter)) {
    if (from === null && !isAbsolute(entry)) continue;
    const path = resolve(from ?? '/', join(entry === '' ? '.' : entry, program)); // an empty entry means the current folder
    if (program !== '' && isExecutable(path)) return { kind: 'found', path };
  }
  return { kind: 'missing', message: `program "${program}" was not found on PATH ${shortened(searchPath)}` };
}

function shortened(searchPath: string): string {
  if (searchPath.length <= shownCharacters) return searchPath;
  const rest = searchPath.slice(shownCharacters).split(delimiter).length;
  return `${searchPath.slice(0, shownCharacters)}… and ${rest} more`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // not there and not allowed are the same answer here
  }
}
