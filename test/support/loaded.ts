/** Which files a call of the program loaded: V8 tells of every script that it had. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Terminal } from './cli.ts';

const coverage = z.object({ result: z.array(z.object({ url: z.string() })) });

/** Their paths, node's own not among them. */
export async function filesLoadedBy(made: Terminal, ...args: string[]): Promise<string[]> {
  const folder = mkdtempSync(join(made.root, 'coverage-'));
  const ended = await made.start(args, { env: { NODE_V8_COVERAGE: folder } }).ended;
  // 64: a mistake in the call.
  expect([0, 64], ended.stderr).toContain(ended.code);
  const urls = readdirSync(folder).flatMap((name) =>
    coverage.parse(JSON.parse(readFileSync(join(folder, name), 'utf8'))).result.map(({ url }) => url),
  );
  // Not the file with V8's flags, which the tests alone give to each node.
  const files = urls.filter((url) => url.startsWith('file:') && !url.endsWith('/test/support/v8-flags.cjs'));
  expect(files.join('\n')).toContain('/bin/stator.js');
  return files;
}
