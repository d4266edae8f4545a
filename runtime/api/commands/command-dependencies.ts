/** What commands are given: the store, live trees, the repos and whatever else an engine has that a command of some noun needs. */

import type { Kinds } from '../../../actors/kind.ts';
import type { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { OwnHooks } from '../../base/config/config.ts';
import type { Settings } from '../../base/config/settings.ts';
import type { Clock } from '../../base/platform/clock.ts';
import type { Log } from '../../base/platform/log.ts';
import type { ToldTrouble } from '../../base/platform/troubles.ts';
import type { ArrivingSignal } from '../../core/inbox/pump.ts';
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
  /** The hooks that the engine was given. */
  readonly ownHooks: OwnHooks;
  readonly timeline: Timeline;
  /** Between asking processes to end and ending them by force. */
  readonly graceMs: number;
  /** Milliseconds that a forge has to answer a verb about an issue; five seconds where it is not there. */
  readonly forgeAnswerMs?: number | undefined;
  /** Agents are started here; not: this engine is there for one verb. */
  readonly stays: boolean;
  readonly locks: Pick<RepoLocks, 'tryAt'>;
  /** Before work begins in a repo. Throws `elsewhere` where another engine works in it. */
  lockRepo(project: string): Promise<void>;
  /** There is something in the inbox; resolves when the row has its verdict, or after `waitMs`. */
  settled(id: number, waitMs: number): Promise<void>;
  /** Puts it into the inbox, and resolves with its number as `settled` does. `before` goes into the same commit: what it inserts is handled first. */
  addSignal(signal: ArrivingSignal, waitMs: number, before?: readonly Change[]): Promise<number>;
  /** Resolves when no agent of the project runs any more, told or not. Throws `unavailable` where one does not end. */
  runsEnded(project: string): Promise<void>;
  /** Why what is done now and then was not done the last time, one line each. */
  serviceTroubles(): readonly ToldTrouble[];
  /** Why the store takes nothing now; null: it does. */
  storeTrouble(): EngineError | null;
  /** Limits, or what may start, have changed. */
  onChange(): void;
}
