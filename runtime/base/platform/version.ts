/** The identity of this stator: its version, and the digest of its code, in which two clones of one version differ. */
import { existsSync, readFileSync } from 'node:fs';
import { inPackage } from './package-files.ts';

let knownVersion: string | null = null;
let knownBuild: { readonly id: string | null } | null = null;

/** The package's, read once: another version may be installed in its place while this one runs. */
export function statorVersion(): string {
  knownVersion ??= readVersion();
  return knownVersion;
}

/** Twelve hex digits that the build wrote, read once as the version is; null: it was not built, so it is unknown. */
export function statorBuild(): string | null {
  knownBuild ??= { id: readBuild() };
  return knownBuild.id;
}

/** Whether another one is this very stator. If only one of the two knows its build, that is unknown. */
export function isThisStator({ version, build }: { readonly version: unknown; readonly build: unknown }): boolean {
  return version === statorVersion() && (build === statorBuild() || statorBuild() === null);
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(inPackage('package.json'), 'utf8')) as { version: string }; // our own package
  return version;
}

function readBuild(): string | null {
  const file = inPackage('dist', 'bin', 'build-id');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
}
