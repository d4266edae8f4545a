/** The route `/mcp`: MCP over streamable HTTP as in the specification, with a server for each session. The library is loaded at the first request. */
import { randomUUID } from 'node:crypto';
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { groupBy } from '../../base/platform/group-by.ts';
import { callApp } from '../client/call.ts';
import { createClient } from '../client/client.ts';
import type { McpRequest, McpSessions } from '../control/mcp.ts';
import type { McpCaller } from './caller.ts';

/**
 * The most sessions at once. One more ends the one that was used longest ago, of the client that has the most: no agent ends those of people. Of its sessions,
 * those that nobody listens to end first: their client may have vanished. A client begins a new one.
 */
const sessionLimit = 64;

interface Session {
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** The header Authorization of the client that began the session; a request with another one is refused. */
  readonly authorization: string | undefined;
  /** Whether the client has its stream open (GET), by which it gets what the server sends by itself. */
  isListening: boolean;
  listen(isListening: boolean): void;
}

export function createMcpSessions(): McpSessions {
  const sessions = new Map<string, Session>();
  let isClosed = false;

  async function begin(asked: McpRequest): Promise<Session> {
    const [{ createMcpServer }, { WebStandardStreamableHTTPServerTransport: Transport }] = await Promise.all([
      import('./server.ts'),
      import('@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'),
    ]);
    const { authorization } = asked;
    const transport = new Transport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void keep(id, session),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    const { server, listen } = createMcpServer(callerOf(asked));
    const session: Session = { transport, authorization, isListening: false, listen };
    listen(false);
    await server.connect(transport);
    return session;
  }

  function keep(id: string, session: Session): void {
    sessions.set(id, session);
    if (sessions.size <= sessionLimit) return;
    const byClient = [...groupBy([...sessions], ([, { authorization }]) => authorization).values()];
    const own = byClient.reduce((most, each) => (each.length > most.length ? each : most));
    const oldest = own.find(([other, { isListening }]) => !isListening && other !== id) ?? own[0];
    if (oldest === undefined) return;
    sessions.delete(oldest[0]);
    void oldest[1].transport.close();
  }

  return {
    async handle(asked) {
      const id = asked.request.headers.get('mcp-session-id');
      const known = id === null ? undefined : sessions.get(id);
      const isFirst = id === null && asked.request.method === 'POST';
      if (isFirst && !isClosed) return answerOf(await begin(asked), asked.request);
      // This also ends sessions of an earlier engine: the client then begins a new one.
      if (id === null || known === undefined || known.authorization !== asked.authorization) return noSession();
      sessions.delete(id);
      sessions.set(id, known);
      return answerOf(known, asked.request);
    },
    async close() {
      isClosed = true;
      const open = [...sessions.values()];
      sessions.clear();
      await Promise.all(open.map(({ transport }) => transport.close()));
    },
  };
}

/** For a client that vanishes nothing is awaited or followed any more: no answer reaches it on another connection. */
async function answerOf(session: Session, request: Request): Promise<Response> {
  const gone = new AbortController();
  const answer = await session.transport.handleRequest(request, {
    authInfo: { token: '', clientId: '', scopes: [], extra: { gone: gone.signal } },
  });
  const { body, status, headers } = answer;
  if (body === null) return answer;
  const isListening = request.method === 'GET' && answer.ok;
  const listen = (isOpen: boolean) => {
    session.isListening = isOpen;
    session.listen(isOpen);
  };
  if (isListening) listen(true);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const ended = body.pipeTo(writable).catch(() => {}); // the client has gone
  void ended.then(() => {
    gone.abort();
    if (isListening) listen(false);
  });
  return new Response(readable, { status, headers });
}

function callerOf({ app, authorization, own }: McpRequest): McpCaller {
  const token = authorization?.replace(/^Bearer /i, '');
  const client = () => createClient(callApp(app, token), { note: null, stays: true, close: async () => {} });
  return { own, project: null, open: async () => client(), attach: async () => client() };
}

/** As in the specification: the client then begins a new session. */
function noSession(): Response {
  const error = { code: -32_001, message: 'Session not found' };
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 404 });
}
