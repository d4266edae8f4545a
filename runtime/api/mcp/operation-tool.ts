/** The tool of an operation: its fields are those of the operation, under the names that tools have for repos, plans and agents. */
import { z } from 'zod';
import type { SignalAnswer } from '../contract/signals.ts';
import { schemas } from '../control/schemas.ts';
import { type AnyOperation, methodOf, namesInPath } from '../operations/operation.ts';
import { withCaller } from './caller.ts';
import { type AnyTool, type Ask, accepted, filename, planOf, project, title } from './tool.ts';

interface Asked {
  readonly filename?: string;
  readonly project?: string;
}

/** Throws where the operation has no tool. */
export function toolOf(operation: AnyOperation): AnyTool {
  const { http, tool, answer, inRuns = false, verdict } = operation;
  if (tool === undefined || answer === undefined) throw new Error(`${http} has no tool`);
  const { name, does, list, ends = false, takes = {} } = tool;
  const fields = operation.input?.(schemas) ?? {};
  const mode = methodOf(operation) === 'GET' ? 'read' : 'write';
  const isOfOneRepo = namesInPath(operation).includes('project');
  const names = { plan: { filename }, title: { title }, project: { project } };
  const named = Object.entries(names).flatMap(([field, of]) => (field in fields ? Object.entries(of) : []));
  const taken = Object.entries(takes).map(
    ([field, is]) => [field, described(fieldOf(http, fields[field]), is)] as const,
  );
  const output = list === undefined ? answer(schemas) : z.object({ [list]: answer(schemas) });
  if (!(output instanceof z.ZodObject)) throw new Error(`the tool ${name} answers no object: name its list`);
  return {
    ...{ name, does, inRuns, output, kind: mode === 'read' ? 'reads' : ends ? 'ends' : 'changes' },
    input: z.strictObject(Object.fromEntries<z.ZodType>([...named, ...taken])),
    async run({ input: { filename: said, ...input }, caller, with: use }: Ask<Asked>): Promise<unknown> {
      const asked = said === undefined ? input : { ...input, plan: planOf(said) };
      const answered = await (isOfOneRepo
        ? use(mode, (client, of) => client.ask(operation, { ...asked, project: of }))
        : withCaller(caller, mode, (client) => client.ask(operation, asked)));
      if (verdict !== undefined) accepted(answered as SignalAnswer); // `verdict` says so
      return list === undefined ? answered : { [list]: answered };
    },
  };
}

function fieldOf(http: string, field: z.ZodType | undefined): z.ZodType {
  if (field === undefined) throw new Error(`the tool of ${http} takes a field that the operation has not`);
  return field;
}

/** The field with what it is, which belongs to its value, and not to that it may be left out. */
function described(field: z.ZodType, is = ''): z.ZodType {
  return field instanceof z.ZodOptional ? described(field.unwrap() as z.ZodType, is).optional() : field.describe(is); // zod's own types are wider inside
}
