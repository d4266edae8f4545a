/**
 * Some lives, chosen by a seed, with an engine that is killed on the way: the plan ends as it would have without kills. The soak plays all of them.
 */
import { describe, expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { drawn } from '../support/drawn.ts';
import { playedLives } from '../support/lives.ts';
import { onStage, playKilled, strikesOf } from '../support/lives-play.ts';
import { expectAsScripted } from '../support/lives-proof.ts';
import { randomOf } from '../support/random.ts';

const kills = 4;
const count = 1;

describe.concurrent('a plan lives to the same end, its engine killed on the way', () => {
  const random = randomOf(seedOf('killed lives'));
  for (const life of drawn(playedLives, count, random)) {
    const strikes = strikesOf(life, random, kills);
    it(`with ${life.name}`, () =>
      onStage(life, async (stage) => {
        // A kill after the end has no effect.
        expect(await playKilled(stage, life, strikes)).toBeGreaterThanOrEqual(1);
        await expectAsScripted(stage, life);
      }));
  }
});
