/** The ids of a plan's trace: digests of stored names, so they are the same in each engine and over all restarts. */
import { planTree } from '../../../machines/vocabulary/ids.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import type { TraceIds } from '../../base/platform/trace-context.ts';
import type { Store } from './port.ts';
import type { PlanRow } from './rows.ts';

export function traceIdOf({ project, plan, createdAt }: Pick<PlanRow, 'project' | 'plan' | 'createdAt'>): string {
  return textDigest(`${planTree(project, plan)} ${createdAt}`).slice(0, 32);
}

/** `part`: the key of an effect or of a run, the path of an actor, or '' for the plan itself. */
export function spanIdOf(traceId: string, part: string): string {
  return textDigest(`${traceId} ${part}`).slice(0, 16);
}

/** For the lines of a log, which a store that does not answer must not prevent; null: they speak about no plan, or it is not known. */
export async function tracePartOf(
  store: Pick<Store, 'plan'>,
  { project, plan, part }: { readonly project: string; readonly plan: string; readonly part: string },
): Promise<TraceIds | null> {
  const row = plan === '' ? null : await store.plan(project, plan).catch(() => null);
  if (row === null) return null;
  const traceId = traceIdOf(row);
  return { traceId, spanId: spanIdOf(traceId, part) };
}
