/** An error that the code of a user's chart throws keeps its message, and names the place in the user's file. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { and, assign, not, setup } from 'xstate';
import { z } from 'zod';
import { kindsWith } from '../../actors/kinds.ts';
import { kindOf } from '../../actors/own-machine.ts';
import { createTrees } from '../../actors/tree.ts';
import { messageOf } from '../../machines/vocabulary/errors.ts';
import type { AnySignal } from '../../machines/vocabulary/signal.ts';
import { replayTo } from '../../runtime/api/queries/replay.ts';
import type { FedLine } from '../../runtime/core/store/rows.ts';

function stuck(): never {
  throw new Error('it is stuck');
}

const machine = setup({
  actors: {
    below: setup({}).createMachine({ on: { pushed: { guard: stuck } }, entry: stuck }),
  },
  actions: { named: stuck, library: () => void z.string().parse(1) },
  guards: { named: stuck, word: () => JSON.parse('{'), unlike: not(stuck), object: () => raise({ code: 402 }) },
}).createMachine({
  context: { times: 0 },
  on: {
    named: { actions: 'named' },
    inline: { actions: stuck },
    assign: { actions: assign({ times: stuck }) },
    library: { actions: 'library' },
    guard: { guard: 'named', actions: () => {} },
    inlineGuard: { guard: stuck, actions: () => {} },
    parts: { guard: and([stuck]), actions: () => {} },
    laterGuard: { guard: (async () => stuck()) as never, actions: () => {} },
    later: { actions: async () => stuck() },
    unlike: { guard: 'unlike', actions: () => {} },
    objectGuard: { guard: 'object', actions: () => {} },
    object: { actions: () => raise({ code: 402, of: 'the bank' }) },
    circle: { actions: () => raise(circle()) },
    text: { actions: () => raise('no') },
    nothing: { actions: () => raise(undefined) },
    below: '.below',
  },
  initial: 'at',
  states: { at: {}, below: { invoke: { src: 'below' } } },
});

function raise(thrown: unknown): never {
  throw thrown;
}

function circle(): object {
  const own: Record<string, unknown> = {};
  own.own = own;
  return own;
}

function word(type: string): AnySignal {
  return { type, payload: {}, origin: 'person', actor: '', run: null, at: 1_000 } as AnySignal;
}

/** The message of an error that a step throws, with `here` for the path of this file. */
function wordsOf(type: string): string {
  const trees = createTrees(kindsWith([kindOf({ name: 'job', machine, version: 1 })]));
  const { tree } = trees.create('job:1', word('machine_started'));
  try {
    trees.step(tree, word(type));
  } catch (thrown) {
    return messageOf(thrown).replace(/\(at \/\S*thrown-place\.test\.ts:\d+:\d+\)/g, '(here)');
  }
  throw new Error(`${type} threw nothing`);
}

describe('what throws in a chart', () => {
  it('is named with its place in the file of its author', () => {
    for (const type of ['named', 'inline', 'assign', 'below']) expect(wordsOf(type)).toBe('it is stuck (here)');
    // Its first frames are of a library.
    expect(wordsOf('library')).toMatch(/expected string[\s\S]* \(here\)$/);
  });

  it('is so in a guard too, whose stack XState drops', () => {
    for (const type of ['guard', 'inlineGuard', 'parts', 'unlike'])
      expect(wordsOf(type)).toMatch(/^Unable to evaluate guard .*\nit is stuck \(here\)$/);
  });

  it('is refused in a guard that answers later, which XState would take for true', () => {
    expect(wordsOf('laterGuard')).toMatch(/\na guard returned a promise, and must answer at once: /);
  });

  it('is a warning of the process after the step of an async action, and ends nothing', async () => {
    const warned = once(process, 'warning');
    expect(() => wordsOf('later')).toThrow('later threw nothing');
    const [{ message }] = (await warned) as [Error];
    expect(message.replace(/\(at [^)]*\)/, '(here)')).toBe(
      'job:1: the action "actions" is an async function, and no step waits for it; it failed: it is stuck (here). What must happen is a promise of the chart or an effect',
    );
  });

  it('is no fault of the engine where the past is replayed by code that throws now', async () => {
    const kinds = kindsWith([kindOf({ name: 'job', machine, version: 1 })]);
    const lines = ['machine_started', 'assign'].map((type, index) => ({
      seq: index + 1,
      at: 1_000,
      input: word(type),
    }));
    const store = { fed: async () => lines as unknown as FedLine[] }; // of a line it reads these alone
    await expect(replayTo({ store, kinds }, 'job:1', { seq: null, atMs: null })).rejects.toMatchObject({
      code: 'snapshot_unknown',
      message: expect.stringMatching(/^job:1 cannot be replayed: its machine threw: it is stuck \(at /),
    });
  });

  it('keeps its words where it is no error', () => {
    expect(wordsOf('object')).toBe('{"code":402,"of":"the bank"}');
    expect(wordsOf('objectGuard')).toMatch(/:\n\{"code":402\}$/);
    expect(wordsOf('circle')).toBe('[object Object]');
    expect(wordsOf('text')).toBe('no');
    expect(wordsOf('nothing')).toBe('undefined');
  });
});
