/** Files of this package beside its code. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = folderWithPackage(import.meta.dirname);

/** The absolute path of a file or folder of this package, such as `charts/plan.json`; without a name the package's own folder. */
export function inPackage(...names: string[]): string {
  return join(root, ...names);
}

/** The sources lie at another depth below it than what is compiled of them, and that at another than the command's bundle. */
function folderWithPackage(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : folderWithPackage(dirname(folder));
}
