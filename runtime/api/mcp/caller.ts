/** The caller of an MCP server, and its connection to the engine. */
import type { Client } from '../client/client.ts';

export interface McpCaller {
  /** The plan of the calling agent, which sees only this plan; null: a person calls. */
  readonly own: { readonly project: string; readonly plan: string } | null;
  /** The repo for calls that name none; null: not known. */
  readonly project: string | null;
  /** As `connect`: the engine that owns the home, or a temporary one. The client is closed after each use. */
  open(mode: 'read' | 'write'): Promise<Client>;
  /** The engine that runs now; null: none runs. */
  attach(): Promise<Client | null>;
}

/** Opens, uses and closes a client. Throws the errors of `open` and `use`. */
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
