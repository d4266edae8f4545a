/** A home with a thousand plans under way that all wait for one slot, and the real daemon over it in a process of its own. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callSocket } from '../../dist/runtime/api/client/call.js';
import { createClient } from '../../dist/runtime/api/client/client.js';
import { readOwner } from '../../dist/runtime/core/store/sqlite/owner.js';
import { layGround, makeRepo } from './ground.mjs';

/** A bench measures what it says; this only ends one that has failed, on a machine that is slow or loaded too. */
export const patienceMs = 600_000;
const pollMs = 50;

export async function until(isSo) {
  const end = Date.now() + patienceMs;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

export async function thousandPlans(plans = 1_000) {
  const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
  const home = join(root, 'home');
  mkdirSync(home, { mode: 0o700 });
  await layGround({ home, repo: makeRepo(root, 'demo'), plans, tasks: 3, signals: false });
  writeFileSync(join(home, 'daemon.toml'), 'max_agents = 1\n[agents.default]\npreset = "sh"\n');
  const env = { ...process.env, HOME: root, STATOR_HOME: home, XDG_RUNTIME_DIR: root, STATOR_SANDBOX: 'off' };
  const main = join(import.meta.dirname, '../../dist/bin/stator.js');
  const child = spawn(process.execPath, [main, 'daemon', 'start', '--foreground'], { env, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const socketPath = () => readOwner(home)?.socketPath ?? null;
  await until(() => socketPath() !== null);
  const ask = callSocket(socketPath(), undefined);
  const client = createClient(ask, { note: null, close: async () => {} });
  await until(async () => (await client.status().catch(() => null))?.waiting === null);
  // Nothing runs: what happens is what the bench sends.
  await client.pauseQueue();
  return {
    plans: Array.from({ length: plans }, (_, index) => `plan-${index}`),
    pid: child.pid,
    client,
    async url() {
      return (await (await ask('POST', '/v1/inspect', { body: {} })).json()).url;
    },
    async close() {
      child.kill('SIGTERM');
      await ended;
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
