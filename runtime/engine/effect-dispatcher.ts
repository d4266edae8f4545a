/** The dispatcher with the handlers of every kind of effect: the same for an engine that stays and for one that owns the home for one verb. */
import type { AgentRunParts } from '../effects/agent-run.ts';
import { createHandlers } from '../effects/handlers.ts';
import { createDispatcher, type Dispatcher, type DispatcherParts } from '../outbox/dispatcher.ts';
import type { Core } from './core.ts';

type OfCore = 'home' | 'store' | 'projects' | 'faults' | 'log' | 'nowMs' | 'handlers' | 'clock' | 'timeline' | 'limits';

/** What the core does not know by itself: who owns the home, and what may be started. */
export type DispatcherOptions = Omit<AgentRunParts & DispatcherParts, OfCore>;

/** Nothing runs yet. */
export function openDispatcher(core: Core, wishes: DispatcherOptions): Dispatcher {
  const { home, store, projects, faults, log, clock, timeline, limits } = core;
  const handlers = createHandlers({
    ...wishes,
    home,
    store: store.port,
    projects,
    faults,
    log,
    nowMs: () => clock.nowMs(),
    timeline,
  });
  return createDispatcher({ ...wishes, store: store.port, handlers, clock, timeline, log, faults, limits });
}
