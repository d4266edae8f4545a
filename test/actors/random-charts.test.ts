/** Random charts, with ends of the process at random: they end in the same state as XState in memory. */
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { begunPromises, type Played, playDurably, playInMemory } from '../support/chart-play.ts';
import { runsOf } from '../support/drawn.ts';
import { chartOf, clockStepMs, drawnCharts, scripts } from '../support/random-charts.ts';

/** The result of a run of a chart. A chart that fails in memory fails its step as a tree. */
async function cameTo(play: Promise<Played>): Promise<object> {
  try {
    const { looks, noted, emitted } = await play;
    const failed = looks.find(({ status }) => status === 'error');
    if (failed !== undefined) return { error: failed.error };
    return { looks, noted, emitted, begun: [...begunPromises()] };
  } catch (thrown) {
    return { error: (thrown as Error).message };
  }
}

it('drawn charts, killed at random', async () => {
  // Of delayed events that come too late, in memory XState warns.
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const restores = fc.array(fc.boolean(), { minLength: 14, maxLength: 14 });
  await fc.assert(
    fc.asyncProperty(drawnCharts, scripts, restores, async (chart, script, at) => {
      const machine = chartOf(chart);
      const memory = await cameTo(playInMemory(machine, {}, script, clockStepMs));
      const definition = { name: 'chart', machine, version: 1 };
      const durable = await cameTo(playDurably(definition, {}, script, (move) => at[move] ?? true));
      expect(durable).toEqual(memory);
    }),
    { numRuns: runsOf(2_000, 100) },
  );
});
