/** Chooses the host to which a repo moves, and the plans for which it may move. */
import { isUnderWay } from '../../../machines/vocabulary/plan-status.ts';
import type { HostRow, Store } from '../../core/store/port.ts';
import type { PlanRow } from '../../core/store/rows.ts';

/** The numbers of running agents and of plans under way, by host. */
export type Loads = ReadonlyMap<string, number>;

/** The names that a plan may use for a host. */
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

/** Hosts with a clone first, then the least busy. */
export function hostsInLine(project: string, able: readonly HostRow[], loads: Loads): string[] {
  const lacks = ({ clones }: HostRow) => (clones?.includes(project) === true ? 0 : 1);
  const loadOf = ({ name }: HostRow) => loads.get(name) ?? 0;
  return able
    .toSorted((a, b) => lacks(a) - lacks(b) || loadOf(a) - loadOf(b) || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}

/**
 * The repo's plans under way that name another host and do not wait for a person, the oldest first. None while a plan under way names the repo's own host: it
 * would move the repo back.
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
