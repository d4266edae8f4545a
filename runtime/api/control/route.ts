/** A route of the control API: its description, its schemas, its permitted senders, and its answers; and the route of an operation. */
import type { Context } from 'hono';
import { z } from 'zod';
import { failureOf } from '../../../machines/plan/refusal-text.ts';
import { EngineError, type ErrorCode } from '../../../machines/vocabulary/errors.ts';
import type { Log } from '../../base/platform/log.ts';
import type { Commands, OperationParts } from '../commands/commands.ts';
import { verdictWaitMs } from '../commands/signal-sender.ts';
import { instanceVerdict, refusedAnswer, type SignalAnswer, signalAnswer } from '../contract/signals.ts';
import {
  type AnyOperation,
  namesInPath,
  type Operations,
  placeOfFields,
  plainText,
  type Sender,
} from '../operations/operation.ts';
import type { EventParts, EventStreams } from './events.ts';
import type { McpSessions } from './mcp.ts';
import { type Need, needOfSignal, type Passes, type Principal } from './principal.ts';
import { given } from './requests.ts';
import { schemas } from './schemas.ts';

export interface AppParts extends EventParts {
  readonly commands: Commands;
  /** The dependencies of operations. */
  readonly parts: OperationParts;
  readonly log: Log;
  /** How long the daemon, or a program's engine, has run. A change of the system clock does not affect it. */
  uptimeMs(): number;
  nowMs(): number;
  /** The `owner.db` that the engine has locked, as `<device>:<inode>`; null: it owns no home. */
  lock(): string | null;
  /** The handler of `/mcp`. */
  readonly mcp: McpSessions;
  /** null: the engine belongs to a program. */
  readonly host: Host | null;
  /** null: this engine serves no page. */
  readonly inspect: Inspect | null;
  /** null: no other host has repos. */
  readonly relay: Relay | null;
}

/** A request for another host. */
export interface RelayedRequest {
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  readonly body?: unknown;
}

/** Lets a repo's host answer a request about the repo. null: the repo is here, or its host does not run. Throws `elsewhere`. */
export type Relay = (project: string, request: RelayedRequest) => Promise<Response | null>;

/** The daemon that an engine lives in. */
export interface Host {
  /** Counted from the daemon's start, not from its engine's. */
  uptimeMs(): number;
  /** The person whose pass the header is; null: it is no pass. */
  readonly personOf: Passes['personOf'];
  /** Begins to stop, after the request for it is answered. */
  stop(agents: 'leave' | 'stop'): void;
  readonly inspect: Inspect;
}

/** Serves the live page. Throws `unavailable` if the port cannot be used, `home_unusable`. */
export type Inspect = (wanted: PageWanted) => Promise<{ url: string; websocket?: string }>;

/** Options of the live page. */
export interface PageWanted {
  /** The port; default: the previous one, or any free port. */
  readonly port?: number | undefined;
  /** true: the address opens one page, within a minute. For command lines, which other users may read. */
  readonly once?: boolean | undefined;
  /** The address of Stately's protocol, and of the page that forwards it to Stately's inspector. */
  readonly stately?: boolean | undefined;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** A method and a path, such as `GET /v1/repos/:project/plans`. The code, the docs and the client find a route by this key. */
export type RouteKey = `${Method} /${string}`;

/** JSON of that schema; `text`, which is plain unless the answer has a `type`; `empty`, no body at all; `events`, a stream. */
type AnswerKind = z.ZodType | 'text' | 'empty' | 'events';

export interface Definition {
  /** One line for people: what it does. */
  readonly does: string;
  /**
   * `anyone`: nothing is changed, and a run's token is not checked. `person`: refused to a run. `own`: an agent may use it for its own plan; the handler
   * checks the plan with `principal.mustOwn`.
   */
  readonly who: 'anyone' | 'person' | 'own';
  /** The role that a person with a token of their own needs. Default: `look` if `who` is anyone, otherwise only the owner of the home may use it. */
  readonly needs?: Need;
  /** The role for such a body, where it depends on that: at least `needs`. */
  readonly needsFor?: (body: unknown) => Need;
  /** true: an agent's own socket also serves it, for the agent's own plan. Default: false. */
  readonly inRuns?: boolean;
  /** true: any host accepts this change of a repo, and relays it to the repo's own host. All reads are relayed. Default: false. */
  readonly anyHost?: boolean;
  /**
   * How a repeated request with the same key is handled. `kept` (the default): the first answer is stored, and a request that was cut off is begun again.
   * `never`: a request that was cut off is not begun again. `signal`: the request is one signal, which carries the key. `free`: repeating it changes nothing.
   */
  readonly again?: 'kept' | 'never' | 'signal' | 'free';
  readonly params?: z.ZodObject | undefined;
  readonly query?: z.ZodObject | undefined;
  readonly body?: z.ZodObject | undefined;
  /** true: the handler reads the query and the body itself. Default: fields that are not in the schemas are refused. */
  readonly isRaw?: true;
  /** Default 1 MiB. */
  readonly bodyLimitBytes?: number;
  /** The answers by status: successes, and refusals that are no errors. */
  readonly answers: { readonly [status: number]: AnswerKind };
  /** Its error codes besides those of every route; the table of codes has the status of each. Default: none. */
  readonly errors?: readonly ErrorCode[];
}

type Read<Schema> = Schema extends z.ZodType ? z.output<Schema> : Record<never, never>;

/** A parsed request: each part by its schema. */
export interface Ask<D extends Definition = Definition> {
  readonly params: Read<D['params']>;
  readonly query: Read<D['query']>;
  readonly body: Read<D['body']>;
  readonly core: AppParts;
  readonly principal: Principal;
  /** The request came in at the socket of a run. */
  readonly isOfRun: boolean;
  readonly context: Context;
  readonly streams: EventStreams;
  /** The app itself, as the sender reaches it. */
  readonly self: { fetch(request: Request): Response | Promise<Response> };
  /** All routes, for the description. */
  readonly routes: readonly AnyRoute[];
}

type ReplyOf<Status, Kind> = Kind extends z.ZodType
  ? { readonly status: Status; readonly json: z.input<Kind> }
  : Kind extends 'text'
    ? { readonly status: Status; readonly text: string; readonly type?: string }
    : Kind extends 'empty'
      ? { readonly status: Status }
      : Response;

/** One of the documented answers. */
export type Reply<D extends Definition> = {
  [Status in keyof D['answers']]: ReplyOf<Status, D['answers'][Status]>;
}[keyof D['answers']];

export interface Route<Key extends RouteKey = RouteKey, D extends Definition = Definition> {
  readonly key: Key;
  readonly definition: D;
  readonly answer: (ask: Ask<D>) => Reply<D> | Promise<Reply<D>>;
}

/** An answer with a body: JSON of the status's schema. */
export function json<const Status extends number, Json>(status: Status, value: Json): { status: Status; json: Json } {
  return { status, json: value };
}

export function text<const Status extends number>(status: Status, value: string): { status: Status; text: string } {
  return { status, text: value };
}

export function empty<const Status extends number>(status: Status): { status: Status } {
  return { status };
}

export function route<const Key extends RouteKey, const D extends Definition>(
  key: Key,
  definition: D,
  answer: (ask: Ask<D>) => Reply<D> | Promise<Reply<D>>,
): Route<Key, D> {
  return { key, definition, answer };
}

/** A route without the types of its schemas, for mounting and description. */
export interface AnyRoute {
  readonly key: RouteKey;
  readonly definition: Definition;
  /** Accepts a request that the route's own schemas have parsed. */
  readonly answer: (ask: never) => AnyReply | Promise<AnyReply>;
}

export type AnyReply =
  | Response
  | { readonly status: number; readonly json?: unknown; readonly text?: string; readonly type?: string };

export function methodOf(key: RouteKey): Method {
  return key.slice(0, key.indexOf(' ')) as Method; // the type of a key guarantees it
}

export function pathOf(key: RouteKey): string {
  return key.slice(key.indexOf(' ') + 1);
}

/** 200: done or held; 202: not decided yet; 409: refused. */
const verdictAnswers = { 200: signalAnswer, 202: signalAnswer, 409: refusedAnswer } as const;

/** The same about an agent, with kasmos's field for success. */
const agentVerdictAnswers = { 200: instanceVerdict, 202: signalAnswer, 409: refusedAnswer } as const;

interface SentSignal {
  readonly project: string;
  readonly plan: string;
  readonly type: string;
  readonly payload: unknown;
  readonly dedupeKey?: string | null;
  readonly waitMs?: number;
}

/** The sender, and the engine. */
interface Asking {
  readonly core: AppParts;
  readonly principal: Principal;
}

/** Sends a signal of the sender, who must own the plan. Throws the errors of `Commands.send`. */
export async function sendSignal({ core, principal }: Asking, signal: SentSignal): Promise<SignalAnswer> {
  principal.mustHave(needOfSignal(signal.type));
  const sender = await principal.mustOwn(signal.project, signal.plan);
  return core.commands.send({ dedupeKey: null, waitMs: verdictWaitMs, ...signal, ...sender });
}

/** The same, with the HTTP status of its verdict. */
export async function sendAndAnswer(asking: Asking, signal: SentSignal) {
  return answerOf(await sendSignal(asking, signal));
}

function answerOf(answer: SignalAnswer) {
  const { status } = answer.signal;
  if (status === 'failed') return refused(answer);
  return status === 'pending' ? json(202, answer) : json(200, answer);
}

/** The answer about an agent, which may be gone: then a signal that is never refused has nothing to do. */
function agentAnswerOf({ signal, plan }: SignalAnswer, isNeverRefused: boolean) {
  if (signal.status === 'pending') return json(202, { signal, plan });
  if (signal.status === 'failed' && !isNeverRefused) return refused({ signal, plan });
  return json(200, { status: 'ok' as const, signal, plan });
}

export function refused(answer: SignalAnswer) {
  return json(409, { ...answer, ...refusalOf(answer).toJSON() } satisfies z.input<typeof refusedAnswer>);
}

/** A refusal in the form of an error, for programs that read only errors. */
export function refusalOf(answer: SignalAnswer): EngineError {
  const { type, refused } = answer.signal;
  const { why, hint } = failureOf(answer);
  return new EngineError('refused', refused === null ? `${type} failed: ${why}` : why, hint);
}

interface Names {
  readonly project?: string;
  readonly plan?: string;
  readonly title?: string;
}

export function routesOf(operations: Operations): AnyRoute[] {
  return Object.values(operations).map(routeOf);
}

function routeOf(operation: AnyOperation): AnyRoute {
  const { http, who, verdict } = operation;
  const run = operation.run as (parts: OperationParts, input: unknown, sender: Sender | null) => unknown; // its own schemas have parsed its input
  const creates = operation.creates as true | ((input: unknown) => boolean) | undefined; // likewise
  const definition = definitionOf(operation);
  return {
    key: http,
    definition,
    async answer({ core, principal, params, query, body }: Ask) {
      const input = given({ ...params, ...query, ...body });
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

/** Its schemas are made when a request or a description first asks for them: all routes together have some thousands, and a verb needs a few. */
function definitionOf(operation: AnyOperation): Definition {
  const { does, who, needs, inRuns, anyHost, again, bodyLimitBytes, errors } = operation;
  let [asked, answers]: [ReturnType<typeof askedOf> | null, Definition['answers'] | null] = [null, null];
  const askedOnce = () => {
    asked ??= askedOf(operation);
    return asked;
  };
  return {
    ...{ does, who, ...given({ needs, inRuns, anyHost, again, bodyLimitBytes, errors }) },
    ...(operation.sendsSignal === true ? { needsFor: needOfBody } : {}),
    get params() {
      return askedOnce().params;
    },
    get query() {
      return askedOnce().query;
    },
    get body() {
      return askedOnce().body;
    },
    get answers() {
      answers ??= answersOf(operation);
      return answers;
    },
  };
}

/** The role of the signal that a body holds; a body without one is refused later. */
function needOfBody(body: unknown): Need {
  const type = typeof body === 'object' && body !== null && 'type' in body ? body.type : null;
  return typeof type === 'string' ? needOfSignal(type) : 'answer';
}

function askedOf(operation: AnyOperation): Pick<Definition, 'params' | 'query' | 'body'> {
  const names = namesInPath(operation);
  const fields = Object.entries(operation.input?.(schemas) ?? {});
  const inPath = fields.filter(([name]) => names.includes(name));
  const others = fields.filter(([name]) => !names.includes(name));
  return {
    ...(inPath.length === 0 ? {} : { params: z.strictObject(Object.fromEntries(inPath)) }),
    ...(others.length === 0 ? {} : { [placeOfFields(operation)]: z.strictObject(Object.fromEntries(others)) }),
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
