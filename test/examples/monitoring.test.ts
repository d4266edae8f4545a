/** What examples/monitoring/ asks Prometheus for is what an engine gives, and every alert has its reason and its line in docs/operating.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { metrics } from '../../runtime/api/contract/metrics.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** Words of PromQL in the expressions, and what Prometheus itself adds to each sample. */
const words = new Set(['sum', 'max', 'by', 'on', 'and', 'increase', 'rate', 'time', 'label_values']);
const ofPrometheus = ['instance', 'job'];
const known: Readonly<Record<string, { readonly labels: readonly string[] }>> = { ...metrics, up: { labels: [] } };

/** Metrics and labels of an expression that no engine gives; `used` collects the metrics. */
function unknownIn(expr: string, used: Set<string>): string[] {
  const labels = new Set(ofPrometheus);
  const named: string[] = [];
  const bare = expr
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\[\w+\]/g, '')
    .replaceAll(/\{([^}]*)\}/g, (_, matchers: string) => {
      named.push(...[...matchers.matchAll(/(\w+)\s*(?:=~|!=|!~|=)/g)].map(([, label = '']) => label));
      return '';
    })
    .replaceAll(/\b(?:by|on) \(([^)]*)\)/g, (_, list: string) => {
      named.push(...list.split(',').map((label) => label.trim()));
      return '';
    })
    .replaceAll(/label_values\((\w+), (\w+)\)/g, (_, metric: string, label: string) => {
      named.push(label);
      return metric;
    });
  const found = [...bare.matchAll(/[a-z_]\w*/g)].map(([word]) => word).filter((word) => !words.has(word));
  for (const metric of found) {
    used.add(metric);
    for (const label of known[metric]?.labels ?? []) labels.add(label);
  }
  const unknown = found.filter((metric) => known[metric] === undefined);
  return [...unknown, ...named.filter((label) => !labels.has(label))].map((what) => `${what} in ${expr}`);
}

const rule = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(['page', 'ticket']) }),
  annotations: z.strictObject({ summary: z.string(), runbook: z.string() }),
});
const alerts = z
  .strictObject({ groups: z.tuple([z.strictObject({ name: z.string(), rules: z.array(rule).min(1) })]) })
  .parse(load(read('examples/monitoring/alerts.yml'))).groups[0].rules;

const dashboard = z
  .object({
    templating: z.object({ list: z.array(z.object({ name: z.string(), definition: z.string().optional() })) }),
    panels: z.array(
      z.object({
        id: z.number(),
        title: z.string(),
        gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
        targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).min(1),
      }),
    ),
  })
  .parse(JSON.parse(read('examples/monitoring/dashboard.json')));
const expressions = dashboard.panels.flatMap(({ targets }) => targets);

describe('the check of expressions', () => {
  it('finds a metric and a label that no engine gives', () => {
    const used = new Set<string>();
    expect(unknownIn('sum by (plan) (rate(stator_runs_total{role="coder"}[5m])) > stator_runs', used)).toEqual(
      ['stator_runs', 'role', 'plan'].map((what) => expect.stringMatching(new RegExp(`^${what} in`))),
    );
    expect(unknownIn('sum by (project) (rate(stator_runs_total{reason!=""}[5m])) > 2', used)).toEqual([]);
  });
});

describe('the dashboard', () => {
  it('asks for metrics and labels that exist, and shows each of them', () => {
    const used = new Set<string>();
    const variables = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);
    const asked = [...expressions.map(({ expr }) => expr), ...variables];
    expect(asked.flatMap((expr) => unknownIn(expr, used))).toEqual([]);
    expect(Object.keys(metrics).filter((name) => !used.has(name))).toEqual([]);
  });

  it('uses no variable and no label in a legend that it does not have', () => {
    const names = new Set(dashboard.templating.list.map(({ name }) => name));
    const variables = expressions.flatMap(({ expr }) => [...expr.matchAll(/\$(\w+)/g)].map(([, name = '']) => name));
    expect(variables.filter((name) => !names.has(name))).toEqual([]);
    const wrong = expressions.flatMap(({ expr, legendFormat }) => {
      const metric = Object.keys(metrics).find((name) => new RegExp(`\\b${name}\\b`).test(expr)) ?? '';
      const labels: readonly string[] = [...ofPrometheus, ...(known[metric]?.labels ?? [])];
      return [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].flatMap(([, label = '']) =>
        labels.includes(label) ? [] : [expr],
      );
    });
    expect(wrong).toEqual([]);
  });

  it('has each panel once, in a place of its own', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  });
});

describe('the alerts', () => {
  it('ask for metrics and labels that exist', () => {
    expect(alerts.flatMap(({ expr }) => unknownIn(expr, new Set()))).toEqual([]);
    const told = alerts.flatMap(({ expr, annotations: { summary } }) =>
      [...summary.matchAll(/\$labels\.(\w+)/g)].flatMap(([, label = '']) => {
        const metric = Object.keys(metrics).find((name) => new RegExp(`\\b${name}\\b`).test(expr)) ?? 'up';
        return [...ofPrometheus, ...(known[metric]?.labels ?? [])].includes(label) ? [] : [summary];
      }),
    );
    expect(told).toEqual([]);
  });

  it('each have a reason, and a line that says what to do', () => {
    const text = read('examples/monitoring/alerts.yml');
    const manual = read('docs/operating.md');
    for (const { alert, annotations } of alerts) {
      expect(text, alert).toMatch(new RegExp(`^ {6}# .{20,}\\n {6}- alert: ${alert}$`, 'm'));
      expect(annotations.runbook, alert).toBe(`docs/operating.md#${alert.toLowerCase()}`);
      expect(manual, alert).toMatch(new RegExp(`^### ${alert}\\n\\n.*\`stator `, 'm'));
    }
    const described = [...manual.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
    expect(described).toEqual(alerts.map(({ alert }) => alert));
  });
});
