/** What views are made from: rows and live trees, read and never changed. */
import type { Clock } from '../clock.ts';
import type { Projects } from '../projects.ts';
import type { Limits } from '../slots.ts';
import type { Store } from '../store/store.ts';
import type { TreeCache } from '../tree-cache.ts';

export interface ViewParts {
  readonly home: string;
  readonly store: Store;
  readonly cache: TreeCache;
  readonly clock: Clock;
  readonly projects: Projects;
  limits(): Limits;
  /** Whether agents of that plan are started at all by who asks. */
  mayStart(project: string, plan: string): boolean;
  /** Why a repo cannot be used now; null: it can, as far as is known. Default: nobody looks. */
  troubleOf?(project: string): string | null;
}

export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

export function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : timeText(ms);
}
