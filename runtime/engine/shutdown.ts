/** How an engine leaves its home: every step is carried out, even if an earlier one failed, so that the next owner finds a free home. */
import { messageOf } from '../../machines/vocabulary/errors.ts';
import type { ControlServer } from '../api/control/server.ts';
import { agentsAtWork, requeueAgents } from '../core/outbox/requeue.ts';
import { insertSignal } from '../core/store/port.ts';
import type { EffectRow } from '../core/store/rows.ts';
import type { Owner } from '../core/store/sqlite/owner.ts';
import type { Core } from './core.ts';
import { viewedPlan } from './state.ts';

/** Agents that do not end within this, after they were killed, are left to the next owner. */
const stopLimitMs = 50_000;
const stopPollMs = 50;
/** A git that an effect has started is ended after 5 s, and killed after 10. */
const workLimitMs = 13_000;
/** The limit of every other step. All of them together are done within the 90 s that `stator daemon stop` waits. */
const stepLimitMs = 5_000;

export interface StopParts {
  readonly core: Core;
  readonly server: ControlServer | null;
  readonly owner: Owner;
  /** Running processes stay, unless the agents must be stopped. */
  readonly agents: 'leave' | 'stop';
  /** Called before the store closes: no request is answered from then on. */
  readonly onClosing: () => void;
}

/** The reverse order of the start. Never throws and never waits for ever: steps that failed, or did not end, are logged, and the home is released. */
export async function stopEngine({ core, server, owner, agents, onClosing }: StopParts): Promise<void> {
  const { log, bus, pump } = core;
  const take = async (failure: string, step: () => Promise<void> | void, limitMs = stepLimitMs) => {
    try {
      await within(limitMs, step);
    } catch (thrown) {
      log.warn(`${failure}: ${messageOf(thrown)}`);
    }
  };
  core.faults?.('engine.before-stop');
  // An engine that has lost the home writes nothing in it any more: the next owner would mistake it for its own stop.
  const isOurs = owner.isHeld();
  if (agents === 'stop' && isOurs)
    await take(
      'the agents could not be told to end, and go on without an engine',
      () => stopAgents(core),
      stopLimitMs + stepLimitMs,
    );
  // Another engine is this host now, or the host was removed: its agents' results do not count any more.
  if (core.store.hosts !== undefined && core.store.loss()?.code === 'owner_taken')
    await take('the agents did not end', async () => core.workers?.endAgents(), stopLimitMs);
  bus.close();
  await take('the sessions of MCP did not end', () => core.api.mcp.close());
  await take('the control API did not close', () => server?.stop());
  await take('what works by itself did not stop', () => core.workers?.stop(), workLimitMs);
  // A store that cannot be written does not stop the engine from leaving: the next owner finds all that was committed.
  await take('the stop could not be recorded', async () => {
    // The supervisor of several hosts goes on: without a signal of this host's end it takes over its repos.
    const { hosts } = core.store;
    if (hosts !== undefined && core.store.loss() === null) await hosts.leave();
    if (!isOurs || hosts !== undefined) return;
    await announce(core, 'supervisor_draining');
    await announce(core, 'supervisor_stopped');
  });
  await take('the inbox did not stop', () => pump.stop());
  onClosing();
  await take('the store did not close', () => core.close());
  await take('the home was not released', () => owner.release());
}

/** A step that hangs is not awaited: the next owner continues from the recorded state. */
async function within(limitMs: number, step: () => Promise<void> | void): Promise<void> {
  let limit: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_, reject) => {
    limit = setTimeout(() => reject(new Error(`it took more than ${limitMs / 1_000} s, and is left behind`)), limitMs);
  });
  try {
    await Promise.race([step(), passed]);
  } finally {
    clearTimeout(limit);
  }
}

/** Every agent whose plan is not watched is queued again, and waits until the next engine starts it. */
async function stopAgents({ store, clock, pump, log, viewed: viewedNow, workers }: Core): Promise<void> {
  const runs = async () => {
    const viewed = viewedNow();
    // Another client watches that plan, and takes over: its agents continue meanwhile.
    const isViewed = ({ project, plan }: EffectRow) => viewed.includes(viewedPlan(project, plan));
    return (await agentsAtWork(store)).filter((row) => !isViewed(row));
  };
  await workers?.dispatcher.holdAgents();
  await requeueAgents(store, await runs(), clock.nowMs());
  pump.wake();
  const untilMs = performance.now() + stopLimitMs;
  while ((await runs()).length > 0 && performance.now() < untilMs)
    await new Promise<void>((resolve) => setTimeout(resolve, stopPollMs));
  for (const { name, project, plan } of await runs())
    log.warn(`${name} of plan ${project}/${plan} did not end in ${stopLimitMs / 1_000} s; the next engine ends it`);
}

/** A signal to the supervisor; if it is in that state already it refuses, which is no failure. */
async function announce(
  { store, clock, pump }: Core,
  type: 'supervisor_started' | 'supervisor_draining' | 'supervisor_stopped',
): Promise<void> {
  await insertSignal(store, { tree: 'supervisor', type, payload: {}, origin: 'engine', at: clock.nowMs() });
  await pump.drain();
}
