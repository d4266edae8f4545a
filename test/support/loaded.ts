/** The files that a call of the program loaded, as V8 reports them. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Terminal } from './cli.ts';

const coverage = z.object({ result: z.array(z.object({ url: z.string() })) });

/** Their paths, without node's own modules. */
export async function filesLoadedBy(made: Terminal, ...args: string[]): Promise<string[]> {
  const folder = mkdtempSync(join(made.root, 'coverage-'));
  const ended = await made.start(args, { env: { NODE_V8_COVERAGE: folder } }).ended;
  // 64: a usage error.
  expect([0, 64], ended.stderr).toContain(ended.code);
  const urls = readdirSync(folder).flatMap((name) =>
    coverage.parse(JSON.parse(readFileSync(join(folder, name), 'utf8'))).result.map(({ url }) => url),
  );
  // The file with V8's flags is left out, because only tests load it.
  const files = urls.filter((url) => url.startsWith('file:') && !url.endsWith('/test/support/v8-flags.cjs'));
  expect(files.join('\n')).toContain('/bin/stator.js');
  return files;
}
