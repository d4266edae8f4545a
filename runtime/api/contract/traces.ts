/** The trace of a plan in the JSON of OpenTelemetry's protocol (https://opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"), as `/v1/traces` of a collector takes it. */
import { z } from 'zod';

const traceId = z.string().regex(/^[0-9a-f]{32}$/);
const spanId = z.string().regex(/^[0-9a-f]{16}$/);
/** Nanoseconds since 1970. */
const unixNano = z.string().regex(/^\d{1,19}$/);
const attribute = z.object({
  key: z.string(),
  value: z.union([
    z.object({ stringValue: z.string() }),
    /** A whole number: the protocol writes 64 bits as text. */
    z.object({ intValue: z.string() }),
    z.object({ doubleValue: z.number() }),
  ]),
});
const attributes = z.array(attribute);

const span = z.object({
  traceId,
  spanId,
  /** Missing in the span of the plan. */
  parentSpanId: spanId.optional(),
  name: z.string(),
  /** INTERNAL. */
  kind: z.literal(1),
  startTimeUnixNano: unixNano,
  /** If it has not ended: the time of the request. */
  endTimeUnixNano: unixNano,
  attributes,
  /** For a repeated attempt: the attempt before it. */
  links: z.array(z.object({ traceId, spanId })),
  /** 0: unset. 2: it failed. */
  status: z.object({ code: z.literal([0, 2]), message: z.string().optional() }),
});
/** A wave, a task, an agent, a run or other work of a plan. Times are nanoseconds since 1970, as text. */
export type TraceSpan = z.infer<typeof span>;
/** A key and its value. */
export type TraceAttribute = z.infer<typeof attribute>;

export const planTrace = z
  .object({
    resourceSpans: z.array(
      z.object({
        resource: z.object({ attributes }),
        scopeSpans: z.array(
          z.object({ scope: z.object({ name: z.string(), version: z.string() }), spans: z.array(span) }),
        ),
      }),
    ),
  })
  .meta({ id: 'PlanTrace' });
/** The trace of a plan: its waves, tasks, agents, runs and other work as spans. */
export type PlanTrace = z.infer<typeof planTrace>;
