/** The verbs of operations: the typed words become their input, and the answer is printed as JSON or as a view. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import type { Client } from '../runtime/api/client/client.ts';
import { type AnyOperation, isRead, namesInPath, type VerbArg } from '../runtime/api/operations/operation.ts';
import type { Paint } from './colour.ts';
import { type Call, defineVerb, type Verb } from './command.ts';
import { planArgs, withPlan } from './named-plan.ts';
import { wholeNumber } from './number.ts';
import type { ListLook, Output } from './output.ts';
import { allArgs, requireProject, scopeOf } from './place.ts';
import { repoArg, whichRepo } from './repo/which.ts';
import { withClient, withMachines } from './session.ts';
import { isConfirmed, sureArgs } from './sure.ts';
import { fields } from './table.ts';
import { plainLines } from './text.ts';

/** The request, by the fields of the input. */
type Asked = Readonly<Record<string, unknown>>;

/** How an answer is shown to a person: a table of a list, the fields of one thing, or lines about what was done. `tell` prints it itself, and answers the exit code. */
export type View<Answer> =
  | { readonly list: LookOf<Answer> | ((asked: Asked, entries: Answer) => LookOf<Answer>) }
  | { fields(answer: Answer, paint: Paint): readonly (readonly [string, string | null])[] }
  | { lines(answer: Answer, out: Output): readonly string[] }
  | { done(answer: Answer): readonly string[]; notes?(answer: Answer): readonly string[] }
  | { tell(call: Pick<Call, 'out'>, answer: Answer): number };

type LookOf<Answer> = ListLook<Answer extends readonly (infer Entry)[] ? Entry : never>;

/** By the name of the client's method. One without a view is shown by the fields of its answer. */
export type Views = Readonly<Record<string, View<never>>>;

interface Named {
  readonly name: string;
  readonly operation: AnyOperation;
}

/** Throws if the operation has no verb. */
export function verbOf({ name, operation }: Named, loadViews: () => Promise<{ default: Views }>): Verb {
  const { verb, http } = operation;
  if (verb === undefined) throw new Error(`${http} has no verb`);
  const { summary, examples, more, of, repeats, takesAll = false } = verb;
  const args = {
    ...(of === undefined ? {} : { plan: planArgs, repo: { repo: repoArg } }[of]),
    ...verb.args,
    ...(takesAll ? allArgs : {}),
    ...(verb.confirms === undefined ? {} : sureArgs),
  };
  return defineVerb({
    ...{ summary, examples, args },
    ...(more === undefined ? {} : { more }),
    mayRepeat: repeats !== undefined,
    async run(given: Given, call, words) {
      const typed = Object.entries(given).flatMap(([field, value]) => {
        const arg = verb.args?.[field];
        if (arg === undefined || value === undefined) return [];
        const read = fieldOf(field, arg, value);
        return read === undefined ? [] : [[field, read] as const];
      });
      const input = { ...placeOf(operation, given, call), ...Object.fromEntries(typed) };
      if (verb.confirms !== undefined) {
        const isSure = await isConfirmed(call, { yes: given.yes === true, ...verb.confirms(input as never) }); // its arguments are there
        if (!isSure) return 1;
      }
      const answer = await withAddress(call, operation, given, async (client, address) => {
        const asked = { ...input, ...address };
        if (repeats === undefined) return client.ask(operation, asked);
        const answers: unknown[] = [];
        // In the order as typed; the first refusal ends it.
        for (const word of new Set(words)) answers.push(await client.ask(operation, { ...asked, [repeats]: word }));
        return answers;
      });
      const code = show(call, (await loadViews()).default[name] as View<unknown> | undefined, { answer, asked: input }); // a view is of its operation's answer
      return verb.isDone?.(answer as never) === false ? 1 : code;
    },
  });
}

/** The arguments as they were typed. */
type Given = Readonly<Record<string, string | boolean | undefined>>;

/** The repo of a verb that names none by an argument. Throws `bad_repo`. */
function placeOf(operation: AnyOperation, { all }: Given, call: Call): { readonly project?: string } {
  const { of, takesAll = false, takesProject = false } = operation.verb ?? {};
  if (of !== undefined) return {};
  if (namesInPath(operation).includes('project')) return { project: requireProject(call) };
  if (takesAll) return scopeOf(call, { all: all === true });
  return takesProject && call.project !== undefined ? { project: call.project } : {};
}

/** Opens a client, with the plan or the repo that its first argument names. Throws what `withPlan` and `whichRepo` throw. */
function withAddress(
  call: Call,
  operation: AnyOperation,
  { plan, repo }: Given,
  use: (client: Client, address: Asked) => Promise<unknown>,
): Promise<unknown> {
  const { of, needsEngine = false } = operation.verb ?? {};
  const mode = isRead(operation) ? 'read' : 'write';
  const named = (value: Given[string]) => (typeof value === 'string' ? value : undefined);
  if (of === 'plan') return withPlan(call, mode, named(plan), (client, { ...address }) => use(client, address));
  if (of === 'repo')
    return withClient(call, mode, async (client) =>
      use(client, { project: await whichRepo(call, client, named(repo)) }),
    );
  return needsEngine
    ? withMachines(call, (client) => use(client, {}))
    : withClient(call, mode, (client) => use(client, {}));
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
    out.list(answer as unknown[], typeof view.list === 'function' ? view.list(asked, answer) : view.list); // a list's answer is one
  else if ('lines' in view) out.answer(answer, () => view.lines(answer, out));
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
