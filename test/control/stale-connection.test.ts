/** A client whose unused connection is closed by the engine while a next request is sent on it. */
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { afterwards } from '../support/engine.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** A server that closes each connection at its second request; `asked` has the connection and the method of each. */
async function startClosing() {
  const connections: unknown[] = [];
  const asked: string[] = [];
  const server = createServer(({ socket, method }, answer) => {
    const isReused = connections.includes(socket);
    if (!isReused) connections.push(socket);
    asked.push(`${connections.indexOf(socket)} ${method}`);
    if (isReused) socket.destroy();
    else answer.end('{}');
  });
  const path = join(tempFolder(), `stale-${process.pid}-${Math.random().toString(36).slice(2)}.sock`);
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  afterwards(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { asked, call: callSocket(path, undefined) };
}

it.each([
  ['a read', 'GET', {}],
  ['a change with its key', 'POST', { key: 'k' }],
] as const)('%s is sent once more, on a connection of its own', async (_, method, options) => {
  const { asked, call } = await startClosing();
  expect(await (await call(method, '/v1/a', options)).text()).toBe('{}');
  expect(await (await call(method, '/v1/a', options)).text()).toBe('{}');
  expect(asked).toEqual([`0 ${method}`, `0 ${method}`, `1 ${method}`]);
});

it('a change without a key is not sent twice', async () => {
  const { asked, call } = await startClosing();
  await (await call('POST', '/v1/a')).text();
  await expect(call('POST', '/v1/a')).rejects.toMatchObject({ code: 'unavailable' });
  expect(asked).toEqual(['0 POST', '0 POST']);
});
