/** What a list shows of a tree without bringing it to life is what the live tree shows. */
import { expect, it } from 'vitest';
import { type AnyMachineSnapshot, setup } from 'xstate';
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

it('a root with actors below it is not read at rest, and one of unknown states is refused', () => {
  const readRow = readAtRest(kinds);
  const helped = after(1, ['help']);
  expect(readRow(helped.address, helped.stored)).toBeNull();
  const { address, stored } = after(2, []);
  const gone = { ...stored, snapshot: { ...stored.snapshot, value: 'closed' } };
  expect(() => readRow(address, gone)).toThrow(expect.objectContaining({ code: 'snapshot_unknown' }));
});
