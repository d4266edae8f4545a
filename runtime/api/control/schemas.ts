/** The schemas that operations are made from. */
import { z } from 'zod';
import { hookTypes } from '../../base/config/config.ts';
import * as shapes from '../contract/shapes.ts';
import type { Schemas } from '../operations/operation.ts';
import { digest, digits, family, flag, line, name, pointInTimeQuery, waitMs } from './requests.ts';

export const schemas: Schemas = {
  // The functions are named one by one: the bundle leaves out unnamed ones.
  z: {
    ...{ object: z.object, string: z.string, boolean: z.boolean, int: z.int, number: z.number, enum: z.enum },
    ...{ array: z.array, union: z.union, templateLiteral: z.templateLiteral, literal: z.literal },
    ...{ strictObject: z.strictObject, record: z.record, unknown: z.unknown },
  },
  ...{ line, name, digits, flag, family, digest, shapes, time: shapes.time, count: shapes.count },
  ...{ pointInTime: pointInTimeQuery.shape, waitMs, hookType: z.enum([...hookTypes, 'chat', 'function']) },
};
