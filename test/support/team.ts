/** A daemon with the API and the page on TCP, and people with their own tokens. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { callSocket } from '../../runtime/api/client/call.ts';
import { createClient } from '../../runtime/api/client/client.ts';
import { addPerson, type PersonRole } from '../../runtime/base/platform/people.ts';
import { startDaemon } from '../../runtime/engine/daemon.ts';
import { afterwards, ground } from './engine.ts';
import { until } from './ground.ts';
import { type Asked, ask } from './http-ask.ts';

export const json = { 'content-type': 'application/json' };
export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** `http`: more lines of its table `[http]`. */
export async function served(http = '') {
  const made = ground();
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  const agents = '[agents.default]\npreset = "sh"\n';
  writeFileSync(join(made.home, 'daemon.toml'), `${agents}[http]\nbind = "127.0.0.1:0"\n${http}`);
  const logged: string[] = [];
  const log = { debug() {}, warn() {}, error() {}, info: (line: string) => void logged.push(line) };
  const daemon = await startDaemon({ home: made.home, env: made.env, log });
  afterwards(() => daemon.stop({ agents: 'stop' }));
  const port = Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(logged.find((line) => line.includes('the page')) ?? '')?.[1]);
  const client = createClient(callSocket(daemon.socketPath, undefined), { note: null, close: async () => {} });
  await until(async () => (await client.status()).waiting === null);
  const tokenFor = (name: string, role: PersonRole) => addPerson(made.home, { name, role }, Date.now());
  const say = (key: string, token: string, body?: object, headers: Record<string, string> = {}) =>
    ask({ port }, key, {
      headers: { ...bearer(token), ...headers, ...(body === undefined ? {} : json) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    ...made,
    daemon,
    logged,
    port,
    client,
    tokenFor,
    say,
    ask: (key: string, given?: Asked) => ask({ port }, key, given),
  };
}

/** A stream of events: resolves with its status when it has begun; `ended` resolves when it has ended. */
export function stream(
  port: number,
  token: string,
  path = '/v1/events',
): Promise<{ status: number; ended: Promise<void> }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, headers: bearer(token) }, (answer) => {
      const ended = new Promise<void>((done) => void answer.once('close', done));
      answer.resume();
      resolve({ status: answer.statusCode ?? 0, ended });
    });
    asked.once('error', reject);
    asked.end();
    afterwards(() => void asked.destroy());
  });
}
