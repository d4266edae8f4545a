/** The lanes of a house with the handlers of all that it may ask for: the same for an engine that stays and for an owner of a moment. */
import type { AgentRunParts } from './effects/agent-run.ts';
import { createHandlers } from './effects/handlers.ts';
import type { House } from './house.ts';
import { createLanes, type LaneParts, type Lanes } from './lanes.ts';

type OfHouse = 'home' | 'store' | 'projects' | 'faults' | 'log' | 'nowMs' | 'handlers' | 'clock' | 'limits';

/** What a house does not know by itself: who owns it, and what may be started. */
export type LaneWishes = Omit<AgentRunParts & LaneParts, OfHouse>;

/** Nothing runs yet. */
export function openLanes(house: House, wishes: LaneWishes): Lanes {
  const { home, store, projects, faults, log, clock, limits } = house;
  const handlers = createHandlers({ ...wishes, home, store, projects, faults, log, nowMs: () => clock.nowMs() });
  return createLanes({ ...wishes, store, handlers, clock, log, faults, limits });
}
