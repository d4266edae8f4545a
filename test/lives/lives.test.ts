/**
 * Complete lives of plans, from an idea to done, with scripted agents: each failure happens once. Some are chosen by a seed; the soak plays all of
 * them.
 */
import { describe, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { drawn } from '../support/drawn.ts';
import { lives } from '../support/lives.ts';
import { onStage, playHere } from '../support/lives-play.ts';
import { expectAsScripted } from '../support/lives-proof.ts';
import { randomOf } from '../support/random.ts';

const count = 2;

describe.concurrent('a plan lives to its end', () => {
  for (const life of drawn(lives, count, randomOf(seedOf('lives')))) {
    it(`with ${life.name}`, () =>
      onStage(life, async (stage) => {
        await playHere(stage, life);
        await expectAsScripted(stage, life);
      }));
  }
});
