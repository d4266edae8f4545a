/** What an operation is: a value that the router, the client, the command line and the documents read. */
import type { z as Zod } from 'zod';
import type { ErrorCode } from '../../../machines/vocabulary/errors.ts';
import type { Origin } from '../../../machines/vocabulary/signal.ts';
import type { PersonRole } from '../../base/platform/people.ts';
import type { Schemas, ShapeOf } from './shape.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** An argument of a verb, by the field of the input that it fills. */
export interface VerbArg {
  readonly type: 'positional' | 'string' | 'boolean';
  /** What stands for its value on the page; default: the field. */
  readonly valueHint?: string;
  readonly description: string;
  /** Of a boolean: the text that its field is then. Default: true. */
  readonly is?: string;
  /** Of a positional: false where it may be left out. */
  readonly required?: false;
  /** It is a whole number from 1 on, and this is what it is called: "the id of a signal". */
  readonly number?: string;
  /** The texts that are accepted, and what such a text is called: "state of a delivery". */
  readonly oneOf?: { readonly values: readonly string[]; readonly called: string };
}

/** The words of the verb that asks it. `project` is no argument: it is `--project`, or the repo of the folder. */
export interface VerbWords<Field extends string, Answer> {
  readonly name: string;
  /** Its line in the list of the noun's verbs, or the verb whose page it is on: that one's line is for both. */
  readonly listed: string | { readonly with: string };
  readonly summary: string;
  readonly args?: { readonly [Name in Field]?: VerbArg };
  readonly examples: readonly string[];
  readonly more?: string;
  /** Of the repo that is meant, and with `--all`, or outside of any, of every repo: its field `project` may be left out. */
  readonly takesAll?: boolean;
  /** Of the repo that `--project` names, and of every repo where it is not said: its field `project` may be left out. */
  readonly takesProject?: boolean;
  /** Its last word may stand several times: it is asked for each, in their order, and the answer is a list. */
  readonly repeats?: Field;
  /** What a person is asked before it is done, unless `--yes` says so, and what is printed where it is not done. */
  confirms?(typed: { readonly [Name in Field]: string }): { readonly question: string; readonly not: string };
  /** Whether the exit code is 0, else 1. Default: it is. */
  isDone?(answer: Answer): boolean;
}

type Fields = Readonly<Record<string, Zod.ZodType>>;

/** Fields that were not given are not there. */
type Given<T> = { readonly [Name in keyof T]: Exclude<T[Name], undefined> };

export interface Operation<Input extends Fields = Fields, Answer = unknown> {
  /** Names in the path are fields of the input. */
  readonly http: `${Method} /${string}`;
  /** Where its other fields are. Default: in the query of a GET or a DELETE, else in the body. */
  readonly fieldsIn?: 'query';
  /** One line for people. */
  readonly does: string;
  /**
   * `anyone`: nothing is changed, a token is not looked at. `person`: refused to whoever sends the token of a run. `own`: an agent may ask it of its own
   * plan, which the path names.
   */
  readonly who: 'anyone' | 'person' | 'own';
  /** An agent's own socket serves it too. Default: not. */
  readonly inRuns?: boolean;
  /** The role that a person with a token of their own needs. Default: `look` where `who` is anyone, else nobody but the owner of the home. */
  readonly needs?: PersonRole;
  /** A change of a repo that any host may be asked for: the repo's own host carries it out. Reads are all handed on. Default: not. */
  readonly anyHost?: boolean;
  /**
   * The same request again, by its key. `kept` (the default): its answer is kept, and what was cut off is begun again. `never`: what was cut off is not begun
   * again. `free`: it changes nothing, or nothing more.
   */
  readonly again?: 'kept' | 'never' | 'free';
  input?(schemas: Schemas): Input;
  /** Default: nothing is answered. */
  readonly answer?: ShapeOf<Answer>;
  /** What it may refuse with, beside what every operation may. */
  readonly errors?: readonly ErrorCode[];
  /** Carries it out. Of its own types only the engine knows the parts, so that the types that programs install need none of them. */
  run(parts: never, input: never, sender: never): unknown;
  readonly verb?: VerbWords<Extract<keyof Input, string>, Answer>;
}

/** Who asks for what `own` is: a person, or a run of the plan. */
export interface Sender {
  readonly origin: Origin;
  readonly run: string | null;
}

/** An operation that is carried out with these parts. */
type Definition<Parts, Input extends Fields, Answer> = Omit<Operation<Input, Answer>, 'run' | 'who'> &
  (
    | { readonly who: 'anyone' | 'person'; run(parts: Parts, input: Read<Input>): MaybeLater<Answer> }
    | { readonly who: 'own'; run(parts: Parts, input: Read<Input>, sender: Sender): MaybeLater<Answer> }
  );
type Read<Input extends Fields> = Given<Zod.output<Zod.ZodObject<Input>>>;
type MaybeLater<Answer> = NoInfer<Answer> | Promise<NoInfer<Answer>>;

/** How the operations are defined that are carried out with such parts. */
export function operationWith<Parts>() {
  return <Answer = void, const Input extends Fields = Record<never, never>>(
    given: Definition<Parts, Input, Answer>,
  ): Operation<Input, Answer> => given;
}

/** An operation where nobody needs its schemas by type. */
export interface AnyOperation extends Omit<Operation, 'verb'> {
  readonly verb?: VerbWords<string, never>;
}

/** Those of a noun, by the name of the client's method. */
export type Operations = Readonly<Record<string, AnyOperation>>;

/** What a caller gives: a field of a path or of a query is written as text on its way. */
type InputOf<O> =
  O extends Operation<infer Input, infer _>
    ? { readonly [Name in keyof Fieldset<Input>]: Readable<Fieldset<Input>[Name]> }
    : never;
/** A list is only read. */
type Readable<T> = T extends readonly (infer Entry)[] ? readonly Entry[] : T;
/** What has a default may be left out. */
type Fieldset<Input extends Fields> = Zod.output<
  Zod.ZodObject<{
    [Name in keyof Input]: Input[Name] extends Zod.ZodDefault<infer Inner extends Zod.ZodType>
      ? Zod.ZodOptional<Inner>
      : Input[Name];
  }>
>;
type AnswerOf<O> = O extends Operation<infer _, infer Answer> ? Answer : never;

/** The client's methods of these operations: each takes its fields as one object. */
export type Methods<All extends Operations> = {
  readonly [Name in keyof All]: [keyof InputOf<All[Name]>] extends [never]
    ? () => Promise<AnswerOf<All[Name]>>
    : Record<never, never> extends InputOf<All[Name]>
      ? (input?: InputOf<All[Name]>) => Promise<AnswerOf<All[Name]>>
      : (input: InputOf<All[Name]>) => Promise<AnswerOf<All[Name]>>;
};

export function methodOf({ http }: Pick<AnyOperation, 'http'>): Method {
  return http.slice(0, http.indexOf(' ')) as Method; // as its type has it
}

/** The fields that are in the path. */
export function namesInPath({ http }: Pick<AnyOperation, 'http'>): string[] {
  return [...http.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
}

/** Where the fields are that are not in the path. */
export function placeOfFields(of: Pick<AnyOperation, 'http' | 'fieldsIn'>): 'query' | 'body' {
  return of.fieldsIn ?? (['GET', 'DELETE'].includes(methodOf(of)) ? 'query' : 'body');
}
