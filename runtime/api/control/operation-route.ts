/** Makes a route from an operation: where its fields are, and how it answers. */
import { z } from 'zod';
import type { OperationParts } from '../commands/commands.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import {
  type AnyOperation,
  namesInPath,
  type Operations,
  placeOfFields,
  type Sender,
} from '../operations/operation.ts';
import { plainText } from '../operations/shape.ts';
import { needOfSignal } from './people.ts';
import { given } from './requests.ts';
import { type AnyRoute, type AppParts, type Ask, type Definition, empty, json, text } from './route.ts';
import { schemas } from './schemas.ts';
import { agentAnswerOf, agentVerdictAnswers, answerOf, verdictAnswers } from './verdicts.ts';

interface Names {
  readonly project?: string;
  readonly plan?: string;
  readonly title?: string;
}

export function routesOf(operations: Operations): AnyRoute[] {
  return Object.values(operations).map(routeOf);
}

function routeOf(operation: AnyOperation): AnyRoute {
  const { http, does, who, needs, inRuns, anyHost, again, bodyLimitBytes, errors, verdict } = operation;
  const run = operation.run as (parts: OperationParts, input: unknown, sender: Sender | null) => unknown; // its own schemas have parsed its input
  const creates = operation.creates as true | ((input: unknown) => boolean) | undefined; // likewise
  const fields = Object.entries(operation.input?.(schemas) ?? {});
  const names = namesInPath(operation);
  const inPath = fields.filter(([name]) => names.includes(name));
  const others = fields.filter(([name]) => !names.includes(name));
  const definition: Definition = {
    ...{ does, who, answers: answersOf(operation) },
    ...given({ needs, inRuns, anyHost, again, bodyLimitBytes, errors }),
    ...(inPath.length === 0 ? {} : { params: z.strictObject(Object.fromEntries(inPath)) }),
    ...(others.length === 0 ? {} : { [placeOfFields(operation)]: z.strictObject(Object.fromEntries(others)) }),
  };
  return {
    key: http,
    definition,
    async answer({ core, principal, params, query, body }: Ask) {
      const input = given({ ...params, ...query, ...body });
      if (operation.sendsSignal === true) principal.mustHave(needOfSignal((input as { type: string }).type)); // `sendsSignal` says that it has a type
      const sender = who === 'own' ? await principal.mustOwn(...(await planOf(core, input))) : null;
      const answer = await run(core.parts, input, sender);
      if (operation.answer === undefined) return empty(204);
      if (verdict === 'plan') return answerOf(answer as SignalAnswer); // `verdict` says so
      if (verdict !== undefined) return agentAnswerOf(answer as SignalAnswer, verdict === 'agent_end'); // likewise
      if (operation.answer === plainText) return text(200, String(answer));
      if (operation.mayPend === true && isPending(answer)) return json(202, answer);
      return json(creates === true || creates?.(input) === true ? 201 : 200, answer);
    },
  };
}

/** The plan that an operation with `who: own` names, by itself or by an agent. Throws `not_found`. */
async function planOf({ views }: AppParts, names: Names): Promise<[project: string, plan: string]> {
  const { project = '', plan = '', title } = names;
  return [project, title === undefined ? plan : (await views.instance(project, title)).plan];
}

function answersOf({ answer, verdict, creates, mayPend = false }: AnyOperation): Definition['answers'] {
  if (verdict === 'plan') return verdictAnswers;
  if (verdict === 'agent_end') return { 200: agentVerdictAnswers[200], 202: agentVerdictAnswers[202] };
  if (verdict !== undefined) return agentVerdictAnswers;
  if (answer === undefined) return { 204: 'empty' };
  if (answer === plainText) return { 200: 'text' };
  const shape = answer(schemas);
  if (creates === true) return { 201: shape };
  if (creates !== undefined) return { 200: shape, 201: shape };
  return mayPend ? { 200: shape, 202: shape } : { 200: shape };
}

function isPending(answer: unknown): boolean {
  return (answer as { signal: { status: string } }).signal.status === 'pending'; // `mayPend` says that it is about a signal
}
