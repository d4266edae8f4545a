import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, it } from 'vitest';
import { createMcpSessions } from '../../runtime/api/mcp/sessions.ts';
import { begin, gate, openGate, planText, register, startEngine, untilFile, untilStatus } from '../support/engine.ts';
import { until } from '../support/ground.ts';
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

/** The route `/mcp` by itself, over an app without an engine. */
function sessionsOver(fetch: () => Response) {
  const sessions = createMcpSessions();
  const initial = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
  const ask = (authorization: string, id: string | null, init: RequestInit) =>
    sessions.handle({
      ...{ authorization, app: { fetch }, own: null },
      request: new Request('http://stator/mcp', {
        ...init,
        headers: {
          ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
          ...(id === null ? {} : { 'mcp-session-id': id }),
        },
      }),
    });
  const post = (by: string, method: string, id: string | null, params: object = initial) =>
    ask(by, id, { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) });
  return {
    ...{ sessions, post },
    listen: (by: string, id: string | null) => ask(by, id, { method: 'GET' }),
    begun: async (by: string) => (await post(by, 'initialize', null)).headers.get('mcp-session-id'),
  };
}

it('a client that begins sessions without end ends its own, first those that it listens to no more, and no other’s', async () => {
  const { sessions, post, listen, begun } = sessionsOver(() => new Response());
  const own = await begun('person');
  const all = [await begun('agent')];
  await listen('agent', all[0] ?? null);
  for (let at = 0; at < 64; at += 1) all.push(await begun('agent'));
  const statuses = await Promise.all([
    post('person', 'ping', own),
    ...all.slice(0, 4).map((id) => post('agent', 'ping', id)),
  ]);
  expect(statuses.map(({ status }) => status)).toEqual([200, 200, 404, 404, 200]);
  await sessions.close();
});

it('a client that vanishes leaves no stream of events open, and is notified of what it watches when it listens again', async () => {
  let open = 0;
  const { sessions, post, listen, begun } = sessionsOver(() => {
    open += 1;
    const cancel = () => {
      open -= 1;
    };
    return new Response(new ReadableStream({ cancel }));
  });
  const id = await begun('agent');
  const first = await listen('agent', id);
  const uri = 'stator://demo/plans/a';
  await post('agent', 'resources/subscribe', id, { uri });
  await until(() => open === 1);
  await first.body?.cancel();
  await until(() => open === 0);
  const waits = { name: 'wait_for_event', arguments: { timeout_seconds: 3_600 } };
  const waiting = await post('agent', 'tools/call', id, waits);
  await until(() => open === 1);
  await waiting.body?.cancel();
  await until(() => open === 0);
  const again = (await listen('agent', id)).body?.getReader();
  expect(new TextDecoder().decode((await again?.read())?.value)).toContain(uri);
  await until(() => open === 1);
  await sessions.close();
  await until(() => open === 0);
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
