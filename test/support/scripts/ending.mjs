/**
 * A machine whose trees call `end`, which ends their engine: the tree `timer` as its delay is over, the tree `effect` at the result of its promise, the tree
 * `promise` in its promise. The tree `other` only says that its delay is over, the tree `slow` that its promise has settled. The promise of the tree `stays`
 * never settles: its engine is ended from outside.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { assign, fromPromise, setup } from 'xstate';

export function endingBy({ defineMachine }, end) {
  const actors = {
    work: fromPromise(async () => 'done'),
    ending: fromPromise(async () => end()),
    slow: fromPromise(() => delay(100)),
    stays: fromPromise(() => new Promise(() => {})),
  };
  const noteError = assign({ error: ({ event }) => event.error.message });

  const machine = setup({ actions: { end, noteError }, actors }).createMachine({
    initial: 'asked',
    context: ({ input }) => ({ way: input.way }),
    states: {
      asked: {
        always: [
          { guard: ({ context }) => context.way === 'effect', target: 'working' },
          { guard: ({ context }) => context.way === 'timer', target: 'waiting' },
          { guard: ({ context }) => context.way === 'promise', target: 'ending' },
          { guard: ({ context }) => context.way === 'slow', target: 'slow' },
          { guard: ({ context }) => context.way === 'stays', target: 'staying' },
          'resting',
        ],
      },
      working: { invoke: { src: 'work', onDone: { target: 'over', actions: 'end' }, onError: 'over' } },
      ending: { invoke: { src: 'ending', onDone: 'resting', onError: { target: 'over', actions: 'noteError' } } },
      slow: { invoke: { src: 'slow', onDone: 'over' } },
      staying: { invoke: { src: 'stays', onDone: 'over' } },
      waiting: { after: { 20: { target: 'over', actions: 'end' } } },
      resting: { after: { 20: 'over' } },
      over: {},
    },
  });
  return defineMachine({
    name: 'ending',
    machine,
    version: 1,
    signals: {},
    actors: { work: { attempts: 20 } },
    view: ({ context }) => ({ error: context.error ?? null }),
  });
}

/**
 * Begins these trees, and waits until none of them can end the engine any more. Returns the list of the trees, the warnings and the notifications;
 * null: it has ended before.
 */
export async function playToTheEnd(engine, start, hasEnded = () => false) {
  const trees = engine.machines.ending;
  for (const id of start) await trees.start(id, { way: id });
  const isOver = async ({ id, set_aside: failed }) => (await trees.get(id)).value === 'over' || failed !== undefined;
  for (;;) {
    const list = await trees.list();
    if (hasEnded() || (await Promise.all(list.map(isOver))).every(Boolean)) break;
    await delay(10);
  }
  const [warnings, notifications] = [await engine.client.warnings(), await engine.client.notifications()];
  const list = await trees.list();
  return hasEnded() ? null : { list, warnings, notifications };
}
