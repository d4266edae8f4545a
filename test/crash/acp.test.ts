/** A short round of `test/soak/acp.soak.ts`. */
import { it } from 'vitest';
import { killedThroughPlan } from '../support/acp-killed.ts';
import { seedOf } from '../support/crash.ts';
import { randomOf } from '../support/random.ts';
import { noWallsHere } from '../support/walls.ts';

// Each piece is an agent, a judge of them and a fixer, in engines that start four times.
it('an agent of the Agent Client Protocol that misbehaves works through its plan while engines are killed', async () => {
  const random = randomOf(seedOf('acp'));
  const sandbox = noWallsHere === null && random() < 0.5 ? 'bwrap' : 'off';
  await killedThroughPlan({ kills: 4, wrong: 3, right: 1, sandbox, random });
});
