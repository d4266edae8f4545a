/** Every request that leaves stator: to an address that was checked, and with limits of time and size. */
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { EngineError, isError } from '../../../machines/vocabulary/errors.ts';
import { addressesOf, pinned, type ResolvedAddress, type ResolveName, whyNoneOfTheInternet } from './addresses.ts';
import { timeLimit } from './pause.ts';

export type { ResolveName } from './addresses.ts';

export interface OutboundRequest {
  /** http or https. A user and password in it become an `Authorization` header if there is none. */
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Permits private, loopback and link-local addresses too, because a person allowed it. */
  readonly allowPrivate: boolean;
  /** The limit for everything, from the look-up of the name to the last byte of the answer. */
  readonly timeoutMs: number;
  /** The most bytes that are read of an answer. */
  readonly maxResponseBytes: number;
  /** true: only the status counts, and an answer whose body is broken or does not end is one as well. Default: false. */
  readonly ignoresBody?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Default: the system's resolver. */
  readonly resolve?: ResolveName | undefined;
}

export interface OutboundAnswer {
  readonly status: number;
  /** Names in lower case; several of one name are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** As UTF-8, at most `maxResponseBytes`. */
  readonly body: string;
  readonly isCut: boolean;
}

const headerLimitBytes = 16 * 1024;
/** A server may go on with its work only while its answer is read. */
const ignoredBodyMs = 5_000;

/**
 * Sends one request and answers with what came back, whatever its status; a redirect is an answer like any other, and is not followed. Proxies named in the environment are not used.
 * Throws `address_refused` where the host, or any address of its name, is not on the open internet, `timed_out` after `timeoutMs`, `no_answer` where
 * there was no whole answer, and `interrupted` where `signal` ended it. No message holds more of the URL than its origin.
 */
export async function requestOutbound(outbound: OutboundRequest): Promise<OutboundAnswer> {
  const url = webAddress(outbound.url);
  const limit = timeLimit(outbound.timeoutMs);
  const abort = outbound.signal === undefined ? limit : AbortSignal.any([limit, outbound.signal]);
  try {
    abort.throwIfAborted();
    const addresses = await checkedAddresses(url, outbound, abort);
    const answer = await send(url, addresses, outbound, abort);
    return await readAnswer(answer, outbound, abort);
  } catch (thrown) {
    if (thrown instanceof EngineError) throw thrown;
    throw asFailure(thrown, url, { outbound, hasTimedOut: limit.aborted });
  }
}

function webAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new EngineError(
      'address_refused',
      'the address is no http:// or https:// address',
      'write a whole one: https://example.com/path',
    );
  }
  return url;
}

/** The one look-up of this request: nothing is asked again between the check and the connection. */
async function checkedAddresses(
  url: URL,
  outbound: OutboundRequest,
  abort: AbortSignal,
): Promise<readonly ResolvedAddress[]> {
  const found = await orAborted(addressesOf(hostOf(url), outbound.resolve), abort);
  const why = outbound.allowPrivate ? null : whyNoneOfTheInternet(hostOf(url), found);
  if (why === null) return found;
  const hint = 'if that is intended, set allow_private = true beside it';
  throw new EngineError('address_refused', `${url.origin} is not asked: ${why}`, hint);
}

/** Without the brackets of IPv6. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** A look-up cannot be ended; callers wait for it no longer than the limit. */
function orAborted<T>(work: Promise<T>, abort: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abort.reason);
    abort.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => abort.removeEventListener('abort', onAbort));
  });
}

function send(
  url: URL,
  addresses: readonly ResolvedAddress[],
  outbound: OutboundRequest,
  abort: AbortSignal,
): Promise<IncomingMessage> {
  const lookup = pinned(addresses);
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    // A connection of its own: one that is reused was checked for an earlier request, not for this one.
    const sent: ClientRequest = request(url, {
      method: outbound.method,
      headers: headersOf(url, outbound),
      agent: false,
      lookup,
      maxHeaderSize: headerLimitBytes,
      signal: abort,
    });
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end(outbound.body ?? undefined);
  });
}

function headersOf(url: URL, { headers, body }: OutboundRequest): Record<string, string> {
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const own: Record<string, string> = { connection: 'close' };
  if (body !== null) own['content-length'] = String(Buffer.byteLength(body));
  if (url.username !== '' || url.password !== '') {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    own.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  for (const name of Object.keys(own)) if (name === 'authorization' && names.has(name)) delete own[name];
  const given = Object.entries(headers).filter(([name]) => !isFraming(name));
  return { ...own, ...Object.fromEntries(given) };
}

/** Headers that could contradict the request's length, host or path. */
function isFraming(name: string): boolean {
  return /^(?:host|content-length|transfer-encoding|connection|upgrade|expect|te|trailer|keep-alive|proxy-.*)$/i.test(
    name,
  );
}

async function readAnswer(
  answer: IncomingMessage,
  { maxResponseBytes: maxBytes, ignoresBody = false }: OutboundRequest,
  abort: AbortSignal,
): Promise<OutboundAnswer> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  let isCut = false;
  const timer = ignoresBody ? setTimeout(() => answer.destroy(), ignoredBodyMs) : undefined;
  try {
    for await (const part of answer as AsyncIterable<Buffer>) {
      abort.throwIfAborted();
      parts.push(part);
      sizeBytes += part.length;
      if (sizeBytes > maxBytes) {
        isCut = true;
        break; // ends the connection
      }
    }
    abort.throwIfAborted();
  } catch (thrown) {
    if (!ignoresBody) throw thrown;
    isCut = true;
  } finally {
    clearTimeout(timer);
  }
  const headers = Object.entries(answer.headers).map(
    ([name, value]) => [name, [value ?? ''].flat().join(', ')] as const,
  );
  return {
    status: answer.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    body: Buffer.concat(parts).subarray(0, maxBytes).toString('utf8'),
    isCut,
  };
}

function asFailure(
  thrown: unknown,
  url: URL,
  { outbound, hasTimedOut }: { outbound: OutboundRequest; hasTimedOut: boolean },
): EngineError {
  if (hasTimedOut) {
    return new EngineError(
      'timed_out',
      `${url.origin} gave no answer within ${outbound.timeoutMs / 1000} s`,
      'see whether that server is up',
      { cause: thrown },
    );
  }
  if (outbound.signal?.aborted === true) {
    return new EngineError('interrupted', `the request to ${url.origin} was ended`, 'it is sent again later', {
      cause: thrown,
    });
  }
  const { code } = thrown as { code?: unknown }; // any value has or lacks it
  const why = typeof code === 'string' ? code : isError(thrown) ? thrown.message : String(thrown);
  return new EngineError(
    'no_answer',
    `no answer from ${url.origin}: ${why}`,
    'see whether that server is up and can be reached from here',
    { cause: thrown },
  );
}
