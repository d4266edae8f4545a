/**
 * The control API: one app for the socket, for an embedded engine and for mounting in other servers. Every failure is `{error, code, hint}` with the status
 * of its code.
 *
 * Each operation is a value in `operations/<noun>.ts` (docs/extending.md). The routes in `routes/` are no operations: those of the daemon around an engine,
 * streams, MCP, and kasmos's requests whose answers have kasmos's form. test/control/routes.test.ts has a row for each answer of a route. `npm run docs`
 * rewrites the table of docs/control-api.md.
 */
import { randomUUID } from 'node:crypto';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { EngineError, errorClasses } from '../../../machines/vocabulary/errors.ts';
import { environmentFault } from '../../base/platform/environment-fault.ts';
import type { Log } from '../../base/platform/log.ts';
import { createSerialQueue, type SerialQueue } from '../../base/platform/serial-queue.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import type { Commands } from '../commands/commands.ts';
import { withRequest } from '../commands/signal-sender.ts';
import type { Views } from '../queries/queries.ts';
import { createEventStreams, type EventStreams, type StreamLimits, streamLimits } from './events.ts';
import { type Entrance, type Named, type Need, personEntrance } from './principal.ts';
import { check, jsonOf, mustBeJson, nothing, queryOf } from './requests.ts';
import { type AnyReply, type AnyRoute, type AppParts, type Definition, methodOf, pathOf, type Relay } from './route.ts';
import { routes } from './routes.ts';

const bodyLimitBytes = 1024 * 1024;
/** The most requests of a run that are open at once, also those of its tools: one connection may send any number before it reads an answer. */
const openOfRun = 128;
/** https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header */
const keyHeader = 'idempotency-key';

export type App = ReturnType<typeof createApp>;

/** `entrance`: who may use the app; default: people, and runs with their tokens. `isServed`: the routes of the app; default: all routes that are for them. */
export function createApp(
  parts: AppParts,
  {
    limits = streamLimits,
    entrance = personEntrance(parts.commands, parts.host?.personOf),
    isServed = ({ definition }) => !entrance.isOfRun || isInRuns(definition),
  }: {
    limits?: StreamLimits;
    entrance?: Entrance;
    isServed?: (route: Pick<AnyRoute, 'key' | 'definition'>) => boolean;
  } = {},
) {
  const app = bareApp(parts.log, (c) => noRoute(c, entrance));
  const streams = createEventStreams(parts, limits);
  // A read may start git, outside of the limits of the run that asks: a run gets its answers one after the other.
  const reads = entrance.isOfRun ? { readsInTurn: createSerialQueue() } : {};
  if (entrance.isOfRun) app.use(limitOpen(openOfRun));
  for (const each of routes.filter(isServed)) mount(app, { core: parts, streams, entrance, self: app, ...reads }, each);
  return app;
}

/** The app for requests from other hosts: reads of this host's repos, and the changes with `anyHost`. It relays nothing. */
export function createAppForHosts(parts: AppParts): App {
  const isServed = ({ key, definition: { anyHost = false } }: Pick<AnyRoute, 'key' | 'definition'>) =>
    anyHost || (methodOf(key) === 'GET' && pathOf(key).split('/').includes(':project'));
  return createApp({ ...parts, relay: null }, { isServed });
}

/** An app without routes, with the error handling. `otherwise` makes the error of a request that has no route. */
export function bareApp(log: Pick<Log, 'error'>, otherwise: (c: Context) => EngineError): Hono {
  const app = new Hono();
  app.onError((thrown, c) => problem(c, errorOf(log, c, thrown)));
  app.notFound((c) => problem(c, otherwise(c)));
  app.use(async (c, next) => {
    refuseBrokenEscapes(c);
    mustBeJson(c.req.method, c.req.header('content-type'));
    await next();
  });
  return app;
}

/** Without `streams`, and with less in `core`, only routes that need no more can be mounted. */
export function mount(
  app: Hono,
  given: {
    readonly core: {
      readonly log: Pick<Log, 'info'>;
      readonly relay?: Relay | null;
      readonly views?: Pick<Views, 'projectNamed'>;
      /** Without an engine no answer is stored. */
      readonly commands?: Pick<Commands, 'once'>;
    };
    readonly streams?: EventStreams;
    readonly entrance: Entrance;
    readonly self?: Pick<Hono, 'fetch'>;
    /** Default: reads are answered at the same time. */
    readonly readsInTurn?: SerialQueue;
  },
  { key, definition, answer }: AnyRoute,
): void {
  const { entrance, readsInTurn, ...parts } = given;
  const { who, bodyLimitBytes: maxSize = bodyLimitBytes } = definition;
  const onError = (c: Context) =>
    problem(c, new EngineError('too_large', `the body is over ${maxSize} bytes`, 'send less'));
  app.on(methodOf(key), pathOf(key), limitBody(maxSize, onError), async (c) => {
    const principal = entrance.principal(c.req.header('authorization'));
    if (who === 'person') await principal.mustBePerson();
    principal.mustHave(definition.needsFor?.(await jsonOf(c)) ?? needOf(definition));
    const { params, query, body, isRaw = false } = definition;
    const meant = <T extends object>(asked: T): T => withProject(asked, parts.core.views?.projectNamed);
    const named = meant(params === undefined ? {} : check(params, c.req.param(), 'the path'));
    await principal.maySee(named);
    const ask = {
      ...parts,
      principal,
      isOfRun: entrance.isOfRun,
      context: c,
      routes,
      params: named,
      query: meant(isRaw ? {} : check(query ?? nothing, queryOf(c), 'the query')),
      body: meant(isRaw || isRead(c) ? {} : check(body ?? nothing, await jsonOf(c), 'the body')),
    };
    const person = principal.named();
    if (person !== null && !isRead(c))
      parts.core.log.info(`${person.name}: ${c.req.method} ${c.req.path.slice(0, 500)}`);
    const answering = () => principal.act(() => answerHere(c, ask));
    const carryOut = readsInTurn !== undefined && isRead(c) ? () => readsInTurn(answering) : answering;
    // The next daemon may give a person another pass, so the name is used.
    const by = person?.name ?? c.req.header('authorization') ?? '';
    const way = definition.again ?? 'kept';
    return once(c, { way, by, commands: parts.core.commands, body: ask.body }, carryOut);
  });

  async function answerHere(c: Context, ask: Parameters<typeof answerFromHost>[1]): Promise<Response> {
    try {
      return respond(c, await answer(ask as never)); // parsed by the route's own schemas on arrival
    } catch (thrown) {
      const mayAsk = isRead(c) || definition.anyHost === true;
      if (!mayAsk || !(thrown instanceof EngineError) || thrown.code !== 'elsewhere') throw thrown;
      const elsewhere = await answerFromHost(c, ask, parts.core.relay);
      if (elsewhere === null) throw thrown;
      return elsewhere;
    }
  }
}

/** A repeated request, recognized by its client's key, gets the first answer again. */
async function once(
  c: Context,
  {
    way,
    by,
    commands,
    body,
  }: {
    way: NonNullable<Definition['again']>;
    by: string;
    commands: Pick<Commands, 'once'> | undefined;
    body: unknown;
  },
  carryOut: () => Promise<Response>,
): Promise<Response> {
  const key = c.req.header(keyHeader);
  if (key === undefined || commands === undefined || isRead(c) || way === 'free') return carryOut();
  if (!/^[\w-]{16,64}$/.test(key))
    throw new EngineError(
      'bad_request',
      `the header ${keyHeader} is no key`,
      'send 16 to 64 letters, digits, dashes and underscores, such as a UUID, or none',
    );
  if (way === 'signal') return withRequest({ key, firstAtMs: 0, isRepeat: false }, carryOut);
  const { pathname, search } = new URL(c.req.url);
  const asked = [c.req.method, pathname, search, by, body];
  const request = { key, digest: textDigest(JSON.stringify(asked)), mayRepeat: way === 'kept' };
  const { status, text } = await commands.once(request, async () => {
    const response = await carryOut();
    return { status: response.status, text: await response.text() };
  });
  if (text === '') return c.body(null, status as 200); // a status of a route's answers
  return c.body(text, status as 200, { 'content-type': 'application/json' }); // likewise
}

/** A command names the repo by its folder, and the folder may have been renamed since the registration. */
function withProject<T extends object>(asked: T, projectNamed: Views['projectNamed'] = (name) => name): T {
  const { project } = asked as { project?: unknown };
  return typeof project === 'string' ? { ...asked, project: projectNamed(project) } : asked;
}

/** As `bodyLimit`, which makes a stream of each body. If a request states its length, node enforces that length, so it is only compared here. */
function limitBody(maxSize: number, onError: (c: Context) => Response): MiddlewareHandler {
  const counting = bodyLimit({ maxSize, onError });
  return async (c, next) => {
    const length = c.req.header('content-length');
    if (length === undefined || c.req.header('transfer-encoding') !== undefined) return counting(c, next);
    return Number(length) > maxSize ? onError(c) : next();
  };
}

/** Each open request is memory of the engine, and work that goes on when its client has gone. */
function limitOpen(most: number): MiddlewareHandler {
  let open = 0;
  return async (_, next) => {
    if (open >= most)
      throw new EngineError('limit_reached', `${most} requests of this run are open`, 'wait for their answers');
    open += 1;
    try {
      await next();
    } finally {
      open -= 1;
    }
  };
}

/** Lets another host answer a request that needs its files; null: the request names no repo, or that host does not answer. */
async function answerFromHost(
  c: Context,
  { params, body }: { params: Named; body: unknown },
  relay: Relay | null | undefined,
): Promise<Response | null> {
  if (relay == null || params.project === undefined) return null;
  const { pathname, search } = new URL(c.req.url);
  const method = isRead(c) ? 'GET' : c.req.method;
  return relay(params.project, { method, path: pathname + search, ...(method === 'GET' ? {} : { body }) });
}

/** HEAD is answered as GET, without the body. */
function isRead({ req }: Context): boolean {
  return req.method === 'GET' || req.method === 'HEAD';
}

function respond(c: Context, reply: AnyReply): Response {
  if (reply instanceof Response) return reply;
  const status = reply.status as 200; // a status of the route's answers; each of them allows a body
  if (reply.text !== undefined)
    return c.text(reply.text, status, reply.type === undefined ? {} : { 'content-type': reply.type });
  return 'json' in reply ? c.json(reply.json, status) : c.body(null, status);
}

function problem(c: Context, error: EngineError): Response {
  return c.json(error.toJSON(), errorClasses[error.code].status as 400); // every status of the table allows a body
}

/** Turns a thrown value into an EngineError. A bug is logged under an id that the answer names. */
function errorOf(log: Pick<Log, 'error'>, c: Context, thrown: unknown): EngineError {
  const trouble = environmentFault(thrown);
  if (trouble !== null) return trouble;
  if (thrown instanceof EngineError) return thrown; // store problems are EngineErrors
  if (isLeaving(c, thrown))
    return new EngineError('interrupted', 'the client went away before its request was there', 'send it again');
  const id = randomUUID();
  log.error(`request ${c.req.method} ${c.req.path} failed (${id})`, thrown);
  return new EngineError('internal', `a bug of stator (${id})`, 'the log has it under this id; please report it');
}

/** Whether the client disconnected while its request was read: that is not our fault, and no one reads the answer. */
function isLeaving(c: Context, thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !c.req.raw.signal.aborted) return false;
  const code = 'code' in thrown ? thrown.code : null;
  return code === 'ECONNRESET' || /aborted|prematurely closed/i.test(thrown.message);
}

/** A route without a stated role is for the owner alone. */
export function needOf({ needs, who }: Definition): Need {
  return needs ?? (who === 'anyone' ? 'look' : 'owner');
}

function isInRuns({ inRuns = false }: Definition): boolean {
  return inRuns;
}

function noRoute(c: Context, { isOfRun }: Entrance): EngineError {
  const { method, path } = c.req;
  const segments = path.split('/');
  const methods = routes.filter(({ key }) => isSamePath(pathOf(key).split('/'), segments));
  if (isOfRun && methods.some(({ key }) => methodOf(key) === method))
    return new EngineError(
      'forbidden',
      `the socket of a run does not serve ${method} ${path.slice(0, 500)}`,
      'an agent may look at its own plan and speak of it; for anything else ask a person: stator signal emit needs_decision --payload "<why>"',
    );
  return new EngineError(
    'not_found',
    `no route ${method} ${path.slice(0, 500)}`,
    methods.length === 0
      ? 'the routes are in docs/control-api.md and in GET /openapi.json'
      : `this path takes ${methods.map(({ key }) => methodOf(key)).join(', ')}`,
  );
}

function isSamePath(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => part.startsWith(':') || part === segments[index])
  );
}

/** Throws `bad_request` for an address whose escapes are not UTF-8: such a name could be mistaken for another one. */
function refuseBrokenEscapes(c: Context): void {
  const { url } = c.req;
  if (!url.includes('%')) return;
  try {
    const { pathname, search } = new URL(url);
    decodeURIComponent(pathname + search);
  } catch (cause) {
    throw new EngineError(
      'bad_request',
      'the address is not percent-encoded UTF-8',
      'encode each name and each value in it, as encodeURIComponent does',
      { cause },
    );
  }
}
