import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createEngine } from '../../runtime/engine/engine.ts';
import { ground } from '../support/engine.ts';
import { drop, left, reasonOf, signalsOf, untilGone, untilRefused } from '../support/gateway.ts';
import { until } from '../support/ground.ts';
import { live, quiet } from '../support/killed-engine.ts';
import { expectProse } from '../support/prose.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

it('a file that the engine may not read is moved to failed/ with the reason, and a folder that it may not write is reported once, until it may', async () => {
  const { root, home, repo, env } = ground();
  const folder = signalsOf(repo);
  const other = signalsOf(repo, '.kasmos/signals');
  const first = await createEngine({ home, env, log: quiet });
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
  const as = isRoot ? { uid: nobody } : {};
  const life = live({ home, env: { ...env, HOME: root, XDG_RUNTIME_DIR: home } }, as);
  const warnings = () => {
    const file = join(home, 'daemon.log');
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    return lines.filter((line) => line.includes(`warn signal files in ${other} are not taken: `));
  };
  await untilRefused(folder, 'review-changes-login');
  expectProse(reasonOf(folder, 'review-changes-login'), 'EACCES');
  await until(() => warnings().length > 0);
  expect(left(other)).toEqual(['implement-finished-login']);
  // After further checks it is still only one line.
  drop(folder, 'notes');
  await untilRefused(folder, 'notes');
  chmodSync(other, 0o700);
  await untilGone(other);
  expect(warnings()).toHaveLength(1);
  expect(readFileSync(join(home, 'daemon.log'), 'utf8')).toContain(
    `this is over: signal files in ${other} are not taken`,
  );
  life.stop();
  await life.ended;
});
