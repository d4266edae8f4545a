import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { createEngine } from '../../runtime/engine/engine.ts';
import { drop, left, reasonOf, signalsOf, untilGone, untilRefused } from '../support/gateway.ts';
import { makeGround, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

const engineScript = fileURLToPath(new URL('../support/scripts/gateway-engine.mjs', import.meta.url));
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

it('a file that the engine may not read is put aside with the reason, and a folder that it may not write is told of once, until it may', async () => {
  const ground = makeGround();
  cleanups.push(ground.remove);
  const { root, home, repo } = ground;
  const folder = signalsOf(repo);
  const other = signalsOf(repo, '.kasmos/signals');
  const first = await createEngine({ home, env: ground.env, log });
  await first.client.addRepo(repo, { trust: true });
  await first.stop();
  const secret = join(folder, 'review-changes-login');
  writeFileSync(secret, 'nobody reads this', { mode: 0 });
  drop(other, 'implement-finished-login');
  if (isRoot) {
    chmodSync(root, 0o755);
    execFileSync('chown', ['-R', `${nobody}:${nobody}`, home, repo]);
  }
  chmodSync(other, 0o500);
  const child: ChildProcess = spawn(process.execPath, [engineScript, JSON.stringify({ home })], {
    env: { ...ground.env, HOME: root, XDG_RUNTIME_DIR: home },
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(isRoot ? { uid: nobody, gid: nobody } : {}),
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  cleanups.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const warnings = () => {
    const file = join(home, 'daemon.log');
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    return lines.filter((line) => line.includes(`warn signal files in ${other} are not taken: `));
  };
  await untilRefused(folder, 'review-changes-login');
  expectProse(reasonOf(folder, 'review-changes-login'), 'EACCES');
  await until(() => warnings().length > 0);
  expect(left(other)).toEqual(['implement-finished-login']);
  // Looks later it is still the one line.
  drop(folder, 'notes');
  await untilRefused(folder, 'notes');
  chmodSync(other, 0o700);
  await untilGone(other);
  expect(warnings()).toHaveLength(1);
  expect(readFileSync(join(home, 'daemon.log'), 'utf8')).toContain(
    `this is over: signal files in ${other} are not taken`,
  );
  child.stdin?.end();
  await ended;
});
