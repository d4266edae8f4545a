/**
 * The types of the schemas in operations. An operation states its schemas as functions that are given zod, the schema library: the engine calls them, and the
 * command line loads the operations without zod.
 */
import type { z as Zod } from 'zod';
import type { HookConfig } from '../../base/config/config.ts';
import type * as shapes from '../contract/shapes.ts';

/** Schemas that many operations use, and the functions that make other schemas. */
export interface Schemas {
  /** The part of the schema library that operations use: importing all of it would double the code that a command loads. */
  readonly z: Pick<
    typeof Zod,
    | 'object'
    | 'strictObject'
    | 'string'
    | 'boolean'
    | 'int'
    | 'number'
    | 'enum'
    | 'literal'
    | 'array'
    | 'record'
    | 'union'
    | 'templateLiteral'
    | 'unknown'
  >;
  /** A text of one line without control characters, with at most `max` characters. */
  line(max: number): Zod.ZodString;
  /** The name of a repo, a plan or an agent, in a path. */
  readonly name: Zod.ZodString;
  /** A whole number in a path or a query. */
  readonly digits: Zod.ZodPipe<Zod.ZodString, Zod.ZodTransform<number, string>>;
  /** `1` and `0` in a query. */
  readonly flag: Zod.ZodPipe<Zod.ZodEnum<{ [V in '0' | '1']: V }>, Zod.ZodTransform<boolean, '0' | '1'>>;
  /** A point in time of a journal: after its line `to`, or at the time `at`; neither: now. */
  readonly pointInTime: {
    readonly to: Zod.ZodOptional<Schemas['digits']>;
    readonly at: Zod.ZodOptional<Zod.ZodISODateTime>;
  };
  /** How long a request waits for the verdict on its signal, in milliseconds; 0: not at all. */
  readonly waitMs: Zod.ZodDefault<Zod.ZodInt>;
  /** The document family that a text is read as. */
  readonly family: Zod.ZodType<string>;
  /** A channel of hooks, or `function`: one of the program that embeds the engine. */
  readonly hookType: Zod.ZodEnum<{ [Type in HookConfig['type']]: Type }>;
  /** A SHA-256 in hex. */
  readonly digest: Zod.ZodString;
  /** ISO 8601 UTC. */
  readonly time: Zod.ZodISODateTime;
  readonly count: Zod.ZodInt;
  /** The schemas of the contract. */
  readonly shapes: typeof shapes;
}

/** An answer's schema, made once: the OpenAPI document lists a schema with an id under that id. */
export type Shape<Schema extends Zod.ZodType = Zod.ZodType> = (schemas: Schemas) => Schema;

export function shape<Schema extends Zod.ZodType>(make: (schemas: Schemas) => Schema): Shape<Schema> {
  let made: Schema | undefined;
  return (schemas) => {
    made ??= make(schemas);
    return made;
  };
}

/** A value of that shape. */
export type Of<S extends Shape> = Zod.output<ReturnType<S>>;

/** The shape of a named type: the published types use that name. */
export type ShapeOf<Answer> = Shape<Zod.ZodType<Answer>>;

/** `answerOf<Host>(({ shapes }) => shapes.host)`: the shape, typed by the type's name. */
export function answerOf<Answer>(shape: ShapeOf<Answer>): ShapeOf<Answer> {
  return shape;
}

/** The most entries that a tool lists at once: each has up to a kilobyte, and a model reads the whole answer. */
export const toolPageLength = 100;

/** A tool's field: where its page begins. */
export const toolOffset = ({ count }: Pick<Schemas, 'count'>) =>
  count.max(1_000_000).describe('how many to leave out; total says how many there are').default(0);

export function toolPage<Entry>(all: readonly Entry[], offset: number): Entry[] {
  return all.slice(offset, offset + toolPageLength);
}

/** The answer is plain text. */
export const plainText: ShapeOf<string> = shape(({ z }) => z.string());

export function listOf<Entry>(entry: ShapeOf<Entry>): ShapeOf<Entry[]> {
  return shape((schemas) => schemas.z.array(entry(schemas)));
}
