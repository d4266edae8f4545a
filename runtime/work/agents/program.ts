/** Finds a program before anything is started: an unknown name is a start failure, not an agent's exit code 127. */
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { isExecutableFile } from '../../base/platform/quiet-look.ts';

export type Resolved =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'missing'; readonly message: string };

/** The default of execvp for a missing PATH, without the current folder. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';
/** The most characters of PATH in a message: the remedy follows it and must be read too. */
const shownCharacters = 160;

/**
 * The absolute path of a program as exec would find it: a name with a slash from `from`, any other on the PATH of `env`, whose relative entries begin at
 * `from`. `from` null: relative entries are ignored, because an agent in the run's folder could have put a program there.
 */
export function resolveProgram(
  program: string,
  { from, env }: { from: string | null; env: Readonly<Record<string, string>> },
): Resolved {
  if (program.includes('/')) {
    if (from === null && !isAbsolute(program))
      return { kind: 'missing', message: `program "${program}" is no absolute path` };
    const path = resolve(from ?? '/', program);
    if (isExecutableFile(path)) return { kind: 'found', path };
    return { kind: 'missing', message: `program "${program}" was not found, or is not executable, at ${path}` };
  }
  const searchPath = env.PATH ?? DEFAULT_PATH;
  for (const entry of searchPath.split(delimiter)) {
    if (from === null && !isAbsolute(entry)) continue;
    const path = resolve(from ?? '/', join(entry === '' ? '.' : entry, program)); // an empty entry means the current folder
    if (program !== '' && isExecutableFile(path)) return { kind: 'found', path };
  }
  return { kind: 'missing', message: `program "${program}" was not found on PATH ${shortened(searchPath)}` };
}

function shortened(searchPath: string): string {
  if (searchPath.length <= shownCharacters) return searchPath;
  const rest = searchPath.slice(shownCharacters).split(delimiter).length;
  return `${searchPath.slice(0, shownCharacters)}… and ${rest} more`;
}
