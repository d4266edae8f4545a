/** Workflows and everyday charts, each in an engine that ends between every two events, in files and on PostgreSQL: they come to what XState comes to in memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { type OwnPostgres, startPostgres } from '../../scripts/postgres.ts';
import { type Move, playInMemory, sentBy } from '../support/chart-play.ts';
import { inFiles, inPostgres, type LivePlace, playLive } from '../support/live-play.ts';
import { type UsualChart, usualCharts } from '../support/usual-charts.ts';
import { workflows } from '../support/workflow-charts.ts';

let folder = '';
let server: OwnPostgres;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stator-live-'));
  server = await startPostgres();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server?.stop();
});

const charts = { ...workflows, ...usualCharts } as Readonly<Record<string, UsualChart>>;

/** One or two for each feature. `test/actors` has all charts, as trees that are stored and restored: what carries them out is the same here, and what holds them is not. */
const played = [
  'saga with compensation',
  'approval that escalates',
  'workers that are spawned',
  'everything that can be enqueued, after a check',
  'errors that the context keeps, and that are errors still',
  'delayed events for a parent and for a sibling',
  'parallel flows',
  'delays in parallel regions, some of them left',
  'onSnapshot of an invoked machine and of transition logic',
  'two promises of one name, and one that is begun anew',
  'history with a default, of a parallel state, deep',
  'refs to actors whose ids others have by now',
  'delays that are cancelled by a name from the context, and begun again under it',
  'time limits for promises, by the chart',
  'events and inputs with fields that the engine also has words for',
] satisfies (keyof typeof workflows | keyof typeof usualCharts)[];
/** The first of them: each end of an engine there has a database renamed. */
const onPostgres = played.slice(0, 6);

/** A schema for each event of a script. */
function signalsOf(script: readonly Move[]) {
  const types = script.flatMap((move) => sentBy(move)?.type ?? []);
  return Object.fromEntries(types.map((type) => [type, z.looseObject({})]));
}

async function expectSame({ machine, input = {}, script }: UsualChart, place: LivePlace): Promise<void> {
  const { looks, noted, notedAfter } = await playInMemory(machine, input, script);
  const definition = { name: 'chart', machine, version: 1, signals: signalsOf(script) };
  expect(await playLive(place, { definition, input, script, looks, notedAfter })).toEqual(noted);
}

function chartOf(name: string): UsualChart {
  const chart = charts[name];
  if (chart === undefined) throw new Error(`there is no chart "${name}"`);
  return chart;
}

it.each(played)('in files: %s', async (name) => {
  await expectSame(chartOf(name), inFiles(join(folder, name.replaceAll(/\W/g, '-'))));
});

it.each(onPostgres.map((name, index) => [name, index] as const))('on PostgreSQL: %s', async (name, index) => {
  await expectSame(chartOf(name), await inPostgres(server, `live_${index}`));
});
