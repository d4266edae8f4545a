/** Reads the text format of Prometheus, strictly: an unknown metric, a label too many or a value that is no number is an error. */
import { expect } from 'vitest';
import { metrics } from '../../runtime/api/contract/metrics.ts';

export interface FoundSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const line = /^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
const label = /([a-z]+)="((?:[^"\\]|\\.)*)"/g;

export function samplesOf(text: string): FoundSample[] {
  expect(text.endsWith('\n')).toBe(true);
  let type = '';
  return text
    .trimEnd()
    .split('\n')
    .flatMap((each): FoundSample[] => {
      if (each.startsWith('# TYPE ')) [, , type = ''] = each.split(' ');
      if (each.startsWith('#')) return [];
      const [, name = '', pairs = '', value = ''] = line.exec(each) ?? [];
      expect(name, each).toBe(type);
      const labels = Object.fromEntries(
        [...pairs.matchAll(label)].map(([, key = '', quoted = '']) => [key, unescaped(quoted)]),
      );
      const known: Readonly<Record<string, { readonly labels: readonly string[] }>> = metrics;
      expect(Object.keys(labels).sort(), each).toEqual([...(known[name]?.labels ?? ['(no such metric)'])].sort());
      return [{ name, labels, value: Number(value) }];
    });
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one));
}

/** undefined: no such sample. */
export function sampleOf(
  samples: readonly FoundSample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  return samples.find(
    (each) => each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
  )?.value;
}

export function sum(samples: readonly FoundSample[], name: string): number {
  return samples.filter((each) => each.name === name).reduce((all, { value }) => all + value, 0);
}
