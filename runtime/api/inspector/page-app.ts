/**
 * The page over HTTP, for both ways in: its files, the login of a page, and the control API for pages that are logged in. A page holds a token for one run of
 * the daemon at one address. It also holds a key, from which it derives the next token once the server has proven that it has the key too.
 */

import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { inPackage } from '../../base/platform/package-files.ts';
import type { Person } from '../../base/platform/people.ts';
import { answeringSignals } from '../control/principal.ts';
import { errorResponse } from '../control/requests.ts';
import { isApiPath } from '../control/routes.ts';
import { endedWith } from '../control/stream-end.ts';
import { bearerOf, bodyRefusal, type HeaderOf } from '../control/web-guard.ts';
import { proofOf } from './key.ts';
import { createSharedReads } from './shared-reads.ts';
import { watchPath } from './watch-guard.ts';

/** Allows only content that was served from here, no inline script or style, and no foreign frame around the page. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types stator-chart',
].join('; ');

/** The page that forwards events to Stately's inspector shows it in a frame, or opens it in a window that may report that it is ready. */
const statelyHeaders = {
  'content-security-policy': `${policy}; frame-src https://stately.ai`,
  'cross-origin-opener-policy': 'same-origin-allow-popups',
} as const;

const headers = {
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
} as const;

/** A logged-in person, and the key of their pages. */
export interface Login {
  /** null: the owner of the home. */
  readonly person: Person | null;
  readonly key: string;
}

/** How one way in accepts pages. `address` is the browser's address of it: `127.0.0.1:41233`. */
export interface PageAccess {
  /** The name of this run of the daemon. */
  readonly life: string;
  /** What a page without a token asks for. */
  readonly takes: 'address' | 'token';
  /** The hint for a page that is not accepted. */
  readonly hint: string;
  /** The login of the page with that token; null: none. */
  loginOf(token: string, address: string): Login | null;
  /** The key for a person's name, or for the owner (null); null: there is none. */
  keyOf(name: string | null): string | null;
  /** The token of a page, in exchange for a ticket or a person's token; null: that is not valid, or not any more. */
  enter(given: string | null, address: string): string | null;
  /** The header that identifies them to the app; null: the owner, who needs none. */
  authorizationOf(login: Login): string | null;
}

export interface PageApp {
  fetch(request: Request, address: string): Promise<Response>;
}

export function createPageApp(
  app: { fetch(request: Request): Response | Promise<Response> },
  access: PageAccess,
): PageApp {
  const read = createSharedReads((request) => app.fetch(request));
  const { life, takes, hint } = access;
  const loginOf = (header: HeaderOf, address: string) => {
    const token = bearerOf(header);
    return token === null ? null : access.loginOf(token, address);
  };

  async function answerApi(request: Request, address: string): Promise<Response> {
    const header = headerOf(request);
    const login = loginOf(header, address);
    const refusal = login === null ? refused(header, hint) : bodyRefusal(header);
    if (login === null || refusal !== null) return withHeaders(errorResponse(refusal ?? refused(header, hint)));
    const own = new Headers(request.headers);
    const authorization = access.authorizationOf(login);
    if (authorization === null) own.delete('authorization');
    else own.set('authorization', authorization);
    const answer = await read(new Request(request, { headers: own }));
    return withHeaders(endedWith(answer, () => loginOf(header, address) !== null));
  }

  function answerSession(request: Request, { pathname, searchParams }: URL, address: string): Response {
    const header = headerOf(request);
    switch (`${request.method} ${pathname}`) {
      case 'GET /session/door':
        return Response.json({ takes });
      case 'GET /session/hello': {
        const nonce = searchParams.get('nonce') ?? '';
        if (!/^[\w-]{16,64}$/.test(nonce))
          return errorResponse(
            new EngineError('bad_request', 'nonce: 16 to 64 of A-Z a-z 0-9 - _', 'choose one by chance'),
          );
        const key = access.keyOf(searchParams.get('person'));
        if (key === null)
          return errorResponse(new EngineError('unauthorized', 'there is no token of that name any more', hint));
        return Response.json({ life, proof: proofOf({ key, address, life, nonce }) });
      }
      case 'GET /session/key': {
        const login = loginOf(header, address);
        if (login === null) return errorResponse(refused(header, hint));
        const { key, person } = login;
        const may = { role: person?.role ?? 'owner', answers: answeringSignals };
        return Response.json({ key, person: person?.name ?? null, ...may });
      }
      case 'POST /session/enter': {
        const token = access.enter(bearerOf(header), address);
        if (token !== null) return Response.json({ token });
        const why =
          takes === 'address' ? 'this address was used already, or is over a minute old' : 'nobody has this token';
        return errorResponse(new EngineError('unauthorized', why, hint));
      }
      default:
        return errorResponse(
          new EngineError('not_found', `no route ${request.method} ${pathname.slice(0, 500)}`, hint),
        );
    }
  }

  return {
    async fetch(request, address) {
      const url = new URL(request.url);
      const { pathname } = url;
      if (isOfApi(pathname)) return answerApi(request, address);
      if (pathname.startsWith('/session/')) return withHeaders(answerSession(request, url, address));
      const asset = request.method === 'GET' || request.method === 'HEAD' ? assetAt(pathname) : null;
      if (asset === null)
        return withHeaders(
          errorResponse(new EngineError('not_found', `there is no ${pathname.slice(0, 500)}`, 'the page is at /')),
        );
      return new Response(request.method === 'HEAD' ? null : asset.bytes, {
        headers: { ...headersAt(pathname), 'content-type': asset.type },
      });
    },
  };
}

/** MCP is not served beside the page. */
function isOfApi(pathname: string): boolean {
  return isApiPath(pathname) && pathname !== '/mcp';
}

function refused(header: HeaderOf, hint: string): EngineError {
  const why = bearerOf(header) === null ? 'no token came along' : 'the token is not the one that is in force';
  return new EngineError('unauthorized', why, hint);
}

function headersAt(pathname: string): Record<string, string> {
  return pathname === watchPath ? { ...headers, ...statelyHeaders } : headers;
}

export function headerOf(request: Request): HeaderOf {
  return (name) => request.headers.get(name);
}

export function withHeaders(response: Response): Response {
  const all = new Headers(response.headers);
  for (const [name, value] of Object.entries(headers)) all.set(name, value);
  return new Response(response.body, { status: response.status, headers: all });
}

/* The files of the page in the package: its scripts, which are bundled with the code for drawing and the drawing library, and its other files. No other file is served. */

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

/** The folder for each path prefix. Handwritten files are in the package unchanged. A file name has only letters, digits and dashes, so no path leads out of the folder. */
const folders: readonly (readonly [pattern: RegExp, folder: string])[] = [
  [/^\/(page\/[a-z-]+\.(?:html|css|svg|png|webmanifest))$/, inPackage()],
  [/^\/(charts\/[a-z-]+\.json)$/, inPackage()],
  [/^\/page\/([a-z-]+\.js)$/, inPackage('dist/browser')],
];

export interface Asset {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** null: there is no such file. */
export function assetAt(path: string): Asset | null {
  const wanted = path === '/' ? '/page/index.html' : path === '/stately' ? '/page/stately.html' : path;
  for (const [pattern, folder] of folders) {
    const name = pattern.exec(wanted)?.[1];
    if (name === undefined) continue;
    const file = join(folder, name);
    if (!existsSync(file)) return null;
    return { type: types[extname(name)] ?? 'application/octet-stream', bytes: new Uint8Array(readFileSync(file)) };
  }
  return null;
}
