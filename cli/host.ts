/** `stator host`: the machines that share a store in PostgreSQL. */
import { clockTime } from '../machines/vocabulary/time-text.ts';
import type { HostEntry } from '../runtime/api/client/client.ts';
import { defineVerb, type Verbs } from './command.ts';
import type { Output } from './output.ts';
import { withClient } from './session.ts';
import { isConfirmed, sureArgs } from './sure.ts';
import { fields } from './table.ts';
import { plain } from './text.ts';

const hostArg = { type: 'positional', description: 'its name, as stator host list shows it' } as const;

const list = defineVerb({
  summary: 'List the machines that share the store in PostgreSQL, and whether each is there.',
  args: {},
  examples: ['stator host list', 'stator host list --json'],
  more: 'A host is alive as long as its daemon holds its lock in the database. A plan continues only on the host where its repo is registered.',
  async run(_args, call) {
    const hosts = await withClient(call, 'read', (client) => client.hosts());
    call.out.list(hosts, {
      headings: ['host', 'state', 'seen', 'repos', 'plans', 'agents', 'labels'],
      row: (host) => [
        host.own ? `${host.name} (this one)` : host.name,
        { text: host.state, tone: host.state === 'lost' ? 'bad' : 'plain' },
        clockTime(host.seen),
        host.repos.join(', '),
        String(host.active_plans),
        String(host.agents),
        host.labels.join(', '),
      ],
      empty: 'the store is of this machine alone; several share one in PostgreSQL',
    });
  },
});

const show = defineVerb({
  summary: 'Show one host: where it is, its repos, and since when it is there, drained or gone.',
  args: { host: hostArg },
  examples: ['stator host show build-2'],
  async run({ host }, call) {
    const shown = await withClient(call, 'read', (client) => client.host(host));
    call.out.answer(shown, () => lines(shown, call.out));
  },
});

function lines(host: HostEntry, { paint }: Output): string[] {
  return fields(
    [
      ['host', plain(host.name)],
      ['state', host.state === 'alive' ? host.state : paint('attention', host.state)],
      ['machine', `${plain(host.address)}, home ${plain(host.home)}`],
      ['labels', host.labels.length === 0 ? null : host.labels.map(plain).join(', ')],
      ['since', host.since],
      ['seen', host.seen],
      ['drained', host.drained_at],
      ['removed', host.removed_at],
      ['repos', host.repos.length === 0 ? 'none' : host.repos.map(plain).join(', ')],
      ['plans', `${host.active_plans} under way`],
      ['agents', String(host.agents)],
    ],
    paint,
  );
}

const drain = defineVerb({
  summary: 'Start no more agents on a host; running agents continue. With --undo it starts agents again.',
  args: { host: hostArg, undo: { type: 'boolean', description: 'start agents there again' } },
  examples: ['stator host drain build-2', 'stator host drain build-2 --undo'],
  async run({ host, undo = false }, call) {
    const { out } = call;
    const drained = await withClient(call, 'write', (client) => client.drainHost(host, { undo }));
    const runs = drained.agents === 0 ? 'none runs there' : `${drained.agents} still run there`;
    out.done(drained, undo ? `${host} starts agents again` : `${host} starts no more agents; ${runs}`);
  },
});

const remove = defineVerb({
  summary: 'Take out a host that is lost for good; its repos may then be registered on others.',
  args: { host: hostArg, ...sureArgs },
  examples: ['stator host remove build-2 --yes'],
  more: 'The host must not be alive. It does not come back under its name: what it may still do no longer counts. Its agents are begun anew where its repos are registered again, and each of its runs counts as one attempt.',
  async run({ host, yes }, call) {
    const { out } = call;
    const asked = { yes, question: `remove the host ${host} for good?`, not: `not removed: ${host}` };
    if (!(await isConfirmed(call, asked))) return 1;
    const removed = await withClient(call, 'write', (client) => client.removeHost(host));
    const { repos, notes } = removed;
    out.done(removed, `removed ${host}${repos.length === 0 ? '' : `; without a host now: ${repos.join(', ')}`}`);
    for (const note of notes) out.note(note);
  },
});

export default { list, show, drain, remove } satisfies Verbs;
