/** The machines' layouts in `charts/`, and the pictures of them in `docs/pictures/`. */
import type { Chart } from '../runtime/base/charts/chart.ts';
import { layoutOf } from '../runtime/base/charts/layout.ts';
import { machines } from '../runtime/base/charts/machines.ts';
import { renderChart } from '../runtime/base/charts/render.ts';
import { chartNames } from '../runtime/base/charts/stored.ts';
import { planOverview } from './chart-overview.ts';

/** The text of each file, by its path from the root of the repository. */
export async function chartFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of chartNames) {
    const chart = await layoutOf(machines[name]);
    files.set(`charts/${name}.json`, chartText(chart));
    for (const theme of ['light', 'dark'] as const)
      files.set(`docs/pictures/${name}-${theme}.svg`, renderChart(chart, { theme }));
  }
  const overview = await layoutOf(planOverview());
  const lit = new Set(['underway', 'underway.implementing']);
  for (const theme of ['light', 'dark'] as const)
    files.set(`docs/pictures/overview-${theme}.svg`, renderChart(overview, { theme, lit }));
  return files;
}

/** One line for each state and each edge, so that a change of a machine is a small change here. */
function chartText(chart: Chart): string {
  const parts = Object.entries(chart).map(([key, value]) => {
    if (!Array.isArray(value)) return `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
    const lines = value.map((item) => `\n${JSON.stringify(item)}`);
    return `${JSON.stringify(key)}: [${lines.join(',')}\n]`;
  });
  return `{\n${parts.join(',\n')}\n}\n`;
}
