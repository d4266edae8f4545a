/**
 * The OpenAPI 3.1 description of the control API, made from the routes themselves. zod makes its schemas: OpenAPI 3.1 accepts plain JSON Schema. Loaded at
 * the first request for it.
 */
import { z } from 'zod';
import { type ErrorCode, errorClasses } from '../../../machines/vocabulary/errors.ts';
import { statorVersion } from '../../base/platform/version.ts';
import { errorDocument } from '../contract/shared-shapes.ts';
import { type AnyRoute, methodOf, pathOf } from './route.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

export interface ApiDescription {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
  /** Operations by path, then by method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
}

interface ApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly 'x-stator-who'?: string;
  readonly parameters?: readonly ApiParameter[];
  readonly requestBody?: { readonly required: true; readonly content: Content };
  readonly responses: Readonly<Record<string, Answer>>;
}

interface ApiParameter {
  readonly in: 'path' | 'query';
  readonly name: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

interface Answer {
  readonly description: string;
  readonly content?: Content;
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

/** The errors of every route. */
const always: readonly ErrorCode[] = [
  'internal',
  'store_locked',
  'elsewhere',
  'disk_full',
  'unreachable',
  'system_limit',
];

export function describeApi(routes: readonly AnyRoute[]): ApiDescription {
  const schemas = createSchemas();
  const paths: Record<string, Record<string, ApiOperation>> = {};
  for (const each of routes) {
    const path = pathOf(each.key).replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [methodOf(each.key).toLowerCase()]: operationOf(each, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'stator control API',
      version: statorVersion(),
      description:
        'HTTP and JSON over a unix socket, or over TCP with a token: Authorization: Bearer <token>. Every failure is {error, code, hint}; of `busy` also retry_after_ms.',
    },
    components: { schemas: schemas.named },
    paths,
  };
}

interface Schemas {
  /** The schemas that have an id, by id. Each is written once, and others refer to it. */
  readonly named: Readonly<Record<string, JsonSchema>>;
  of(schema: z.ZodType): JsonSchema;
}

function createSchemas(): Schemas {
  const named: Record<string, JsonSchema> = {};
  return {
    named,
    of(schema) {
      // As an array's item, a schema with an id also becomes a reference. `io: input`, because a later version may answer more fields.
      const { items, $defs } = z.toJSONSchema(z.array(schema), {
        io: 'input',
        unrepresentable: 'any',
        override: plainly,
      });
      for (const [id, definition] of Object.entries(referring($defs ?? {}))) {
        const { id: _, ...known } = definition;
        named[id] = known;
      }
      return referring(items as JsonSchema); // made from one schema, so it is not a boolean
    },
  };
}

/** Removes keys that the type or the format implies. */
function plainly({ jsonSchema }: { jsonSchema: JsonSchema }): void {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  // A field that may be anything may be undefined, and JSON leaves that out.
  const { properties = {}, required } = jsonSchema;
  if (required === undefined) return;
  jsonSchema.required = required.filter((key) => Object.keys(properties[key] ?? {}).length > 0);
  if (jsonSchema.required.length === 0) delete jsonSchema.required;
}

/** Points the references to the schemas of the description. */
function referring<Part>(part: Part): Part {
  return JSON.parse(JSON.stringify(part).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

/** The error codes of a route. */
export function errorsOf(each: AnyRoute): ErrorCode[] {
  const { who, answers, errors = [] } = each.definition;
  return [
    ...new Set<ErrorCode>([
      ...errors,
      ...(answers[409] === undefined ? [] : (['refused'] as const)),
      'bad_request',
      ...(each.key.startsWith('GET ') ? [] : (['too_large', 'interrupted', 'unsupported_media_type'] as const)),
      ...(who === 'anyone' ? [] : (['unauthorized', 'not_allowed'] as const)),
      ...always,
    ]),
  ];
}

function operationOf(each: AnyRoute, schemas: Schemas): ApiOperation {
  const { does, params, query, body, who } = each.definition;
  const parameters = [...parametersOf(params, 'path', schemas), ...parametersOf(query, 'query', schemas)];
  return {
    operationId: operationIdOf(each),
    summary: does,
    tags: [nounOf(pathOf(each.key))],
    ...(who === 'anyone' ? {} : { 'x-stator-who': who }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: jsonContent(schemas.of(body)) } }),
    responses: answersOf(each, schemas),
  };
}

function parametersOf(shape: z.ZodObject | undefined, place: 'path' | 'query', schemas: Schemas): ApiParameter[] {
  if (shape === undefined) return [];
  const { properties = {}, required = [] } = schemas.of(shape);
  return Object.entries(properties).map(([name, schema]) => ({
    in: place,
    name,
    required: required.includes(name),
    schema: schema as JsonSchema, // a property's schema, not a boolean
  }));
}

function jsonContent(schema: JsonSchema): Content {
  return { 'application/json': { schema } };
}

function answersOf(each: AnyRoute, schemas: Schemas): ApiOperation['responses'] {
  const answers: Record<string, Answer> = {};
  for (const [status, kind] of Object.entries(each.definition.answers)) {
    const description = Number(status) < 300 ? 'done' : 'refused';
    if (kind === 'empty') answers[status] = { description };
    else if (kind === 'text')
      answers[status] = { description, content: { 'text/plain': { schema: { type: 'string' } } } };
    else if (kind === 'events')
      answers[status] = { description, content: { 'text/event-stream': { schema: { type: 'string' } } } };
    else answers[status] = { description, content: jsonContent(schemas.of(kind)) };
  }
  const codes = errorsOf(each);
  for (const status of new Set(codes.map((code) => errorClasses[code].status))) {
    const description = codes.filter((code) => errorClasses[code].status === status).join(', ');
    const refused = each.definition.answers[status];
    const schema = refused === undefined || typeof refused === 'string' ? errorDocument : refused.or(errorDocument);
    answers[status] = { description, content: jsonContent(schemas.of(schema)) };
  }
  return answers;
}

/** `getReposPlansHistory`: the method and the words of the path, then its parameters after `By`. */
function operationIdOf({ key }: AnyRoute): string {
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
