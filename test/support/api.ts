/** Requests to the control API as a program sends them: to the app in memory, with every answer checked against the schema of its route. */
import { expect } from 'vitest';
import { z } from 'zod';
import { type ErrorCode, errorClasses } from '../../machines/vocabulary/errors.ts';
import { errorsOf } from '../../runtime/api/control/openapi.ts';
import type { AnyRoute, RouteKey } from '../../runtime/api/control/route.ts';
import { routes } from '../../runtime/api/control/routes.ts';
import type { Engine } from '../../runtime/engine/engine.ts';

export interface Given {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: string;
  /** Sent as JSON; a text is sent unchanged. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answered {
  readonly status: number;
  readonly json: unknown;
  readonly text: string;
}

export function routeOf(key: RouteKey): AnyRoute {
  const found = routes.find((each) => each.key === key);
  if (found === undefined) throw new Error(`no route ${key}`);
  return found;
}

function requestOf(key: RouteKey, { params = {}, query = '', body, headers = {} }: Given = {}): Request {
  const [method = '', pattern = ''] = key.split(' ');
  const path = pattern.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? 'absent'));
  const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
  return new Request(`http://stator${path}${query}`, {
    method,
    headers: { ...(text === null ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(text === null ? {} : { body: text }),
  });
}

/** Sends the request, and fails if the answer is not one that the route documents. */
export async function ask(engine: Pick<Engine, 'fetch'>, key: RouteKey, given: Given = {}): Promise<Answered> {
  const answer = await engine.fetch(requestOf(key, given));
  const text = await answer.text();
  const json = answer.headers.get('content-type')?.startsWith('application/json') === true ? JSON.parse(text) : null;
  mustFit(routeOf(key), { status: answer.status, json, text });
  return { status: answer.status, json, text };
}

const failure = z.strictObject({
  error: z.string().min(1),
  code: z.string().regex(/^[a-z_]+$/),
  hint: z.string().min(1),
});

/** A refusal by MCP itself has the form of its protocol. */
const protocolFailure = z.looseObject({ jsonrpc: z.literal('2.0'), error: z.looseObject({ message: z.string() }) });

/** Whether the answer contains the reason of that route's refusal. */
export function saysWhy(path: string, json: unknown): boolean {
  const shape = path.startsWith('/mcp') ? failure.loose().or(protocolFailure) : failure.loose();
  return shape.safeParse(json).success;
}

/** Fails unless the answer is one of the route's, with exactly its fields. */
export function mustFit(route: AnyRoute, { status, json, text }: Answered): void {
  const kind = route.definition.answers[status];
  const where = `${route.key} ${status} ${text.slice(0, 300)}`;
  const isFailure = failure.safeParse(json).success;
  if (isFailure) {
    const { code } = failure.parse(json);
    expect(errorsOf(route), where).toContain(code);
    expect(errorClasses[code as ErrorCode].status, where).toBe(status);
    return;
  }
  expect(kind, where).toBeDefined();
  if (kind === 'empty') expect(text, where).toBe('');
  else if (typeof kind === 'object') expect(kind.parse(json), where).toEqual(json);
}
