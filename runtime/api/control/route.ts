/** A route of the control API: its description, its schemas, its permitted senders, and its answers. */
import type { Context } from 'hono';
import type { z } from 'zod';
import type { ErrorCode } from '../../../machines/vocabulary/errors.ts';
import type { Log } from '../../base/platform/log.ts';
import type { Commands, OperationParts } from '../commands/commands.ts';
import type { EventParts, EventStreams } from './events.ts';
import type { McpSessions } from './mcp.ts';
import type { Need, Passes } from './people.ts';
import type { Principal } from './principal.ts';

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
  /** true: an agent's own socket also serves it, for the agent's own plan. Default: false. */
  readonly inRuns?: boolean;
  /** true: any host accepts this change of a repo, and relays it to the repo's own host. All reads are relayed. Default: false. */
  readonly anyHost?: boolean;
  /**
   * How a repeated request with the same key is handled. `kept` (the default): the first answer is stored, and a request that was cut off is begun again.
   * `never`: a request that was cut off is not begun again. `signal`: the request is one signal, which carries the key. `free`: repeating it changes nothing.
   */
  readonly again?: 'kept' | 'never' | 'signal' | 'free';
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
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
