/**
 * The definition of an operation: a value that the router, the client, the command line and the docs read. It states its schemas as functions that are given
 * zod, the schema library: the engine calls them, and the command line loads the operations without zod.
 */
import type { z as Zod } from 'zod';
import type { ErrorCode } from '../../../machines/vocabulary/errors.ts';
import type { Origin, SignalType } from '../../../machines/vocabulary/signal.ts';
import type { HookConfig } from '../../base/config/config.ts';
import type { PersonRole } from '../../base/platform/people.ts';
import type * as shapes from '../contract/shapes.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** An argument of a verb, by the field of the input that it fills. */
export interface VerbArg {
  readonly type: 'positional' | 'string' | 'boolean';
  /** The name of its value on the help page; default: the field. */
  readonly valueHint?: string;
  readonly description: string;
  /** For a boolean: the text that its field then gets. Default: true. */
  readonly is?: string;
  /** For a positional: false if it may be left out. */
  readonly required?: false;
  /** Set for a whole number from 1 on; its name in messages: "the id of a signal". `orZero`: 0 is accepted as well. */
  readonly number?: string;
  readonly orZero?: true;
  /** true: its text is a JSON object. */
  readonly json?: true;
  /** The accepted texts, and their name in messages: "state of a delivery". */
  readonly oneOf?: { readonly values: readonly string[]; readonly called: string };
  /** Makes the value of its field from its text. Throws `usage`. */
  read?(text: string): unknown;
  /** The field that it fills, if that has another name; null: none, because the argument only chooses the operation. */
  readonly field?: string | null;
}

/** The arguments as they were typed. */
export type TypedArgs = Readonly<Record<string, string | boolean | undefined>>;

/** The operation's command. `project` is no argument: it is `--project`, or the repo of the folder. */
export interface VerbWords<Field extends string, Answer> {
  readonly name: string;
  /** Its line in the list of the noun's commands, or the command whose help page and line it shares. */
  readonly listed: string | { readonly with: string };
  readonly summary: string;
  readonly args?: { readonly [Name in Field]?: VerbArg };
  readonly examples: readonly string[];
  readonly more?: string;
  /** true: the command covers the current repo, and with `--all`, or outside of a repo, every repo. The field `project` may be left out. */
  readonly takesAll?: boolean;
  /** true: the command covers the repo of `--project`, and without the flag every repo. The field `project` may be left out. */
  readonly takesProject?: boolean;
  /**
   * The arguments before these, which say what it is about:
   * `plan`: a plan by its name or file; default: that of the run. `repo`: a repo by its name or folder; default: that of the folder. `repo_or_folder`: a name or
   * a folder, which is sent as its path, because the folder may be gone. `agent`: the title of an agent. `queue_part`: a plan or an agent as flags. `issue`: a reference.
   */
  readonly of?: 'plan' | 'repo' | 'repo_or_folder' | 'agent' | 'queue_part' | 'issue';
  /** Flags that only change how the answer is shown. */
  readonly flags?: Readonly<Record<string, VerbArg>>;
  /** true: on a terminal a long answer goes through the pager. Its view has the flag `pager`. */
  readonly isLong?: boolean;
  /** The operation of this noun that is requested instead if one of these arguments is given. */
  readonly instead?: { readonly name: string; readonly args: Readonly<Record<string, VerbArg>> };
  /** The operation for a tree of a user-defined machine, which is named in the place of the plan: `release:1.2`. */
  readonly ofTree?: { readonly name: string; readonly operation: AnyOperation };
  /** Throws `usage` for arguments that do not go together. `project`: the value of `--project`. */
  check?(typed: TypedArgs, project: string | undefined): void;
  /** The note for a person if it takes longer than 2 s. */
  slow?(input: { readonly [Name in Field]: string }): string;
  /** For `agent`: what cannot be done without an engine, as in "nobody can pause it"; and the signal whose preview is confirmed first. */
  readonly act?: { readonly does: string; readonly type: SignalType };
  /** true: the answer is a page of lines with `seq`. The command asks for the next ones by the field `after`, to the end. */
  readonly isPaged?: true;
  /** Its last argument may be repeated: the operation runs for each value, in order, and the answer is a list. */
  readonly repeats?: Field;
  /** The question that a person must confirm, unless `--yes` is given, and the text that is printed if the person declines. */
  confirms?(typed: { readonly [Name in Field]: string }): { readonly question: string; readonly not: string };
  /** true: only a running engine can answer, because only it has the user-defined machines. */
  readonly needsEngine?: true;
  /** true: the exit code is 0; false: it is 1. Default: true. */
  isDone?(answer: Answer): boolean;
}

/** The operation's tool of MCP. It takes the fields `project`, `plan` (as `filename`) and `title`, then those of `takes`. */
export interface ToolWords<Input extends Fields, Answer> {
  readonly name: string;
  /** What it does, for the program that calls it. */
  readonly does: string;
  /** true: it may end work, delete something or move a branch of the person. Default: false. */
  readonly ends?: true;
  /**
   * Its other fields, in their order, each with its description or its form. `project` comes before them, unless it is one of them. A field with a form may be
   * none of the operation, if `asks` makes one from it or leaves it out.
   */
  readonly takes?: { readonly [Name in Extract<keyof Input, string>]?: string | ToolField } & Readonly<
    Record<string, string | ToolField>
  >;
  /** The operation's input, if it is not simply the given fields. Throws `bad_request`. */
  asks?(given: Readonly<Record<string, unknown>>): { readonly [Name in keyof Input]?: unknown };
  /** The name of its answer where that is a list, because a tool answers an object. */
  readonly list?: string;
  /** Its answer where that is neither the operation's nor a list of such. */
  readonly answers?: {
    readonly shape: Shape<Zod.ZodObject>;
    from(answer: Answer, given: Read<Input> & Readonly<Record<string, unknown>>): object;
  };
  /** The answer as text, if JSON would be hard to read. */
  text?(output: never): string;
}

/** A field in another form than the operation's: a number in a query is a text there. */
export interface ToolField {
  readonly as: Shape;
  /** Default: the name of the operation's field. */
  readonly named?: string;
}

type Fields = Readonly<Record<string, Zod.ZodType>>;

/** Fields that were not given are missing. */
type Given<T> = { readonly [Name in keyof T]: Exclude<T[Name], undefined> };

export interface Operation<Input extends Fields = Fields, Answer = unknown> {
  /** Parameters in the path are fields of the input. */
  readonly http: `${Method} /${string}`;
  /** Where its other fields are. Default: in the query of a GET or a DELETE, otherwise in the body. */
  readonly fieldsIn?: 'query';
  /** One line for people. */
  readonly does: string;
  /**
   * `anyone`: nothing is changed, and a run's token is not checked. `person`: refused to a run. `own`: an agent may use it for its own plan: that of the field
   * `plan`, or of the agent whose title is in the path.
   */
  readonly who: 'anyone' | 'person' | 'own';
  /** true: an agent's own socket also serves it. Default: false. */
  readonly inRuns?: boolean;
  /** The role that a person with a token of their own needs. Default: `look` if `who` is anyone, otherwise only the owner of the home may use it. */
  readonly needs?: PersonRole;
  /** true: the field `type` is the type of a signal, and such a person also needs the role for that signal. Default: false. */
  readonly sendsSignal?: boolean;
  /** true: any host accepts this change of a repo, and relays it to the repo's own host. All reads are relayed. Default: false. */
  readonly anyHost?: boolean;
  /**
   * How a repeated request with the same key is handled. `kept` (the default): the first answer is stored, and a request that was cut off is begun again.
   * `never`: a request that was cut off is not begun again. `signal`: the request is one signal, which carries the key. `free`: repeating it changes nothing.
   */
  readonly again?: 'kept' | 'never' | 'signal' | 'free';
  /** The most bytes of its body. Default: 1 MiB. */
  readonly bodyLimitBytes?: number;
  input?(schemas: Schemas): Input;
  /** Default: the answer is empty. `plainText` (shape.ts): the answer is no JSON. */
  readonly answer?: ShapeOf<Answer>;
  /** Set where it creates something: the status is 201. A function: 201 for that input, otherwise 200. */
  readonly creates?: true | ((input: never) => boolean);
  /** true: the answer is about a signal, and its status is 202 while that signal is pending. Default: false. */
  readonly mayPend?: boolean;
  /**
   * Set where the answer is the verdict on a signal to a plan or an agent: the status is 200 once it is done or held, 202 while it is pending, and 409 if it
   * is refused. `agent_end`: a refusal says that nothing is left to do, and the status is 200.
   */
  readonly verdict?: 'plan' | 'agent' | 'agent_end';
  /** Its error codes besides those of every operation. */
  readonly errors?: readonly ErrorCode[];
  /** Carries it out. Only the engine knows the type of the parts, so that the published types do not need it. */
  run(parts: never, input: never, sender: never): unknown;
  readonly verb?: VerbWords<Extract<keyof Input, string>, Answer>;
  readonly tool?: ToolWords<Input, Answer>;
}

/** The sender of an operation with `own`: a person, or a run of the plan. */
export interface Sender {
  readonly origin: Origin;
  readonly run: string | null;
}

/** An operation that runs with these parts. */
type Definition<Parts, Input extends Fields, Answer> = Omit<Operation<Input, Answer>, 'run' | 'who' | 'creates'> & {
  readonly creates?: true | ((input: Read<Input>) => boolean);
} & (
    | { readonly who: 'anyone' | 'person'; run(parts: Parts, input: Read<Input>): MaybeLater<Answer> }
    | { readonly who: 'own'; run(parts: Parts, input: Read<Input>, sender: Sender): MaybeLater<Answer> }
  );
type Read<Input extends Fields> = Given<Zod.output<Zod.ZodObject<Input>>>;
type MaybeLater<Answer> = NoInfer<Answer> | Promise<NoInfer<Answer>>;

/** Returns the function that defines operations with such parts. */
export function operationWith<Parts>() {
  return <Answer = void, const Input extends Fields = Record<never, never>>(
    given: Definition<Parts, Input, Answer>,
  ): Operation<Input, Answer> => given;
}

/** An operation without the types of its schemas. */
export interface AnyOperation extends Omit<Operation, 'verb' | 'tool'> {
  readonly verb?: VerbWords<string, never>;
  readonly tool?: ToolWords<Fields, never>;
}

/** The operations of a noun, by the name of the client's method. */
export type Operations = Readonly<Record<string, AnyOperation>>;

/** The caller's input. A field of a path or of a query is sent as text. */
type InputOf<O> =
  O extends Operation<infer Input, infer _>
    ? { readonly [Name in keyof Fieldset<Input>]: Readable<Fieldset<Input>[Name]> }
    : never;
/** Lists are read only. */
type Readable<T> = T extends readonly (infer Entry)[] ? readonly Entry[] : T;
/** Fields with a default may be left out. */
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

function methodOf({ http }: Pick<AnyOperation, 'http'>): Method {
  return http.slice(0, http.indexOf(' ')) as Method; // its type guarantees it
}

/** Whether it changes nothing. */
export function isRead(of: Pick<AnyOperation, 'http' | 'who' | 'needs'>): boolean {
  return methodOf(of) === 'GET' || of.who === 'anyone' || of.needs === 'look';
}

/** The fields that are in the path. */
export function namesInPath({ http }: Pick<AnyOperation, 'http'>): string[] {
  return [...http.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
}

/** Where the fields are that are not in the path. */
export function placeOfFields(of: Pick<AnyOperation, 'http' | 'fieldsIn'>): 'query' | 'body' {
  return of.fieldsIn ?? (['GET', 'DELETE'].includes(methodOf(of)) ? 'query' : 'body');
}

/** Schemas that many operations use, and the functions that make other schemas. */
export interface Schemas {
  /** The part of the schema library that operations use: importing all of it would double the code that a command loads. */
  readonly z: Pick<
    typeof Zod,
    | 'object'
    | 'strictObject'
    | 'string'
    | 'boolean'
    | 'int'
    | 'number'
    | 'enum'
    | 'literal'
    | 'array'
    | 'record'
    | 'union'
    | 'templateLiteral'
    | 'unknown'
  >;
  /** A text of one line without control characters, with at most `max` characters. */
  line(max: number): Zod.ZodString;
  /** The name of a repo, a plan or an agent, in a path. */
  readonly name: Zod.ZodString;
  /** A whole number in a path or a query. */
  readonly digits: Zod.ZodPipe<Zod.ZodString, Zod.ZodTransform<number, string>>;
  /** `1` and `0` in a query. */
  readonly flag: Zod.ZodPipe<Zod.ZodEnum<{ [V in '0' | '1']: V }>, Zod.ZodTransform<boolean, '0' | '1'>>;
  /** A point in time of a journal: after its line `to`, or at the time `at`; neither: now. */
  readonly pointInTime: {
    readonly to: Zod.ZodOptional<Schemas['digits']>;
    readonly at: Zod.ZodOptional<Zod.ZodISODateTime>;
  };
  /** How long a request waits for the verdict on its signal, in milliseconds; 0: not at all. */
  readonly waitMs: Zod.ZodDefault<Zod.ZodInt>;
  /** The document family that a text is read as. */
  readonly family: Zod.ZodType<string>;
  /** A channel of hooks, or `function`: one of the program that embeds the engine. */
  readonly hookType: Zod.ZodEnum<{ [Type in HookConfig['type']]: Type }>;
  /** A SHA-256 in hex. */
  readonly digest: Zod.ZodString;
  /** ISO 8601 UTC. */
  readonly time: Zod.ZodISODateTime;
  readonly count: Zod.ZodInt;
  /** The schemas of the contract. */
  readonly shapes: typeof shapes;
}

/** An answer's schema, made once: the OpenAPI document lists a schema with an id under that id. */
export type Shape<Schema extends Zod.ZodType = Zod.ZodType> = (schemas: Schemas) => Schema;

export function shape<Schema extends Zod.ZodType>(make: (schemas: Schemas) => Schema): Shape<Schema> {
  let made: Schema | undefined;
  return (schemas) => {
    made ??= make(schemas);
    return made;
  };
}

/** A value of that shape. */
export type Of<S extends Shape> = Zod.output<ReturnType<S>>;

/** The shape of a named type: the published types use that name. */
export type ShapeOf<Answer> = Shape<Zod.ZodType<Answer>>;

/** `answerOf<Host>(({ shapes }) => shapes.host)`: the shape, typed by the type's name. */
export function answerOf<Answer>(shape: ShapeOf<Answer>): ShapeOf<Answer> {
  return shape;
}

/** The most entries that a tool lists at once: each has up to a kilobyte, and a model reads the whole answer. */
export const toolPageLength = 100;

/** A tool's field: where its page begins. */
export const toolOffset = ({ count }: Pick<Schemas, 'count'>) =>
  count.max(1_000_000).describe('how many to leave out; total says how many there are').default(0);

export function toolPage<Entry>(all: readonly Entry[], offset: number): Entry[] {
  return all.slice(offset, offset + toolPageLength);
}

/** The answer is plain text. */
export const plainText: ShapeOf<string> = shape(({ z }) => z.string());

export function listOf<Entry>(entry: ShapeOf<Entry>): ShapeOf<Entry[]> {
  return shape((schemas) => schemas.z.array(entry(schemas)));
}
