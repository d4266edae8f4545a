/** A client for the length of one verb. */
import type { Client } from '../runtime/api/client/client.ts';
import { type ConnectOptions, connect } from '../runtime/engine/connect.ts';
import type { Call } from './command.ts';

/** Connects, notes if no engine runs, and always closes. Throws what `connect` and `use` throw. */
export async function withClient<Answer>(
  { env, out }: Pick<Call, 'env' | 'out'>,
  mode: ConnectOptions['mode'],
  use: (client: Client) => Promise<Answer>,
): Promise<Answer> {
  const client = await connect({ env, mode });
  try {
    if (client.note !== null) out.noteOnce(client.note);
    return await use(client);
  } finally {
    await client.close();
  }
}
