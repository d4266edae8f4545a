/** An engine whose life ends at each of its windows while it carries a user-defined machine: the next one goes on, and everything is handled once. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import * as stator from '../../runtime/engine/engine.ts';
import { readOrEmpty } from '../support/crash.ts';
import { createLives } from '../support/ended-lives.ts';
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
] as const;
type Point = (typeof points)[number];

interface Played {
  readonly value: string;
  readonly context: object;
  readonly lines: readonly {
    readonly event: string;
    readonly to: string;
    readonly actor: string;
    readonly emitted?: object;
  }[];
}

interface Release {
  readonly input?: object;
  release(of: typeof stator, note: (line: string) => void): stator.AnyDefinition;
}

/**
 * Lives after these are not ended. The first life is ended when it reaches the point for the first time, the second one at the second time, and the third at
 * the third, if it comes there so often.
 */
const mostEnds = 3;

/** The output of the life that is not ended, and the notes outside of all lives. */
async function playEnded(of: string, point: Point): Promise<Played & { noted: string[] }> {
  const on = ground();
  const { release, input } = (await import(scriptOf(`${of}-release`))) as Release; // as those scripts are
  const { playRelease } = (await import(scriptOf('play-release'))) as {
    playRelease(engine: stator.Engine, input: object | undefined, isOver: () => boolean): Promise<Played | null>;
  };
  const noted: string[] = [];
  const lives = createLives(on.root);
  for (let ends = 0; ; ends += 1) {
    const { home, end, hasEnded } = lives.next();
    let seen = 0;
    const faults = (at: string) => {
      if (at !== point || ends === mostEnds) return;
      seen += 1;
      if (seen > ends) end();
    };
    const machines = [release(stator, (line) => void (hasEnded() || noted.push(line)))];
    const engine = await stator.createEngine({ home, env: on.env, machines, faults, serve: false });
    const played = await playRelease(engine, input, hasEnded).finally(() => engine.stop());
    if (hasEnded() || played === null) continue;
    expect(ends).toBeGreaterThan(0);
    return { ...played, noted };
  }
}

/** The same with a process that kills itself there. */
function playKilled(of: string, point: Point): Played & { noted: string[] } {
  const on = ground();
  const ledger = join(on.root, 'ledger');
  for (let kills = 0; ; kills += 1) {
    const fault = kills < mostEnds ? { point, nth: kills + 1 } : {};
    const { signal, status, stdout, stderr } = spawnSync(
      process.execPath,
      [scriptOf('release-engine'), JSON.stringify({ of, home: on.home, ledger, ...fault })],
      { env: on.env, encoding: 'utf8' },
    );
    if (signal === 'SIGKILL') continue;
    expect(status, stderr).toBe(0);
    expect(kills).toBeGreaterThan(0);
    return { ...JSON.parse(stdout), noted: readOrEmpty(ledger).trim().split('\n') };
  }
}

function expectOwnMachine({ lines, noted }: Played & { noted: string[] }): void {
  expect(lines.map(({ event, to }) => `${event}: ${to}`)).toEqual([
    'begun: asking',
    'approve: waiting',
    'reminded: publishing',
    'published: out',
  ]);
  // At least once, always under the one key.
  expect([...new Set(noted)]).toEqual([expect.stringMatching(/^release:1\.2\/publish#\d+\.2$/)]);
}

it.each(points)('ended at %s, again and again, its machine gets where it would have got', async (point) => {
  expectOwnMachine(await playEnded('own-machine', point));
});

it.each(['pump.after-commit', 'lanes.before-settle'] as const)(
  'killed at %s, again and again, a process of its own leaves the same',
  (point) => {
    expectOwnMachine(playKilled('own-machine', point));
  },
);

it.each(points)(
  'ended at %s, again and again, an unchanged chart of XState gets where it would have got',
  async (point) => {
    const { value, context, lines, noted } = await playEnded('chart', point);
    expect({ value, context }).toEqual({
      value: 'out',
      context: { version: '1.2.0', url: 'https://registry.example/1.2.0', ended: 'well' },
    });
    const own = lines.map(({ to }) => to);
    for (const state of ['asking', 'waiting', 'publishing', 'resting', 'out'])
      expect(own.filter((to) => to === state)).toHaveLength(1);
    const emitted = lines.flatMap(({ actor, emitted: event }) =>
      event === undefined ? [] : [[actor === '' ? 'root' : 'child', event]],
    );
    expect(emitted).toEqual([
      ['root', { type: 'approved', version: '1.2.0' }],
      ['child', { type: 'woke' }],
      ['root', { type: 'published', url: 'https://registry.example/1.2.0' }],
    ]);
    // Once, but where its life was ended while the promise ran.
    expect(noted.length).toBeLessThanOrEqual(4);
    expect(new Set(noted)).toEqual(new Set(['1.2.0']));
  },
);

// An output is a signal: no effect is claimed and settled for it.
it.each(points.filter((point) => !point.startsWith('lanes')))(
  'ended at %s, again and again, a tree gets the output of another one, once',
  async (point) => {
    const { value, context, lines } = await playEnded('awaiting', point);
    expect({ value, context }).toEqual({
      value: 'out',
      context: { isPart: false, url: 'https://registry.example/part' },
    });
    const own = lines.map(({ to }) => to);
    for (const state of ['waiting', 'out']) expect(own.filter((to) => to === state)).toHaveLength(1);
  },
);
