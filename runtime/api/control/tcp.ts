/**
 * The control API on TCP, where every program of the machine and every web page in a browser can knock: a token on each request, and nothing from a
 * page of another origin, also not through a name that was pointed here.
 */
import type { AddressInfo } from 'node:net';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { isLoopback } from '../../base/config/home.ts';
import type { App } from './app.ts';
import { errorResponse } from './requests.ts';
import { type ControlServer, createHttpServer, type ServerLimits, stopServers, tcpLimits } from './server.ts';
import { bodyRefusal, hostRefusal, originRefusal, tokenRefusal } from './web-guard.ts';

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

function refusalOf({ headers }: Request, { allowed, token }: Guard): EngineError | null {
  const header = (name: string) => headers.get(name);
  return (
    hostRefusal(header, { allowed, hint: 'other names stand in daemon.toml: [http] hosts' }) ??
    originRefusal(header) ??
    tokenRefusal(header, {
      token: token(),
      hint: 'send it as Authorization: Bearer <token>; it is printed by: stator token show',
    }) ??
    bodyRefusal(header)
  );
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
