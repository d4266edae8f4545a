/** An engine that is killed at each of its windows while it carries a machine of one's own: the next one goes on, and everything is handled once. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readOrEmpty } from '../support/crash.ts';
import { ground } from '../support/engine.ts';

const script = fileURLToPath(new URL('../support/scripts/own-machine-engine.mjs', import.meta.url));

it.each([
  'pump.after-begin',
  'pump.before-commit',
  'pump.after-commit',
  'lanes.after-claim',
  'lanes.before-settle',
  'lanes.after-settle',
  'store.before-commit',
  'store.after-commit',
])('killed at %s, again and again, its machine gets where it would have got', (point) => {
  const on = ground();
  const ledger = join(on.root, 'ledger');
  const live = (fault: object) =>
    spawnSync(process.execPath, [script, JSON.stringify({ home: on.home, ledger, ...fault })], {
      env: on.env,
      encoding: 'utf8',
    });
  let kills = 0;
  for (let nth = 1; nth <= 3; nth += 1) {
    const { signal, status, stderr } = live({ point, nth });
    if (signal === 'SIGKILL') kills += 1;
    else expect(status, stderr).toBe(0);
  }
  expect(kills).toBeGreaterThan(0);
  const { status, stdout, stderr } = live({});
  expect(status, stderr).toBe(0);
  const lines: { event: string; to: string }[] = JSON.parse(stdout);
  expect(lines.map(({ event, to }) => `${event}: ${to}`)).toEqual([
    'begun: asking',
    'approve: waiting',
    'reminded: publishing',
    'published: out',
  ]);
  // At least once, always under the one key.
  const keys = [...new Set(readOrEmpty(ledger).trim().split('\n'))];
  expect(keys).toEqual([expect.stringMatching(/^release:1\.2\/publish#\d+\.2$/)]);
});
