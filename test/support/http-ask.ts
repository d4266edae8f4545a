/** One HTTP request over a port of loopback or a socket, answered whole: with headers that `fetch` would not send. */
import { type IncomingHttpHeaders, request } from 'node:http';
import { ignoreLateErrors } from '../../runtime/api/client/call.ts';

export interface Asked {
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The code of an API error; null for any other answer. */
  readonly code: string | null;
  readonly headers: IncomingHttpHeaders;
}

/** `key`: `GET /v1/ping`. */
export function ask(
  where: { readonly port: number; readonly host?: string } | { readonly socketPath: string },
  key: string,
  { headers = {}, body }: Asked = {},
): Promise<Answer> {
  const [method = 'GET', path = '/'] = key.split(' ');
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', ...where, method, path, headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString();
        const isJson = answer.headers['content-type']?.startsWith('application/json') === true;
        const code = isJson ? ((JSON.parse(text) as { code?: string }).code ?? null) : null;
        resolve({ status: answer.statusCode ?? 0, text, code, headers: answer.headers });
      });
    });
    asked.on('error', reject).once('socket', ignoreLateErrors);
    asked.end(body);
  });
}
