/** Workflows that people wrote for XState, unchanged: they end in the same state if the process ends between every two events. */
import { expect, it } from 'vitest';
import { begunPromises, playDurably, playInMemory } from '../support/chart-play.ts';
import { type Workflow, workflows } from '../support/workflow-charts.ts';

it.each(Object.entries<Workflow>(workflows))('%s', async (_name, { machine, input = {}, script, end }) => {
  const memory = await playInMemory(machine, input, script);
  const begun = [...begunPromises()];
  expect(memory.looks.at(-1)).toMatchObject(end);
  for (const restores of [true, false]) {
    const durable = await playDurably({ name: 'chart', machine, version: 1 }, input, script, () => restores);
    expect(durable.looks).toEqual(memory.looks);
    expect(durable.noted).toEqual(memory.noted);
    expect(durable.emitted).toEqual(memory.emitted);
    expect(begunPromises()).toEqual(begun);
  }
});
