import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { playFiveCharts } from '../support/five-charts.ts';
import { isShort } from './length.ts';

const kills = isShort ? 40 : 200;

it(`five charts get where they would have got, though their engine is killed ${kills} times`, async () => {
  await playFiveCharts({ kills, seed: seedOf('five charts') });
  expect.hasAssertions();
}, 1_200_000);
