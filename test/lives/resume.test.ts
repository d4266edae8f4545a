/** What a person finds after the engine was stopped while its agents continued. */
import { describe, expect, it } from 'vitest';
import { until } from '../support/ground.ts';
import { lives } from '../support/lives.ts';
import { begin, onStage, startHere } from '../support/lives-play.ts';
import { entriesOf } from '../support/lives-proof.ts';

const [small] = lives.filter(({ name }) => name === 'a small plan that one coder does');

describe('a limit that a coder met while no engine ran', () => {
  it('and that is over when an engine runs again, no longer delays the coder', async () => {
    if (small === undefined) throw new Error('there is no small plan');
    const script = { 'paint-coder': [[{ wait: 'gate' }, { limited: 1_500 }], [{ write: { 'walls.txt': 'white' } }]] };
    const daemon = '[agents.default]\npreset = "gemini"\n[agents.reviewer]\nenabled = false\n';
    await onStage({ ...small, daemon, script }, async (stage) => {
      const first = await startHere(stage);
      await begin((use) => use(first.client), small);
      await until(() => entriesOf(stage).length > 0);
      await first.stop({ agents: 'leave' });
      stage.open('gate');
      await until(() => entriesOf(stage).some(({ word }) => word === 'end'));
      const overAtMs = Date.now() + 2_000;
      await until(() => Date.now() > overAtMs);
      const second = await startHere(stage);
      try {
        await until(
          async () => (await second.client.plan('demo', 'paint')).status === 'done',
          async () => JSON.stringify((await second.client.explain('demo', 'paint')).waiting_for),
        );
        expect(entriesOf(stage).filter(({ word }) => word === 'start')).toHaveLength(2);
      } finally {
        await second.stop({ agents: 'stop' });
      }
    });
  });
});
