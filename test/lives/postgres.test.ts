/**
 * Complete lives of plans with a store in PostgreSQL, some of them chosen by a seed. The results are read from a copy of the store in SQLite, so the
 * copy is tested too.
 */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { transferStore } from '../../runtime/engine/store-transfer.ts';
import { startPostgres } from '../../scripts/postgres.ts';
import { seedOf } from '../support/crash.ts';
import { drawn } from '../support/drawn.ts';
import { lives, playedLives } from '../support/lives.ts';
import { type EmptyDatabase, onStage, playHere, playKilled, type Stage, strikesOf } from '../support/lives-play.ts';
import { expectAsScripted } from '../support/lives-proof.ts';
import type { Life } from '../support/lives-words.ts';
import { randomOf } from '../support/random.ts';

const [count, killedCount, kills] = [1, 1, 4];
const server = await startPostgres();
afterAll(() => server.stop());
let databases = 0;

async function emptyDatabase(): Promise<EmptyDatabase> {
  databases += 1;
  const name = `life${databases}`;
  await server.createDatabase(name);
  return { url: server.urlOf(name), query: (text) => server.query(name, text) };
}

async function inPostgres(life: Life, play: (stage: Stage) => Promise<void>): Promise<void> {
  const played = async (stage: Stage) => {
    await play(stage);
    const { verified } = await transferStore(stage.env, join(stage.home, 'taskstore.db'));
    expect(verified).toMatchObject({ ok: true, differs: [] });
    await expectAsScripted(stage, life);
  };
  await onStage(life, played, await emptyDatabase());
}

describe.concurrent('a plan lives to its end in PostgreSQL', () => {
  const random = randomOf(seedOf('lives in PostgreSQL'));
  for (const life of drawn(lives, count, random))
    it(`with ${life.name}`, () => inPostgres(life, (stage) => playHere(stage, life)));
  for (const life of drawn(playedLives, killedCount, random)) {
    const strikes = strikesOf(life, random, kills);
    it(`with ${life.name}, its engine killed on the way`, () =>
      inPostgres(life, async (stage) => {
        expect(await playKilled(stage, life, strikes)).toBeGreaterThanOrEqual(1);
      }));
  }
});
