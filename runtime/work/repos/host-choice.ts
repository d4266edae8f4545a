/** Which host a repo goes to, and which plans it may go for. */
import { isUnderWay } from '../../../machines/vocabulary/plan-status.ts';
import type { HostRow, Store } from '../../core/store/port.ts';
import type { PlanRow } from '../../core/store/rows.ts';

/** Agents that run, and plans under way, by host. */
export type Loads = ReadonlyMap<string, number>;

/** What a plan may name a host by. */
export function namesOf({ name, labels }: Pick<HostRow, 'name' | 'labels'>): readonly string[] {
  return [name, ...labels];
}

export function canTake({ isAlive, gone, drained, clones }: HostRow): boolean {
  return isAlive && gone === null && drained === null && clones !== null;
}

export async function loadsOf(store: Pick<Store, 'planCounts' | 'effects'>, hosts: readonly HostRow[]): Promise<Loads> {
  const [counts, running] = await Promise.all([store.planCounts(), store.effects({ by: 'running' })]);
  const loads = new Map<string, number>();
  const add = (host: string, count: number) => loads.set(host, (loads.get(host) ?? 0) + count);
  for (const { kind, host } of running) if (kind === 'agent.run') add(host, 1);
  for (const { name, repos } of hosts)
    add(
      name,
      repos.reduce((sum, project) => sum + (counts.get(project)?.active ?? 0), 0),
    );
  return loads;
}

/** Those who have a clone first, then those who do least. */
export function hostsInLine(project: string, able: readonly HostRow[], loads: Loads): string[] {
  const lacks = ({ clones }: HostRow) => (clones?.includes(project) === true ? 0 : 1);
  const loadOf = ({ name }: HostRow) => loads.get(name) ?? 0;
  return able
    .toSorted((a, b) => lacks(a) - lacks(b) || loadOf(a) - loadOf(b) || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}

/**
 * The plans of a repo that are under way, name a host that its own is not, and do not wait for a person, the oldest first; none while a plan under way names the
 * repo's own host, which would follow the repo back.
 */
export function plansElsewhere(
  plans: readonly PlanRow[],
  ownNames: readonly string[],
): readonly { readonly plan: string; readonly host: string }[] {
  const open = plans.filter(({ status }) => isUnderWay(status));
  if (open.some(({ host }) => host !== null && ownNames.includes(host))) return [];
  return open
    .filter(({ paused, holds, faultSignal }) => !paused && !holds && faultSignal === null)
    .toSorted((a, b) => a.createdAt - b.createdAt)
    .flatMap(({ plan, host }) => (host === null ? [] : [{ plan, host }]));
}
