/**
 * The control API on TCP, which every program of the machine and every web page in a browser can reach. Each request needs a token. Requests from pages of
 * another origin are refused, and so are host names that are not allowed (DNS rebinding).
 */
import type { AddressInfo } from 'node:net';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { isLoopback } from '../../base/platform/home.ts';
import type { Person } from '../../base/platform/people.ts';
import { isSameSecret } from '../../base/platform/token.ts';
import type { App } from './app.ts';
import type { Passes } from './principal.ts';
import { errorResponse } from './requests.ts';
import { isDelivery } from './routes/deliveries.ts';
import { isApiPath } from './routes.ts';
import { type ControlServer, createHttpServer, listen, stopServers, tcpLimits } from './server.ts';
import { endedWith } from './stream-end.ts';
import { bearerOf, bodyRefusal, hostOf, hostRefusal, isPageOpened, originRefusal } from './web-guard.ts';

export interface TcpServer extends ControlServer {
  /** Its address: `http://127.0.0.1:7433`. */
  readonly url: string;
}

export interface TcpOptions {
  /** `host:port`, `[::1]:port`; port 0: any free port. */
  readonly bind: string;
  /** Further host names under which it may be called, besides those of `bind` and of this machine: `stator.lan`, also with a proxy's port. */
  readonly hosts: readonly string[];
  /** The present token, so that a rotated one is in force at once; null: no request is accepted. */
  token(): string | null;
  /** People with tokens of their own, and the page for them. Default: the token above is the only one, and there is no page. */
  readonly team?: Team;
}

/** People besides the owner, and how they get in. */
export interface Team {
  personOf(token: string): Person | null;
  readonly passes: Passes;
  /** The page, which checks the tokens of pages itself. Loaded when the first page is opened. */
  page(): Promise<{ fetch(request: Request, address: string): Promise<Response> }>;
}

/** Serves until it is stopped. Throws `unavailable` if the address cannot be used. */
export async function serveTcp(app: Pick<App, 'fetch'>, { bind, hosts, token, team }: TcpOptions): Promise<TcpServer> {
  const { host, port } = addressOf(bind);
  const allowed: string[] = [];
  const named = new Set(hosts.map((name) => name.toLowerCase()));
  const server = createHttpServer(guard(app, { allowed, named, token, team: team ?? null }), tcpLimits);
  await listen(server, { host: bare(host), port }).catch((cause: unknown) => {
    throw new EngineError(
      'unavailable',
      `the control API cannot listen on ${bind}: ${messageOf(cause)}`,
      'name another address in daemon.toml: [http] bind = "127.0.0.1:7433", or end the program that has this one',
      { cause },
    );
  });
  const own = (server.address() as AddressInfo).port; // it listens on TCP
  allowed.push(...allowedHosts({ host, port: own, hosts }));
  return { url: `http://${host}:${own}`, stop: () => stopServers([server]) };
}

interface Guard {
  /** The accepted values of the header Host, in lower case. */
  readonly allowed: readonly string[];
  /** The configured ones among them: for these, a proxy's headers about the connection are trusted. */
  readonly named: ReadonlySet<string>;
  token(): string | null;
  readonly team: Team | null;
}

/** Passes requests on in the name of the token's owner. */
function guard(app: Pick<App, 'fetch'>, rules: Guard): Pick<App, 'fetch'> {
  return { fetch: async (request) => notStored(await answered(request).catch(unreadableTokens)) };

  async function answered(request: Request): Promise<Response> {
    const header = (name: string) => request.headers.get(name);
    const refusal = strangerRefusal(request, rules);
    if (refusal !== null) return errorResponse(refusal);
    // It proves itself by its signature, which its route checks, and all other credentials in it are ignored.
    if (isDelivery(request)) return app.fetch(new Request(request, { headers: withoutToken(request.headers) }));
    const given = bearerOf(header);
    if (rules.team !== null && (!isOfApi(request) || isOfPage(given)))
      return (await rules.team.page()).fetch(request, hostOf(header));
    const authorization = authorizationFor(given, rules);
    if (authorization === undefined) return errorResponse(unknownToken(given));
    const misread = bodyRefusal(header);
    if (misread !== null) return errorResponse(misread);
    const headers = new Headers(request.headers);
    if (authorization === null) headers.delete('authorization');
    else headers.set('authorization', authorization);
    const answer = await app.fetch(new Request(request, { headers }));
    return endedWith(answer, () => authorizationFor(given, rules) !== undefined);
  }
}

/** A proxy or a browser on the way stores no answer: the next request may come with another token, and what was true is soon not. */
function notStored(answer: Response): Response {
  const headers = new Headers(answer.headers);
  headers.set('cache-control', 'no-store');
  return new Response(answer.body, { status: answer.status, headers });
}

/** The tokens are in files, and somebody may have changed the rights of one. A stranger does not learn where it is. */
function unreadableTokens(thrown: unknown): Response {
  if (!(thrown instanceof EngineError) || thrown.code !== 'home_unusable') throw thrown;
  const hint = 'the owner sees on that machine what is wrong: stator token list, or: stator token show';
  return errorResponse(new EngineError(thrown.code, 'the tokens of this home cannot be read', hint));
}

function withoutToken(headers: Headers): Headers {
  const kept = new Headers(headers);
  kept.delete('authorization');
  return kept;
}

/** The header that identifies the token's owner to the app: null for the owner of the home, a pass for a person. undefined: the token is unknown. */
function authorizationFor(given: string | null, { token, team }: Guard): string | null | undefined {
  if (given === null) return undefined;
  const ofHome = token();
  if (ofHome !== null && isSameSecret(given, ofHome)) return null;
  const person = team?.personOf(given) ?? null;
  return team === null || person === null ? undefined : team.passes.headerOf(person);
}

function unknownToken(given: string | null): EngineError {
  return new EngineError(
    'unauthorized',
    given === null ? 'no token came along' : 'the token is not one that is in force',
    'send it as Authorization: Bearer <token>; the owner has it of: stator token show, or: stator token add <name>',
  );
}

function isOfApi({ url }: Request): boolean {
  return isApiPath(new URL(url).pathname);
}

/** Recognizes a page's token by its form: it is shorter than every other token. */
function isOfPage(token: string | null): boolean {
  return token !== null && /^(?:[a-z0-9][a-z0-9_-]*\.)?[\w-]{32}$/.test(token);
}

/** Refuses requests under another host name, from a page of another origin, or over a connection that others can read. */
function strangerRefusal(request: Request, { allowed, named }: Guard): EngineError | null {
  const header = (name: string) => request.headers.get(name);
  const wrongHost = hostRefusal(header, { allowed, hint: 'other names belong in daemon.toml: [http] hosts' });
  if (wrongHost !== null) return wrongHost;
  const host = hostOf(header);
  const scheme = isNamed(host, named) ? schemeOf(header('x-forwarded-proto')) : null;
  if (scheme === 'http' && !isLoopback(host.replace(/:\d+$/, '')))
    return new EngineError(
      'forbidden',
      `${host} was asked over http, where others can read the token`,
      `ask https://${host}, and let the proxy send http there`,
    );
  return isPageOpened(request) ? null : originRefusal(header, scheme);
}

/** Whether the host is configured, with or without the port. */
function isNamed(host: string, named: ReadonlySet<string>): boolean {
  return named.has(host) || named.has(host.replace(/:\d+$/, ''));
}

/** The scheme of the browser's connection according to the first proxy; null: not known. */
function schemeOf(forwarded: string | null): 'http' | 'https' | null {
  const first = forwarded?.split(',')[0]?.trim().toLowerCase();
  return first === 'http' || first === 'https' ? first : null;
}

/** A name in `hosts` is allowed as written, and with the port. A name that a stranger points here is in none of these lists. */
function allowedHosts({ host, port, hosts }: { host: string; port: number; hosts: readonly string[] }): string[] {
  const names = [host, ...(isLoopback(host) ? ['localhost', '127.0.0.1', '[::1]'] : []), ...hosts];
  const withPort = names.flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])]);
  return [...new Set([...withPort, ...hosts].map((name) => name.toLowerCase()))];
}

function addressOf(bind: string): { host: string; port: number } {
  const at = bind.lastIndexOf(':');
  return { host: bind.slice(0, at), port: Number(bind.slice(at + 1)) };
}

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
