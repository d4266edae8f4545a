/** The version of this stator. */
import { readFileSync } from 'node:fs';
import { inPackage } from './package-files.ts';

/** The package's. */
export function statorVersion(): string {
  const { version } = JSON.parse(readFileSync(inPackage('package.json'), 'utf8')) as { version: string }; // our own package
  return version;
}
