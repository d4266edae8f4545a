/**
 * A program that has its own OpenTelemetry SDK, and an engine. Its argument is JSON: `{home, repo, plan}`; with `plan`, its document is registered as `traced` and
 * begun. Prints `up`, and the spans as a line of JSON when the SDK has them; stops when its input ends.
 */
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { createEngine } from '../../../dist/bin/engine.js';

const { home, repo, plan } = JSON.parse(process.argv[2]);
const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));

const agents = { default: { preset: 'sh', attempts: 2 } };
const engine = await createEngine({ home, repos: [repo], agents, env: process.env, waitForHomeMs: 20_000 });
if (plan !== undefined) {
  await engine.client.registerPlan({ project: 'demo', plan: 'traced', content: plan });
  await engine.send({ project: 'demo', plan: 'traced', type: 'implement_start' });
}
process.stdout.write('up\n');
const looking = setInterval(() => {
  const spans = exporter.getFinishedSpans().map((span) => ({
    name: span.name,
    trace: span.spanContext().traceId,
    id: span.spanContext().spanId,
    parent: span.parentSpanContext?.spanId ?? null,
    links: span.links.map(({ context }) => context.spanId),
    failed: span.status.code === 2,
    ms: (span.endTime[0] - span.startTime[0]) * 1_000 + (span.endTime[1] - span.startTime[1]) / 1e6,
    attributes: span.attributes,
  }));
  if (spans.length === 0) return;
  clearInterval(looking);
  process.stdout.write(`${JSON.stringify(spans)}\n`);
}, 20);
process.stdin.on('end', () => void engine.stop().then(() => process.exit()));
process.stdin.resume();
