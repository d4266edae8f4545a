/** Schemas as functions of the schema library: whoever has the library calls them, and the command line, which has none, loads them all the same. */
import type { z as Zod } from 'zod';
import type * as shapes from '../contract/shapes.ts';

/** Schemas that many operations use, and what others are made with. */
export interface Schemas {
  /** The part of the schema library that operations use: as a whole value it would double what a verb loads. */
  readonly z: Pick<
    typeof Zod,
    | 'object'
    | 'strictObject'
    | 'string'
    | 'boolean'
    | 'int'
    | 'enum'
    | 'literal'
    | 'array'
    | 'union'
    | 'templateLiteral'
  >;
  /** A text of one line without control characters, of at most so many characters. */
  line(max: number): Zod.ZodString;
  /** Of a repo, a plan or an agent, in a path. */
  readonly name: Zod.ZodString;
  /** A whole number in a path or a query. */
  readonly digits: Zod.ZodPipe<Zod.ZodString, Zod.ZodTransform<number, string>>;
  /** `1` and `0` in a query. */
  readonly flag: Zod.ZodPipe<Zod.ZodEnum<{ [V in '0' | '1']: V }>, Zod.ZodTransform<boolean, '0' | '1'>>;
  /** A SHA-256 in hex. */
  readonly digest: Zod.ZodString;
  /** ISO 8601 UTC. */
  readonly time: Zod.ZodISODateTime;
  readonly count: Zod.ZodInt;
  /** Those of the contract. */
  readonly shapes: typeof shapes;
}

/** What is answered, made once: a schema with an id stands in the OpenAPI document under that id. */
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

/** The shape of a type with a name: so it is called in the types that a program reads. */
export type ShapeOf<Answer> = Shape<Zod.ZodType<Answer>>;

/** `answerOf<Host>(({ shapes }) => shapes.host)`: the shape by the name of its type. */
export function answerOf<Answer>(shape: ShapeOf<Answer>): ShapeOf<Answer> {
  return shape;
}

export function listOf<Entry>(entry: ShapeOf<Entry>): ShapeOf<Entry[]> {
  return shape((schemas) => schemas.z.array(entry(schemas)));
}
