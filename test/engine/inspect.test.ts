/** The page of an engine that a program has, without a daemon. */
import { expect, it } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { socketPath } from '../../runtime/base/config/config.ts';
import { createEngine } from '../../runtime/engine/engine.ts';
import { afterwards, ground } from '../support/engine.ts';
import { defineRelease } from '../support/own-machine.ts';

it('is served until the engine stops, and a command line finds it by its home', async () => {
  const { home, env } = ground();
  const engine = await createEngine({ home, env, machines: [defineRelease()] });
  afterwards(() => engine.stop());
  await engine.machines.release.start('1.2', { version: '1.2.0' });
  const { url } = await engine.inspect();
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=/);
  expect(await (await fetch(url)).text()).toContain('<html');
  const { origin, hash } = new URL(url);
  const authorization = `Bearer ${hash.replace('#token=', '')}`;
  const trees = await fetch(`${origin}/v1/machines/release/trees`, { headers: { authorization } });
  expect(await trees.json()).toMatchObject([{ id: '1.2', value: 'asking' }]);
  const ask = callSocket(socketPath(home, env, ''), undefined);
  expect(await (await ask('POST', '/v1/inspect', { body: {} })).json()).toEqual({ url });
  expect((await engine.inspect({ stately: true })).websocket).toMatch(/^ws:\/\/127\.0\.0\.1:/);
  await expect(engine.inspect({ prot: 1 } as object)).rejects.toMatchObject({ code: 'bad_request' });
  await engine.stop();
  await expect(fetch(url)).rejects.toThrow();
  await expect(engine.inspect()).rejects.toMatchObject({ code: 'stopped' });
});
