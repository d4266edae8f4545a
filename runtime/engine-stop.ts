/** How an engine leaves its home: every step is taken, whatever became of the ones before it, so that the next owner finds a home that is free. */
import { messageOf } from '../machines/errors.ts';
import type { ControlServer } from './control/server.ts';
import type { Gateway } from './gateway/gateway.ts';
import type { Health } from './health.ts';
import type { House } from './house.ts';
import type { Lanes } from './lanes.ts';
import { agentsAtWork, restAgents } from './rest.ts';
import type { Staleness } from './staleness.ts';
import type { Owner } from './store/owner.ts';

/** Agents that do not end within this, after they were killed, are left to the next owner. */
const stopLimitMs = 60_000;
const stopPollMs = 50;

export interface StopParts {
  readonly house: House;
  readonly lanes: Lanes;
  readonly health: Health;
  readonly staleness: Staleness;
  readonly gateway: Gateway;
  readonly server: ControlServer | null;
  readonly owner: Owner;
  /** What is under way in processes stays, unless the agents are to be stopped. */
  readonly agents: 'leave' | 'stop';
  /** Somebody else watches that plan, and takes over: its agents go on meanwhile. */
  isWatched(project: string, plan: string): boolean;
}

/** In the reverse order of the start. Never throws: what could not be done is in the log, and the home is released. */
export async function stopEngine({
  house,
  lanes,
  health,
  staleness,
  gateway,
  server,
  owner,
  agents,
  isWatched,
}: StopParts): Promise<void> {
  const { log, store, bus, pump } = house;
  const take = async (failure: string, step: () => Promise<void> | void) => {
    try {
      await step();
    } catch (thrown) {
      log.warn(`${failure}: ${messageOf(thrown)}`);
    }
  };
  house.faults('engine.before-stop');
  // Who has lost the home says nothing in it any more: the next owner would take it for its own stop.
  const isOurs = owner.isHeld();
  if (agents === 'stop' && isOurs)
    await take('the agents could not be told to end, and go on without an engine', () =>
      stopAgents(house, lanes, isWatched),
    );
  bus.close();
  await take('the control API did not close', () => server?.stop());
  await take('the signal folders were not let go of', () => gateway.stop());
  health.stop();
  staleness.stop();
  await take('the lanes did not stop', () => lanes.stop());
  // A store that cannot be written keeps nobody from leaving: the next owner finds all that was committed.
  await take('the stop could not be recorded', async () => {
    if (!isOurs) return;
    await announce(house, 'supervisor_draining');
    await announce(house, 'supervisor_stopped');
  });
  pump.stop();
  await take('the store did not close', () => store.close());
  await take('the home was not released', () => owner.release());
}

/** Every agent whose plan nobody watches is told to rest: it is queued again and finds nobody who starts it until the next engine does. */
async function stopAgents(
  { store, clock, pump, log }: House,
  lanes: Lanes,
  isWatched: StopParts['isWatched'],
): Promise<void> {
  const runs = () => agentsAtWork(store).filter((row) => !isWatched(row.project, row.plan));
  lanes.holdAgents();
  await restAgents(store, runs, () => clock.nowMs());
  pump.poke();
  const until = Date.now() + stopLimitMs;
  while (runs().length > 0 && Date.now() < until) await new Promise<void>((resolve) => setTimeout(resolve, stopPollMs));
  for (const { wish, project, plan } of runs())
    log.warn(`${wish} of plan ${project}/${plan} did not end in ${stopLimitMs / 1_000} s; the next engine ends it`);
}

/** A word to the root of the house; where it stands already it refuses, and that is no trouble. */
export async function announce(
  { store, clock, pump }: House,
  type: 'supervisor_started' | 'supervisor_draining' | 'supervisor_stopped',
): Promise<void> {
  await store.write(() =>
    store.signals.insert({ tree: 'supervisor', type, payload: {}, origin: 'engine', at: clock.nowMs() }),
  );
  await pump.drain();
}
