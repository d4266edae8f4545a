/** Every route of the control API, from its own definition. */
import { z } from 'zod';
import { errorClasses } from '../machines/vocabulary/errors.ts';
import { needOf } from '../runtime/api/control/app.ts';
import { errorsOf } from '../runtime/api/control/openapi.ts';
import type { AnyRoute, Definition } from '../runtime/api/control/route.ts';
import { routes } from '../runtime/api/control/routes.ts';
import { code, markdownTable } from './markdown.ts';

/** Shapes that have a section of their own in the document, by the id of their schema. */
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

/** Codes of any route that reads or changes something. */
const always = new Set([
  ...['internal', 'store_locked', 'disk_full', 'unreachable', 'system_limit'],
  ...['bad_request', 'too_large', 'unauthorized', 'not_allowed'],
]);

export function routeTable(): string {
  const rows = routes.map((route: AnyRoute) => {
    const { key, definition } = route;
    return [code(key), definition.does, needOf(definition), takes(definition), answers(definition), refusals(route)];
  });
  return markdownTable(['route', 'what it does', 'role', 'takes', 'answers', 'may refuse with'], rows);
}

function takes({ query, body }: Definition): string {
  const parts = [
    ...(query === undefined ? [] : [`?${Object.keys(query.shape).join('=&')}=`]),
    ...(body === undefined ? [] : [fieldsOf(body)]),
  ];
  return parts.map(code).join(' ');
}

/** `{path, trust?}`. */
function fieldsOf({ shape }: z.ZodObject): string {
  const names = Object.entries(shape).map(
    ([name, field]) => `${name}${z.safeParse(field, undefined).success ? '?' : ''}`,
  );
  return `{${names.join(', ')}}`;
}

function answers({ answers }: Definition): string {
  const successes = Object.entries(answers).filter(([status]) => status < '300');
  return successes.map(([status, kind]) => `${status} ${contentOf(kind)}`).join('; ');
}

function contentOf(kind: Definition['answers'][number]): string {
  if (kind === 'events') return '[events](#events)';
  return typeof kind === 'string' ? kind : shapeOf(kind);
}

function shapeOf(schema: z.core.$ZodType): string {
  const anchor = anchors[z.globalRegistry.get(schema)?.id ?? ''];
  if (anchor !== undefined) return `[${anchor.replaceAll('-', ' ')}](#${anchor})`;
  if (schema instanceof z.ZodArray) return `list of ${shapeOf(schema.element)}`;
  if (schema instanceof z.ZodObject) return code(fieldsOf(schema));
  return 'JSON';
}

function refusals(route: AnyRoute): string {
  const codes = errorsOf(route).filter((each) => !always.has(each));
  return codes
    .toSorted((a, b) => errorClasses[a].status - errorClasses[b].status)
    .map(code)
    .join(' ');
}
