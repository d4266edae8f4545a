/** A client for the length of one verb. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import type { Client } from '../runtime/api/client/client.ts';
import { absentStep } from '../runtime/base/platform/home-engine.ts';
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

/** Throws `no_daemon` if no engine runs: a temporary one has no user-defined machines. */
export async function withMachines<Answer>(
  { env }: Pick<Call, 'env'>,
  use: (client: Client) => Promise<Answer>,
): Promise<Answer> {
  const client = await connect({ env, mode: 'read' });
  try {
    if (client.note === null) return await use(client);
    throw new EngineError(
      'no_daemon',
      `${client.note}, so nobody carries a machine of your own`,
      `${absentStep(client.engine ?? { kind: 'none' })}; its daemon.toml is to have the machine under [machines]`,
    );
  } finally {
    await client.close();
  }
}
