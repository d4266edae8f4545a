/** The charts in the package, with the positions that were computed before it was built. */
import { readFileSync } from 'node:fs';
import { inPackage } from '../platform/package-files.ts';
import type { Chart } from './chart.ts';

export const chartNames = ['supervisor', 'repo', 'landing', 'plan', 'wave', 'task', 'agent'] as const;
export type ChartName = (typeof chartNames)[number];

export function storedChart(name: ChartName): Chart {
  return JSON.parse(readFileSync(inPackage('charts', `${name}.json`), 'utf8')) as Chart; // our own package
}
