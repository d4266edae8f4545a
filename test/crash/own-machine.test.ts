/** An engine that is killed at each of its windows while it carries a user-defined machine: the next one goes on, and everything is handled once. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readOrEmpty } from '../support/crash.ts';
import { ground } from '../support/engine.ts';

const scriptOf = (name: string) => fileURLToPath(new URL(`../support/scripts/${name}.mjs`, import.meta.url));

const points = [
  'pump.after-begin',
  'pump.before-commit',
  'pump.after-commit',
  'lanes.after-claim',
  'lanes.before-settle',
  'lanes.after-settle',
  'store.before-commit',
  'store.after-commit',
];

/**
 * Kills the script at the first time that it comes to the point, then at the second, then at the third, if it comes there so often before it is over. What
 * the one that is not killed prints, and the lines of its ledger.
 */
function playKilled(name: string, point: string): { printed: string; ledger: string[] } {
  const on = ground();
  const ledger = join(on.root, 'ledger');
  for (let kills = 0; ; kills += 1) {
    const fault = kills < 3 ? { point, nth: kills + 1 } : {};
    const { signal, status, stdout, stderr } = spawnSync(
      process.execPath,
      [scriptOf(name), JSON.stringify({ home: on.home, ledger, ...fault })],
      { env: on.env, encoding: 'utf8' },
    );
    if (signal === 'SIGKILL') continue;
    expect(status, stderr).toBe(0);
    expect(kills).toBeGreaterThan(0);
    return { printed: stdout, ledger: readOrEmpty(ledger).trim().split('\n') };
  }
}

it.each(points)('killed at %s, again and again, its machine gets where it would have got', (point) => {
  const { printed, ledger } = playKilled('own-machine-engine', point);
  const { lines } = JSON.parse(printed) as { lines: { event: string; to: string }[] };
  expect(lines.map(({ event, to }) => `${event}: ${to}`)).toEqual([
    'begun: asking',
    'approve: waiting',
    'reminded: publishing',
    'published: out',
  ]);
  // At least once, always under the one key.
  const keys = [...new Set(ledger)];
  expect(keys).toEqual([expect.stringMatching(/^release:1\.2\/publish#\d+\.2$/)]);
});

it.each(points)('killed at %s, again and again, an unchanged chart of XState gets where it would have got', (point) => {
  const { printed, ledger } = playKilled('chart-engine', point);
  const { value, context, lines } = JSON.parse(printed);
  expect({ value, context }).toEqual({
    value: 'out',
    context: { version: '1.2.0', url: 'https://registry.example/1.2.0', ended: 'well' },
  });
  const own = (lines as { event: string; to: string }[]).map(({ to }) => to);
  for (const state of ['asking', 'waiting', 'publishing', 'resting', 'out'])
    expect(own.filter((to) => to === state)).toHaveLength(1);
  const emitted = (lines as { actor: string; emitted?: object }[]).flatMap(({ actor, emitted: event }) =>
    event === undefined ? [] : [[actor === '' ? 'root' : 'child', event]],
  );
  expect(emitted).toEqual([
    ['root', { type: 'approved', version: '1.2.0' }],
    ['child', { type: 'woke' }],
    ['root', { type: 'published', url: 'https://registry.example/1.2.0' }],
  ]);
  // Once, but where the engine was killed while the promise ran.
  expect(ledger.length).toBeLessThanOrEqual(4);
  expect(new Set(ledger)).toEqual(new Set(['1.2.0']));
});

// An output is a signal: no effect is claimed and settled for it.
it.each(points.filter((point) => !point.startsWith('lanes')))(
  'killed at %s, again and again, a tree gets the output of another one, once',
  (point) => {
    const { printed } = playKilled('awaiting-engine', point);
    const { value, context, lines } = JSON.parse(printed);
    expect({ value, context }).toEqual({
      value: 'out',
      context: { isPart: false, url: 'https://registry.example/part' },
    });
    const own = (lines as { to: string }[]).map(({ to }) => to);
    for (const state of ['waiting', 'out']) expect(own.filter((to) => to === state)).toHaveLength(1);
  },
);
