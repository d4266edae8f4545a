/** The hosts that share a store. */
import type { OperationParts } from '../commands/commands.ts';
import type { HostEntry, HostRemoved } from '../contract/hosts.ts';
import { answerOf, listOf, operationWith, type Schemas } from './operation.ts';

const operation = operationWith<OperationParts>();

const ofHost = ({ line }: Schemas) => ({ host: line(63) });
const hostArg = { type: 'positional', description: 'its name, as stator host list shows it' } as const;

export const hostOperations = {
  hosts: operation({
    http: 'GET /v1/hosts',
    does: 'the hosts that share the store, also removed ones; empty if the store belongs to one machine',
    who: 'anyone',
    answer: listOf<HostEntry>(({ shapes }) => shapes.hostEntry),
    run: ({ views }) => views.hosts(),
    verb: {
      name: 'list',
      listed: 'list the machines that share the store; show one',
      summary: 'List the machines that share the store in PostgreSQL, and whether each is there.',
      examples: ['stator host list', 'stator host list --json'],
      more: 'A host is alive as long as its daemon holds its lock in the database, and 12 s longer if it was cut off. A plan continues only on the host where its repo is registered.',
    },
  }),
  host: operation({
    http: 'GET /v1/hosts/:host',
    does: 'one of them',
    who: 'anyone',
    input: ofHost,
    answer: answerOf<HostEntry>(({ shapes }) => shapes.hostEntry),
    errors: ['not_found'],
    run: ({ views }, { host }) => views.host(host),
    verb: {
      name: 'show',
      listed: { with: 'list' },
      summary: 'Show one host: where it is, its repos, and since when it is there, drained or gone.',
      args: { host: hostArg },
      examples: ['stator host show build-2'],
    },
  }),
  drainHost: operation({
    http: 'POST /v1/hosts/:host/drain',
    does: 'starts no more agents on a host; running agents go on; with `undo` it starts them again',
    again: 'free',
    who: 'person',
    input: (schemas) => ({ ...ofHost(schemas), undo: schemas.z.boolean().optional() }),
    answer: answerOf<HostEntry>(({ shapes }) => shapes.hostEntry),
    errors: ['not_found', 'conflict'],
    run: ({ commands }, { host, undo = false }) => commands.drainHost(host, !undo),
    verb: {
      name: 'drain',
      listed: 'stop starting agents on one',
      summary: 'Start no more agents on a host; running agents continue. With --undo it starts agents again.',
      args: { host: hostArg, undo: { type: 'boolean', description: 'start agents there again' } },
      examples: ['stator host drain build-2', 'stator host drain build-2 --undo'],
    },
  }),
  removeHost: operation({
    http: 'DELETE /v1/hosts/:host',
    does: 'removes a host that is lost for good: it cannot come back under its name, and its repos may be registered on others',
    who: 'person',
    input: ofHost,
    answer: answerOf<HostRemoved>(({ shapes }) => shapes.hostRemoved),
    errors: ['not_found', 'conflict', 'unavailable'],
    run: ({ commands }, { host }) => commands.removeHost(host),
    verb: {
      name: 'remove',
      listed: 'remove one that will not come back',
      summary: 'Take out a host that is lost for good; its repos may then be registered on others.',
      args: { host: hostArg },
      examples: ['stator host remove build-2 --yes'],
      more: 'The host must not be alive. It does not come back under its name: what it may still do no longer counts. Its agents are begun anew where its repos are registered again, and each of its runs counts as one attempt.',
      confirms: ({ host }) => ({ question: `remove the host ${host} for good?`, not: `not removed: ${host}` }),
    },
  }),
};
