import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, it } from 'vitest';
import { createMcpSessions } from '../../runtime/api/mcp/sessions.ts';
import { begin, gate, openGate, planText, register, startEngine, untilFile, untilStatus } from '../support/engine.ts';
import { ask } from '../support/http-ask.ts';
import { overHttp, overStdio } from '../support/mcp.ts';

it('inside a run an agent has the tools for its own plan, and says only what its role may', async () => {
  const engine = await startEngine();
  const [file, open] = [join(engine.root, 'env'), join(engine.root, 'gate')];
  await register(engine, 'other', '# Other\n');
  const script = `env -0 > '${file}.part' && mv '${file}.part' '${file}'\n${gate(open)}\necho x > x.txt`;
  await begin(engine, 'own', planText([script]));
  await untilFile(file);
  const env = Object.fromEntries(
    readFileSync(file, 'utf8')
      .split('\0')
      .filter((each) => each.includes('='))
      .map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]),
  );
  const { mcp, use, refused } = await overStdio({ env, cwd: engine.repo });
  const { tools } = await mcp.listTools();
  expect(tools.map(({ name }) => name)).toEqual([
    'task_show',
    'task_explain',
    'task_history',
    'task_diff',
    'task_update_content',
    'signal_create',
    'note_add',
  ]);
  expect((await mcp.listResources()).resources.map(({ uri }) => uri)).toEqual([
    'stator://demo/plans/own',
    'stator://demo/plans/own/journal',
  ]);
  expect(await use('task_show')).toMatchObject({ plan: 'own' });
  expect(await refused('task_show', { filename: 'other' })).toMatchObject({ code: 'forbidden' });
  expect(await refused('signal_create', { signal_type: 'implement_finished', plan_file: 'other' })).toMatchObject({
    code: 'not_allowed',
  });
  // A signal for people only, and a signal of another role.
  expect(await refused('signal_create', { signal_type: 'cancel' })).toMatchObject({ code: 'not_allowed' });
  expect(await refused('signal_create', { signal_type: 'review_approved' })).toMatchObject({ code: 'refused' });
  await expect(mcp.callTool({ name: 'task_merge', arguments: { filename: 'own' } })).rejects.toThrow(/unknown tool/);
  expect(
    await use('signal_create', { signal_type: 'implement_task_finished', payload: { wave_number: 1, task_number: 1 } }),
  ).toMatchObject({ signal: { status: 'done' } });
  expect(await use('note_add', { text: 'the tests are slow' })).toMatchObject({ state: 'proposed', plan: 'own' });
  openGate(open);
  await untilStatus(engine, 'own', 'done');
});

it('a client that begins sessions without end ends its own, and no other’s', async () => {
  const sessions = createMcpSessions();
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
  const app = { fetch: () => new Response() };
  const post = (authorization: string, method: string, id: string | null) =>
    sessions.handle({
      ...{ authorization, app, own: null },
      request: new Request('http://stator/mcp', {
        method: 'POST',
        headers: {
          ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
          ...(id === null ? {} : { 'mcp-session-id': id }),
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      }),
    });
  const begun = async (client: string) => (await post(client, 'initialize', null)).headers.get('mcp-session-id');
  const own = await begun('person');
  const all = [];
  for (let at = 0; at < 65; at += 1) all.push(await begun('agent'));
  const statuses = [await post('person', 'ping', own), await post('agent', 'ping', all[0] ?? null)];
  expect(statuses.map(({ status }) => status)).toEqual([200, 404]);
  await sessions.close();
});

it('over HTTP a session takes the token, is its own client’s alone, and ends where that says so', async () => {
  const engine = await startEngine();
  const { mcp, url } = await overHttp(engine);
  const { port } = url;
  const at = { port: Number(port) };
  const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  expect(await ask(at, 'POST /mcp', { headers: json, body: '{}' })).toMatchObject({
    status: 401,
    code: 'unauthorized',
  });
  const { transport } = mcp;
  if (!(transport instanceof StreamableHTTPClientTransport)) throw new Error('another transport');
  await transport.terminateSession();
  await expect(mcp.listTools()).rejects.toThrow();
});
