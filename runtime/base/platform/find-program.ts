/** Where a program of the system is, for the engine's own use: never one from a folder with a relative name. */
import { delimiter, isAbsolute, join } from 'node:path';
import { isExecutableFile } from './quiet-look.ts';

const defaultPath = '/usr/local/bin:/usr/bin:/bin';

/** The absolute path of the first executable file of this name on PATH; null: there is none. */
export function findOnPath(name: string, { PATH }: { readonly PATH?: string | undefined }): string | null {
  for (const folder of (PATH || defaultPath).split(delimiter)) {
    const file = join(folder, name);
    if (isAbsolute(folder) && isExecutableFile(file)) return file;
  }
  return null;
}
