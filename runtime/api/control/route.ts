/** What a route of the control API is: its words for the description, its schemas, who may ask, and what it answers. */
import type { Context } from 'hono';
import type { z } from 'zod';
import type { ErrorCode } from '../../../machines/vocabulary/errors.ts';
import type { Log } from '../../base/platform/log.ts';
import type { PlanKey } from '../../core/store/port.ts';
import type { Commands, OperationParts } from '../commands/commands.ts';
import type { WhatIf, WhatIfQuestion } from '../contract/plans.ts';
import type { EventParts, EventStreams } from './events.ts';
import type { McpSessions } from './mcp.ts';
import type { Need, Passes } from './people.ts';
import type { Principal } from './principal.ts';

export interface AppParts extends EventParts {
  readonly commands: Commands;
  /** What operations are carried out with. */
  readonly parts: OperationParts;
  readonly log: Log;
  /** Where a plan would have gone with other inputs. */
  whatIf(asked: WhatIfQuestion & PlanKey): Promise<WhatIf>;
  /** For how long the daemon has run, or the engine of a program; a clock that is set changes nothing of it. */
  uptimeMs(): number;
  nowMs(): number;
  /** The `owner.db` that the engine holds the lock of, `<device>:<inode>`; null: it owns no home. */
  lock(): string | null;
  /** Who answers on `/mcp`. */
  readonly mcp: McpSessions;
  /** null: the engine belongs to a program. */
  readonly host: Host | null;
  /** null: this engine serves no page. */
  readonly inspect: Inspect | null;
  /** null: nobody else has repos. */
  readonly relay: Relay | null;
}

/** A request that another host answers. */
export interface RelayedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
}

/** Has the host of a repo answer a request about it. null: the repo is here, or its host is not there. Throws `elsewhere`. */
export type Relay = (project: string, request: RelayedRequest) => Promise<Response | null>;

/** The daemon that an engine lives in. */
export interface Host {
  /** Since its own start, however many engines it has had. */
  uptimeMs(): number;
  /** Whose pass a request brings; null: it is none. */
  readonly personOf: Passes['personOf'];
  /** Begins to stop; the request that asks for it is answered first. */
  stop(agents: 'leave' | 'stop'): void;
  readonly inspect: Inspect;
}

/** Serves the live page. Throws `unavailable` where the port cannot be had, `home_unusable`. */
export type Inspect = (wanted: PageWanted) => Promise<{ url: string; websocket?: string }>;

/** Options of the live page. */
export interface PageWanted {
  /** The port; default: the previous one, or any free port. */
  readonly port?: number | undefined;
  /** The address is good for one page, within a minute: for command lines, which others may read. */
  readonly once?: boolean | undefined;
  /** The address of Stately's protocol, and of the page that hands it on to Stately's inspector. */
  readonly stately?: boolean | undefined;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** `GET /v1/repos/:project/plans`: how a route is found in the code, in the documents and by the client. */
export type RouteKey = `${Method} /${string}`;

/** JSON of that schema; `text`; `empty`, no body at all; `events`, a stream. */
type AnswerKind = z.ZodType | 'text' | 'empty' | 'events';

export interface Definition {
  /** One line for people: what it does. */
  readonly does: string;
  /**
   * `anyone`: nothing is changed, a token is not looked at. `person`: refused to whoever sends a token. `own`: an agent may ask it of its own
   * plan; the handler says of which by `principal.mustOwn`.
   */
  readonly who: 'anyone' | 'person' | 'own';
  /** The role that a person with a token of their own needs. Default: `look` where `who` is anyone, else nobody but the owner of the home. */
  readonly needs?: Need;
  /** An agent's own socket serves it too, of the agent's own plan. Default: not. */
  readonly inRuns?: boolean;
  /** A change of a repo that any host may be asked for: the repo's own host carries it out. Reads are all handed on. Default: not. */
  readonly anyHost?: boolean;
  /**
   * The same request again, by its key. `kept` (the default): its answer is kept, and what was cut off is begun again. `never`: what was cut off is not begun
   * again. `signal`: it is one signal, which has the key. `free`: it changes nothing, or nothing more.
   */
  readonly again?: 'kept' | 'never' | 'signal' | 'free';
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
  /** Default 1 MiB. */
  readonly bodyLimitBytes?: number;
  /** The answers by status: successes, and refusals that are no errors. */
  readonly answers: { readonly [status: number]: AnswerKind };
  /** What it may refuse with, beside what every route may: the status of each stands in the table of codes. Default: nothing. */
  readonly errors?: readonly ErrorCode[];
}

type Read<Schema> = Schema extends z.ZodType ? z.output<Schema> : Record<never, never>;

/** A request that has been read: each part by its schema. */
export interface Ask<D extends Definition = Definition> {
  readonly params: Read<D['params']>;
  readonly query: Read<D['query']>;
  readonly body: Read<D['body']>;
  readonly core: AppParts;
  readonly principal: Principal;
  readonly context: Context;
  readonly streams: EventStreams;
  /** The app itself, as whoever asks reaches it. */
  readonly self: { fetch(request: Request): Response | Promise<Response> };
  /** All that there are, for their description. */
  readonly routes: readonly AnyRoute[];
}

type ReplyOf<Status, Kind> = Kind extends z.ZodType
  ? { readonly status: Status; readonly json: z.input<Kind> }
  : Kind extends 'text'
    ? { readonly status: Status; readonly text: string }
    : Kind extends 'empty'
      ? { readonly status: Status }
      : Response;

/** One of the documented answers, and nothing else. */
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

/** A route as it is mounted and described, where nobody needs to know its schemas by type. */
export interface AnyRoute {
  readonly key: RouteKey;
  readonly definition: Definition;
  /** Takes what was read by the route's own schemas. */
  readonly answer: (ask: never) => AnyReply | Promise<AnyReply>;
}

export type AnyReply = Response | { readonly status: number; readonly json?: unknown; readonly text?: string };

export function methodOf(key: RouteKey): Method {
  return key.slice(0, key.indexOf(' ')) as Method; // as the type of a key has it
}

export function pathOf(key: RouteKey): string {
  return key.slice(key.indexOf(' ') + 1);
}
