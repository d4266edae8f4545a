/** A reverse proxy as people put before the daemon: it ends TLS, sets its header, and forwards everything else unchanged. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterwards } from './engine.ts';

export interface Proxy {
  readonly port: number;
  /** The target port from now on. */
  leadTo(port: number): void;
}

/** On a port of loopback; `https` with a certificate of its own for stator.example.org. */
export async function startProxy(scheme: 'http' | 'https'): Promise<Proxy> {
  let target = 0;
  const pass = (asked: IncomingMessage, answer: ServerResponse) => {
    const headers = { ...asked.headers, 'x-forwarded-proto': scheme };
    const { method, url } = asked;
    const passed = request({ host: '127.0.0.1', port: target, method, path: url, headers }, (given) => {
      answer.writeHead(given.statusCode ?? 502, given.headers);
      given.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    answer.on('close', () => passed.destroy());
    asked.pipe(passed);
  };
  const server = scheme === 'http' ? createHttp(pass) : createHttps(certificate(), pass);
  const port = await listening(server);
  return {
    port,
    leadTo(to) {
      target = to;
    },
  };
}

/** Forwards bytes without any header, like `ssh -L <port>:127.0.0.1:<target>`. */
export async function startTunnel(): Promise<Proxy> {
  let target = 0;
  const server = createServer((socket) => {
    const far = connect(target, '127.0.0.1');
    for (const [one, other] of [
      [socket, far],
      [far, socket],
    ] as const) {
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  const port = await listening(server);
  return {
    port,
    leadTo(to) {
      target = to;
    },
  };
}

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

/** A certificate of its own that nobody trusts. */
export function certificate(): { key: Buffer; cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'stator-tls-'));
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  try {
    const subject = ['-subj', '/CN=stator.example.org', '-addext', 'subjectAltName=DNS:stator.example.org'];
    const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', [...words, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
