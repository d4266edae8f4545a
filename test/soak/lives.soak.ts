import { describe, it } from 'vitest';
import { randomOf, seedOf } from '../support/crash.ts';
import { playedLives } from '../support/lives.ts';
import { onStage, playKilled, strikesOf } from '../support/lives-play.ts';
import { expectAsTold } from '../support/lives-proof.ts';

/** So many times each life, each with other moments. */
const rounds = Number(process.env.STATOR_SOAK_LIVES ?? 20);

describe.concurrent('a plan lives to the same end, however often its engine is killed', () => {
  const seed = seedOf('lives');
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, life] of playedLives.entries()) {
      const random = randomOf(seed + round * playedLives.length + index);
      const strikes = strikesOf(life, random, 3 + (round % 6));
      it(`round ${round}, ${life.name}`, () =>
        onStage(life, async (stage) => {
          await playKilled(stage, life, strikes);
          await expectAsTold(stage, life);
        }));
    }
  }
});
