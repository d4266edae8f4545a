/** The version of this stator. */
import { readFileSync } from 'node:fs';
import { inPackage } from './package-files.ts';

let known: string | null = null;

/** The package's, read once: another version may be installed in its place while this one runs. */
export function statorVersion(): string {
  known ??= readVersion();
  return known;
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(inPackage('package.json'), 'utf8')) as { version: string }; // our own package
  return version;
}
