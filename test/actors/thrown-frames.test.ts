/** The stack of a thrown value names the place in the author's file: read from frames as V8 writes them. */
import { describe, expect, it } from 'vitest';
import { and, createActor, createMachine, setup } from 'xstate';
import { mustRest } from '../../actors/actor-path.ts';
import { placeGuards, withPlace, withPlaces } from '../../actors/thrown-place.ts';

const chart = '/home/me/chart.ts:13:14';
const xstate = 'at resolve (/home/me/node_modules/xstate/dist/core.js:7:8)';
const zod = 'at parse (/home/me/node_modules/zod/v4/parse.js:5:6)';

/** An error with these frames, the innermost one first. */
function thrownFrom(frames: readonly string[], message = 'it is stuck'): Error {
  const stack = [`Error: ${message}`, ...frames.map((frame) => `    ${frame}`)].join('\n');
  return Object.assign(new Error(message), { stack });
}

function messageFrom(...frames: readonly string[]): string {
  return withPlace(thrownFrom(frames)).message;
}

describe('the place of a thrown error', () => {
  it.each([
    ['in a function', `at pay (${chart})`],
    ['outside of a function', `at ${chart}`],
    ['in an asynchronous method, as a URL', `at async Shop.pay (file://${chart})`],
    ['below Node’s own code', 'at node:internal/process:95:5', `at pay (${chart})`],
    ['below a library', zod, `at pay (${chart})`],
    ['below a built-in function', 'at Array.map (<anonymous>)', `at pay (${chart})`],
    ['the innermost of several', `at pay (${chart})`, 'at main (/home/me/main.ts:1:2)'],
  ])('is its first frame in a file of the author: %s', (_, ...frames) => {
    expect(messageFrom(...frames)).toBe(`it is stuck (at ${chart})`);
  });

  it('is so on Windows too, whichever way its slashes lean', () => {
    expect(messageFrom(String.raw`at pay (C:\me\chart.ts:13:14)`)).toBe(
      String.raw`it is stuck (at C:\me\chart.ts:13:14)`,
    );
    expect(messageFrom('at d:/me/chart.ts:13:14')).toBe('it is stuck (at d:/me/chart.ts:13:14)');
    const [library, ofXState] = [
      String.raw`C:\me\node_modules\zod\a.js:1:2`,
      String.raw`C:\me\node_modules\xstate\a.js:1:2`,
    ];
    expect(messageFrom(`at ${library}`, `at ${chart}`)).toBe(`it is stuck (at ${chart})`);
    expect(messageFrom(`at ${ofXState}`, `at ${chart}`)).toBe('it is stuck');
  });

  it.each([
    ['XState threw it', xstate, `at pay (${chart})`],
    ['it has no frames'],
    ['only libraries are on its stack', zod],
    ['a line of its message looks like a frame', `words: at ${chart}`, `at pay (${chart}) and so on`],
    ['a frame has no line and column', 'at pay (/home/me/chart.ts)', 'at pay (/home/me/chart.ts:13)'],
    ['a frame has no file', 'at pay (chart.ts:13:14)', 'at pay (ab:/chart.ts:13:14)'],
  ])('is unknown where %s', (_, ...frames) => {
    const error = thrownFrom(frames);
    expect(withPlace(error)).toBe(error);
  });

  it('is unknown where the engine threw it', () => {
    let thrown: unknown;
    try {
      mustRest(1_001);
    } catch (error) {
      thrown = error;
    }
    expect(withPlace(thrown)).toBe(thrown);
  });

  it('is written once, at the end of the message', () => {
    const placed = thrownFrom([`at pay (${chart})`], 'it is stuck (at /home/me/other.ts:21:22)');
    expect(withPlace(placed)).toBe(placed);
    for (const message of [
      '(at /home/me/other.ts:21:22) is stuck',
      'stuck (at /home/me/other.ts:x:y)',
      'stuck (at :21:22)',
    ])
      expect(withPlace(thrownFrom([`at pay (${chart})`], message)).message).toBe(`${message} (at ${chart})`);
  });

  it('leads to an error whose cause is the thrown value', () => {
    const error = thrownFrom([`at pay (${chart})`]);
    expect(withPlace(error)).not.toBe(error);
    expect(withPlace(error).cause).toBe(error);
  });

  it('is that of an error of another realm, and no other value has one', () => {
    const foreign = { message: 'no', stack: `Error: no\n    at pay (${chart})` };
    expect(withPlace(foreign)).toMatchObject({ message: `no (at ${chart})`, cause: foreign });
    for (const [value, message] of [
      ['no', 'no'],
      [null, 'null'],
      [undefined, 'undefined'],
      [{ stack: 7 }, '{"stack":7}'],
      [{ code: 402 }, '{"code":402}'],
    ]) {
      const error = withPlace(value);
      expect([error instanceof Error, error.message, error.cause]).toEqual([true, message, value]);
    }
  });
});

describe('a guard', () => {
  const stuck = () => {
    throw thrownFrom([`at isReady (${chart})`]);
  };

  it('says as ever whether it holds, and its error has its place', () => {
    const isMore = withPlaces((a: number, b: number) => a > b) as (a: number, b: number) => boolean;
    expect([isMore(2, 1), isMore(1, 2)]).toEqual([true, false]);
    expect(withPlaces(stuck)).toThrow(`it is stuck (at ${chart})`);
  });

  it('of XState’s own keeps what XState knows it by', () => {
    const both = and(['isOn', 'isOff']);
    const placed = withPlaces(both) as typeof both & { check: () => unknown };
    expect(Object.keys(placed)).toEqual(Object.keys(both));
    expect(Object.keys(withPlaces(stuck) as object)).toEqual([]);
    const broken = Object.assign(() => true, { check: stuck });
    expect((withPlaces(broken) as typeof broken).check).toThrow(`it is stuck (at ${chart})`);
    const fine = Object.assign(() => true, { check: (...given: unknown[]) => given });
    expect((withPlaces(fine) as typeof fine).check(1, 2)).toEqual([1, 2]);
  });

  it('that is a name, or is not there, stays as it is', () => {
    const named = { type: 'isReady' };
    expect([withPlaces('isReady'), withPlaces(undefined), withPlaces(named)]).toEqual(['isReady', undefined, named]);
  });

  it('of any state of a chart has a place, and no other transition has a guard then', () => {
    const machine = setup({ guards: { fine: () => true } }).createMachine({
      initial: 'a',
      on: { root: { guard: stuck, actions: () => {} }, free: '.c' },
      states: {
        a: { initial: 'b', states: { b: { on: { inner: { guard: stuck, target: 'd' } } }, d: {} } },
        c: { always: { guard: stuck, target: 'a' } },
      },
    });
    placeGuards(machine.root);
    const wordsOf = (type: string) => {
      const actor = createActor(machine);
      actor.subscribe({ error: () => {} });
      actor.start().send({ type });
      return String((actor.getSnapshot().error as Error | undefined)?.message)
        .split('\n')
        .at(-1);
    };
    const words = `it is stuck (at ${chart})`;
    expect(['root', 'inner', 'free', 'other'].map(wordsOf)).toEqual([words, words, words, 'undefined']);
  });

  it('is kept by its name in the chart', () => {
    const machine = createMachine({ on: { go: { guard: 'isReady', actions: () => {} } } });
    placeGuards(machine.root);
    expect([...machine.root.transitions.values()].flat().map(({ guard }) => guard)).toEqual(['isReady']);
  });
});
