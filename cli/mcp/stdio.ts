/** MCP on standard input and output. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Call } from '../command.ts';

/** An MCP server of either class of the library. */
interface StdioServer {
  connect(transport: Transport): Promise<void>;
  close(): Promise<void>;
}

/** The most answers to lines that are no message: a program that answers errors with errors would otherwise never stop. */
const unreadLimit = 100;

/**
 * Serves until standard input ends. Requests that are open then are still answered, for at most `answersMs`; then the server is closed. A line that is no
 * message gets an error without an id, because it has none that can be trusted.
 */
export async function serveStdio(
  server: StdioServer,
  { stdin, out }: Pick<Call, 'stdin' | 'out'>,
  answersMs: number,
): Promise<void> {
  const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js');
  const closed = new Promise<void>((resolve) => stdin.once('end', resolve).once('close', resolve));
  const transport = new StdioServerTransport(stdin, out.stdout as NodeJS.WriteStream);
  let unread = 0;
  transport.onerror = (thrown) => {
    unread += 1;
    if (unread <= unreadLimit) out.stdout.write(`${JSON.stringify(unreadAnswer(thrown))}\n`);
  };
  await server.connect(transport);
  const answered = answersOf(transport);
  await closed;
  await Promise.race([answered(), delay(answersMs, undefined, { ref: false })]);
  await server.close();
}

/** Returns a function that waits until every request has its answer. */
function answersOf(transport: Pick<Transport, 'onmessage' | 'send'>): () => Promise<void> {
  const open = new Set<unknown>();
  let resolve = () => {};
  const [receive, send] = [transport.onmessage, transport.send.bind(transport)];
  transport.onmessage = (message, extra) => {
    if ('method' in message && 'id' in message) open.add(message.id);
    receive?.(message, extra);
  };
  transport.send = async (message, options) => {
    await send(message, options);
    if ('method' in message || !('id' in message)) return;
    open.delete(message.id);
    if (open.size === 0) resolve();
  };
  return () =>
    new Promise((done) => {
      resolve = done;
      if (open.size === 0) done();
    });
}

/** The library throws a SyntaxError for a line that is no JSON, and another error for JSON that is no message, or several. */
function unreadAnswer(thrown: Error) {
  const error =
    thrown instanceof SyntaxError
      ? { code: -32_700, message: `the line is no JSON: ${thrown.message}` }
      : { code: -32_600, message: 'the line is no message of JSON-RPC 2.0; send each message on a line of its own' };
  return { jsonrpc: '2.0', id: null, error };
}
