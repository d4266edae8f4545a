/** The hosts that share the store. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { HostRow } from '../../core/store/port.ts';
import type { HostEntry } from '../contract/hosts.ts';
import { timeOrNull, timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

export function createHostViews({ store }: ViewDependencies) {
  async function hosts(): Promise<HostEntry[]> {
    const { hosts: shared } = store;
    if (shared === undefined) return [];
    const [rows, counts, running] = await Promise.all([
      shared.list(),
      store.planCounts(),
      store.effects({ by: 'running' }),
    ]);
    return rows.map((row) => ({
      name: row.name,
      state: stateOf(row),
      own: row.name === shared.own,
      labels: [...row.labels],
      address: row.address,
      home: row.home,
      since: timeText(row.since),
      seen: timeText(row.seen),
      silent: row.isSilent,
      drained_at: timeOrNull(row.drained),
      removed_at: timeOrNull(row.gone),
      repos: [...row.repos],
      takes_repos: row.clones !== null,
      active_plans: row.repos.reduce((sum, project) => sum + (counts.get(project)?.active ?? 0), 0),
      agents: running.filter(({ kind, host }) => kind === 'agent.run' && host === row.name).length,
    }));
  }

  return {
    /** All hosts, also removed ones; none if the store belongs to one machine. */
    hosts,
    /** Throws `not_found`. */
    async host(name: string): Promise<HostEntry> {
      const found = (await hosts()).find((each) => each.name === name);
      if (found !== undefined) return found;
      throw new EngineError('not_found', `there is no host ${name}`, 'see them with: stator host list');
    },
  };
}

function stateOf({ gone, isAlive, drained }: HostRow): HostEntry['state'] {
  if (gone !== null) return 'removed';
  if (!isAlive) return 'lost';
  return drained === null ? 'alive' : 'draining';
}
