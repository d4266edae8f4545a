/** A signal or a promise that ends the process of each engine, such as an endless loop that is killed: it ends, and everything else goes on. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { storeFile } from '../../runtime/base/platform/home.ts';
import * as stator from '../../runtime/engine/engine.ts';
import { createLives } from '../support/ended-lives.ts';
import { ground } from '../support/engine.ts';
import { type Ground, until } from '../support/ground.ts';

const scriptOf = (name: string) => fileURLToPath(new URL(`../support/scripts/${name}.mjs`, import.meta.url));

/** A process that kills itself. */
function live(on: Ground, start: readonly string[]) {
  const said = JSON.stringify({ home: on.home, start });
  return spawnSync(process.execPath, [scriptOf('ending-engine'), said], { env: on.env, encoding: 'utf8' });
}

interface Said {
  readonly list: readonly object[];
  readonly warnings: readonly string[];
  readonly notifications: readonly object[];
}

/** Lives in this process. Each returns the home in its last state, and the output of the life; null: a tree has ended the process. */
async function livesIn(on: Ground) {
  const { endingBy, playToTheEnd } = (await import(scriptOf('ending'))) as {
    endingBy(of: typeof stator, end: () => void): stator.AnyDefinition;
    playToTheEnd(engine: stator.Engine, start: readonly string[], hasEnded: () => boolean): Promise<Said | null>;
  }; // as that script is
  const lives = createLives(on.root);
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  return async (start: readonly string[]): Promise<{ home: string; said: Said | null }> => {
    const { home, end, hasEnded } = lives.next();
    const options = { home, env: on.env, machines: [endingBy(stator, end)], log: quiet, serve: false };
    const engine = await stator.createEngine(options);
    const said = await playToTheEnd(engine, start, hasEnded).finally(() => engine.stop());
    return { home: lives.home(), said };
  };
}

function signalsOf(home: string, tree: string) {
  const db = new Database(storeFile(home), { readonly: true });
  try {
    return db.prepare('SELECT type, status, attempts, suspected FROM signals WHERE tree = ? ORDER BY id').all(tree) as {
      type: string;
      status: string;
      attempts: number;
      suspected: number;
    }[];
  } finally {
    db.close();
  }
}

// Twelve lives, one after the other.
it('a delay that ends ten engines is set aside with its reason, and the trees beside it went on meanwhile', async () => {
  const liveOn = await livesIn(ground());
  const first = await liveOn(['timer']);
  expect(first.said).toBeNull();
  expect(signalsOf(first.home, 'ending:timer').at(-1)).toMatchObject({
    type: 'timer_due',
    status: 'pending',
    suspected: 0,
  });
  // Counted before it is handled, from the first end on.
  const second = await liveOn(['other']);
  expect(second.said).toBeNull();
  expect(signalsOf(second.home, 'ending:timer').at(-1)).toMatchObject({ status: 'pending', suspected: 1 });
  let ends = 1;
  let last = await liveOn(['other']);
  for (; last.said === null && ends < 20; last = await liveOn(['other'])) ends += 1;
  expect(ends).toBe(10);
  expect(last.said?.list).toMatchObject([
    { id: 'other', value: 'over' },
    {
      id: 'timer',
      value: 'waiting',
      set_aside: [{ type: 'timer_due', error: expect.stringMatching(/^10 engines ended/) }],
    },
  ]);
  expect(last.said?.warnings).toEqual([
    expect.stringMatching(/^ending:timer did not take signal \d+ \(timer_due\): 10 engines/),
  ]);
  expect(signalsOf(last.home, 'ending:timer').at(-1)).toMatchObject({ status: 'failed', attempts: 0, suspected: 10 });
  // All others were handled once.
  expect(signalsOf(last.home, 'ending:other')).toMatchObject([
    { status: 'done', attempts: 1 },
    { status: 'done', attempts: 1 },
  ]);
});

it('the result of an effect that ends the engine is stored before it is handled again, and counted', () => {
  const on = ground();
  expect(live(on, ['effect']).signal).toBe('SIGKILL');
  expect(signalsOf(on.home, 'ending:effect')).toHaveLength(1);
  expect(live(on, []).signal).toBe('SIGKILL');
  expect(live(on, []).signal).toBe('SIGKILL');
  expect(signalsOf(on.home, 'ending:effect').at(-1)).toMatchObject({ status: 'pending', suspected: 2 });
});

// Twelve lives, one after the other.
it('a promise that ends ten engines is rejected with its reason, and what ran beside it is carried out', async () => {
  const liveOn = await livesIn(ground());
  let { said } = await liveOn(['slow', 'promise']);
  let ends = 0;
  for (; said === null && ends < 20; { said } = await liveOn([])) ends += 1;
  // The first one had nobody to suspect.
  expect(ends).toBe(11);
  const why = '10 engines ended while they ran it: its function may loop without an end';
  expect(said?.list).toMatchObject([
    { id: 'promise', value: 'over', view: { error: expect.stringContaining(why) } },
    { id: 'slow', value: 'over', view: { error: null } },
  ]);
  expect(said?.notifications).toMatchObject([
    { type: 'machine_notice', message: expect.stringMatching(/^ending:promise\/\S+ failed: 10 engines ended/) },
  ]);
});

it('a promise that has gone on for a minute counts from zero again, however often a person kills its engine', async () => {
  const on = ground();
  /** null: the store is being made. */
  const suspected = () => {
    let db: Database.Database | null = null;
    if (!existsSync(storeFile(on.home))) return null;
    try {
      db = new Database(storeFile(on.home), { readonly: true });
      return db.prepare(`SELECT status, suspected FROM effects WHERE tree = 'ending:stays'`).get();
    } catch (thrown) {
      if (thrown instanceof Database.SqliteError) return null;
      throw thrown;
    } finally {
      db?.close();
    }
  };
  const killedAt = async (said: object, count: number) => {
    const engine = spawn(process.execPath, [scriptOf('ending-engine'), JSON.stringify({ home: on.home, ...said })], {
      env: on.env,
    });
    await until(() => isDeepStrictEqual(suspected(), { status: 'running', suspected: count }));
    engine.kill('SIGKILL');
    await once(engine, 'exit');
  };
  await killedAt({ start: ['stays'] }, 0);
  await killedAt({}, 1);
  await killedAt({}, 2);
  await killedAt({ minutesPass: true }, 0);
  await killedAt({}, 1);
});
