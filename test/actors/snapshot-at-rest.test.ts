/** A list shows the same of a stored tree, without restoring it, as of the live tree. */
import { expect, it } from 'vitest';
import { type AnyActorRef, type AnyMachineSnapshot, fromPromise, setup } from 'xstate';
import { snapshotOf } from '../../actors/addressee.ts';
import { kindsWith } from '../../actors/kinds.ts';
import { kindOf } from '../../actors/own-machine.ts';
import { readAtRest } from '../../actors/snapshot-at-rest.ts';
import { createTrees } from '../../actors/tree.ts';
import type { AnySignal } from '../../machines/vocabulary/signal.ts';

const below = setup({}).createMachine({ id: 'below', initial: 'on', states: { on: {} } });

const machine = setup({ actors: { below } }).createMachine({
  id: 'job',
  context: ({ input }) => ({ number: (input as { number: number }).number }),
  initial: 'open',
  states: {
    open: {
      tags: 'waits',
      initial: 'first',
      states: { first: { on: { next: 'second' } }, second: { tags: 'late' }, past: { type: 'history' } },
      on: { leave: 'away', end: 'over', help: 'helped' },
    },
    away: { on: { back: 'open.past' } },
    helped: { invoke: { src: 'below', id: 'helper' } },
    over: { type: 'final' },
  },
  output: ({ context }) => context.number,
});

const kinds = kindsWith([kindOf({ name: 'job', machine, version: 1 })]);
const trees = createTrees(kinds);

function word(type: string, payload: object = {}): AnySignal {
  return { type, payload, origin: 'person', actor: '', run: null, at: 1_000 } as AnySignal;
}

function after(id: number, types: readonly string[]) {
  const { tree } = trees.create(`job:${id}`, word('machine_started', { number: id }));
  for (const type of types) expect(trees.step(tree, word(type)).verdict.status).toBe('done');
  return { address: tree.address, stored: JSON.parse(JSON.stringify(trees.persist(tree))) };
}

function seenOf(snapshot: AnyMachineSnapshot | null) {
  if (snapshot === null) return null;
  const { status, value, context, output, tags } = snapshot;
  const past = Object.values(snapshot.historyValue).map((nodes) => nodes.map(({ id }) => id));
  return { status, value, context, output, tags: [...tags], past };
}

it('a root at rest is where its live tree is, whatever its states, its history and its context', () => {
  const readRow = readAtRest(kinds);
  const ways = [[], ['next'], ['next', 'leave'], ['leave'], ['next', 'leave', 'back'], ['end'], ['end'], []];
  for (const [id, way] of ways.entries()) {
    const { address, stored } = after(id, way);
    const live = snapshotOf(trees.restore(address, structuredClone(stored)).root);
    const atRest = readRow(address, stored);
    expect(seenOf(atRest)).toEqual(seenOf(live));
    for (const type of ['next', 'back', 'end']) expect(atRest?.can({ type })).toBe(live.can({ type }));
  }
});

it('one whose states are unknown is refused', () => {
  const readRow = readAtRest(kinds);
  const { address, stored } = after(2, []);
  const gone = { ...stored, snapshot: { ...stored.snapshot, value: 'closed' } };
  expect(() => readRow(address, gone)).toThrow(expect.objectContaining({ code: 'snapshot_unknown' }));
});

it('actors below it are seen as in its live tree: by their ids, in its context, and below each other', () => {
  const leaf = setup({}).createMachine({ id: 'leaf', initial: 'on', states: { on: { tags: 'lit' } } });
  const branch = setup({ actors: { leaf } }).createMachine({ invoke: { src: 'leaf', id: 'leaf' } });
  const root = setup({
    actors: { leaf, branch, call: fromPromise(async () => 1) },
    types: { context: {} as { refs: AnyActorRef[]; me: AnyActorRef } },
  }).createMachine({
    id: 'root',
    context: ({ spawn, self }) => ({ refs: [spawn('branch', { id: 'branch' })], me: self }),
    invoke: [
      { src: 'call', id: 'call', input: { of: 1 } },
      { src: 'leaf', id: 'own' },
    ],
  });
  const rooted = kindsWith([kindOf({ name: 'root', machine: root, version: 1 })]);
  const all = createTrees(rooted);
  const { tree } = all.create('root:1', word('machine_started'));
  const stored = JSON.parse(JSON.stringify(all.persist(tree)));
  const live = snapshotOf(all.restore('root:1', structuredClone(stored)).root);
  const seen = (snapshot: AnyMachineSnapshot) => {
    const { branch: under, call, own } = snapshot.children as Record<string, AnyActorRef>;
    const [ref] = snapshot.context.refs as AnyActorRef[];
    const below = snapshotOf(under as AnyActorRef).children.leaf as AnyActorRef;
    return {
      ids: Object.entries(snapshot.children).map(([id, child]) => [id, (child as AnyActorRef | undefined)?.id]),
      isSame: ref === under,
      me: snapshotOf(snapshot.context.me as AnyActorRef).value,
      leaf: [snapshotOf(below).value, snapshotOf(below).hasTag('lit'), snapshotOf(own as AnyActorRef).value],
      call: call?.getSnapshot(),
    };
  };
  expect(seen(readAtRest(rooted)('root:1', stored))).toEqual(seen(live));
  expect(seen(live)).toMatchObject({ isSame: true, leaf: ['on', true, 'on'], call: { status: 'active' } });
});
