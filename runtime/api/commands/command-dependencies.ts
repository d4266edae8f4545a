/** The dependencies of commands: the store, live trees, the repos, and the other parts of an engine that some command needs. */

import type { Kinds } from '../../../actors/kind.ts';
import type { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Origin } from '../../../machines/vocabulary/signal.ts';
import type { OwnHooks } from '../../base/config/config.ts';
import type { Settings } from '../../base/config/settings.ts';
import type { Clock } from '../../base/platform/clock.ts';
import type { Log } from '../../base/platform/log.ts';
import type { ReportedTrouble } from '../../base/platform/poll-loop.ts';
import type { ArrivingSignal } from '../../core/inbox/arrivals.ts';
import type { TreeCache } from '../../core/inbox/tree-cache.ts';
import type { Change, Store } from '../../core/store/port.ts';
import type { Timeline } from '../../core/store/timeline.ts';
import type { FlagCheck } from '../../work/agents/presets/known-flags.ts';
import type { SecretSearch } from '../../work/effects/secrets/search.ts';
import type { Cleaning } from '../../work/gc/gc.ts';
import type { Projects } from '../../work/repos/registry.ts';
import type { RepoLocks } from '../../work/repos/repo-locks.ts';
import type { Resources } from '../../work/sandbox/resources.ts';
import type { Walls } from '../../work/sandbox/walls.ts';
import type { Views } from '../queries/queries.ts';

export interface CommandDependencies {
  readonly home: string;
  readonly store: Store;
  readonly cache: Pick<TreeCache, 'get' | 'forget'>;
  readonly kinds: Kinds;
  readonly projects: Projects;
  readonly views: Views;
  readonly settings: Settings;
  readonly cleaning: Cleaning;
  readonly clock: Clock;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  readonly walls: Walls;
  readonly secrets: SecretSearch;
  readonly flagCheck: FlagCheck;
  readonly resources: Resources;
  /** The hooks that were passed to the engine. */
  readonly ownHooks: OwnHooks;
  readonly timeline: Timeline;
  /** The time between asking processes to end and killing them. */
  readonly graceMs: number;
  /** Milliseconds that a forge has to answer a command about an issue; default: five seconds. */
  readonly forgeAnswerMs?: number | undefined;
  /** true: this engine starts agents; false: it runs for one command only. */
  readonly stays: boolean;
  readonly locks: Pick<RepoLocks, 'tryAt'>;
  /** The origin of what the present request does, with the name of the person who sent it. */
  actingOrigin(origin: Origin): Origin;
  /** Locks a repo before work begins in it. Throws `elsewhere` if another engine works in it. */
  lockRepo(project: string): Promise<void>;
  /** Wakes the pump, and resolves when the signal has its verdict, or after `waitMs`. */
  settled(id: number, waitMs: number): Promise<void>;
  /**
   * Adds a signal to the inbox, and resolves with its number as `settled` does. `before` is written in the same commit; signals that it inserts are handled
   * first.
   */
  addSignal(signal: ArrivingSignal, waitMs: number, before?: readonly Change[]): Promise<number>;
  /** Resolves when no agent of the project runs any more, whether it was asked to stop or not. Throws `unavailable` if one does not end. */
  runsEnded(project: string): Promise<void>;
  /** Why periodic services failed the last time, one line each. */
  serviceTroubles(): readonly ReportedTrouble[];
  /** Why the store accepts no writes now; null: it accepts them. */
  storeTrouble(): EngineError | null;
  /** To be called when limits, or the work that may start, have changed. */
  onChange(): void;
  /** To be called after a commit that has lines of the journal, or signals, of its own. */
  onLines(): void;
}
