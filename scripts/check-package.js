/**
 * Looks at the package as npm packs it: with publint and Are The Types Wrong, for its exports and types. Packed once for both. Exit code 1: one of
 * them has found something. The view of a CommonJS program is not checked: the package has ES modules alone.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

/** Kinds of resolution that never find a package with ES modules only. */
const ofCommonJs = ['node10', 'node16-cjs'];

const folder = mkdtempSync(join(tmpdir(), 'stator-package-'));
try {
  // Without the package's scripts, which would build it again.
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]);
  const [archive = ''] = readdirSync(folder);
  const bytes = readFileSync(join(folder, archive));
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  const checked = await checkPackage(createPackageFromTarballData(bytes));
  const problems = checked.types === false ? [{ kind: 'NoTypes' }] : checked.problems;
  const lines = [
    ...messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`),
    ...problems
      .filter((problem) => !ofCommonJs.includes(problem.resolutionKind ?? ''))
      .map((problem) => `types: ${JSON.stringify(problem)}`),
  ];
  for (const line of lines) console.log(line);
  process.exitCode = lines.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
