/** Methods of HTTP that no route has. */
import { once } from 'node:events';
import { request } from 'node:http';
import { expect, it } from 'vitest';
import { socketPath } from '../../runtime/base/config/socket-path.ts';
import { startEngine } from '../support/engine.ts';

it.each(['/v1/plans', '/v1/status', '/'])('TRACE %s is refused, and is no GET', async (path) => {
  const engine = await startEngine();
  const sent = request({ socketPath: socketPath(engine.home, engine.env, ''), method: 'TRACE', path });
  sent.end();
  const [response] = await once(sent, 'response');
  let body = '';
  for await (const part of response) body += part;
  expect(response.statusCode).toBe(400);
  expect(JSON.parse(body)).toMatchObject({ code: 'bad_request', hint: 'to read, send GET' });
});

it('HEAD is a read: its idempotency key is still free for a change', async () => {
  const { engine } = await startEngine();
  const headers = { 'idempotency-key': 'one-key-for-both-of-them' };
  const head = await engine.fetch(new Request('http://stator/v1/repos/demo/plans', { method: 'HEAD', headers }));
  expect([head.status, await head.text()]).toEqual([200, '']);
  const paused = await engine.fetch(new Request('http://stator/v1/queue/pause', { method: 'POST', headers }));
  expect(paused.status).toBe(200);
});
