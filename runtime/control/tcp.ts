/**
 * The control API on TCP, where every program of the machine and every web page in a browser can knock: a token on each request, and nothing from a
 * page of another origin, also not through a name that was pointed here.
 */
import type { AddressInfo } from 'node:net';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { isLoopback } from '../config/home.ts';
import { isSameSecret } from '../platform/token.ts';
import type { App } from './app.ts';
import { errorResponse, isJsonType } from './requests.ts';
import { type ControlServer, createHttpServer, type ServerLimits, stopServers, tcpLimits } from './server.ts';

export interface TcpServer extends ControlServer {
  /** Where it is reached: `http://127.0.0.1:7433`. */
  readonly url: string;
}

export interface TcpOptions {
  /** `host:port`, `[::1]:port`; port 0 is any that is free. */
  readonly bind: string;
  /** Names under which it may be asked beside that of `bind` and of this machine: `stator.lan`, or with the port that a proxy has. */
  readonly hosts: readonly string[];
  /** The token as it is at this moment, so that a rotated one is in force at once; null: nobody may ask. */
  token(): string | null;
  readonly limits?: ServerLimits;
}

/** Serves until it is stopped. Throws `unavailable` where the address cannot be had. */
export async function serveTcp(
  app: Pick<App, 'fetch'>,
  { bind, hosts, token, limits = tcpLimits }: TcpOptions,
): Promise<TcpServer> {
  const { host, port } = addressOf(bind);
  const allowed: string[] = [];
  const server = createHttpServer(guard(app, { allowed, token }), limits);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: bare(host), port }, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((cause: unknown) => {
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
  /** The values of the header Host that are taken, in lower case. */
  readonly allowed: readonly string[];
  token(): string | null;
}

/** Lets requests through as a person's: whoever has the token of the home is one. */
function guard(app: Pick<App, 'fetch'>, { allowed, token }: Guard): Pick<App, 'fetch'> {
  return {
    fetch(request) {
      const refusal = refusalOf(request, { allowed, token });
      if (refusal !== null) return errorResponse(refusal);
      const headers = new Headers(request.headers);
      headers.delete('authorization');
      return app.fetch(new Request(request, { headers }));
    },
  };
}

function refusalOf(request: Request, { allowed, token }: Guard): EngineError | null {
  const { headers } = request;
  const host = headers.get('host')?.toLowerCase() ?? '';
  if (!allowed.includes(host))
    return forbidden(
      `the header Host names ${host === '' ? 'nobody' : host.slice(0, 300)}`,
      `this API is asked as ${allowed[0]}; other names stand in daemon.toml: [http] hosts`,
    );
  const origin = headers.get('origin');
  const site = headers.get('sec-fetch-site');
  if ((origin !== null && originHost(origin) !== host) || (site !== null && site !== 'same-origin'))
    return forbidden(
      `a page of another origin asks (${origin?.slice(0, 300) ?? `sec-fetch-site: ${site?.slice(0, 50)}`})`,
      'no page of a browser may ask this API, but one that is served from its own address',
    );
  const given = /^Bearer (\S+)$/.exec(headers.get('authorization') ?? '')?.[1];
  const wanted = token();
  if (given === undefined || wanted === null || !isSameSecret(given, wanted))
    return new EngineError(
      'unauthorized',
      given === undefined ? 'no token came along' : 'the token is not the one that is in force',
      'send it as Authorization: Bearer <token>; it is printed by: stator token show',
    );
  const type = headers.get('content-type');
  if (type === null ? !hasBody(headers) : isJsonType(type)) return null;
  return new EngineError(
    'unsupported_media_type',
    type === null ? 'the body does not say what it is' : `the body is said to be ${type.slice(0, 100)}`,
    'send it with content-type application/json',
  );
}

function forbidden(message: string, hint: string): EngineError {
  return new EngineError('forbidden', message, hint);
}

function hasBody(headers: Headers): boolean {
  return headers.has('transfer-encoding') || Number(headers.get('content-length') ?? 0) !== 0;
}

/** Null for `null`, as pages without an origin of their own say, and for what is none. */
function originHost(origin: string): string | null {
  return /^https?:\/\//i.test(origin) && URL.canParse(origin) ? new URL(origin).host.toLowerCase() : null;
}

/** A name in `hosts` is taken as it stands, and with the port. A name that anybody may point here is in none of these. */
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
