import { describe, expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { lives, playedLives } from '../support/lives.ts';
import { onStage, playHere, playKilled, strikesOf } from '../support/lives-play.ts';
import { expectAsScripted } from '../support/lives-proof.ts';
import { randomOf } from '../support/random.ts';
import { isShort } from './length.ts';

/** How often each life is played, each time with kills at other times. */
const rounds = Number(process.env.STATOR_SOAK_LIVES ?? (isShort ? 1 : 20));

describe.concurrent('a plan lives to its end', () => {
  for (const life of lives)
    it(`with ${life.name}`, () =>
      onStage(life, async (stage) => {
        await playHere(stage, life);
        await expectAsScripted(stage, life);
      }));
});

describe.concurrent('a plan lives to the same end, however often its engine is killed', () => {
  const seed = seedOf('lives');
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, life] of playedLives.entries()) {
      const random = randomOf(seed + round * playedLives.length + index);
      const strikes = strikesOf(life, random, 3 + (round % 6));
      it(`round ${round}, ${life.name}`, () =>
        onStage(life, async (stage) => {
          // A kill after the end has no effect.
          expect(await playKilled(stage, life, strikes)).toBeGreaterThanOrEqual(1);
          await expectAsScripted(stage, life);
        }));
    }
  }
});
