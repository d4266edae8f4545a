/** The control API's own description, OpenAPI 3.1, from the very routes that answer. Loaded when somebody asks for it. */

import { OpenAPIHono } from '@hono/zod-openapi';
import { type ErrorCode, errorClasses } from '../../../machines/vocabulary/errors.ts';
import { statorVersion } from '../../base/platform/version.ts';
import { errorDocument } from '../contract/shared-shapes.ts';
import { type AnyRoute, methodOf, pathOf } from './route.ts';

export type ApiDescription = ReturnType<OpenAPIHono['getOpenAPI31Document']>;
type RouteConfig = Parameters<OpenAPIHono['openAPIRegistry']['registerPath']>[0];
type Answer = RouteConfig['responses'][string];

/** What every route may refuse with. */
const always: readonly ErrorCode[] = ['internal', 'store_locked', 'elsewhere'];

export function describeApi(routes: readonly AnyRoute[]): ApiDescription {
  const app = new OpenAPIHono();
  for (const each of routes) app.openAPIRegistry.registerPath(configOf(each));
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'stator control API',
      version: statorVersion(),
      description:
        'HTTP and JSON over a unix socket, or over TCP with a token: Authorization: Bearer <token>. Every failure is {error, code, hint}.',
    },
  });
}

/** The codes that a route may refuse with. */
export function errorsOf(each: AnyRoute): ErrorCode[] {
  const { who, params, query, body, errors = [] } = each.definition;
  const reads = params !== undefined || query !== undefined || body !== undefined;
  return [
    ...new Set<ErrorCode>([
      ...errors,
      ...(reads ? (['bad_request'] as const) : []),
      ...(body === undefined ? [] : (['too_large', 'interrupted'] as const)),
      ...(each.key.startsWith('GET ') ? [] : (['unsupported_media_type'] as const)),
      ...(who === 'anyone' ? [] : (['unauthorized', 'not_allowed'] as const)),
      ...always,
    ]),
  ];
}

function configOf(each: AnyRoute): RouteConfig {
  const { does, params, query, body, who } = each.definition;
  const path = pathOf(each.key);
  return {
    method: methodOf(each.key).toLowerCase() as 'get', // one of the four
    path: path.replaceAll(/:(\w+)/g, '{$1}'),
    operationId: operationOf(each),
    summary: does,
    tags: [nounOf(path)],
    ...(who === 'anyone' ? {} : { 'x-stator-who': who }),
    request: {
      ...(params === undefined ? {} : { params }),
      ...(query === undefined ? {} : { query }),
      ...(body === undefined ? {} : { body: { required: true, content: { 'application/json': { schema: body } } } }),
    },
    responses: answersOf(each),
  };
}

function answersOf(each: AnyRoute): RouteConfig['responses'] {
  const answers: Record<string, Answer> = {};
  for (const [status, kind] of Object.entries(each.definition.answers)) {
    const description = Number(status) < 300 ? 'done' : 'refused';
    if (kind === 'empty') answers[status] = { description };
    else if (kind === 'text')
      answers[status] = { description, content: { 'text/plain': { schema: { type: 'string' } } } };
    else if (kind === 'events')
      answers[status] = { description, content: { 'text/event-stream': { schema: { type: 'string' } } } };
    else answers[status] = { description, content: { 'application/json': { schema: kind } } };
  }
  const codes = errorsOf(each);
  for (const status of new Set(codes.map((code) => errorClasses[code].status))) {
    const description = codes.filter((code) => errorClasses[code].status === status).join(', ');
    const refused = each.definition.answers[status];
    const schema = refused === undefined || typeof refused === 'string' ? errorDocument : refused.or(errorDocument);
    answers[status] = { description, content: { 'application/json': { schema } } };
  }
  return answers;
}

/** `getReposPlansHistory`: the method and the words of the path; names in it after `By`. */
function operationOf({ key }: AnyRoute): string {
  const words = pathOf(key)
    .split('/')
    .filter((part) => part !== '' && part !== 'v1')
    .map((part) => (part.startsWith(':') ? `By${capital(part.slice(1))}` : part.split(/[.-]/).map(capital).join('')));
  return `${methodOf(key).toLowerCase()}${words.join('')}`;
}

function nounOf(path: string): string {
  const words = path.split('/').filter((part) => part !== '' && !part.startsWith(':'));
  return words[1] === 'repos' ? (words[2] ?? 'repos') : (words[1] ?? 'engine');
}

function capital(word: string): string {
  return `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
}
