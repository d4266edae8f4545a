/** Who speaks through an MCP server, and how it reaches the engine. */
import type { Client } from '../client/client.ts';

export interface McpCaller {
  /** The plan of the agent that speaks, which is all that it sees; null: a person speaks. */
  readonly own: { readonly project: string; readonly plan: string } | null;
  /** The repo that is meant where a tool names none; null: nothing says it. */
  readonly project: string | null;
  /** As `connect`: the engine that owns the home, or one for a moment. The client is closed after each use. */
  open(mode: 'read' | 'write'): Promise<Client>;
  /** The engine that runs now; null: none does. */
  attach(): Promise<Client | null>;
}

/** Opens, uses and closes a client. Throws what `open` and `use` throw. */
export async function withCaller<Answer>(
  caller: Pick<McpCaller, 'open'>,
  mode: 'read' | 'write',
  use: (client: Client) => Promise<Answer>,
): Promise<Answer> {
  const client = await caller.open(mode);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
