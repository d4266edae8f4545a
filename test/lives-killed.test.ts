/** The same lives, with an engine that is killed on the way: what becomes of the plan is what would have become of it. */
import { describe, expect, it } from 'vitest';
import { randomOf, seedOf } from './support/crash.ts';
import { playedLives } from './support/lives.ts';
import { onStage, playKilled, strikesOf } from './support/lives-play.ts';
import { expectAsTold } from './support/lives-proof.ts';

const kills = 4;

describe.concurrent('a plan lives to the same end, its engine killed on the way', () => {
  const seed = seedOf('lives');
  for (const [index, life] of playedLives.entries()) {
    const strikes = strikesOf(life, randomOf(seed + index), kills);
    it(`with ${life.name}`, { timeout: 240_000 }, () =>
      onStage(life, async (stage) => {
        // A strike that comes after the end strikes nobody.
        expect(await playKilled(stage, life, strikes)).toBeGreaterThanOrEqual(1);
        await expectAsTold(stage, life);
      }),
    );
  }
});
