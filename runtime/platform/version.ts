/** The version of this stator. */
import { existsSync, readFileSync } from 'node:fs';

/** The package's: its file stands one folder above the sources, and two above what was built of them. */
export function statorVersion(): string {
  const above = new URL('../../package.json', import.meta.url);
  const file = existsSync(above) ? above : new URL('../../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }; // our own package
  return version;
}
