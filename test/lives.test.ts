/** Whole lives of plans, from an idea to done, played by agents that keep to a script: everything that goes wrong in them goes wrong once. */
import { describe, it } from 'vitest';
import { lives } from './support/lives.ts';
import { onStage, playHere } from './support/lives-play.ts';
import { expectAsTold } from './support/lives-proof.ts';

describe.concurrent('a plan lives to its end', () => {
  for (const life of lives) {
    it(`with ${life.name}`, { timeout: 180_000 }, () =>
      onStage(life, async (stage) => {
        await playHere(stage, life);
        await expectAsTold(stage, life);
      }),
    );
  }
});
