/** The types of a route's request and answer, found by the route's key. Only types: a client loads neither schemas nor routes. */
import type { z } from 'zod';
import type { RouteKey } from '../control/route.ts';
import type { Routes } from '../control/routes.ts';

export type ApiKey = Routes['key'];
type DefinitionOf<Key extends RouteKey> = Extract<Routes, { key: Key }>['definition'];

type Part<Key extends RouteKey, Name extends string> =
  DefinitionOf<Key> extends { readonly [N in Name]: infer Schema extends z.ZodType } ? z.input<Schema> : never;

/** An undefined field is not sent. */
type Loose<Fields> = { readonly [Name in keyof Fields]: Fields[Name] | undefined };
type InText<Fields> = { readonly [Name in keyof Fields]: string | number | boolean | undefined };
type Names<Fields> = { readonly [Name in keyof Fields]: string | number };

export type Given<Key extends RouteKey> = ([Part<Key, 'params'>] extends [never]
  ? { readonly params?: never }
  : { readonly params: Names<Part<Key, 'params'>> }) &
  ([Part<Key, 'query'>] extends [never]
    ? { readonly query?: never }
    : { readonly query?: InText<Part<Key, 'query'>> }) &
  ([Part<Key, 'body'>] extends [never] ? { readonly body?: never } : { readonly body: Loose<Part<Key, 'body'>> });

type Answers<Key extends RouteKey> = DefinitionOf<Key>['answers'];

/** The union over all statuses; the answer itself shows which status it belongs to. */
export type AnswerOf<Key extends RouteKey> = {
  [Status in keyof Answers<Key>]: Answers<Key>[Status] extends z.ZodType ? z.output<Answers<Key>[Status]> : never;
}[keyof Answers<Key>];
