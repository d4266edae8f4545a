/** The hosts of a store, as a person reads them. */
import { clockTime } from '../../machines/vocabulary/time-text.ts';
import type { HostEntry, HostRemoved } from '../../runtime/api/client/client.ts';
import type { hostOperations } from '../../runtime/api/operations/host.ts';
import type { View } from '../operation-verb.ts';
import { plain } from '../text.ts';

const stateText = ({ state, silent }: HostEntry) => (silent ? `${state}, silent` : state);

const hosts: View<HostEntry[]> = {
  list: {
    headings: ['host', 'state', 'seen', 'repos', 'plans', 'agents', 'labels'],
    row: (host) => [
      host.own ? `${host.name} (this one)` : host.name,
      { text: stateText(host), tone: host.state === 'lost' || host.silent ? 'bad' : 'plain' },
      clockTime(host.seen),
      host.repos.join(', '),
      String(host.active_plans),
      String(host.agents),
      host.labels.join(', '),
    ],
    empty: 'the store is of this machine alone; several share one in PostgreSQL',
  },
};

const host: View<HostEntry> = {
  fields: (shown, paint) => [
    ['host', plain(shown.name)],
    ['state', stateText(shown) === 'alive' ? shown.state : paint('attention', stateText(shown))],
    ['machine', `${plain(shown.address)}, home ${plain(shown.home)}`],
    ['labels', shown.labels.length === 0 ? null : shown.labels.map(plain).join(', ')],
    ['since', shown.since],
    ['seen', shown.seen],
    ['drained', shown.drained_at],
    ['removed', shown.removed_at],
    ['repos', shown.repos.length === 0 ? 'none' : shown.repos.map(plain).join(', ')],
    ['plans', `${shown.active_plans} under way`],
    ['agents', String(shown.agents)],
  ],
};

const drainHost: View<HostEntry> = {
  done({ name, drained_at: drained, agents }) {
    if (drained === null) return [`${name} starts agents again`];
    return [`${name} starts no more agents; ${agents === 0 ? 'none runs there' : `${agents} still run there`}`];
  },
};

const removeHost: View<HostRemoved> = {
  done: ({ name, repos }) => [
    `removed ${name}${repos.length === 0 ? '' : `; without a host now: ${repos.join(', ')}`}`,
  ],
  notes: ({ notes }) => notes,
};

export default { hosts, host, drainHost, removeHost } satisfies Record<keyof typeof hostOperations, View<never>>;
