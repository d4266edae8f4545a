/** The verbs of operations: the typed arguments become the operation's input, and the answer is printed as JSON or as a view. */
import type { ArgsDef } from 'citty';
import { EngineError } from '../machines/vocabulary/errors.ts';
import type { Client, SignalAnswer } from '../runtime/api/client/client.ts';
import {
  type AnyOperation,
  isRead,
  type Operations,
  type TypedArgs,
  type VerbArg,
} from '../runtime/api/operations/operation.ts';
import { type Call, defineVerb, type Verb } from './command.ts';
import { wholeNumber } from './number.ts';
import { addressArgs, placeOf, withAddress } from './operation-address.ts';
import { fields, type ListLook, type Output, type Paint } from './output.ts';
import { pagerArgs } from './pager.ts';
import { allArgs } from './place.ts';
import { isFilePath, planNamed, withNearest } from './session.ts';
import { sayWhenSlow } from './slow.ts';
import { isConfirmed, sureArgs } from './sure.ts';
import { plainLines } from './text.ts';
import { printVerdict } from './verdict.ts';

/** The fields of the operation's input. */
type Asked = Readonly<Record<string, unknown>>;

/**
 * How an answer is shown to a person: a table, the fields of one object, or lines about the change. `print` prints the answer itself, and returns the
 * exit code.
 */
type PlainView<Answer> =
  | { readonly list: LookOf<Answer> | ((asked: Asked, entries: Answer) => LookOf<Answer>) }
  | { fields(answer: Answer, paint: Paint): readonly (readonly [string, string | null])[] }
  | { lines(answer: Answer, out: Output): readonly string[] }
  | { done(answer: Answer): readonly string[]; notes?(answer: Answer): readonly string[] }
  | { print(call: Pick<Call, 'out'>, answer: Answer): number | Promise<number> };

/** The request, for a view that depends on it. */
export interface About<Answer> {
  /** The open client, for further data beside the answer. */
  readonly client: Client;
  readonly call: Call;
  readonly asked: Asked;
  /** The flags as they were typed. */
  readonly flags: TypedArgs;
  readonly answer: Answer;
}

/** A view, or a function that makes it. */
export type View<Answer> =
  | PlainView<Answer>
  | ((about: About<Answer>) => PlainView<Answer> | Promise<PlainView<Answer>>);

type LookOf<Answer> = ListLook<Answer extends readonly (infer Entry)[] ? Entry : never>;

/** The views by the name of the client's method. Without a view the fields of the answer are shown. */
export type Views = Readonly<Record<string, View<never>>>;

interface Named {
  readonly name: string;
  readonly operation: AnyOperation;
}

/** Throws if the operation has no verb. `among`: the operations of its noun. */
export function verbOf(
  { name, operation }: Named,
  among: Operations,
  loadViews: () => Promise<{ default: Views }>,
): Verb {
  const { verb, http } = operation;
  if (verb === undefined) throw new Error(`${http} has no verb`);
  const { summary, examples, more, repeats } = verb;
  return defineVerb({
    ...{ summary, examples, args: argsOf(verb) },
    ...(more === undefined ? {} : { more }),
    mayRepeat: repeats !== undefined,
    async run(typed: TypedArgs, call, words) {
      verb.check?.(typed, call.project);
      const tree = treeNamed(verb, typed);
      const asked = tree?.asked ?? chosen({ name, operation, args: verb.args ?? {} }, among, typed);
      const input = { ...placeOf(asked.operation, verb, { typed, call }), ...fieldsOf(asked.args, typed) };
      if (verb.confirms !== undefined) {
        const isSure = await isConfirmed(call, { yes: typed.yes === true, ...verb.confirms(input as never) }); // its arguments are there
        if (!isSure) return 1;
      }
      const views = (await loadViews()).default;
      const about = { verb, operation: asked.operation, typed, tree: tree?.address ?? null };
      const found = await withAddress(call, about, async (client, address) => {
        const request = await withPlanNamed(call, client, { ...input, ...address });
        const answer = await answerTo(call, client, { ...asked, request, words });
        if (Array.isArray(answer) && answer.length === 0) await mustHavePlan(client, request);
        const view = views[asked.name];
        const shown = { client, call, asked: request, flags: typed, answer: answer as never }; // a view is of its operation's answer
        return { answer, request, view: typeof view === 'function' ? await view(shown) : view };
      });
      if (found === null) return 1;
      const { answer, request, view } = found;
      if (operation.verdict !== undefined) return printVerdict(call, answer as SignalAnswer); // `verdict` says so
      const onlyReads = isRead(asked.operation);
      const code = await show(call, view as PlainView<unknown> | undefined, { answer, asked: request, onlyReads }); // as above
      return verb.isDone?.(answer as never) === false ? 1 : code;
    },
  });
}

type Words = NonNullable<AnyOperation['verb']>;

/** The arguments, then the flags, in the order of the help page. */
function argsOf({ of, args, flags, instead, takesAll = false, isLong = false, confirms, act }: Words): ArgsDef {
  return {
    ...(of === undefined ? {} : addressArgs[of]),
    ...args,
    ...(takesAll ? allArgs : {}),
    ...instead?.args,
    ...flags,
    ...(isLong ? pagerArgs : {}),
    ...(confirms === undefined && act === undefined ? {} : sureArgs),
  };
}

interface Chosen extends Named {
  readonly args: Readonly<Record<string, VerbArg | undefined>>;
}

/** The tree of a user-defined machine that is named in the place of the plan, and the operation for it; null: a plan is meant. Throws `usage`. */
function treeNamed(verb: Words, typed: TypedArgs) {
  const { plan: said } = typed;
  const [, machine, id] = typeof said === 'string' && !isFilePath(said) ? (/^([^:]+):(.+)$/.exec(said) ?? []) : [];
  if (verb.ofTree === undefined || machine === undefined || id === undefined) return null;
  const [other] = Object.keys(verb.instead?.args ?? {}).filter(
    (arg) => typed[arg] !== undefined && typed[arg] !== false,
  );
  if (other !== undefined)
    throw new EngineError(
      'usage',
      `--${other} is for plans, and ${said} is a tree of a machine`,
      `leave out --${other}`,
    );
  return { asked: { ...verb.ofTree, args: verb.args ?? {} }, address: { name: machine, id } };
}

/** The operation itself, or the other operation that a typed argument selects. */
function chosen(own: Chosen, among: Operations, typed: TypedArgs): Chosen {
  const { instead } = own.operation.verb ?? {};
  const isOther = Object.keys(instead?.args ?? {}).some((arg) => typed[arg] !== undefined && typed[arg] !== false);
  if (instead === undefined || !isOther) return own;
  const operation = among[instead.name];
  if (operation === undefined) throw new Error(`${own.operation.http} names no operation ${instead.name}`);
  return { name: instead.name, operation, args: { ...own.args, ...instead.args } };
}

/** Lists print a plan as `demo/login`, and people type its file: both name it here too. */
async function withPlanNamed(call: Call, client: Client, request: Asked): Promise<Asked> {
  const { project, plan } = request;
  if (typeof project !== 'string' || typeof plan !== 'string') return request;
  return { ...request, plan: await planNamed(call, client, project, plan) };
}

/** An empty list of a plan that is not there is an error: the name has a typo. Throws `plan_not_found`. */
async function mustHavePlan(client: Client, { project, plan }: Asked): Promise<void> {
  if (typeof project !== 'string' || typeof plan !== 'string') return;
  try {
    await client.plan(project, plan);
  } catch (thrown) {
    throw await withNearest(thrown, { client, project, plan });
  }
}

/** The answer. For a verb whose last argument is repeated: a list in the typed order, ended by the first refusal. */
async function answerTo(
  call: Call,
  client: Client,
  { operation, request, words }: { operation: AnyOperation; request: Asked; words: readonly string[] },
): Promise<unknown> {
  const { repeats, slow, isPaged } = operation.verb ?? {};
  if (isPaged === true) {
    const read = (after: unknown) => client.ask(operation, { ...request, after }) as Promise<{ seq: number }[]>; // `isPaged` says so
    return allPages(read, ({ seq }) => seq, request.after);
  }
  const answers: unknown[] = [];
  if (repeats === undefined) {
    const answer = client.ask(operation, request);
    return slow === undefined ? answer : sayWhenSlow(call, slow(request as never), answer); // its arguments are there
  }
  for (const word of new Set(words)) answers.push(await client.ask(operation, { ...request, [repeats]: word }));
  return answers;
}

/** The entries of all pages: `read` answers those after a key, and none after the last. */
export async function allPages<Entry, Key>(
  read: (after?: Key) => Promise<Entry[]>,
  keyOf: (entry: Entry) => Key,
  from?: Key,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  let page = await read(from);
  for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
    entries.push(...page);
    page = await read(keyOf(last));
  }
  return entries;
}

/** The typed arguments as fields of the input. Throws `usage`. */
function fieldsOf(args: Chosen['args'], typed: TypedArgs): Asked {
  return Object.fromEntries(
    Object.entries(args).flatMap(([name, arg]) => {
      const value = typed[name];
      if (arg === undefined || value === undefined || arg.field === null) return [];
      const read = fieldOf(name, arg, value);
      return read === undefined ? [] : [[arg.field ?? name, read] as const];
    }),
  );
}

/** The value of the field. Throws `usage`. */
function fieldOf(field: string, arg: VerbArg, value: string | boolean): unknown {
  const { oneOf: accepted, is, number, orZero = false, json = false } = arg;
  if (typeof value === 'boolean') return value ? (is ?? true) : undefined;
  if (arg.read !== undefined) return arg.read(value);
  if (json) return objectOf(`--${field}`, value);
  if (number !== undefined) return orZero && value === '0' ? 0 : wholeNumber(number, value);
  if (accepted === undefined || accepted.values.includes(value)) return value;
  throw new EngineError('usage', `"${value}" is no ${accepted.called}`, `write one of ${accepted.values.join(', ')}`);
}

/** A JSON object from the command line; undefined if the text is empty. Throws `usage` with the flag. */
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

/** Returns the exit code. */
function show(
  { out }: Pick<Call, 'out'>,
  view: PlainView<unknown> | undefined,
  { answer, asked, onlyReads }: { readonly answer: unknown; readonly asked: Asked; readonly onlyReads: boolean },
): number | Promise<number> {
  if (view !== undefined && 'print' in view) return view.print({ out }, answer);
  const printed = onlyReads ? out.answer : out.outcome;
  if (view === undefined) printed(answer, () => fields(plainFields(answer), out.paint));
  else if ('list' in view)
    out.list(answer as unknown[], typeof view.list === 'function' ? view.list(asked, answer) : view.list); // a list's answer is one
  else if ('lines' in view) printed(answer, () => view.lines(answer, out));
  else if ('fields' in view) printed(answer, () => fields(view.fields(answer, out.paint), out.paint));
  else {
    out.done(answer, ...view.done(answer));
    for (const note of view.notes?.(answer) ?? []) out.note(note);
  }
  return 0;
}

/** The fields of an answer without a view. */
function plainFields(answer: unknown): (readonly [string, string | null])[] {
  if (typeof answer !== 'object' || answer === null) return [['answer', String(answer)]];
  return Object.entries(answer).map(([name, value]) => [
    name.replaceAll('_', ' '),
    value === null ? null : plainLines(typeof value === 'string' ? value : JSON.stringify(value)),
  ]);
}
