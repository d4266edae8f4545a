/** Makes a route from an operation: where its fields are, and how it answers. */
import { z } from 'zod';
import type { PlanKey } from '../../core/store/port.ts';
import type { OperationParts } from '../commands/commands.ts';
import * as shapes from '../contract/shapes.ts';
import {
  type AnyOperation,
  namesInPath,
  type Operations,
  placeOfFields,
  type Sender,
} from '../operations/operation.ts';
import { plainText, type Schemas } from '../operations/shape.ts';
import { bit, digest, digits, given, line, momentQuery, name, waitMs } from './requests.ts';
import { type AnyRoute, type Ask, type Definition, empty, json, text } from './route.ts';

const schemas: Schemas = {
  // The functions are named one by one: the bundle leaves out unnamed ones.
  z: {
    ...{ object: z.object, string: z.string, boolean: z.boolean, int: z.int, enum: z.enum, array: z.array },
    ...{ union: z.union, templateLiteral: z.templateLiteral, literal: z.literal, strictObject: z.strictObject },
    unknown: z.unknown,
  },
  ...{ line, name, digits, flag: bit, digest, shapes, time: shapes.time, count: shapes.count },
  ...{ moment: momentQuery.shape, waitMs },
};

export function routesOf(operations: Operations): AnyRoute[] {
  return Object.values(operations).map(routeOf);
}

function routeOf(operation: AnyOperation): AnyRoute {
  const { http, does, who, needs, inRuns, anyHost, again, errors } = operation;
  const run = operation.run as (parts: OperationParts, input: unknown, sender: Sender | null) => unknown; // its own schemas have parsed its input
  const fields = Object.entries(operation.input?.(schemas) ?? {});
  const names = namesInPath(operation);
  const inPath = fields.filter(([name]) => names.includes(name));
  const others = fields.filter(([name]) => !names.includes(name));
  const definition: Definition = {
    ...{ does, who, answers: answersOf(operation) },
    ...given({ needs, inRuns, anyHost, again, errors }),
    ...(inPath.length === 0 ? {} : { params: z.strictObject(Object.fromEntries(inPath)) }),
    ...(others.length === 0 ? {} : { [placeOfFields(operation)]: z.strictObject(Object.fromEntries(others)) }),
  };
  return {
    key: http,
    definition,
    async answer({ core, principal, params, query, body }: Ask) {
      const { project = '', plan = '' } = params as Partial<PlanKey>; // an operation with `who: own` names its plan
      const sender = who === 'own' ? await principal.mustOwn(project, plan) : null;
      const answer = await run(core.parts, given({ ...params, ...query, ...body }), sender);
      if (operation.answer === undefined) return empty(204);
      if (operation.answer === plainText) return text(200, String(answer));
      return json(operation.mayPend === true && isPending(answer) ? 202 : 200, answer);
    },
  };
}

function answersOf({ answer, mayPend = false }: AnyOperation): Definition['answers'] {
  if (answer === undefined) return { 204: 'empty' };
  if (answer === plainText) return { 200: 'text' };
  const shape = answer(schemas);
  return mayPend ? { 200: shape, 202: shape } : { 200: shape };
}

function isPending(answer: unknown): boolean {
  return (answer as { signal: { status: string } }).signal.status === 'pending'; // `mayPend` says that it is about a signal
}
