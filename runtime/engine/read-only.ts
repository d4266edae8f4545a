/** An engine for one question, which reads only. It does not load the code for effects: that takes longer than the answer. */

import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { callApp } from '../api/client/call.ts';
import { type Client, createClient } from '../api/client/client.ts';
import { isStoreThere, loadDaemonConfig, storePlace } from '../base/config/config.ts';
import { systemClock } from '../base/platform/clock.ts';
import { absentText } from '../base/platform/home-engine.ts';
import { createLog } from '../base/platform/log.ts';
import { createCore } from './core.ts';

/** The answer says everything. */
const quiet = createLog(() => {}, 'error');

/**
 * A client that reads the store as it is; if there is none yet it reads an empty one, and makes none. null where it must be brought up to date
 * first, or the home cannot be read.
 */
export async function openReader(home: string, env: NodeJS.ProcessEnv): Promise<Client | null> {
  if (!isReadable(home)) return null;
  const isAbsent = !isStoreThere(storePlace(home, loadDaemonConfig(home), env));
  try {
    const core = await createCore({ home, mode: 'reads', env, clock: systemClock, log: quiet, isAbsent });
    const close = async () => core.close();
    const engine = core.engine();
    return createClient(callApp(core.app, env.STATOR_TOKEN), { note: absentText(engine), engine, close });
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'store_unreadable') return null;
    throw thrown;
  }
}

/** A folder that can be read, or a path where nothing exists yet. */
function isReadable(home: string): boolean {
  try {
    if (statSync(home, { throwIfNoEntry: false })?.isDirectory() === false) return false;
    if (existsSync(home)) accessSync(home, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false; // the code that makes it says why
  }
}
