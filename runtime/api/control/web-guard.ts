/**
 * Checks of requests that a browser can send: refused are pages of another origin, host names that are not allowed, and requests without the token. Each
 * check returns the refusal, or null.
 */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { isSameSecret } from '../../base/platform/token.ts';
import { isJsonType } from './requests.ts';

/** As in `Headers`: null if the header is missing. */
export type HeaderOf = (name: string) => string | null;

interface Expected {
  /** The accepted values of the header Host, in lower case. */
  readonly allowed: readonly string[];
  /** The hint for a request with another host name. */
  readonly hint: string;
}

/** Another host name is `forbidden`: a page that attacks by DNS rebinding uses its own name. */
export function hostRefusal(header: HeaderOf, { allowed, hint }: Expected): EngineError | null {
  const host = hostOf(header);
  if (allowed.includes(host)) return null;
  return forbidden(
    `the header Host names ${host === '' ? 'nobody' : host.slice(0, 300)}`,
    `this API is asked as ${allowed[0]}; ${hint}`,
  );
}

/**
 * A browser names the page that sends a request; only pages served from here are answered. `scheme`: the scheme under which a proxy serves the page; null:
 * not known.
 */
export function originRefusal(header: HeaderOf, scheme: 'http' | 'https' | null = null): EngineError | null {
  const origin = header('origin');
  const site = header('sec-fetch-site');
  const isOtherScheme = origin !== null && scheme !== null && !origin.toLowerCase().startsWith(`${scheme}://`);
  const isForeign = origin !== null && (isOtherScheme || originHost(origin) !== hostOf(header));
  if (!isForeign && (site === null || site === 'same-origin')) return null;
  return forbidden(
    `a page of another origin asks (${origin?.slice(0, 300) ?? `sec-fetch-site: ${site?.slice(0, 50)}`})`,
    'no page of a browser may ask this API, but one that is served from its own address',
  );
}

interface Wanted {
  /** null: no request is accepted. */
  readonly token: string | null;
  readonly hint: string;
}

/** The page itself may be opened from anywhere: it shows nothing without a token. */
export function isPageOpened({ method, url, headers }: Request): boolean {
  const isPage = ['/', '/stately'].includes(new URL(url).pathname);
  return method === 'GET' && isPage && headers.get('sec-fetch-mode') === 'navigate';
}

/** The token of `Authorization: Bearer <token>`; null: there is none. */
export function bearerOf(header: HeaderOf): string | null {
  return bearerIn(header('authorization') ?? '');
}

/** The same of the header's value. */
export function bearerIn(authorization: string): string | null {
  return /^Bearer (\S+)$/i.exec(authorization)?.[1] ?? null;
}

/** Compares in constant time; null: no token was sent. */
export function secretRefusal(given: string | null, { token, hint }: Wanted): EngineError | null {
  if (given !== null && token !== null && isSameSecret(given, token)) return null;
  return new EngineError(
    'unauthorized',
    given === null ? 'no token came along' : 'the token is not the one that is in force',
    hint,
  );
}

/** A browser sends a page's form anywhere without a preflight request, but not JSON. */
export function bodyRefusal(header: HeaderOf): EngineError | null {
  const type = header('content-type');
  if (type === null ? !hasBody(header) : isJsonType(type)) return null;
  return new EngineError(
    'unsupported_media_type',
    type === null ? 'the body does not say what it is' : `the body is said to be ${type.slice(0, 100)}`,
    'send it with content-type application/json',
  );
}

export function hostOf(header: HeaderOf): string {
  return header('host')?.toLowerCase() ?? '';
}

function forbidden(message: string, hint: string): EngineError {
  return new EngineError('forbidden', message, hint);
}

function hasBody(header: HeaderOf): boolean {
  return header('transfer-encoding') !== null || Number(header('content-length') ?? 0) !== 0;
}

/** null for the text `null`, which pages without an origin send, and for text that is no origin. */
function originHost(origin: string): string | null {
  return /^https?:\/\//i.test(origin) && URL.canParse(origin) ? new URL(origin).host.toLowerCase() : null;
}
