/** MCP on standard input and output. */
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Call } from '../command.ts';

/** An MCP server of either class of the library. */
interface StdioServer {
  connect(transport: Transport): Promise<void>;
  close(): Promise<void>;
}

/** Serves until standard input ends; then closes the server. */
export async function serveStdio(server: StdioServer, { stdin, out }: Pick<Call, 'stdin' | 'out'>): Promise<void> {
  const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js');
  const closed = new Promise<void>((resolve) => stdin.once('end', resolve).once('close', resolve));
  await server.connect(new StdioServerTransport(stdin, out.stdout as NodeJS.WriteStream));
  await closed;
  await server.close();
}
