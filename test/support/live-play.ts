/**
 * A chart in an engine whose process ends between every two events: the next engine finds the store as it was at that time. It runs in one process,
 * so that a script with hundreds of ends takes seconds; `test/crash` has real kills.
 */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import BetterSqlite3 from 'better-sqlite3';
import type { AnyDefinition } from '../../actors/definition.ts';
import { type DurableCore, openDurableCore } from '../../runtime/engine/durable-core.ts';
import type { OwnPostgres } from '../../scripts/postgres.ts';
import {
  clearPlay,
  forgetBegun,
  isBegun,
  type Look,
  lookOf,
  type Move,
  notedSoFar,
  type Settling,
  sentBy,
  settleNow,
} from './chart-play.ts';
import { until } from './ground.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** The store for the engines of a play. */
export interface LivePlace {
  readonly options: () => { readonly file: string } | { readonly store: string; readonly host: string };
  /** From then on the options name a copy as a kill would leave it; the present engine cannot write into it. */
  kill(): Promise<void>;
  /** The snapshot of the only tree. */
  stored(): Promise<unknown>;
}

export function inFiles(folder: string): LivePlace {
  let lives = 0;
  const fileOf = (life: number) => join(folder, `${life}.db`);
  mkdirSync(folder, { recursive: true });
  return {
    options: () => ({ file: fileOf(lives) }),
    async kill() {
      const [left, next] = [fileOf(lives), fileOf(lives + 1)];
      for (const part of ['', '-wal'])
        if (existsSync(`${left}${part}`)) copyFileSync(`${left}${part}`, `${next}${part}`);
      lives += 1;
    },
    async stored() {
      const store = new BetterSqlite3(fileOf(lives), { readonly: true });
      try {
        return JSON.parse(String(store.prepare('SELECT snapshot FROM trees').pluck().get()));
      } finally {
        store.close();
      }
    },
  };
}

/** A separate database. Its connections are cut like those of a killed process, and the old engine cannot find it under its new name. */
export async function inPostgres(server: OwnPostgres, name: string): Promise<LivePlace> {
  let lives = 0;
  const databaseOf = (life: number) => `${name}_${life}`;
  await server.createDatabase(databaseOf(0));
  return {
    options: () => ({ store: server.urlOf(databaseOf(lives)), host: 'a' }),
    async kill() {
      const [left, next] = [databaseOf(lives), databaseOf(lives + 1)];
      await server.query('postgres', `ALTER DATABASE ${left} ALLOW_CONNECTIONS false`);
      const cut = 'SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1';
      await server.query('postgres', cut, [left]);
      await server.query('postgres', `ALTER DATABASE ${left} RENAME TO ${next}`);
      await server.query('postgres', `ALTER DATABASE ${next} ALLOW_CONNECTIONS true`);
      lives += 1;
    },
    async stored() {
      const [row] = await server.query(databaseOf(lives), 'SELECT snapshot FROM trees');
      return JSON.parse(String(row?.snapshot));
    },
  };
}

interface LivePlay {
  readonly definition: AnyDefinition;
  readonly input: object;
  readonly script: readonly Move[];
  /** The result at the start and after each move, with the number of notes by then: the play waits for these. */
  readonly looks: readonly Look[];
  readonly notedAfter: readonly number[];
}

/** Returns the actions' notes, in order. Throws if the chart reaches a state that is not among the looks. */
export async function playLive(
  place: LivePlace,
  { definition, input, script, looks, notedAfter }: LivePlay,
): Promise<string[]> {
  clearPlay();
  const { name } = definition;
  let nowMs = Date.UTC(2030, 0, 1);
  const open = () => openDurableCore([definition], { ...place.options(), log: quiet, clock: { nowMs: () => nowMs } });
  const stored = async () => lookOf(await place.stored());
  let engine: DurableCore = await open();

  async function comesTo(move: number): Promise<void> {
    const expected = JSON.stringify(sorted(looks[move]));
    await until(
      async () => notedSoFar().length >= (notedAfter[move] ?? 0) && JSON.stringify(sorted(await stored())) === expected,
      async () => `after move ${move}: ${JSON.stringify(await stored())}, and not ${expected}; noted ${notedSoFar()}`,
    );
  }

  /** Time passes between the two engines: events that become due then are not handled by the killed one. */
  async function endProcess(waitMs: number): Promise<void> {
    await place.kill();
    await engine.stop();
    forgetBegun();
    nowMs += waitMs;
    engine = await open();
  }

  try {
    await engine.client.startMachine({ name, id: '1', input });
    await comesTo(0);
    for (const [index, move] of script.entries()) {
      await endProcess(typeof move === 'number' ? move : 0);
      const sent = sentBy(move);
      if (sent !== null) {
        const { type, ...payload } = sent;
        // XState ignores an event that no state accepts; an engine refuses it.
        await engine.client.sendMachine({ name, id: '1', type, payload }).catch(() => {});
      } else if (typeof move !== 'number') {
        const settling = move as Settling; // no event, and no time
        const promise = 'settle' in settling ? settling.settle : settling.fail;
        // A cancelled promise is not started again.
        const isHeard = !isDeepStrictEqual(looks[index], looks[index + 1]);
        if (isHeard)
          await until(
            () => isBegun(promise),
            () => `"${promise}" has not begun again`,
          );
        await settleNow(settling);
      }
      await comesTo(index + 1);
    }
    return [...notedSoFar()];
  } finally {
    await engine.stop();
  }
}

/** Sorts the keys: a row has them in the order of writing. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
