/** A webhook receiver on loopback, and repos with hooks. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a receiver parses is whatever came
  readonly body: any;
}

export interface Receiver {
  readonly url: string;
  readonly got: readonly Received[];
  /** The answer from now on; `count` is the number of the request, from 1. */
  answer(how: (response: ServerResponse, count: number, received: Received) => void): void;
  close(): Promise<void>;
}

/** Answers 204 until `answer` is called. */
export async function openReceiver(): Promise<Receiver> {
  const got: Received[] = [];
  let how: (response: ServerResponse, count: number, received: Received) => void = (response) =>
    void response.writeHead(204).end();
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer); // without an encoding parts are buffers
    const text = Buffer.concat(parts).toString('utf8');
    const received = { headers: request.headers, text, body: JSON.parse(text) };
    got.push(received);
    how(response, got.length, received);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}/hook`,
    got,
    answer: (next) => {
      how = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Writes the repo's configuration: the hooks as TOML tables. */
export function putHooks(repo: string, toml: string): void {
  mkdirSync(join(repo, '.stator'), { recursive: true });
  writeFileSync(join(repo, '.stator', 'config.toml'), toml);
}

/** A webhook to a receiver on loopback. */
export function webhook(url: string, more = ''): string {
  return `[[hooks]]\ntype = "webhook"\nurl = "${url}"\nallow_private = true\n${more}\n`;
}
