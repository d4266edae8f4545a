/**
 * The one way out of walls without a network: an HTTP proxy (CONNECT, and requests with a whole http:// address) on a unix socket. It connects only to listed
 * hosts, at addresses of the public internet. It resolves each name itself, once for each connection, and connects to the checked address.
 */
import {
  type ClientRequest,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestHttp,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  addressesOf,
  pinned,
  type ResolvedAddress,
  type ResolveName,
  whyNoneOfTheInternet,
} from '../../../base/platform/addresses.ts';
import type { HostRule } from '../../../base/platform/host-rules.ts';

export interface EgressParts {
  readonly rules: readonly HostRule[];
  /** Default: the system's resolver. */
  readonly resolve?: ResolveName;
  /** Called for each refused request, with the reason as text. */
  onRefused(place: string, why: string): void;
}

type Way =
  | { readonly kind: 'open'; readonly addresses: readonly ResolvedAddress[] }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string };

/** The most connections: more than a package manager or a browser opens at once. */
const connectionLimit = 1_024;
const headersLimitMs = 30_000;
/** A running server accepts a connection within this time. */
const connectLimitMs = 30_000;

export function createEgress(parts: EgressParts): Server {
  const server = createServer(
    { requestTimeout: 0, headersTimeout: headersLimitMs, requireHostHeader: false },
    (request, response) => {
      void forward(parts, request, response);
    },
  );
  server.on('connect', (request, client, head) => void tunnel(parts, request, { client, head }));
  server.on('clientError', (_error, client) => client.destroy());
  server.maxConnections = connectionLimit;
  return server;
}

async function wayTo({ rules, resolve, onRefused }: EgressParts, to: Endpoint): Promise<Way> {
  const refused = (why: string): Way => {
    onRefused(endpointText(to), why);
    return { kind: 'refused', why };
  };
  const rule = ruleFor(rules, to);
  if (rule === null) return refused('it is not among the hosts of this agent');
  if (rule.address !== null)
    return { kind: 'open', addresses: [{ address: rule.address, family: rule.address.includes(':') ? 6 : 4 }] };
  try {
    const addresses = await addressesOf(to.host, resolve);
    const why = whyNoneOfTheInternet(to.host, addresses);
    return why === null ? { kind: 'open', addresses } : refused(why);
  } catch (thrown) {
    return { kind: 'failed', why: `no address of ${to.host} was found: ${codeOf(thrown)}` };
  }
}

async function tunnel(
  parts: EgressParts,
  { url = '' }: IncomingMessage,
  { client, head }: { readonly client: Duplex; readonly head: Buffer },
): Promise<void> {
  client.on('error', () => client.destroy());
  const to = parseEndpoint(url);
  if (to === null) return answer(client, 400, 'CONNECT takes host:port');
  const way = await wayTo(parts, to);
  if (way.kind !== 'open') return answer(client, statusOf(way), wordsOf(to, way));
  const server = connect({ ...to, lookup: pinned(way.addresses), autoSelectFamily: true });
  const limit = setTimeout(() => server.destroy(new Error('ETIMEDOUT')), connectLimitMs);
  let isOpen = false;
  server.once('connect', () => {
    clearTimeout(limit);
    isOpen = true;
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) server.write(head);
    join(client, server);
  });
  server.on('error', (error) => {
    clearTimeout(limit);
    if (isOpen) client.destroy();
    else answer(client, 502, `no answer from ${endpointText(to)}: ${codeOf(error)}`);
  });
  client.on('close', () => server.destroy());
}

/** Each side ends after the other one, and earlier data still arrives. */
function join(client: Duplex, server: Socket): void {
  client.pipe(server);
  server.pipe(client);
  server.on('close', () => client.destroy());
}

async function forward(parts: EgressParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.on('error', () => {});
  const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : null;
  const to = url?.protocol === 'http:' ? parseEndpoint(`${url.hostname}:${url.port || 80}`) : null;
  if (url === null || to === null)
    return say(response, 400, 'this is a proxy: it takes CONNECT, and http:// addresses');
  const way = await wayTo(parts, to);
  if (way.kind !== 'open') return say(response, statusOf(way), wordsOf(to, way));
  const sent: ClientRequest = requestHttp({
    ...{ host: to.host, port: to.port, method: request.method, path: `${url.pathname}${url.search}` },
    // The checked name, whatever the header Host contains.
    headers: { ...withoutHops(request.headers), host: url.host, connection: 'close' },
    ...{ agent: false, setHost: false, lookup: pinned(way.addresses) },
  });
  const limit = setTimeout(() => sent.destroy(new Error('ETIMEDOUT')), connectLimitMs);
  sent.on('socket', (socket) => socket.once('connect', () => clearTimeout(limit)));
  sent.on('response', (found) => {
    clearTimeout(limit);
    response.writeHead(found.statusCode ?? 502, withoutHops(found.headers));
    found.pipe(response);
    found.on('error', () => response.destroy());
  });
  sent.on('error', (error) => {
    clearTimeout(limit);
    if (response.headersSent) response.destroy();
    else say(response, 502, `no answer from ${endpointText(to)}: ${codeOf(error)}`);
  });
  response.on('close', () => sent.destroy());
  request.on('error', () => sent.destroy());
  request.pipe(sent);
}

const hops = /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host)$/i;

function withoutHops(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hops.test(name) && !named.has(name)));
}

function statusOf({ kind }: Exclude<Way, { kind: 'open' }>): number {
  return kind === 'refused' ? 403 : 502;
}

function wordsOf(to: Endpoint, { kind, why }: Exclude<Way, { kind: 'open' }>): string {
  return kind === 'refused' ? `${endpointText(to)} is refused: ${why}` : why;
}

function say(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' });
  response.end(`stator: network: ${words}\n`);
}

function answer(client: Duplex, status: number, words: string): void {
  const body = `stator: network: ${words}\n`;
  const phrase = status === 403 ? 'Forbidden' : status === 400 ? 'Bad Request' : 'Bad Gateway';
  client.end(
    `HTTP/1.1 ${status} ${phrase}\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : thrown.message;
}

export interface Endpoint {
  /** The host in lower case, without a final dot and without IPv6 brackets. */
  readonly host: string;
  readonly port: number;
}

const nameLimit = 253;
const webPorts: readonly number[] = [80, 443];
const endpointForm = /^(?:\[(?<six>[0-9a-f:.]+)\]|(?<name>[a-z0-9._-]+)):(?<port>\d{1,5})$/;

/** Parses `host:port` of a CONNECT request. null: it is invalid. */
export function parseEndpoint(text: string): Endpoint | null {
  const { six, name, port = '' } = endpointForm.exec(text.toLowerCase())?.groups ?? {};
  const host = (six ?? name)?.replace(/\.$/, '');
  const number = Number(port);
  if (host === undefined || host === '' || host.length > nameLimit || number < 1 || number > 65_535) return null;
  return { host, port: number };
}

function endpointText({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The rule that allows this port; a rule for exactly this name comes before a rule for all subdomains. null: none. */
export function ruleFor(rules: readonly HostRule[], { host, port }: Endpoint): HostRule | null {
  const fits = (rule: HostRule) =>
    (rule.port === null ? webPorts.includes(port) : rule.port === port) &&
    (rule.isBelow ? host.endsWith(`.${rule.host}`) : host === rule.host);
  return rules.filter(fits).toSorted((one, other) => Number(one.isBelow) - Number(other.isBelow))[0] ?? null;
}
