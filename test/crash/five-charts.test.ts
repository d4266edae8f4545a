import { expect, it } from 'vitest';
import { playFiveCharts } from '../support/five-charts.ts';

// Eight processes, one after the other.
it('five charts get where they would have got, though their engine is killed eight times', async () => {
  await playFiveCharts({ kills: 8, seed: 5 });
  expect.hasAssertions();
});
