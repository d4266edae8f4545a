/** The tool of an operation: its fields are those of the operation, under the names that tools have for repos, plans and agents. */
import { z } from 'zod';
import type { SignalAnswer } from '../contract/signals.ts';
import { schemas } from '../control/schemas.ts';
import { type AnyOperation, isRead, namesInPath } from '../operations/operation.ts';
import { type AnyTool, type Ask, accepted, filename, planOf, project, title, withKnown } from './tool.ts';

/** Throws where the operation has no tool. */
export function toolOf(operation: AnyOperation): AnyTool {
  const { http, tool, inRuns = false, verdict } = operation;
  if (tool === undefined) throw new Error(`${http} has no tool`);
  const { name, does, list, ends = false, answers, text } = tool;
  const mode = isRead(operation) ? 'read' : 'write';
  const isOfOneRepo = namesInPath(operation).includes('project');
  const fields = fieldsOf(operation);
  const output = list === undefined ? answerOf(operation) : z.object({ [list]: answerOf(operation) });
  if (!(output instanceof z.ZodObject)) throw new Error(`the tool ${name} answers no object: name its list`);
  return {
    ...{ name, does, inRuns, output, kind: mode === 'read' ? 'reads' : ends ? 'ends' : 'changes' },
    ...(text === undefined ? {} : { text }),
    input: z.strictObject(Object.fromEntries(fields.map(({ named, schema }) => [named, schema]))),
    async run({ input, caller, with: use }: Ask<Readonly<Record<string, unknown>>>): Promise<unknown> {
      const given = Object.fromEntries(
        fields.flatMap(({ field, named }) => {
          const value = input[named];
          return value === undefined ? [] : [[field, named === 'filename' ? planOf(String(value)) : value]];
        }),
      );
      const asked = tool.asks?.(given) ?? given;
      const answer = await (isOfOneRepo
        ? use(mode, (client, of) => client.ask(operation, { ...asked, project: of }))
        : withKnown(caller, { mode, said: given.project }, (client) => client.ask(operation, asked)));
      if (verdict !== undefined) accepted(answer as SignalAnswer); // `verdict` says so
      if (answers !== undefined) return answers.from(answer as never, given); // of this operation
      return list === undefined ? answer : { [list]: answer };
    },
  };
}

interface Field {
  /** The operation's name of it. */
  readonly field: string;
  /** The tool's name of it. */
  readonly named: string;
  readonly schema: z.ZodType;
}

function fieldsOf({ http, input, tool }: AnyOperation): Field[] {
  const known = input?.(schemas) ?? {};
  const takes = tool?.takes ?? {};
  const shared: readonly Field[] = [
    { field: 'plan', named: 'filename', schema: filename },
    { field: 'title', named: 'title', schema: title },
    { field: 'project', named: 'project', schema: project },
  ];
  const named = shared.filter(({ field }) => field in known && !(field in takes));
  const others = Object.entries(takes).map(([field, form = '']): Field => {
    if (typeof form !== 'string') return { field, named: form.named ?? field, schema: form.as(schemas) };
    const schema = known[field];
    if (schema === undefined) throw new Error(`the tool of ${http} takes a field that the operation has not`);
    const common = shared.find((each) => each.field === field);
    if (common === undefined) return { field, named: field, schema: form === '' ? schema : described(schema, form) };
    return { ...common, schema: schema instanceof z.ZodOptional ? common.schema.optional() : common.schema };
  });
  return [...named, ...others];
}

function answerOf({ http, answer, tool }: AnyOperation): z.ZodType {
  const shape = tool?.answers?.shape ?? answer;
  if (shape === undefined) throw new Error(`${http} has no answer for a tool`);
  return shape(schemas);
}

/** The field with its description, which belongs to its value and not to the wrapper that makes it optional. */
function described(field: z.ZodType, is: string): z.ZodType {
  return field instanceof z.ZodOptional ? described(field.unwrap() as z.ZodType, is).optional() : field.describe(is); // zod's own types are wider inside
}
