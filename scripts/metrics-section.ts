/** The metrics, as docs/operating.md lists them. */
import { metrics } from '../runtime/api/contract/metrics.ts';
import { code, markdownTable } from './markdown.ts';

export function metricsTable(): string {
  return markdownTable(
    ['metric', 'kind', 'labels', 'what it is'],
    Object.entries(metrics).map(([name, { type, labels, help }]) => [
      code(name),
      type,
      labels.map(code).join(', '),
      help,
    ]),
  );
}
