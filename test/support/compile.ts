/** The TypeScript compiler, for tests that compile programs. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const compiler = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc');

/**
 * Compiles a project in a folder; `project`: its configuration there. Returns what the compiler says, line by line; empty: nothing is wrong. It has one
 * thread, as each of its threads computes the same types again, and collects garbage seldom, as it keeps most of what it allocates.
 */
export function compile(folder: string, project = '.', ...flags: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [compiler, '-p', project, '--singleThreaded', ...flags],
    { cwd: folder, encoding: 'utf8', env: { ...process.env, GOGC: '400' } },
  );
  return status === 0 ? [] : `${stdout}${stderr}`.split('\n');
}
