/** A simulation's timeline as an SVG picture: one bar for each agent, and a line at each question to a person. */
import { duration } from '../../machines/vocabulary/time-text.ts';
import type { Simulation } from '../../runtime/engine/simulate.ts';

const rowHeight = 22;
const barHeight = 14;
const nameWidth = 130;
const barsWidth = 720;
const endWidth = 190;
const headHeight = 34;
const ticks = 6;

export function simulationSvg({ plan, status, duration_ms: whole, order, asks }: Simulation): string {
  const height = headHeight + rowHeight * order.length + 12;
  const width = nameWidth + barsWidth + endWidth;
  const xOf = (ms: number) => Math.round(nameWidth + (ms / Math.max(1, whole)) * barsWidth);
  const marks = Array.from({ length: ticks }, (_, index) => Math.round((whole * index) / (ticks - 1)));
  const parts = [
    ...marks.map(
      (ms) =>
        `<line class="tick" x1="${xOf(ms)}" y1="24" x2="${xOf(ms)}" y2="${height - 8}"/><text class="dim" x="${xOf(ms)}" y="18" text-anchor="middle">${duration(ms)}</text>`,
    ),
    ...order.map(({ task, start_ms: start, end_ms: end, attempts, outcome }, index) => {
      const y = headHeight + index * rowHeight;
      const isBad = outcome === 'failed' || outcome === 'stopped';
      const tries = attempts > 1 ? `, ${attempts} attempts` : '';
      return `<text x="${nameWidth - 10}" y="${y + 12}" text-anchor="end">${escaped(task)}</text><rect class="${isBad ? 'bad' : 'good'}" x="${xOf(start)}" y="${y}" width="${Math.max(2, xOf(end) - xOf(start))}" height="${barHeight}" rx="3"/><text class="dim" x="${nameWidth + barsWidth + 10}" y="${y + 12}">${escaped(`${duration(end - start)} ${outcome.replaceAll('_', ' ')}${tries}`)}</text>`;
    }),
    ...asks.map(
      ({ at_ms: at, detail }) =>
        `<line class="ask" x1="${xOf(at)}" y1="24" x2="${xOf(at)}" y2="${height - 8}"><title>${escaped(detail)}</title></line>`,
    ),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(`${plan}: ${status} after ${duration(whole)}`)}">
<style>text{font:12px system-ui,sans-serif;fill:#222}.dim{fill:#666}.tick{stroke:#ddd}.ask{stroke:#b45309;stroke-dasharray:4 3;stroke-width:2}.good{fill:#2f855a}.bad{fill:#c53030}@media (prefers-color-scheme:dark){text{fill:#eee}.dim{fill:#aaa}.tick{stroke:#444}}</style>
${parts.join('\n')}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
