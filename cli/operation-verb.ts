/** The verbs of operations: the typed words become their input, and the answer is printed as JSON or as a view. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import type { Client } from '../runtime/api/client/client.ts';
import { type AnyOperation, methodOf, namesInPath, type VerbArg } from '../runtime/api/operations/operation.ts';
import type { Paint } from './colour.ts';
import { type Call, defineVerb, type Verb } from './command.ts';
import { wholeNumber } from './number.ts';
import type { ListLook } from './output.ts';
import { allArgs, requireProject, scopeOf } from './place.ts';
import { withClient, withMachines } from './session.ts';
import { isConfirmed, sureArgs } from './sure.ts';
import { fields } from './table.ts';
import { plainLines } from './text.ts';

/** The request, by the fields of the input. */
type Asked = Readonly<Record<string, unknown>>;

/** How an answer is shown to a person: a table of a list, the fields of one thing, or lines about what was done. `tell` prints it itself, and answers the exit code. */
export type View<Answer> =
  | { readonly list: LookOf<Answer> | ((asked: Asked) => LookOf<Answer>) }
  | { fields(answer: Answer, paint: Paint): readonly (readonly [string, string | null])[] }
  | { lines(answer: Answer): readonly string[] }
  | { done(answer: Answer): readonly string[]; notes?(answer: Answer): readonly string[] }
  | { tell(call: Pick<Call, 'out'>, answer: Answer): number };

type LookOf<Answer> = ListLook<Answer extends readonly (infer Entry)[] ? Entry : never>;

/** By the name of the client's method. One without a view is shown by the fields of its answer. */
export type Views = Readonly<Record<string, View<never>>>;

interface Named {
  readonly name: string;
  readonly operation: AnyOperation;
}

/** Throws where the operation has no words. */
export function verbOf({ name, operation }: Named, loadViews: () => Promise<{ default: Views }>): Verb {
  const { verb, http } = operation;
  if (verb === undefined) throw new Error(`${http} has no verb`);
  const { summary, examples, more, repeats, takesAll = false, takesProject = false } = verb;
  const isOfOneRepo = namesInPath(operation).includes('project');
  return defineVerb({
    ...{
      summary,
      examples,
      args: { ...verb.args, ...(takesAll ? allArgs : {}), ...(verb.confirms === undefined ? {} : sureArgs) },
    },
    ...(more === undefined ? {} : { more }),
    mayRepeat: repeats !== undefined,
    async run(args: Readonly<Record<string, string | boolean | undefined>>, call, words) {
      const typed = Object.entries(args).flatMap(([field, value]) => {
        const arg = verb.args?.[field];
        if (arg === undefined || value === undefined) return [];
        const given = fieldOf(field, arg, value);
        return given === undefined ? [] : [[field, given] as const];
      });
      const place = isOfOneRepo
        ? { project: requireProject(call) }
        : takesAll
          ? scopeOf(call, { all: args.all === true })
          : takesProject && call.project !== undefined
            ? { project: call.project }
            : {};
      const input = { ...place, ...Object.fromEntries(typed) };
      if (verb.confirms !== undefined) {
        const isSure = await isConfirmed(call, { yes: args.yes === true, ...verb.confirms(input as never) }); // its arguments are there
        if (!isSure) return 1;
      }
      const ask = async (client: Client) => {
        if (repeats === undefined) return client.ask(operation, input);
        const answers: unknown[] = [];
        // In the order as typed; the first refusal ends it.
        for (const word of new Set(words)) answers.push(await client.ask(operation, { ...input, [repeats]: word }));
        return answers;
      };
      const mode = methodOf(operation) === 'GET' ? 'read' : 'write';
      const answer = await (verb.needsEngine === true ? withMachines(call, ask) : withClient(call, mode, ask));
      const code = show(call, (await loadViews()).default[name] as View<unknown> | undefined, { answer, asked: input }); // a view is of its operation's answer
      return verb.isDone?.(answer as never) === false ? 1 : code;
    },
  });
}

/** The value of its field. Throws `usage`. */
function fieldOf(field: string, arg: VerbArg, value: string | boolean): unknown {
  const { oneOf: accepted, is, number, orZero = false, json = false } = arg;
  if (typeof value === 'boolean') return value ? (is ?? true) : undefined;
  if (json) return objectOf(`--${field}`, value);
  if (number !== undefined) return orZero && value === '0' ? 0 : wholeNumber(number, value);
  if (accepted === undefined || accepted.values.includes(value)) return value;
  throw new EngineError('usage', `"${value}" is no ${accepted.called}`, `write one of ${accepted.values.join(', ')}`);
}

/** A JSON object of the command line; undefined if it is empty. Throws `usage` with the flag. */
function objectOf(flag: string, text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // reported below, as no object
  }
  throw new EngineError(
    'usage',
    `${flag} is no JSON object: ${text.slice(0, 100)}`,
    `such as ${flag} '{"version": "1.2.0"}'`,
  );
}

/** Answers the exit code. */
function show(
  { out }: Pick<Call, 'out'>,
  view: View<unknown> | undefined,
  { answer, asked }: { readonly answer: unknown; readonly asked: Asked },
): number {
  if (view !== undefined && 'tell' in view) return view.tell({ out }, answer);
  if (view === undefined) out.answer(answer, () => fields(fieldsOf(answer), out.paint));
  else if ('list' in view)
    out.list(answer as unknown[], typeof view.list === 'function' ? view.list(asked) : view.list); // a list's answer is one
  else if ('lines' in view) out.answer(answer, () => view.lines(answer));
  else if ('fields' in view) out.answer(answer, () => fields(view.fields(answer, out.paint), out.paint));
  else {
    out.done(answer, ...view.done(answer));
    for (const note of view.notes?.(answer) ?? []) out.note(note);
  }
  return 0;
}

/** The fields of an answer that has no view. */
function fieldsOf(answer: unknown): (readonly [string, string | null])[] {
  if (typeof answer !== 'object' || answer === null) return [['answer', String(answer)]];
  return Object.entries(answer).map(([name, value]) => [
    name.replaceAll('_', ' '),
    value === null ? null : plainLines(typeof value === 'string' ? value : JSON.stringify(value)),
  ]);
}
