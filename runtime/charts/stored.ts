/** The charts that the package brings, laid out before it was built. */
import { existsSync, readFileSync } from 'node:fs';
import type { Chart } from './chart.ts';

export const chartNames = ['supervisor', 'repo', 'plan', 'wave', 'task', 'agent'] as const;
export type ChartName = (typeof chartNames)[number];

/** Its folder stands two above the sources, and three above what was built of them. */
export function storedChart(name: ChartName): Chart {
  const above = new URL(`../../charts/${name}.json`, import.meta.url);
  const file = existsSync(above) ? above : new URL(`../../../charts/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Chart; // our own package
}
