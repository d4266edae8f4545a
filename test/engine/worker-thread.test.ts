import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ground } from '../support/engine.ts';

it('an engine lives in a worker thread, with a socket', () => {
  const { home, env } = ground();
  const script = fileURLToPath(new URL('../support/scripts/worker-engine.mjs', import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, home], { env, encoding: 'utf8' });
  expect({ stdout, stderr, status }).toEqual({ stdout: 'off\n', stderr: '', status: 0 });
});
