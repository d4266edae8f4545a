/**
 * Traces for a program whose OpenTelemetry SDK is registered in this process: each plan that is done or cancelled becomes spans, with their own times. It is a
 * hook, so it is at least once over restarts. Without such an SDK nothing is loaded.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { isOver } from '../../machines/vocabulary/plan-status.ts';
import type { PlanTrace, TraceSpan } from '../api/contract/traces.ts';
import type { OwnHook } from '../base/config/config.ts';
import type { Log } from '../base/platform/log.ts';
import { statorVersion } from '../base/platform/version.ts';

/** What is used of the package `@opentelemetry/api`, which is the program's own. */
interface Api {
  readonly ROOT_CONTEXT: object;
  readonly trace: {
    getTracer(name: string, version: string): Tracer;
    setSpan(context: object, span: Span): object;
  };
}

interface Tracer {
  startSpan(
    name: string,
    options: {
      readonly startTime: HrTime;
      readonly attributes: Readonly<Record<string, string | number>>;
      readonly links: readonly { readonly context: object }[];
    },
    context: object,
  ): Span;
}

interface Span {
  spanContext(): object;
  setStatus(status: { readonly code: 2; readonly message: string }): void;
  end(at: HrTime): void;
}

/** Seconds since 1970, and nanoseconds. */
type HrTime = readonly [number, number];

const apiPackage = '@opentelemetry/api';
/** Where every copy of that package finds what is registered. */
const registered = Symbol.for('opentelemetry.js.api.1');
/** An SDK with a queue has time to empty it. */
const spansOfTurn = 200;

function isRegistered(): boolean {
  const api = (globalThis as { readonly [registered]?: { readonly trace?: unknown } })[registered];
  return api?.trace !== undefined;
}

/** null: no SDK is registered, or its API cannot be loaded from here, which is logged. */
export async function tracesHook(
  read: (project: string, plan: string) => Promise<PlanTrace>,
  log: Pick<Log, 'warn'>,
): Promise<OwnHook | null> {
  if (!isRegistered()) return null;
  let api: Api;
  try {
    // Not a literal: the package is no dependency, and no part of the bundle.
    const name: string = apiPackage;
    api = (await import(name)) as Api;
  } catch (thrown) {
    log.warn(
      `there are no traces: an OpenTelemetry SDK is registered, and ${apiPackage} is not installed beside stator: ${messageOf(thrown)}`,
    );
    return null;
  }
  const tracer = api.trace.getTracer('stator', statorVersion());
  return {
    on: ['implement_finished', 'review_approved', 'verify_approved', 'mark_done', 'cancel'],
    async run({ project, plan_file: plan, to_status: status }) {
      if (plan === null || !isOver(status)) return;
      const found = await read(project, plan).catch(unlessDeleted);
      if (found === null) return;
      const { resourceSpans } = found;
      await emit(
        resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
        { api, tracer },
      );
    },
  };
}

function unlessDeleted(thrown: unknown): null {
  if (thrown instanceof EngineError && thrown.code === 'plan_not_found') return null;
  throw thrown;
}

/** A span is begun after its parent and after those that it links to, because their ids are the SDK's. */
async function emit(spans: readonly TraceSpan[], { api, tracer }: { api: Api; tracer: Tracer }): Promise<void> {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const made = new Map<string, Span>();
  function make(span: TraceSpan): Span {
    const known = made.get(span.spanId);
    if (known !== undefined) return known;
    const parent = byId.get(span.parentSpanId ?? '');
    const context = parent === undefined ? api.ROOT_CONTEXT : api.trace.setSpan(api.ROOT_CONTEXT, make(parent));
    const links = span.links.flatMap(({ spanId }) => {
      const to = byId.get(spanId);
      return to === undefined ? [] : [{ context: make(to).spanContext() }];
    });
    const startTime = timeOf(span.startTimeUnixNano);
    const one = tracer.startSpan(span.name, { startTime, attributes: attributesOf(span), links }, context);
    made.set(span.spanId, one);
    if (span.status.code === 2) one.setStatus({ code: 2, message: span.status.message ?? '' });
    one.end(timeOf(span.endTimeUnixNano));
    return one;
  }
  for (const [index, span] of spans.entries()) {
    make(span);
    if (index % spansOfTurn === spansOfTurn - 1) await nextTurn();
  }
}

function timeOf(nanos: string): HrTime {
  return [Number(nanos.slice(0, -9)), Number(nanos.slice(-9))];
}

function attributesOf({ attributes }: TraceSpan): Record<string, string | number> {
  const pairs = attributes.map(({ key, value }) => {
    if ('stringValue' in value) return [key, value.stringValue] as const;
    return [key, 'intValue' in value ? Number(value.intValue) : value.doubleValue] as const;
  });
  return Object.fromEntries(pairs);
}
