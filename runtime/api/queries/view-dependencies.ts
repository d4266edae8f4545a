/** The dependencies of queries: rows and live trees, read only. */

import type { AnyDefinition } from '../../../actors/definition.ts';
import type { Kinds } from '../../../actors/kind.ts';
import type { Lane } from '../../../machines/vocabulary/effect.ts';
import type { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Clock } from '../../base/platform/clock.ts';
import type { NotStarting } from '../../base/platform/home-engine.ts';
import type { ReportedTrouble } from '../../base/platform/poll-loop.ts';
import type { TreeCache } from '../../core/inbox/tree-cache.ts';
import type { Limits } from '../../core/outbox/slots.ts';
import type { Store } from '../../core/store/port.ts';
import type { Timeline } from '../../core/store/timeline.ts';
import type { Projects } from '../../work/repos/registry.ts';

export interface ViewDependencies {
  readonly home: string;
  /** The environment with the tokens of forges. */
  readonly env: NodeJS.ProcessEnv;
  readonly store: Store;
  readonly cache: Pick<TreeCache, 'get'>;
  readonly clock: Clock;
  /** The timeline of `deliver_at`. */
  readonly timeline: Timeline;
  readonly projects: Projects;
  limits(): Limits;
  /** The names that plans may use for this host: its name, and its labels. */
  readonly hostNames: readonly string[];
  /** The last served project of each lane, if agents are started here. */
  readonly servedLast: ReadonlyMap<Lane, string>;
  /** Whether this process starts agents of that plan at all. */
  mayStart(project: string, plan: string): boolean;
  /** Which process owns the home: that is why no agents are started if `mayStart` is false. */
  notStarting(): NotStarting;
  /** Why a repo cannot be used now; null: it can, as far as is known. Default: not checked. */
  troubleOf?(project: string): string | null;
  /** Why the store accepts no writes now; null: it accepts them. Default: this process writes nothing. */
  storeTrouble?(): EngineError | null;
  /** Failures of the engine's services. Default: none. */
  serviceTroubles?(): readonly ReportedTrouble[];
  readonly kinds: Kinds;
  readonly machines: readonly AnyDefinition[];
}
