/**
 * Checks who may watch by Stately's protocol: clients with a token that is valid only for watching. A page sends it in a subprotocol, and a program in the
 * address, because clients of `@statelyai/inspect` accept only an address.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { EngineError, errorClasses } from '../../../machines/vocabulary/errors.ts';
import { type HeaderOf, hostRefusal, originRefusal, secretRefusal } from '../control/web-guard.ts';

export const watchPath = '/stately';
/** The subprotocol that a page offers; it also offers the same name with a dot and its token. */
export const watchProtocol = 'stator-watch';

const anew = 'get a new address: stator inspect --stately';

/** Returns the refusal; null: the watcher is accepted. */
export function watchRefusal(
  request: IncomingMessage,
  { address, token }: { address: string; token: string },
): EngineError | null {
  const header: HeaderOf = (name) => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : null;
  };
  const elsewhere =
    hostRefusal(header, { allowed: [address], hint: 'a tunnel leads here from the same port' }) ??
    originRefusal(header);
  if (elsewhere !== null) return elsewhere;
  const path = request.url ?? '/';
  const base = `http://${address}`;
  const url = URL.canParse(path, base) ? new URL(path, base) : null;
  if (url?.pathname !== watchPath)
    return new EngineError('not_found', 'there is no such socket', `it is at ${watchPath}`);
  const offered = (header('sec-websocket-protocol') ?? '').split(',').map((each) => each.trim());
  const given = offered.find((each) => each.startsWith(`${watchProtocol}.`))?.slice(watchProtocol.length + 1) ?? null;
  // A page must use the subprotocol, because addresses end up in browser histories.
  const said = header('origin') === null ? url.searchParams.get('watch') : null;
  return secretRefusal(given ?? said, { token, hint: anew });
}

/** Ends an upgrade with the same document as any other refusal. */
export function refuseUpgrade(socket: Duplex, error: EngineError): void {
  const { status } = errorClasses[error.code];
  const body = JSON.stringify(error);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n`;
  socket.on('error', () => socket.destroy());
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`);
}
