/** An engine for one verb: it owns the home, makes the change, starts nothing and leaves. A verb that only asks is served by read-only.ts. */

import { join } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { callApp } from '../client/call.ts';
import { type Client, createClient } from '../client/client.ts';
import { loadDaemonConfig, socketPath } from '../config/config.ts';
import type { Dispatcher } from '../outbox/dispatcher.ts';
import { systemClock } from '../platform/clock.ts';
import { ensureHome } from '../platform/home.ts';
import { appendTo, createLog } from '../platform/log.ts';
import { insertSignal } from '../store/port.ts';
import type { EffectRow } from '../store/rows.ts';
import { acquireOwner, type Owner } from '../store/sqlite/owner.ts';
import { type Core, createCore } from './core.ts';
import { openDispatcher } from './effect-dispatcher.ts';

/** An agent that is being stopped and does not listen is killed after this. */
const graceMs = 10_000;
/** What does not end within this is left to the next owner: a grace, the limit for who was killed, and some room. */
const stopLimitMs = 60_000;

/**
 * A client that owns the home until it is closed: what it is asked goes through the inbox, what is to be stopped is stopped, nothing
 * is started. Throws `owner_taken` where somebody else has the home.
 */
export async function openOneShot(home: string, env: NodeJS.ProcessEnv): Promise<Client> {
  ensureHome(home);
  const owner = await acquireOwner(home, { nowMs: () => Date.now() });
  try {
    const core = await createCore({
      home,
      env,
      clock: systemClock,
      log: createLog(appendTo(join(home, 'daemon.log')), loadDaemonConfig(home).logLevel),
      isOwner: () => owner.isHeld(),
      onEffects: () => {},
      // A merge that a person asked for is why the home is owned at all.
      settled: async ({ pump }) => {
        await pump.drain();
        await dispatcher.carryOut('plan.merge');
        await pump.drain();
      },
      watch: () => () => {},
      mayStart: () => false,
      runsEnded: async ({ pump }) => {
        await pump.drain();
        refuseLeft(await dispatcher.stopDue(stopLimitMs));
        await pump.drain();
      },
    });
    let dispatcher: Dispatcher;
    try {
      dispatcher = oneShotDispatcher(core, owner, env);
      await openSupervisor(core);
      const close = () => leave(core, dispatcher, owner);
      return createClient(callApp(core.app, env.STATOR_TOKEN), { note: 'no engine runs', close });
    } catch (thrown) {
      core.close();
      throw thrown;
    }
  } catch (thrown) {
    owner.release();
    throw thrown;
  }
}

/** Throws `unavailable` where something that was to end did not. */
async function leave(core: Core, dispatcher: Dispatcher, owner: Owner): Promise<void> {
  const { pump } = core;
  let left: readonly EffectRow[];
  try {
    await pump.drain();
    left = await dispatcher.stopDue(stopLimitMs);
    await pump.drain();
  } finally {
    core.close();
    owner.release();
  }
  refuseLeft(left);
}

function refuseLeft(left: readonly EffectRow[]): void {
  if (left.length === 0) return;
  throw new EngineError(
    'unavailable',
    `${left.map(({ wish, project, plan }) => `${wish} of plan ${project}/${plan}`).join(', ')}: not ended in ${stopLimitMs / 1_000} s, though it was killed`,
    `what was asked for is recorded, and whoever owns the home next goes on ending it; the reason is in daemon.log; see what lives with: stator instance list`,
  );
}

function oneShotDispatcher(core: Core, owner: Owner, env: NodeJS.ProcessEnv): Dispatcher {
  return openDispatcher(core, {
    env,
    socketPath: socketPath(core.home, env, core.settings.current().socketPath),
    graceMs,
    epoch: owner.epoch,
    isOwner: () => owner.isHeld(),
    startableAgents: () => 'none',
    onSignals: () => {},
  });
}

/** The inbox's rows of the supervisor, which belong to no project. */
export const engineInbox = '';

/** The supervisor is born with the first owner of the home. */
export async function openSupervisor({ store, clock, pump }: Core): Promise<void> {
  if (store.trees.exists('supervisor')) return;
  const at = clock.nowMs();
  await insertSignal(store.port, { tree: 'supervisor', type: 'supervisor_opened', payload: {}, origin: 'engine', at });
  await pump.drain(engineInbox);
}
