/** A signal or a promise that ends the process of each engine, such as an endless loop that is killed: it ends, and everything else goes on. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { storeFile } from '../../runtime/base/platform/home.ts';
import { ground } from '../support/engine.ts';
import { type Ground, until } from '../support/ground.ts';

const script = fileURLToPath(new URL('../support/scripts/ending-engine.mjs', import.meta.url));

function live(on: Ground, start: readonly string[]) {
  const said = JSON.stringify({ home: on.home, start });
  return spawnSync(process.execPath, [script, said], { env: on.env, encoding: 'utf8' });
}

function signalsOf({ home }: Ground, tree: string) {
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

// Twelve processes, one after the other.
it('a delay that ends ten engines is set aside with its reason, and the trees beside it went on meanwhile', () => {
  const on = ground();
  expect(live(on, ['timer']).signal).toBe('SIGKILL');
  expect(signalsOf(on, 'ending:timer').at(-1)).toMatchObject({ type: 'timer_due', status: 'pending', suspected: 0 });
  // Counted before it is handled, from the first end on.
  expect(live(on, ['other']).signal).toBe('SIGKILL');
  expect(signalsOf(on, 'ending:timer').at(-1)).toMatchObject({ status: 'pending', suspected: 1 });
  let ends = 1;
  let last = live(on, ['other']);
  for (; last.signal === 'SIGKILL' && ends < 20; last = live(on, ['other'])) ends += 1;
  expect({ status: last.status, stderr: last.stderr, ends }).toEqual({ status: 0, stderr: '', ends: 10 });
  const { list, warnings } = JSON.parse(last.stdout);
  expect(list).toMatchObject([
    { id: 'other', value: 'over' },
    {
      id: 'timer',
      value: 'waiting',
      set_aside: [{ type: 'timer_due', error: expect.stringMatching(/^10 engines ended/) }],
    },
  ]);
  expect(warnings).toEqual([
    expect.stringMatching(/^ending:timer goes on without signal \d+ \(timer_due\): 10 engines/),
  ]);
  expect(signalsOf(on, 'ending:timer').at(-1)).toMatchObject({ status: 'failed', attempts: 0, suspected: 10 });
  // All others were handled once.
  expect(signalsOf(on, 'ending:other')).toMatchObject([
    { status: 'done', attempts: 1 },
    { status: 'done', attempts: 1 },
  ]);
});

it('the result of an effect that ends the engine is stored before it is handled again, and counted', () => {
  const on = ground();
  expect(live(on, ['effect']).signal).toBe('SIGKILL');
  expect(signalsOf(on, 'ending:effect')).toHaveLength(1);
  expect(live(on, []).signal).toBe('SIGKILL');
  expect(live(on, []).signal).toBe('SIGKILL');
  expect(signalsOf(on, 'ending:effect').at(-1)).toMatchObject({ status: 'pending', suspected: 2 });
});

// Twelve processes, one after the other.
it('a promise that ends ten engines is rejected with its reason, and what ran beside it is carried out', () => {
  const on = ground();
  let last = live(on, ['slow', 'promise']);
  let ends = 0;
  for (; last.signal === 'SIGKILL' && ends < 20; last = live(on, [])) ends += 1;
  // The first one had nobody to suspect.
  expect({ status: last.status, stderr: last.stderr, ends }).toEqual({ status: 0, stderr: '', ends: 11 });
  const why = '10 engines ended while they ran it: its function may loop without an end';
  const { list, notifications } = JSON.parse(last.stdout);
  expect(list).toMatchObject([
    { id: 'promise', value: 'over', view: { error: expect.stringContaining(why) } },
    { id: 'slow', value: 'over', view: { error: null } },
  ]);
  expect(notifications).toMatchObject([
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
    const engine = spawn(process.execPath, [script, JSON.stringify({ home: on.home, ...said })], { env: on.env });
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
