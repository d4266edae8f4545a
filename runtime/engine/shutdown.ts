/** How an engine leaves its home: every step is taken, whatever became of the ones before it, so that the next owner finds a home that is free. */
import { messageOf } from '../../machines/vocabulary/errors.ts';
import type { ControlServer } from '../control/server.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Dispatcher } from '../outbox/dispatcher.ts';
import { agentsAtWork, requeueAgents } from '../outbox/requeue.ts';
import type { Health } from '../repos/health.ts';
import type { VerificationWatch } from '../repos/verification-watch.ts';
import { insertSignal } from '../store/port.ts';
import type { Owner } from '../store/sqlite/owner.ts';
import type { Core } from './core.ts';

/** Agents that do not end within this, after they were killed, are left to the next owner. */
const stopLimitMs = 60_000;
const stopPollMs = 50;

export interface StopParts {
  readonly core: Core;
  readonly dispatcher: Dispatcher;
  readonly health: Health;
  readonly verificationWatch: VerificationWatch;
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
  core,
  dispatcher,
  health,
  verificationWatch,
  gateway,
  server,
  owner,
  agents,
  isWatched,
}: StopParts): Promise<void> {
  const { log, bus, pump } = core;
  const take = async (failure: string, step: () => Promise<void> | void) => {
    try {
      await step();
    } catch (thrown) {
      log.warn(`${failure}: ${messageOf(thrown)}`);
    }
  };
  core.faults('engine.before-stop');
  // Who has lost the home says nothing in it any more: the next owner would take it for its own stop.
  const isOurs = owner.isHeld();
  if (agents === 'stop' && isOurs)
    await take('the agents could not be told to end, and go on without an engine', () =>
      stopAgents(core, dispatcher, isWatched),
    );
  bus.close();
  await take('the control API did not close', () => server?.stop());
  await take('the signal folders were not let go of', () => gateway.stop());
  health.stop();
  verificationWatch.stop();
  await take('the dispatcher did not stop', () => dispatcher.stop());
  // A store that cannot be written keeps nobody from leaving: the next owner finds all that was committed.
  await take('the stop could not be recorded', async () => {
    if (!isOurs) return;
    await announce(core, 'supervisor_draining');
    await announce(core, 'supervisor_stopped');
  });
  await take('the inbox did not stop', () => pump.stop());
  await take('the store did not close', () => core.close());
  await take('the home was not released', () => owner.release());
}

/** Every agent whose plan nobody watches is told to rest: it is queued again and finds nobody who starts it until the next engine does. */
async function stopAgents(
  { store, clock, pump, log }: Core,
  dispatcher: Dispatcher,
  isWatched: StopParts['isWatched'],
): Promise<void> {
  const runs = async () => (await agentsAtWork(store.port)).filter((row) => !isWatched(row.project, row.plan));
  await dispatcher.holdAgents();
  await requeueAgents(store.port, await runs(), clock.nowMs());
  pump.poke();
  const untilMs = performance.now() + stopLimitMs;
  while ((await runs()).length > 0 && performance.now() < untilMs)
    await new Promise<void>((resolve) => setTimeout(resolve, stopPollMs));
  for (const { wish, project, plan } of await runs())
    log.warn(`${wish} of plan ${project}/${plan} did not end in ${stopLimitMs / 1_000} s; the next engine ends it`);
}

/** A signal to the supervisor; where it is in that state already it refuses, and that is no trouble. */
async function announce(
  { store, clock, pump }: Core,
  type: 'supervisor_started' | 'supervisor_draining' | 'supervisor_stopped',
): Promise<void> {
  await insertSignal(store.port, { tree: 'supervisor', type, payload: {}, origin: 'engine', at: clock.nowMs() });
  await pump.drain();
}
