/** Where a program of the system is, for the engine's own use: never one from a folder with a relative name. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

const defaultPath = '/usr/local/bin:/usr/bin:/bin';

/** The absolute path of the first executable file of this name on PATH; null: there is none. */
export function findOnPath(name: string, { PATH }: { readonly PATH?: string | undefined }): string | null {
  for (const folder of (PATH || defaultPath).split(delimiter)) {
    const file = join(folder, name);
    if (isAbsolute(folder) && isExecutable(file)) return file;
  }
  return null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // missing and not allowed are the same answer here
  }
}
