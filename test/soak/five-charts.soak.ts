import { expect, it } from 'vitest';
import { playFiveCharts } from '../support/five-charts.ts';
import { isShort } from './length.ts';

const kills = isShort ? 40 : 200;

it(`five charts get where they would have got, though their engine is killed ${kills} times`, async () => {
  const seed = Number(process.env.STATOR_CRASH_SEED ?? Date.now() % 1_000_000);
  console.log(`five charts: STATOR_CRASH_SEED=${seed}`);
  await playFiveCharts({ kills, seed });
  expect.hasAssertions();
}, 1_200_000);
