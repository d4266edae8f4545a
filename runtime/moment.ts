/** A house for one question: read-only where that is enough, else its owner for a moment, which starts nothing and leaves. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../machines/errors.ts';
import { systemClock } from './clock.ts';
import { loadDaemonConfig, socketPath } from './config.ts';
import { type Client, callApp, createClient } from './control/api-client.ts';
import { createHandlers } from './effects/handlers.ts';
import { ensureHome } from './home.ts';
import { createHouse, type House } from './house.ts';
import { createLanes, type Lanes } from './lanes.ts';
import { appendTo, createLog } from './log.ts';
import type { EffectRow } from './store/effects.ts';
import { acquireOwner, type Owner } from './store/owner.ts';
import { storeFile } from './store/store.ts';

/** A reader changes nothing, so it has nothing to tell but its answer. */
const quiet = createLog(() => {}, 'error');
/** An agent that is being stopped and does not listen is killed after this. */
const graceMs = 10_000;
/** What does not end within this is left to the next owner: a grace, the limit for who was killed, and some room. */
const stopLimitMs = 60_000;

/** A client that reads the store as it lies; null where there is none yet, or where it must be brought up to date first. */
export async function openReader(home: string, env: NodeJS.ProcessEnv): Promise<Client | null> {
  if (!existsSync(storeFile(home))) return null;
  try {
    const watch = () => () => {};
    const refuse = async () => {
      throw new EngineError(
        'unavailable',
        'the store is open for reading only',
        'start an engine: stator run <plan.md>',
      );
    };
    const house = createHouse({
      home,
      clock: systemClock,
      log: quiet,
      readonly: true,
      onEffects: () => {},
      settled: refuse,
      watch,
      mayStart: () => false,
    });
    const close = async () => house.store.close();
    return createClient(callApp(house.app, env.STATOR_TOKEN), { note: 'no engine runs', close });
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'store_unreadable') return null;
    throw thrown;
  }
}

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
      settled: (inner) => inner.pump.drain(),
      watch: () => () => {},
      mayStart: () => false,
    });
    try {
      const lanes = momentLanes(house, owner, env);
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
  const [first] = left;
  if (first === undefined) return;
  throw new EngineError(
    'unavailable',
    `${left.map(({ wish, project, plan }) => `${wish} of plan ${project}/${plan}`).join(', ')}: not ended in ${stopLimitMs / 1_000} s, though it was killed`,
    `what was asked for is recorded, and whoever owns the home next goes on ending it; the reason is in daemon.log; see what lives with: stator instance list`,
  );
}

function momentLanes(house: House, owner: Owner, env: NodeJS.ProcessEnv): Lanes {
  const { home, store, projects, faults, log, clock, limits, daemon } = house;
  const nowMs = () => clock.nowMs();
  const handlers = createHandlers({
    home,
    store,
    projects,
    faults,
    log,
    env,
    socketPath: socketPath(home, env, daemon.socketPath),
    nowMs,
    graceMs,
  });
  const isOwner = () => owner.isHeld();
  return createLanes({
    store,
    handlers,
    clock,
    log,
    faults,
    epoch: owner.epoch,
    isOwner,
    limits,
    mayStart: () => false,
    onSignals: () => {},
  });
}

/** The root of the house is born with its first owner. */
export async function openSupervisor({ store, clock, pump }: House): Promise<void> {
  if (store.trees.exists('supervisor')) return;
  const at = clock.nowMs();
  await store.write(() =>
    store.signals.insert({ tree: 'supervisor', type: 'supervisor_opened', payload: {}, origin: 'engine', at }),
  );
  await pump.drain();
}
