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
import type { Schemas } from '../operations/shape.ts';
import { bit, digest, digits, given, line, name } from './requests.ts';
import { type AnyRoute, type Ask, type Definition, empty, json } from './route.ts';

const schemas: Schemas = {
  // The functions are named one by one: the bundle leaves out unnamed ones.
  z: {
    ...{ object: z.object, string: z.string, boolean: z.boolean, int: z.int, enum: z.enum, array: z.array },
    ...{ union: z.union, templateLiteral: z.templateLiteral, literal: z.literal, strictObject: z.strictObject },
  },
  ...{ line, name, digits, flag: bit, digest, shapes, time: shapes.time, count: shapes.count },
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
  const shape = operation.answer?.(schemas);
  const definition: Definition = {
    ...{ does, who, answers: shape === undefined ? { 204: 'empty' } : { 200: shape } },
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
      return shape === undefined ? empty(204) : json(200, answer);
    },
  };
}
