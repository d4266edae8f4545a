/** The inbox of a home whose owner is alive and does not answer: signals pass the same admission, and the owner finds the rows. */

import { callApp } from '../api/client/call.ts';
import { type Client, createClient } from '../api/client/client.ts';
import { systemClock } from '../base/platform/clock.ts';
import { createLog } from '../base/platform/log.ts';
import { createCore } from './core.ts';

/** The answer says everything. */
const quiet = createLog(() => {}, 'error');

/**
 * A client that handles no signals: every signal stays pending until the owner reads its inbox. The sender is identified by its token, as everywhere. Throws
 * `store_unreadable` if there is no store of this version, and the other codes of the store.
 */
export async function openSharedInbox(home: string, env: NodeJS.ProcessEnv): Promise<Client> {
  const core = await createCore({ home, mode: 'inbox', env, clock: systemClock, log: quiet });
  return createClient(callApp(core.app, env.STATOR_TOKEN), { note: null, close: async () => core.close() });
}
