/** The official MCP client, over both transports. */
import { join } from 'node:path';
import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { serveTcp } from '../../runtime/api/control/tcp.ts';
import { ensureHomeToken, readHomeToken } from '../../runtime/base/platform/home-token.ts';
import { afterwards, type TestEngine } from './engine.ts';

const program = join(import.meta.dirname, '../../dist/bin/stator.js');

export interface Asker {
  readonly mcp: Client;
  /** The answer of a tool. Throws if it refuses. */
  use(name: string, given?: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** The refusal of a tool. Throws if it accepts. */
  refused(name: string, given?: Record<string, unknown>): Promise<{ error: string; code: string; hint: string }>;
}

async function askerOver(transport: Transport, options: ClientOptions = {}): Promise<Asker> {
  const mcp = new Client({ name: 'test', version: '1' }, options);
  await mcp.connect(transport);
  afterwards(() => mcp.close());
  const call = async (name: string, given: Record<string, unknown>) =>
    (await mcp.callTool({ name, arguments: given })) as CallToolResult; // no tool here answers in the older form
  const textOf = ({ content: [first] }: CallToolResult) => (first?.type === 'text' ? first.text : '');
  // The client then checks every answer against its schema.
  await mcp.listTools();
  return {
    mcp,
    async use(name, given = {}) {
      const answer = await call(name, given);
      if (answer.isError === true) throw new Error(`${name}: ${textOf(answer)}`);
      return answer.structuredContent ?? {};
    },
    async refused(name, given = {}) {
      const answer = await call(name, given);
      if (answer.isError !== true) throw new Error(`${name} did it: ${JSON.stringify(answer.structuredContent)}`);
      return JSON.parse(textOf(answer));
    },
  };
}

export function overStdio(
  at: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
  options?: ClientOptions,
): Promise<Asker> {
  const env = Object.fromEntries(
    Object.entries(at.env).filter((each): each is [string, string] => each[1] !== undefined),
  );
  const transport = new StdioClientTransport({
    ...{ command: process.execPath, args: [program, 'mcp'], env, cwd: at.cwd },
  });
  return askerOver(transport, options);
}

/** Over TCP, with the token of the home. */
export async function overHttp(engine: TestEngine, options?: ClientOptions): Promise<Asker & { readonly url: URL }> {
  const token = ensureHomeToken(engine.home);
  const app = { fetch: async (asked: Request) => engine.engine.fetch(asked) };
  const server = await serveTcp(app, { bind: '127.0.0.1:0', hosts: [], token: () => readHomeToken(engine.home) });
  afterwards(() => server.stop());
  const url = new URL('/mcp', server.url);
  const headers = { authorization: `Bearer ${token}` };
  const asker = await askerOver(new StreamableHTTPClientTransport(url, { requestInit: { headers } }), options);
  return { ...asker, url };
}
