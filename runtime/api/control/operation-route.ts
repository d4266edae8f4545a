/** Makes a route from an operation: where its fields are, and how it answers. */
import { z } from 'zod';
import type { OperationParts } from '../commands/commands.ts';
import * as shapes from '../contract/shapes.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import {
  type AnyOperation,
  namesInPath,
  type Operations,
  placeOfFields,
  type Sender,
} from '../operations/operation.ts';
import { plainText, type Schemas } from '../operations/shape.ts';
import { bit, digest, digits, given, line, momentQuery, name, waitMs } from './requests.ts';
import { type AnyRoute, type AppParts, type Ask, type Definition, empty, json, text } from './route.ts';
import { agentAnswerOf, agentVerdictAnswers } from './verdicts.ts';

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

interface Params {
  readonly project?: string;
  readonly plan?: string;
  readonly title?: string;
}

export function routesOf(operations: Operations): AnyRoute[] {
  return Object.values(operations).map(routeOf);
}

function routeOf(operation: AnyOperation): AnyRoute {
  const { http, does, who, needs, inRuns, anyHost, again, errors, verdict } = operation;
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
      const sender = who === 'own' ? await principal.mustOwn(...(await planOf(core, params))) : null;
      const answer = await run(core.parts, given({ ...params, ...query, ...body }), sender);
      if (operation.answer === undefined) return empty(204);
      if (verdict !== undefined) return agentAnswerOf(answer as SignalAnswer, verdict === 'never_refused'); // `verdict` says so
      if (operation.answer === plainText) return text(200, String(answer));
      return json(operation.mayPend === true && isPending(answer) ? 202 : 200, answer);
    },
  };
}

/** The plan that an operation with `who: own` names, by itself or by an agent. Throws `not_found`. */
async function planOf({ views }: AppParts, params: Params): Promise<[project: string, plan: string]> {
  const { project = '', plan = '', title } = params;
  return [project, title === undefined ? plan : (await views.instance(project, title)).plan];
}

function answersOf({ answer, verdict, mayPend = false }: AnyOperation): Definition['answers'] {
  if (verdict === 'never_refused') return { 200: agentVerdictAnswers[200], 202: agentVerdictAnswers[202] };
  if (verdict !== undefined) return agentVerdictAnswers;
  if (answer === undefined) return { 204: 'empty' };
  if (answer === plainText) return { 200: 'text' };
  const shape = answer(schemas);
  return mayPend ? { 200: shape, 202: shape } : { 200: shape };
}

function isPending(answer: unknown): boolean {
  return (answer as { signal: { status: string } }).signal.status === 'pending'; // `mayPend` says that it is about a signal
}
