/** What the compiler knows of a machine that a program brings: each wrong use here does not compile, which `npm run check` holds. */
import { expect, expectTypeOf, it } from 'vitest';
import { assign, createMachine, setup } from 'xstate';
import { z } from 'zod';
import type { Machines } from '../../runtime/engine/engine.ts';
import { defineMachine, type Engine, EngineError } from '../../runtime/engine/engine.ts';

type Event = { type: 'approve'; by: string } | { type: 'published'; url: string };

const child = setup({
  types: { events: {} as { type: 'tick' }, emitted: {} as { type: 'ticked'; n: number } },
}).createMachine({});
const machine = setup({
  types: {
    context: {} as { version: string },
    input: {} as { version: string },
    events: {} as Event,
    output: {} as { url: string },
    tags: '' as 'busy' | 'idle',
    emitted: {} as { type: 'sold'; amount: number } | { type: 'lost' },
  },
  actors: { child },
  actions: { note: assign({}) },
}).createMachine({
  context: ({ input }) => ({ version: input.version }),
  output: ({ context }) => ({ url: context.version }),
  initial: 'asking',
  states: { asking: { tags: 'idle', on: { approve: 'out' } }, out: { type: 'final' } },
});
const release = defineMachine({
  name: 'release',
  machine,
  version: 1,
  signals: { approve: z.strictObject({ by: z.string() }) },
});
const untyped = defineMachine({
  name: 'untyped',
  machine: createMachine({ on: { go: {} } }),
  version: 1,
  signals: { go: z.looseObject({}) },
});

const dated = defineMachine({
  name: 'dated',
  machine: setup({
    types: {
      input: {} as { id: string; at: string; of: string },
      events: {} as { type: 'book'; at: string } | { type: 'pay'; at: number },
    },
  }).createMachine({}),
  version: 1,
  signals: { book: z.strictObject({ at: z.string() }), pay: z.strictObject({}) },
});

/** By the id of the chart, which the types know where `setup` made it. */
const unnamed = defineMachine({ machine: setup({}).createMachine({ id: 'unnamed', on: { go: {} } }) });
expectTypeOf(unnamed.name).toEqualTypeOf<'unnamed'>();

/** Compiled, and never called. */
async function fieldsOfTheirOwn({ dated: trees }: Machines<typeof dated>): Promise<void> {
  await trees.start('1', { at: 'noon', of: 'Ada' });
  await trees.start('1', { id: '2', at: 'noon', of: 'Ada' });
  // @ts-expect-error the engine supplies a number
  await trees.start('1', { of: 'Ada' });
  await trees.send('1', { type: 'pay' });
  await trees.send('1', { type: 'book', at: 'noon' });
  // @ts-expect-error as above
  await trees.send('1', { type: 'book' });
}

/** Compiled, and never called. */
async function uses(engine: Engine<typeof release>, { untyped: other }: Machines<typeof untyped>): Promise<void> {
  const { release } = engine.machines;
  await release.send('1', { type: 'approve', by: 'me' });
  // @ts-expect-error it is an event of the chart, and nothing that others may send
  await release.send('1', { type: 'published', url: '' });
  // @ts-expect-error no such event
  await release.send('1', { type: 'aprove', by: 'me' });
  // @ts-expect-error it carries something else
  await release.send('1', { type: 'approve', by: 3 });
  const { output, tags, context } = await release.get('1');
  expectTypeOf(output).toEqualTypeOf<{ url: string } | null>();
  expectTypeOf(tags).toEqualTypeOf<('busy' | 'idle')[]>();
  expectTypeOf(context).toEqualTypeOf<{ version: string }>();
  const heard = await release.on('1', 'sold', ({ amount }) => expectTypeOf(amount).toEqualTypeOf<number>());
  heard.unsubscribe();
  await release.on('1', '*', ({ type }) => expectTypeOf(type).toEqualTypeOf<'sold' | 'lost'>());
  // @ts-expect-error the root emits no such event
  await release.on('1', 'ticked', () => {});
  await other.on('1', 'anything', ({ type }) => expectTypeOf(type).toEqualTypeOf<string & 'anything'>());
  for await (const { event, emitted } of release.facts('1')) {
    expectTypeOf(emitted?.type).toEqualTypeOf<'sold' | 'lost' | 'ticked' | undefined>();
    expectTypeOf(event).toEqualTypeOf<
      | ('begun' | 'ended' | 'upgraded' | 'set_aside' | 'output_awaited' | 'tree_deleted' | `xstate.${string}`)
      | ('approve' | 'published' | 'tick' | 'sold' | 'lost' | 'ticked')
    >();
  }
  await other.send('1', { type: 'go', with: 'anything' });
  // @ts-expect-error no signal of it
  await other.send('1', { type: 'stay' });
  await engine.send({ project: 'p', plan: 'x', type: 'cancel' });
  await engine.send({ project: 'p', plan: 'x', type: 'needs_input' });
  // @ts-expect-error no signal of a plan
  await engine.send({ project: 'p', plan: 'x', type: 'cancell' });
  // @ts-expect-error the engine alone says this
  await engine.send({ project: 'p', plan: 'x', type: 'run_exited' });
}

function definitions(): void {
  defineMachine({
    name: 'release',
    machine,
    version: 1,
    // @ts-expect-error the event carries no such thing
    signals: { approve: z.strictObject({ who: z.number() }) },
  });
  // @ts-expect-error no event of the chart
  defineMachine({ name: 'release', machine, version: 1, signals: { aprove: z.strictObject({}) } });
  // @ts-expect-error no tag of the chart
  defineMachine({ name: 'release', machine, notices: { buzy: () => '' } });
  // @ts-expect-error the chart takes an input
  defineMachine({ name: 'release', machine, schedules: { nightly: { cron: '0 3 * * *' } } });
  defineMachine({
    ...{ name: 'release', machine, notices: { busy: ({ context }) => context.version } },
    schedules: { nightly: { cron: '0 3 * * *', input: ({ at }) => ({ version: String(at) }) } },
  });
  defineMachine({
    name: 'lamp',
    machine: child,
    schedules: { nightly: { cron: '0 3 * * *' } },
    notices: { any: () => '' },
  });
}

it('the types of a machine reach to the end', () => {
  expect([uses, fieldsOfTheirOwn, definitions].map((each) => typeof each)).toEqual(Array(3).fill('function'));
  expectTypeOf<EngineError['code']>().extract<'stopped' | 'nothing'>().toEqualTypeOf<'stopped'>();
  expect(new EngineError('stopped', '', '').code).toBe('stopped');
});
