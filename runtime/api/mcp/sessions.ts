/** The route `/mcp`: MCP over HTTP as its specification has it (streamable HTTP), a server for each session. The library is loaded at the first request. */
import { randomUUID } from 'node:crypto';
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { callApp } from '../client/call.ts';
import { createClient } from '../client/client.ts';
import type { McpRequest, McpSessions } from '../control/mcp.ts';
import type { McpCaller } from './caller.ts';

/** Sessions at once. Beyond it the one that was used longest ago ends, and its client begins a new one. */
const sessionLimit = 64;

interface Session {
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** Of whoever began it: nobody else speaks in it. */
  readonly authorization: string | undefined;
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
      onsessioninitialized: (id) => void keep(id, { transport, authorization }),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    const server = createMcpServer(callerOf(asked));
    await server.connect(transport);
    return { transport, authorization };
  }

  function keep(id: string, session: Session): void {
    sessions.set(id, session);
    const [oldest] = sessions;
    if (sessions.size <= sessionLimit || oldest === undefined) return;
    sessions.delete(oldest[0]);
    void oldest[1].transport.close();
  }

  return {
    async handle(asked) {
      const id = asked.request.headers.get('mcp-session-id');
      const known = id === null ? undefined : sessions.get(id);
      const isFirst = id === null && asked.request.method === 'POST';
      if (isFirst && !isClosed) return (await begin(asked)).transport.handleRequest(asked.request);
      // Also of an engine before this one: a client that is told so begins anew.
      if (id === null || known === undefined || known.authorization !== asked.authorization) return noSession();
      sessions.delete(id);
      sessions.set(id, known);
      return known.transport.handleRequest(asked.request);
    },
    async close() {
      isClosed = true;
      const open = [...sessions.values()];
      sessions.clear();
      await Promise.all(open.map(({ transport }) => transport.close()));
    },
  };
}

function callerOf({ app, authorization, own }: McpRequest): McpCaller {
  const token = authorization?.replace(/^Bearer /, '');
  const client = () => createClient(callApp(app, token), { note: null, stays: true, close: async () => {} });
  return { own, project: null, open: async () => client(), attach: async () => client() };
}

/** As the specification has it: the client begins a new session. */
function noSession(): Response {
  const error = { code: -32_001, message: 'Session not found' };
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 404 });
}
