/** Actors that a context knows are the same ones after a restart: by their ids, by their paths, and where they have ended. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, assign, createActor, createMachine, sendTo, setup, stopChild } from 'xstate';
import { actorBelow } from '../../actors/actor-path.ts';
import { contextWith, hiddenContext, isInTree, reviveActors, storedContext } from '../../actors/actor-refs.ts';
import { snapshotOf } from '../../actors/addressee.ts';
import { observeSystem } from '../../actors/xstate-internals.ts';
import { playDurably, playInMemory } from '../support/chart-play.ts';

const kid = createMachine({});
const mid = setup({ actors: { kid } }).createMachine({
  invoke: { src: 'kid', id: 'kid' },
  on: { endKid: { actions: stopChild('kid') } },
});
const chart = setup({ actors: { mid, kid } }).createMachine({
  invoke: [
    { src: 'mid', id: 'mid' },
    { src: 'kid', id: 'own' },
  ],
  on: {
    endKid: { actions: sendTo('mid', { type: 'endKid' }) },
    endMid: { actions: stopChild('mid') },
  },
});

/** A tree of these actors: `mid`, with `kid` below it, and `own`. */
function started() {
  const root: AnyActorRef = createActor(chart).start();
  observeSystem(root.system, () => {});
  const at = (...path: string[]) => {
    const actor = actorBelow(root, path);
    if (actor === null) throw new Error(`no actor at ${path.join('/')}`);
    return actor;
  };
  const storedBy = (context: object) => JSON.parse(JSON.stringify(storedContext(context, snapshotOf(root).children)));
  /** The context as it is in this tree, where it was stored by another process. */
  const revived = (stored: object) => {
    const context = hiddenContext(stored) as Record<string, AnyActorRef> | null;
    if (context === null) throw new Error('no actor was hidden');
    reviveActors([context], root, snapshotOf(root).children);
    return context;
  };
  return { root, at, storedBy, revived };
}

describe('an actor in a context', () => {
  it('is stored in XState’s own form where it is a child, else with its path', () => {
    const { root, at, storedBy } = started();
    expect(storedBy({ own: at('own'), deep: { list: [at('mid', 'kid'), null, 'text'] }, me: root })).toEqual({
      own: { xstate$$type: 1, id: 'own' },
      deep: { list: [{ xstate$$type: 1, id: 'kid', path: ['mid', 'kid'] }, null, 'text'] },
      me: { xstate$$type: 1, id: '', path: [] },
    });
  });

  it('is no object that only looks a little like one', () => {
    const { storedBy } = started();
    const context = {
      login: { sessionId: 's', ref: 'r' },
      post: { send: 'now', ref: 'r' },
      both: { sessionId: 's', send: 'now' },
    };
    expect(storedBy(context)).toEqual(context);
  });

  it('is the actor at its path after a restart, at any depth, beside values of any kind', () => {
    const before = started();
    const stored = before.storedBy({
      kid: before.at('mid', 'kid'),
      me: before.root,
      login: { sessionId: 's', by: before.at('mid', 'kid'), since: null },
      text: 'as it is',
    });
    const after = started();
    const kid = after.at('mid', 'kid');
    const context = after.revived(stored);
    expect(Object.keys(context)).toEqual(['kid', 'me', 'login', 'text']);
    expect(context.kid).toBe(kid);
    expect(context.me).toBe(after.root);
    expect((context.login as unknown as { by: AnyActorRef }).by).toBe(kid);
    expect(context.text).toBe('as it is');
  });

  it('that has ended is ended after a restart too, one actor wherever it is known, and not its successor of the same id', () => {
    const before = started();
    const old = before.at('mid', 'kid');
    before.root.send({ type: 'endKid' });
    const stored = before.storedBy({ one: old, two: [old], root: before.root });
    expect(stored.one).toEqual({ xstate$$type: 1, id: 'kid', path: ['mid', 'kid'], isGone: true });
    const after = started();
    const living = after.at('mid', 'kid');
    const { path } = stored.one;
    const context = after.revived({ living: { xstate$$type: 1, id: 'kid', path }, ...stored });
    expect(context.living).toBe(living);
    expect(context.one).not.toBe(living);
    expect((context.two as unknown as AnyActorRef[])[0]).toBe(context.one);
    expect(context.one?.getSnapshot().status).toBe('stopped');
    expect(after.storedBy({ one: context.one })).toEqual({ one: stored.one });
  });

  it('below one that has ended is still stored with its path, over any number of restarts', () => {
    const before = started();
    const [old, below] = [before.at('mid'), before.at('mid', 'kid')];
    before.root.send({ type: 'endMid' });
    const stored = before.storedBy({ old, below });
    expect([stored.old.id, stored.below.id]).toEqual(['mid', 'kid']);
    const after = started();
    after.root.send({ type: 'endMid' });
    const context = after.revived(stored);
    expect([isInTree(context.below as AnyActorRef), isInTree(after.at('own'))]).toEqual([false, true]);
    expect(after.storedBy({ old: context.old, below: context.below })).toEqual(stored);
  });
});

it('a context without such actors is restored by XState alone', () => {
  const { at, storedBy } = started();
  const stored = storedBy({ own: at('own'), n: 1, none: null });
  expect(hiddenContext(stored)).toBeNull();
  expect(hiddenContext({ n: 1 })).toBeNull();
  expect(hiddenContext({ own: stored.own, other: { xstate$$type: 1, id: 'x', path: ['x'] } })).toMatchObject({
    own: stored.own,
  });
});

it('a list shows the actors and errors of a stored context, and no other object as one', () => {
  const stored = { ref: { xstate$$type: 1, id: 'own' }, other: { xstate$$type: 2 }, n: 1 };
  const why = { stator$$type: 'error', name: 'TypeError', message: 'no' };
  const context: Record<string, unknown> = contextWith({ ...stored, why }, ({ id }) => `the actor ${id}`);
  expect(context).toMatchObject({ ref: 'the actor own', other: { xstate$$type: 2 }, n: 1 });
  expect(String(context.why)).toBe('TypeError: no');
});

it('a chart goes on telling an actor two levels below it after each restart, and one beside a session of its own', async () => {
  const heard = assign({ heard: ({ context }: { context: { heard: number } }) => context.heard + 1 });
  const sink = createMachine({ context: { heard: 0 }, on: { ping: { actions: heard } } });
  const branch = setup({ actors: { sink } }).createMachine({ invoke: { src: 'sink', id: 'sink' } });
  const machine = setup({
    types: { context: {} as { login: { sessionId: string; sink: AnyActorRef | null } } },
    actors: { branch },
    actions: { ping: sendTo(({ context }) => context.login.sink as AnyActorRef, { type: 'ping' }) },
  }).createMachine({
    context: { login: { sessionId: 's', sink: null } },
    invoke: { src: 'branch', id: 'branch' },
    on: {
      find: {
        actions: assign({
          login: ({ self }) => ({ sessionId: 's', sink: actorBelow(self, ['branch', 'sink']) }),
        }),
      },
      ping: { actions: 'ping' },
    },
  });
  const script = ['find', 'ping', 'ping'];
  const { looks } = await playDurably({ name: 'chart', machine, version: 1 }, {}, script);
  expect(looks.slice(2)).toMatchObject(
    [1, 2].map((heard) => ({ children: { branch: { children: { sink: { context: { heard } } } } } })),
  );
  const inMemory = await playInMemory(machine, {}, script);
  expect(looks.map(({ children }) => children)).toEqual(inMemory.looks.map(({ children }) => children));
});
