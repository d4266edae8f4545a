/** A plan as a trace: its spans are connected, an attempt names the previous one, and every engine gives the same ids. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { PlanTrace, TraceSpan } from '../../runtime/api/contract/traces.ts';
import { daemonGround } from '../support/daemon.ts';
import { begin, gate, planText, startDaemonHere, startEngine, untilStatus } from '../support/engine.ts';
import { until } from '../support/ground.ts';

function spansOf({ resourceSpans }: PlanTrace): TraceSpan[] {
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

function named(spans: readonly TraceSpan[], name: string): TraceSpan {
  const found = spans.filter((span) => span.name === name);
  expect(found, name).toHaveLength(1);
  return found[0] as TraceSpan; // the line above has counted it
}

function valueOfKey({ attributes }: TraceSpan, wanted: string): unknown {
  const found = attributes.find(({ key }) => key === wanted)?.value;
  return found === undefined ? null : Object.values(found)[0];
}

/** The parts of a span that are the same at every reading. */
function idOf({ traceId, spanId, parentSpanId, name, startTimeUnixNano: start }: TraceSpan): string {
  return JSON.stringify({ traceId, spanId, parentSpanId, name, start });
}

/** The names from the span up to the plan's span. */
function pathOf(spans: readonly TraceSpan[], span: TraceSpan): string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return [span.name, ...(parent === undefined ? [] : pathOf(spans, parent))];
}

/** One trace with one root. Each span is inside of the trace, and none ends before it starts. */
function expectWhole(spans: readonly TraceSpan[]): void {
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  expect(spans.filter(({ parentSpanId }) => parentSpanId === undefined)).toHaveLength(1);
  const ids = new Set(spans.map(({ spanId }) => spanId));
  expect(spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId))).toEqual([]);
  expect(spans.flatMap(({ links }) => links.filter(({ spanId }) => !ids.has(spanId)))).toEqual([]);
  expect(
    spans.filter(({ startTimeUnixNano, endTimeUnixNano }) => BigInt(startTimeUnixNano) > BigInt(endTimeUnixNano)),
  ).toEqual([]);
}

it('a repeated attempt is a span of its own, below its task, and names the attempt before it', async () => {
  const engine = await startEngine({
    agents: { default: { preset: 'sh', attempts: 2 }, reviewer: { enabled: false } },
  });
  const mark = join(engine.root, 'failed');
  await begin(
    engine,
    'twice',
    planText([`test -e '${mark}' || { touch '${mark}'; echo secret >&2; exit 3; }\necho a > a.txt`]),
  );
  await untilStatus(engine, 'twice', 'done');
  const trace = await engine.client.planTrace('demo', 'twice');
  const spans = spansOf(trace);
  expectWhole(spans);
  const [first, second] = [1, 2].map((attempt) => named(spans, `run twice-w1-t1 attempt ${attempt}`));
  if (first === undefined || second === undefined) throw new Error('there are two');
  expect(first.status).toEqual({ code: 2, message: 'exit-code' });
  expect(valueOfKey(first, 'stator.exit_code')).toBe('3');
  expect(first.links).toEqual([]);
  expect(second.status).toEqual({ code: 0 });
  expect(second.links).toEqual([{ traceId: first.traceId, spanId: first.spanId }]);
  expect(BigInt(second.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(first.endTimeUnixNano));
  const [, agent, task, wave, plan] = pathOf(spans, second);
  expect([agent, task, wave, plan]).toMatchInlineSnapshot(`
    [
      "agent",
      "task-1.1",
      "wave-1.2",
      "plan twice",
    ]
  `);
  expect(pathOf(spans, first).slice(1)).toEqual(pathOf(spans, second).slice(1));
  // The steps after its work are below the same task.
  for (const kind of ['work.commit', 'work.merge']) {
    const found = spans.filter(({ name }) => name === kind);
    expect(found.length, kind).toBeGreaterThan(0);
    for (const span of found) expect(pathOf(spans, span), kind).toContain(task);
  }
  const root = named(spans, 'plan twice');
  expect(valueOfKey(root, 'stator.status')).toBe('done');
  expect(root.status).toEqual({ code: 0 });
  // The trace contains no text of an agent.
  expect(JSON.stringify(trace)).not.toContain('secret');
  const known = new Set(spansOf(await engine.client.planTrace('demo', 'twice')).map(idOf));
  expect(spans.map(idOf).filter((id) => !known.has(id))).toEqual([]);
});

it('a plan whose engine is killed keeps its trace: what it had begun has the same ids afterwards', async () => {
  const made = daemonGround();
  expect((await made.stator(['daemon', 'start'])).code).toBe(0);
  expect((await made.stator(['repo', 'add', made.repo, '--trust'])).code).toBe(0);
  const [came, go] = [join(made.root, 'came'), join(made.root, 'go')];
  made.write('held.md', planText([`touch '${came}'\n${gate(go)}\necho a > a.txt`], ['echo b > b.txt']));
  expect((await made.stator(['plan', 'register', 'held.md'])).code).toBe(0);
  await made.client().send({ project: 'demo', plan: 'held', type: 'implement_start' });
  await until(() => existsSync(came));
  const trace = async () => spansOf(await made.client().planTrace('demo', 'held'));
  await until(async () => (await trace()).some(({ name }) => name === 'run held-w1-t1 attempt 1'));
  const before = await trace();
  expectWhole(before);
  process.kill(made.owner()?.pid ?? 0, 'SIGKILL');
  await startDaemonHere(made);
  writeFileSync(go, '');
  await until(async () => (await made.client().plan('demo', 'held')).status === 'done');
  const after = await trace();
  expectWhole(after);
  const known = new Set(after.map(idOf));
  expect(before.map(idOf).filter((id) => !known.has(id))).toEqual([]);
  expect(after.length).toBeGreaterThan(before.length);
  // The run was adopted, and did not begin again.
  expect(after.filter(({ name }) => name.startsWith('run held-w1-t1'))).toHaveLength(1);
});
