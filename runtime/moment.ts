/** A house for one change: its owner for a moment, which starts nothing and leaves. Who only asks is served by reader.ts. */
import { join } from 'node:path';
import { EngineError } from '../machines/errors.ts';
import { systemClock } from './clock.ts';
import { loadDaemonConfig, socketPath } from './config.ts';
import { type Client, createClient } from './control/api-client.ts';
import { callApp } from './control/call.ts';
import { ensureHome } from './home.ts';
import { createHouse, type House } from './house.ts';
import { openLanes } from './house-lanes.ts';
import type { Lanes } from './lanes.ts';
import { appendTo, createLog } from './log.ts';
import type { EffectRow } from './store/effects.ts';
import { acquireOwner, type Owner } from './store/owner.ts';

/** An agent that is being stopped and does not listen is killed after this. */
const graceMs = 10_000;
/** What does not end within this is left to the next owner: a grace, the limit for who was killed, and some room. */
const stopLimitMs = 60_000;

/**
 * A client that owns the home until it is closed: what it is asked goes through the inbox, what is to be stopped is stopped, nothing
 * is started. Throws `owner_taken` where somebody else has the home.
 */
export async function openMoment(home: string, env: NodeJS.ProcessEnv): Promise<Client> {
  ensureHome(home);
  const owner = await acquireOwner(home, { nowMs: () => Date.now() });
  try {
    const house = createHouse({
      home,
      clock: systemClock,
      log: createLog(appendTo(join(home, 'daemon.log')), loadDaemonConfig(home).logLevel),
      isOwner: () => owner.isHeld(),
      onEffects: () => {},
      // A merge that a person asked for is why the home is owned at all.
      settled: async ({ pump }) => {
        await pump.drain();
        await lanes.carryOut('plan.merge');
        await pump.drain();
      },
      watch: () => () => {},
      mayStart: () => false,
      runsEnded: async ({ pump }) => {
        await pump.drain();
        refuseLeft(await lanes.stopDue(stopLimitMs));
        await pump.drain();
      },
    });
    let lanes: Lanes;
    try {
      lanes = momentLanes(house, owner, env);
      await openSupervisor(house);
      const close = () => leave(house, lanes, owner);
      return createClient(callApp(house.app, env.STATOR_TOKEN), { note: 'no engine runs', close });
    } catch (thrown) {
      house.store.close();
      throw thrown;
    }
  } catch (thrown) {
    owner.release();
    throw thrown;
  }
}

/** Throws `unavailable` where something that was to end did not. */
async function leave({ pump, store }: House, lanes: Lanes, owner: Owner): Promise<void> {
  let left: readonly EffectRow[];
  try {
    await pump.drain();
    left = await lanes.stopDue(stopLimitMs);
    await pump.drain();
  } finally {
    store.close();
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

function momentLanes(house: House, owner: Owner, env: NodeJS.ProcessEnv): Lanes {
  return openLanes(house, {
    env,
    socketPath: socketPath(house.home, env, house.settings.current().socketPath),
    graceMs,
    epoch: owner.epoch,
    isOwner: () => owner.isHeld(),
    mayStart: () => false,
    onSignals: () => {},
  });
}

/** The inbox's rows of the house itself, which belong to no project. */
export const houseInbox = '';

/** The root of the house is born with its first owner. */
export async function openSupervisor({ store, clock, pump }: House): Promise<void> {
  if (store.trees.exists('supervisor')) return;
  const at = clock.nowMs();
  await store.write(() =>
    store.signals.insert({ tree: 'supervisor', type: 'supervisor_opened', payload: {}, origin: 'engine', at }),
  );
  await pump.drain(houseInbox);
}
