/** A model on loopback, whose answers are a test's script. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chat } from './chat.ts';
import { generateContent } from './generate-content.ts';
import { messages } from './messages.ts';
import type { Asked, Script, Service } from './reply.ts';
import { responses } from './responses.ts';

const services = { chat, messages, responses, generateContent } satisfies Record<string, Service>;

export interface Model {
  readonly port: number;
  /** Every request to the model that the script answered, in order. */
  readonly asked: readonly Asked[];
  stop(): Promise<void>;
}

/** Listens on a free port of loopback. */
export async function startModel(service: keyof typeof services, script: Script): Promise<Model> {
  const speaks: Service = services[service];
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '';
    const body = await textOf(request);
    const found = request.method === 'POST' ? speaks.read({ url, body, key: keyOf(request) }) : null;
    if (found === null) {
      const side = speaks.side(url, body);
      response.writeHead(side.status, { 'content-type': side.type }).end(side.body);
      return;
    }
    asked.push(found);
    const reply = script(found);
    switch (reply.kind) {
      case 'hang':
        return;
      case 'fail':
        response
          .writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers })
          .end(speaks.failure(reply));
        return;
      case 'cut':
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(speaks.stream({ kind: 'say', text: 'I begin to' }, found)[0] ?? '', () => response.destroy());
        return;
      default:
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(speaks.stream(reply, found).join(''));
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    asked,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer); // a request without an encoding gives buffers
  return Buffer.concat(parts).toString('utf8');
}

function keyOf({ headers }: IncomingMessage): string | null {
  const key = headers['x-api-key'] ?? headers['x-goog-api-key'] ?? headers.authorization?.replace(/^Bearer /, '');
  return typeof key === 'string' ? key : null;
}
