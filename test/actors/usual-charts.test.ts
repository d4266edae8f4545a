/** Everyday charts: they end in the same state in memory and as a tree that is stored and restored between every two events. */
import { expect, it } from 'vitest';
import { begunPromises, playDurably, playInMemory } from '../support/chart-play.ts';
import { type UsualChart, usualCharts } from '../support/usual-charts.ts';

it.each(Object.entries<UsualChart>(usualCharts))('%s', async (_name, { machine, input = {}, script }) => {
  const memory = await playInMemory(machine, input, script);
  const begun = [...begunPromises()];
  const happened = [...new Set(memory.looks.map((look) => JSON.stringify(look))), ...memory.noted, ...memory.emitted];
  expect(happened.length).toBeGreaterThan(1);
  const durable = await playDurably({ name: 'chart', machine, version: 1 }, input, script);
  expect(durable.looks).toEqual(memory.looks);
  expect(durable.noted).toEqual(memory.noted);
  expect(durable.emitted).toEqual(memory.emitted);
  expect(begunPromises()).toEqual(begun);
  // A replay of the past ends in the same state.
  const { trees, tree, inputs } = durable;
  const replayed = trees.replay(tree.address, inputs);
  expect(replayed === null ? null : trees.persist(replayed)).toEqual(trees.persist(tree));
});
