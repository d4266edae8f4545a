/** Files of this package beside its code. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { systemCode } from './system-code.ts';

const ownName = 'stator';

/** Looked for at the start: while another version is installed over this one, it is not found. */
const root = folderAbove(import.meta.dirname);

/** The absolute path of a file or folder of this package, such as `charts/plan.json`; without a name the package's own folder. Throws as `ownFolder` does. */
export function inPackage(...names: string[]): string {
  return join(root ?? ownFolder(import.meta.dirname), ...names);
}

/** The text of a file of this package. Throws `unreachable` while the package is replaced. */
export function readInPackage(...names: string[]): string {
  try {
    return readFileSync(inPackage(...names), 'utf8');
  } catch (cause) {
    throw ownFileAway(cause);
  }
}

/** Whether Node did not find a module of this package, or a package that one of its modules imports. Modules of other programs have paths elsewhere. */
export function isOwnModuleAway(thrown: unknown): boolean {
  if (root === null || systemCode(thrown) !== 'ERR_MODULE_NOT_FOUND') return false;
  const words = /^Cannot find (?:module|package) '([^']+)'(?: imported from (.+))?/.exec(messageOf(thrown));
  const [, what = '', by = ''] = words ?? [];
  return (isAbsolute(what) ? what : by).startsWith(join(root, '/'));
}

/** A script of this package for a new process or thread. Throws `unreachable`, which is waited for, while the package is replaced under a running engine. */
export function ownScript(name: string): string {
  const file = inPackage('dist', 'bin', name);
  if (!existsSync(file)) throw ownFileAway(new Error(`${file} does not exist`));
  return file;
}

/** While another version is installed over this one, files are missing for a while, and some of this one never come back. Work waits for it. */
export function ownFileAway(cause: unknown): EngineError {
  const hint =
    'if another version of stator is being installed, or was, repeat a command that failed meanwhile, and restart the engine: stator daemon restart; agents go on. Otherwise install it again';
  return new EngineError('unreachable', `a file of stator itself cannot be read: ${messageOf(cause)}`, hint, { cause });
}

/**
 * Sources, compiled files and the command's bundle lie at different depths below it. A program may have bundled the code into its own: then the files are those
 * of the installed package. Throws if there is none.
 */
export function ownFolder(from: string): string {
  const found = folderAbove(from);
  if (found !== null) return found;
  throw new Error(
    `the files of ${ownName} are not beside its code in ${from}: leave it out of the bundle (esbuild: --external:${ownName}), or install it there`,
  );
}

function folderAbove(from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = [folder, join(folder, 'node_modules', ownName)].find((place) => nameIn(place) === ownName);
    if (found !== undefined) return found;
    if (dirname(folder) === folder) return null;
  }
}

/** The name of the package in that folder; null: there is none. */
function nameIn(folder: string): unknown {
  try {
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown }).name;
  } catch {
    return null; // missing, or unreadable for Node
  }
}
