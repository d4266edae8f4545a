/** The charts in the package, with the positions that were computed before it was built. */
import { readInPackage } from '../platform/package-files.ts';
import type { Chart } from './chart.ts';

export const chartNames = ['supervisor', 'repo', 'landing', 'plan', 'wave', 'task', 'agent'] as const;
export type ChartName = (typeof chartNames)[number];

/** Throws `unreachable` while stator is installed anew. */
export function storedChart(name: ChartName): Chart {
  return JSON.parse(readInPackage('charts', `${name}.json`)) as Chart; // our own package
}
