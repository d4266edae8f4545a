/** Every route of the control API, from its own description. */

import { needOf } from '../runtime/api/control/app.ts';
import { describeApi } from '../runtime/api/control/openapi.ts';
import { routes } from '../runtime/api/control/routes.ts';
import { code, markdownTable } from './markdown.ts';

/** The part of a JSON schema that is told of. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content & { readonly description: string }>>;
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** Shapes that have a section of their own in the document. */
const anchors: Readonly<Record<string, string>> = {
  Repo: 'repo',
  Plan: 'plan',
  PlanWithTasks: 'plan-with-its-tasks',
  JournalLine: 'journal-line',
  Verdict: 'verdict',
  Signal: 'signal',
  Instance: 'instance',
  QueueItem: 'queue-item',
};

export function routeTable(): string {
  const api = describeApi(routes) as unknown as Description; // made a moment ago, in this shape
  const rows = routes.map(({ key, definition }) => {
    const [method = '', path = ''] = key.split(' ');
    const operation = api.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
    if (operation === undefined) throw new Error(`${key} is not described`);
    return [
      code(key),
      operation.summary,
      needOf(definition),
      takes(operation),
      answers(operation, api),
      refusals(operation),
    ];
  });
  return markdownTable(['route', 'what it does', 'role', 'takes', 'answers', 'may refuse with'], rows);
}

function takes({ parameters = [], requestBody }: Operation): string {
  const query = parameters.filter((each) => each.in === 'query').map(({ name }) => `${name}=`);
  const schema = requestBody?.content?.['application/json']?.schema;
  const parts = [
    ...(query.length === 0 ? [] : [code(`?${query.join('&')}`)]),
    ...(schema === undefined ? [] : [code(fieldsOf(schema))]),
  ];
  return parts.join(' ');
}

/** `{path, trust?}`. */
function fieldsOf({ properties = {}, required = [] }: Schema): string {
  const names = Object.keys(properties).map((name) => `${name}${required.includes(name) ? '' : '?'}`);
  return `{${names.join(', ')}}`;
}

function answers({ responses }: Operation, api: Description): string {
  const successes = Object.entries(responses).filter(([status]) => status < '300');
  const texts = successes.map(([status, response]) => `${status} ${contentOf(response, api)}`.trim());
  return texts.join('; ');
}

function contentOf({ content }: Content, api: Description): string {
  const [entry] = Object.entries(content ?? {});
  if (entry === undefined) return 'empty';
  const [media, { schema }] = entry;
  if (media === 'text/event-stream') return '[events](#events)';
  if (media === 'text/plain') return 'text';
  return schema === undefined ? '' : shapeOf(schema, api);
}

function shapeOf(schema: Schema, api: Description): string {
  const { $ref, type, items } = schema;
  if ($ref !== undefined) {
    const name = $ref.slice($ref.lastIndexOf('/') + 1);
    const anchor = anchors[name];
    if (anchor !== undefined) return `[${anchor.replaceAll('-', ' ')}](#${anchor})`;
    return shapeOf(api.components.schemas[name] ?? {}, api);
  }
  if (type === 'array' && items !== undefined) return `list of ${shapeOf(items, api)}`;
  if (schema.properties !== undefined) return code(fieldsOf(schema));
  return typeof type === 'string' ? type : 'JSON';
}

/** The codes, without those that any route that reads or changes something may answer. */
function refusals({ responses }: Operation): string {
  const always = new Set(['internal', 'store_locked', 'bad_request', 'too_large', 'unauthorized', 'not_allowed']);
  const codes = Object.entries(responses).flatMap(([status, { description }]) =>
    status < '300' ? [] : description.split(', ').filter((each) => /^[a-z_]+$/.test(each) && !always.has(each)),
  );
  return codes.map(code).join(' ');
}
