/** The verbs of operations: the typed words become their input, and the answer is printed as JSON or as a view. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import {
  type AnyOperation,
  type Methods,
  methodOf,
  namesInPath,
  type VerbArg,
} from '../runtime/api/operations/operation.ts';
import type { operations } from '../runtime/api/operations/operations.ts';
import type { Paint } from './colour.ts';
import { type Call, defineVerb, type Verb } from './command.ts';
import { wholeNumber } from './number.ts';
import type { ListLook } from './output.ts';
import { allArgs, requireProject, scopeOf } from './place.ts';
import { withClient } from './session.ts';
import { isConfirmed, sureArgs } from './sure.ts';
import { fields } from './table.ts';
import { plainLines } from './text.ts';

/** The request, by the fields of the input. */
type Asked = Readonly<Record<string, unknown>>;

/** How an answer is shown to a person: a table of a list, the fields of one thing, or lines about what was done. `tell` prints it itself, and answers the exit code. */
export type View<Answer> =
  | { readonly list: LookOf<Answer> | ((asked: Asked) => LookOf<Answer>) }
  | { fields(answer: Answer, paint: Paint): readonly (readonly [string, string | null])[] }
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
        return arg === undefined || value === undefined ? [] : [[field, fieldOf(arg, value)] as const];
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
      const answer = await withClient(call, methodOf(operation) === 'GET' ? 'read' : 'write', async (client) => {
        const ask = client[name as keyof Methods<typeof operations>] as (input: object) => Promise<unknown>; // it has one for each
        if (repeats === undefined) return ask(input);
        const answers: unknown[] = [];
        // In the order as typed; the first refusal ends it.
        for (const word of new Set(words)) answers.push(await ask({ ...input, [repeats]: word }));
        return answers;
      });
      const code = show(call, (await loadViews()).default[name] as View<unknown> | undefined, { answer, asked: input }); // a view is of its operation's answer
      return verb.isDone?.(answer as never) === false ? 1 : code;
    },
  });
}

/** The value of its field. Throws `usage`. */
function fieldOf({ oneOf: accepted, is, number }: VerbArg, value: string | boolean): unknown {
  if (typeof value === 'boolean') return value ? (is ?? true) : undefined;
  if (number !== undefined) return wholeNumber(number, value);
  if (accepted === undefined || accepted.values.includes(value)) return value;
  throw new EngineError('usage', `"${value}" is no ${accepted.called}`, `write one of ${accepted.values.join(', ')}`);
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
