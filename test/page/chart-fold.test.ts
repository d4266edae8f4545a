/** The charts of this package, with states folded. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { foldable, foldChart, leaving } from '../../page/chart-fold.ts';
import type { Box, Chart } from '../../runtime/base/charts/chart.ts';

const chart = JSON.parse(readFileSync(join(import.meta.dirname, '../../charts/plan.json'), 'utf8')) as Chart; // as the build writes it
const regions = chart.states.filter(({ id }) => !id.includes('.')).map(({ id }) => id);

/** For each leaf of the lifecycle as the active one, what is folded, and the chart then. */
const all = chart.states
  .filter(({ id, kind }) => id.startsWith('lifecycle.') && kind === 'atomic')
  .map(({ id }) => {
    const around = id.split('.').map((_, index, keys) => keys.slice(0, index + 1).join('.'));
    const folded = new Set(foldable(chart, new Set([...regions, ...around])).map((state) => state.id));
    return { id, folded, shown: foldChart(chart, folded) };
  });

const isApart = (a: Box, b: Box) => a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;

it('what is active and what is around it is never folded, and what is folded shows nothing inside', () => {
  for (const { id, folded, shown } of all) {
    const ids = shown.states.map((state) => state.id);
    expect(ids).toContain(id);
    for (const outer of folded) expect(ids.filter((inner) => inner.startsWith(`${outer}.`))).toEqual([]);
    expect(shown.height).toBeLessThan(chart.height);
  }
});

it('what is shown keeps its size, and covers nothing that it did not cover before', () => {
  const sizes = new Map(chart.states.map(({ id, w, h }) => [id, { w, h }]));
  for (const { folded, shown } of all) {
    const leaves = shown.states.filter(({ id }) => !shown.states.some((other) => other.id.startsWith(`${id}.`)));
    for (const { id, w, h } of leaves) if (!folded.has(id)) expect({ w, h }).toEqual(sizes.get(id));
    for (const one of leaves)
      for (const other of leaves) if (one !== other) expect(isApart(one, other), `${one.id}, ${other.id}`).toBe(true);
  }
});

it('each arrow and its words are those of the whole chart', () => {
  for (const { shown } of all)
    for (const { id, label, route } of shown.edges) {
      const whole = chart.edges.find((edge) => edge.id === id);
      const [to, before] = [route === null ? null : shown.routes[route], chart.routes[whole?.route ?? -1]];
      if (to != null) expect([to.source, to.target]).toEqual([before?.source, before?.target]);
      if (label >= 0) expect(shown.labels[label]?.w).toBe(chart.labels[whole?.label ?? -1]?.w);
    }
});

it('what leads out of a folded state is known, with the guard, and nothing of what stays inside', () => {
  const words = leaving(chart, new Set(['lifecycle.ready', 'lifecycle.underway', 'lifecycle.underway.implementing']));
  expect([...words.keys()]).toEqual(['lifecycle.ready', 'lifecycle.underway']);
  expect(words.get('lifecycle.ready')).toContain('implement_start [hasOpenTask] → implementing');
  expect(words.get('lifecycle.ready')?.filter((line) => /→ (?:planned|draft)$/.test(line))).toEqual([]);
});

it('with nothing folded it is the same chart', () => {
  expect(foldChart(chart, new Set())).toBe(chart);
});
