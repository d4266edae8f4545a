/** A line of the log that is about a plan names the trace of that plan, in each engine that works on it. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createLog } from '../../runtime/base/platform/log.ts';
import { begin, ground, planText, startEngine, untilPlan, untilStatus } from '../support/engine.ts';

it('the lines of two engines and the spans of the plan have the same trace, and the line of a run its span', async () => {
  const on = ground();
  const envFile = join(on.root, 'agent.env');
  writeFileSync(envFile, 'A=b\n');
  chmodSync(envFile, 0o644); // each start of an agent warns of this
  const lines: string[] = [];
  const log = createLog((line) => void lines.push(line), 'info');
  const go = join(on.root, 'go');
  const program = `sh -c 'until [ -e "${go}" ]; do sleep 0.05; done; echo x > made'`;
  const agents = { coder: { preset: 'command', program, env_file: envFile }, reviewer: { enabled: false } } as const;
  const first = await startEngine({ on, agents, log });
  await begin(first, 'p', planText([{ sh: null }]));
  await untilPlan(first, 'p', ({ run_list: runs }) => runs.some(({ state }) => state === 'running'));
  await first.engine.stop({ agents: 'stop' });
  const before = lines.length;
  writeFileSync(go, '');
  const second = await startEngine({ on, adds: false, agents, log });
  await untilStatus(second, 'p', 'done');
  const { resourceSpans } = await second.client.planTrace('demo', 'p');
  const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  const [trace] = [...new Set(spans.map(({ traceId }) => traceId))];
  const named = (some: readonly string[]) =>
    some.flatMap((line) => /\[trace_id=(\w+) span_id=(\w+)\] .*can be read by/.exec(line)?.slice(1, 3) ?? []);
  for (const part of [lines.slice(0, before), lines.slice(before)]) {
    const [traceId, spanId] = named(part);
    expect(traceId).toBe(trace);
    expect(spans.find((span) => span.spanId === spanId)?.name).toMatch(/^run p-w1-t1 attempt \d$/);
  }
  // What is about no plan names none.
  expect(lines.filter((line) => line.includes(' owns ')).every((line) => !line.includes('trace_id'))).toBe(true);
});
