/**
 * A chart in an engine whose process ends between every two events: the next engine finds the files as they were at that moment. In the same process, so that a
 * script of hundreds of ends takes seconds; `test/crash` has real ones.
 */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import BetterSqlite3 from 'better-sqlite3';
import type { AnyDefinition } from '../../actors/definition.ts';
import { type DurableCore, openDurableCore } from '../../runtime/engine/durable-core.ts';
import { clearPlay, forgetBegun, isBegun, type Look, lookOf, type Move, notedSoFar, settleNow } from './chart-play.ts';
import { until } from './ground.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

interface LivePlay {
  readonly definition: AnyDefinition;
  readonly input: object;
  readonly script: readonly Move[];
  /** What it comes to at the begin and after each move, and how much its actions have noted by then: what the play waits for. */
  readonly looks: readonly Look[];
  readonly notedAfter: readonly number[];
}

/** Answers what actions noted, in their order. Throws where the chart comes to something else than one of the looks. */
export async function playLive(
  folder: string,
  { definition, input, script, looks, notedAfter }: LivePlay,
): Promise<string[]> {
  clearPlay();
  const { name } = definition;
  let nowMs = Date.UTC(2030, 0, 1);
  let lives = 0;
  const fileOf = (life: number) => join(folder, `${life}.db`);
  const open = () => openDurableCore([definition], { file: fileOf(lives), log: quiet, clock: { nowMs: () => nowMs } });
  mkdirSync(folder, { recursive: true });
  let engine: DurableCore = await open();

  function stored(): Look {
    const store = new BetterSqlite3(fileOf(lives), { readonly: true });
    try {
      return lookOf(JSON.parse(String(store.prepare('SELECT snapshot FROM trees').pluck().get())));
    } finally {
      store.close();
    }
  }

  async function comesTo(move: number): Promise<void> {
    const expected = JSON.stringify(sorted(looks[move]));
    await until(
      () => notedSoFar().length >= (notedAfter[move] ?? 0) && JSON.stringify(sorted(stored())) === expected,
      () => `after move ${move}: ${JSON.stringify(stored())}, and not ${expected}; noted ${notedSoFar()}`,
    );
  }

  /** The next engine begins with the files that the last one would have left if it had been killed. */
  async function endProcess(): Promise<void> {
    const [left, next] = [fileOf(lives), fileOf(lives + 1)];
    for (const part of ['', '-wal']) if (existsSync(`${left}${part}`)) copyFileSync(`${left}${part}`, `${next}${part}`);
    await engine.stop();
    forgetBegun();
    lives += 1;
    engine = await open();
  }

  try {
    await engine.client.startMachine({ name, id: '1', input });
    await comesTo(0);
    for (const [index, move] of script.entries()) {
      if ('waitMs' in move) nowMs += move.waitMs;
      await endProcess();
      if ('send' in move) {
        const { type, ...payload } = move.send;
        // XState ignores what no state takes; an engine refuses it.
        await engine.client.sendMachine({ name, id: '1', type, payload }).catch(() => {});
      } else if (!('waitMs' in move)) {
        const promise = 'settle' in move ? move.settle : move.fail;
        // One that was given up is not begun again.
        const isHeard = !isDeepStrictEqual(looks[index], looks[index + 1]);
        if (isHeard)
          await until(
            () => isBegun(promise),
            () => `"${promise}" has not begun again`,
          );
        await settleNow(move);
      }
      await comesTo(index + 1);
    }
    return [...notedSoFar()];
  } finally {
    await engine.stop();
  }
}

/** Keys in one order: a row has them as they were written. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
