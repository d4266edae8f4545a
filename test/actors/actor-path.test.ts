/** An actor is found by the ids from the root's child down to it, and a step ends. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, createMachine, fromTransition, setup } from 'xstate';
import { actorBelow, mustRest, pathKey, pathOf } from '../../actors/actor-path.ts';

const leaf = createMachine({ on: { end: '.off' }, initial: 'on', states: { on: {}, off: { type: 'final' } } });
const middle = setup({ actors: { leaf, plain: fromTransition((state: number) => state, 0) } }).createMachine({
  invoke: [
    { src: 'leaf', id: 'a/b' },
    { src: 'plain', id: 'plain' },
  ],
});

function started(): AnyActorRef {
  return createActor(setup({ actors: { middle } }).createMachine({ invoke: { src: 'middle', id: 'mid' } })).start();
}

describe('the path of an actor', () => {
  it('leads from the root to it, and back', () => {
    const root = started();
    expect(pathOf(root)).toEqual([]);
    expect(actorBelow(root, [])).toBe(root);
    for (const path of [['mid'], ['mid', 'a/b'], ['mid', 'plain']]) {
      const actor = actorBelow(root, path);
      expect(actor === null ? null : pathOf(actor)).toEqual(path);
    }
  });

  it('leads nowhere where no actor lives: one that never was, one that has ended, and one below an actor without children', () => {
    const root = started();
    const ended = actorBelow(root, ['mid', 'a/b']);
    ended?.send({ type: 'end' });
    expect(ended?.getSnapshot().status).toBe('done');
    for (const path of [['other'], ['mid', 'a/b'], ['mid', 'other'], ['mid', 'plain', 'deeper'], ['other', 'deeper']])
      expect(actorBelow(root, path)).toBeNull();
  });

  it('as a key is the same for no two paths, whatever their ids hold', () => {
    const paths = [[], [''], ['', ''], ['a', 'b'], ['a/b'], ['ab'], ['"a"', 'b'], ['a"/"b'], ['a', '"b']];
    expect(new Set(paths.map(pathKey)).size).toBe(paths.length);
    expect(pathKey(['mid', 'a/b'])).toBe('"mid"/"a/b"');
  });
});

it('a chart rests within a thousand transitions without an event', () => {
  expect([mustRest(1), mustRest(1_000)]).toEqual([1, 1_000]);
  expect(() => mustRest(1_001)).toThrow('does not come to rest (more than 1000)');
});
