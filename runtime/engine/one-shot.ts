/** An engine for one verb: it owns the home, makes the change, starts nothing and leaves. A verb that only asks is served by read-only.ts. */

import { join } from 'node:path';
import { storedSupervisor } from '../../actors/stored-tree.ts';
import { supervisorTree } from '../../machines/vocabulary/ids.ts';
import { type Call, callApp } from '../api/client/call.ts';
import { type Client, createClient } from '../api/client/client.ts';
import { loadDaemonConfig } from '../base/config/config.ts';
import { systemClock } from '../base/platform/clock.ts';
import { ensureHome } from '../base/platform/home.ts';
import { absentText } from '../base/platform/home-engine.ts';
import { appendTo, createLog } from '../base/platform/log.ts';
import { insertSignal } from '../core/store/port.ts';
import { acquireOwner, type Owner } from '../core/store/sqlite/owner.ts';
import { type Core, createCore } from './core.ts';

/** A process that owns the home briefly knows that there is no other engine. */
const noEngine = { kind: 'none' } as const;

/**
 * A client that owns the home until it is closed: its requests go through the inbox, agents that must stop are stopped, nothing
 * is started. Throws `owner_taken` where another process has the home.
 */
export async function openOneShot(home: string, env: NodeJS.ProcessEnv): Promise<Client> {
  const { call, close } = await ownForCall(home, env);
  return createClient(call, { note: absentText(noEngine), engine: noEngine, close });
}

/** The same for requests alone. */
export async function ownForCall(
  home: string,
  env: NodeJS.ProcessEnv,
): Promise<{ call: Call; close(): Promise<void> }> {
  ensureHome(home);
  const owner = await acquireOwner(home, { nowMs: () => Date.now() });
  try {
    const log = createLog(appendTo(join(home, 'daemon.log')), loadDaemonConfig(home).logLevel);
    const core = await createCore({ home, mode: 'verb', env, clock: systemClock, log, owner });
    try {
      await openSupervisor(core);
      await wakeSupervisor(core);
      // Signals of a killed command come before the new request.
      await core.pump.drain();
      return { call: callApp(core.app, env.STATOR_TOKEN), close: () => leave(core, owner) };
    } catch (thrown) {
      core.close();
      throw thrown;
    }
  } catch (thrown) {
    owner.release();
    throw thrown;
  }
}

/** Throws `unavailable` where a process did not end. */
async function leave(core: Core, owner: Owner): Promise<void> {
  try {
    await core.workers?.stopDue();
  } finally {
    core.close();
    owner.release();
  }
}

/** The inbox's rows of the supervisor, which belong to no project. */
export const engineInbox = '';

/** After an engine has ended, its supervisor accepts no repo: an owner for one verb starts it again. */
async function wakeSupervisor({ store, clock, pump }: Pick<Core, 'store' | 'clock' | 'pump'>): Promise<void> {
  const row = await store.tree(supervisorTree);
  if (row === null || !storedSupervisor(supervisorTree, row.stored).has('engine:stopped')) return;
  const at = clock.nowMs();
  await insertSignal(store, { tree: supervisorTree, type: 'supervisor_started', payload: {}, origin: 'engine', at });
  await pump.drain(engineInbox);
}

/** The first owner of the home creates the supervisor. */
export async function openSupervisor({ store, clock, pump }: Pick<Core, 'store' | 'clock' | 'pump'>): Promise<void> {
  if ((await store.tree(supervisorTree)) !== null) return;
  const at = clock.nowMs();
  await insertSignal(store, { tree: supervisorTree, type: 'supervisor_opened', payload: {}, origin: 'engine', at });
  await pump.drain(engineInbox);
}
