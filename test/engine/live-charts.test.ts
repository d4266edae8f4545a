/** Workflows and everyday charts, each in an engine that ends between every two events: they come to what XState comes to in memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { type Move, playInMemory } from '../support/chart-play.ts';
import { playLive } from '../support/live-play.ts';
import { type UsualChart, usualCharts } from '../support/usual-charts.ts';
import { workflows } from '../support/workflow-charts.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-live-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const charts = { ...workflows, ...usualCharts } as Readonly<Record<string, UsualChart>>;

/** A schema for each event of a script. */
function signalsOf(script: readonly Move[]) {
  const types = script.flatMap((move) => ('send' in move ? [move.send.type] : []));
  return Object.fromEntries(types.map((type) => [type, z.looseObject({})]));
}

it.each(Object.entries(charts))('%s', async (name, { machine, input = {}, script }) => {
  const { looks, noted, notedAfter } = await playInMemory(machine, input, script);
  const definition = { name: 'chart', machine, version: 1, signals: signalsOf(script) };
  const place = join(folder, name.replaceAll(/\W/g, '-'));
  expect(await playLive(place, { definition, input, script, looks, notedAfter })).toEqual(noted);
});
