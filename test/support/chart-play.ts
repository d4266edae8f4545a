/**
 * Plays a chart twice with the same script: with XState in memory and a manual clock, and as a tree that is stored and restored between every two
 * events. Both must give the same states and the same actions in the same order.
 */
import {
  type AnyActorRef,
  type AnyEventObject,
  type AnyStateMachine,
  createActor,
  fromPromise,
  type InspectionEvent,
  SimulatedClock,
} from 'xstate';
import { pathOf } from '../../actors/actor-path.ts';
import { checkDefinition } from '../../actors/define-machine.ts';
import type { AnyDefinition } from '../../actors/definition.ts';
import { errorAsJson } from '../../actors/json-value.ts';
import { kindsWith } from '../../actors/kinds.ts';
import { kindOf, workOf } from '../../actors/own-machine.ts';
import { createTrees, type Step, type Tree, type Trees } from '../../actors/tree.ts';
import type { MachineEffect } from '../../machines/vocabulary/effect.ts';
import { messageOf } from '../../machines/vocabulary/errors.ts';
import type { TreeAddress } from '../../machines/vocabulary/ids.ts';
import type { AnySignal } from '../../machines/vocabulary/signal.ts';

/** An event from outside (by its type alone if it has no payload), a time in ms that passes, or the name of a promise that settles. */
export type Move =
  | string
  | number
  | { readonly send: AnyEventObject }
  | { readonly settle: string; readonly output?: unknown }
  | { readonly fail: string; readonly message: string };

export type Settling = Extract<Move, { settle: string } | { fail: string }>;

/** The event that a move sends; null: none. */
export function sentBy(move: Move): AnyEventObject | null {
  if (typeof move === 'string') return { type: move };
  return typeof move === 'object' && 'send' in move ? move.send : null;
}

/** The comparable parts of an actor, without those that differ by design. */
export interface Look {
  readonly status: string;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: string;
  readonly children?: Readonly<Record<string, Look>>;
}

export interface Played {
  /** At the start, and after each move. */
  readonly looks: Look[];
  /** The actions' notes, in order. */
  readonly noted: string[];
  /** The emitted events, in order, each with the path of its actor. */
  readonly emitted: string[];
}

/** An id that the chart does not set differs in each play. */
function emittedText(path: string, event: AnyEventObject): string {
  return `${path.replaceAll(/x:\d+/g, '')} ${JSON.stringify(event)}`;
}

interface Pending {
  readonly name: string;
  resolve(output: unknown): void;
  reject(error: Error): void;
}

let pending: Pending[] = [];
let notes: string[] = [];
let begun: string[] = [];

/** A plain action as people write it: it has one effect, once. */
export function note(text: string): () => void {
  return () => void notes.push(text);
}

/** A promise that a move of the script settles, by the name in its input. */
export const work = fromPromise<unknown, { name: string }>(
  ({ input }) =>
    new Promise((resolve, reject) => {
      begun.push(input.name);
      pending.push({ name: input.name, resolve, reject });
    }),
);

/** How often each promise was started in the last play. */
export function begunPromises(): readonly string[] {
  return begun;
}

/** Whether a promise of that name is running, and waits for the script. */
export function isBegun(name: string): boolean {
  return pending.some((each) => each.name === name);
}

/** Their process has ended: their results are ignored. */
export function forgetBegun(): void {
  pending = [];
}

/** The notes since the last play began. */
export function notedSoFar(): readonly string[] {
  return notes;
}

/** Call it before a play: nothing of an earlier play stays pending. */
export function clearPlay(): void {
  [pending, notes, begun] = [[], [], []];
}

/** Settles each running promise of that name. */
export async function settleNow(move: Settling): Promise<void> {
  const name = 'settle' in move ? move.settle : move.fail;
  const found = pending.filter((each) => each.name === name);
  pending = pending.filter((each) => each.name !== name);
  for (const each of found) {
    if ('settle' in move) each.resolve(move.output);
    else each.reject(new Error(move.message));
  }
  await flush();
}

/** Waits until the results of promises are handled. */
async function flush(): Promise<void> {
  for (let turns = 0; turns < 5; turns += 1) await new Promise(setImmediate);
}

/**
 * `notedAfter`: the number of notes at each look. `stepMs`: time passes in steps of this length, so that an event that becomes due in a step starts
 * its own delays there. Default: one step for each wait.
 */
export async function playInMemory(
  machine: AnyStateMachine,
  input: unknown,
  script: readonly Move[],
  stepMs = Number.POSITIVE_INFINITY,
): Promise<Played & { readonly notedAfter: number[] }> {
  clearPlay();
  const clock = new SimulatedClock();
  const emitted: string[] = [];
  const hear = ({ type, actorRef }: InspectionEvent) => {
    if (type !== '@xstate.actor') return;
    const ref = actorRef as AnyActorRef; // what is begun is an actor
    ref.on('*', (event) => emitted.push(emittedText(pathOf(ref).join('/'), event)));
  };
  const actor = createActor(machine, { clock, input: input as never, inspect: hear });
  actor.subscribe({ error: () => {} });
  actor.start();
  await flush();
  const look = () => lookOf(actor.getPersistedSnapshot());
  const looks = [look()];
  const notedAfter = [notes.length];
  for (const move of script) {
    const sent = sentBy(move);
    if (sent !== null) {
      // XState would warn about an event to an ended actor.
      if (actor.getSnapshot().status === 'active') actor.send(sent);
    } else if (typeof move === 'number')
      for (let left = move; left > 0; left -= stepMs) clock.increment(Math.min(left, stepMs));
    else await settleNow(move as Settling); // no event, and no time
    await flush();
    looks.push(look());
    notedAfter.push(notes.length);
  }
  return { looks, noted: notes, emitted, notedAfter };
}

const startedAt = 1_000_000;

/** `restoresAt`: whether the process ends before the move of that number; default: before each move. */
export async function playDurably(
  definition: AnyDefinition,
  input: object,
  script: readonly Move[],
  restoresAt: (move: number) => boolean = () => true,
): Promise<Played & { readonly tree: Tree; readonly trees: Trees; readonly inputs: AnySignal[] }> {
  clearPlay();
  checkDefinition(definition);
  const address: TreeAddress = `${definition.name}:1`;
  let trees = createTrees(kindsWith([kindOf(definition)]));
  let nowMs = startedAt;
  const timers = new Map<string, number>();
  const running = new Set<string>();
  const inputs: AnySignal[] = [];
  let queue: AnySignal[] = [];
  const word = (type: string, payload: object, run: string | null): AnySignal => ({
    ...{ type, payload, run, actor: '', at: nowMs },
    origin: run === null ? 'person' : 'engine',
  });
  const first = word('machine_started', input, null);
  const born = trees.create(address, first);
  const emitted: string[] = [];
  let { tree } = born;

  function take({ inputs: fed, requests }: Step): void {
    inputs.push(...fed.map(({ signal }) => signal));
    for (const { actor, emitted: event } of fed.flatMap(({ transitions }) => transitions))
      if (event !== undefined) emitted.push(emittedText(actor, event));
    for (const { id, dueAt } of requests.timers) timers.set(id, dueAt);
    for (const { run } of requests.stops) {
      timers.delete(run);
      running.delete(run);
    }
    for (const effect of requests.effects as MachineEffect[]) carryOut(effect);
  }

  function carryOut({ id, effect, input: given }: MachineEffect): void {
    running.add(id);
    const found = workOf(definition, effect);
    if (found === null) throw new Error(`nothing carries out ${effect}`);
    const { signal } = new AbortController();
    const run = { input: given as never, key: id, attempt: 1, signal, log: () => {} };
    const sendOnce = (type: string, payload: object) => {
      if (running.delete(id)) queue.push(word(type, payload, id));
    };
    (async () => found.run(run))().then(
      (event) => {
        const { type, ...payload } = (event ?? { type: '' }) as AnyEventObject;
        if (type !== '') sendOnce(type, payload);
      },
      (error: unknown) => sendOnce('effect_failed', { detail: messageOf(error), error: errorAsJson(error) }),
    );
  }

  function feed(signal: AnySignal): void {
    take(trees.step(tree, signal));
  }

  async function drain(): Promise<void> {
    await flush();
    for (let signal = queue.shift(); signal !== undefined; signal = queue.shift()) {
      feed(signal);
      await flush();
    }
  }

  function endProcess(): void {
    const stored = JSON.parse(JSON.stringify(trees.persist(tree)));
    trees = createTrees(kindsWith([kindOf(definition)]));
    tree = trees.restore(address, stored);
  }

  async function wait(ms: number): Promise<void> {
    const untilMs = nowMs + ms;
    for (;;) {
      const [next] = [...timers].filter(([, at]) => at <= untilMs).sort(([, a], [, b]) => a - b);
      if (next === undefined) break;
      const [run, dueAt] = next;
      timers.delete(run);
      nowMs = Math.max(nowMs, dueAt);
      endProcess();
      feed(word('timer_due', {}, run));
      await drain();
    }
    nowMs = untilMs;
  }

  take(born.step);
  await drain();
  const look = () => lookOf(trees.persist(tree).snapshot);
  const looks = [look()];
  for (const [index, move] of script.entries()) {
    if (restoresAt(index)) endProcess();
    const sent = sentBy(move);
    if (sent !== null) {
      const { type, ...payload } = sent;
      feed(word(type, payload, null));
    } else if (typeof move === 'number') await wait(move);
    else await settleNow(move as Settling); // no event, and no time
    await drain();
    looks.push(look());
  }
  queue = [];
  return { looks, noted: notes, emitted, tree, trees, inputs };
}

/** `persisted`: a snapshot, as an object or as JSON. */
export function lookOf(persisted: unknown): Look {
  const { status, value, context, output, error, children } = JSON.parse(JSON.stringify(persisted, withErrors)) as {
    status: string;
    value?: unknown;
    context?: unknown;
    output?: unknown;
    error?: { message?: string };
    children?: Record<string, { snapshot: unknown }>;
  };
  const inner = Object.entries(children ?? {}).map(([id, child]) => [id, lookOf(child.snapshot)]);
  return {
    status,
    ...(value === undefined ? {} : { value }),
    ...(context === undefined ? {} : { context: withoutTime(context) }),
    ...(output === undefined || output === null ? {} : { output }),
    ...(error?.message === undefined ? {} : { error: error.message }),
    ...(inner.length === 0 ? {} : { children: Object.fromEntries(inner) }),
  };
}

/** An error is compared by its message and its own fields. */
function withErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? errorAsJson(value) : value;
}

/** Leaves out the times of events in the context, because XState's events have none. An actor is compared by its id, if the chart sets it. */
function withoutTime(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTime);
  if (typeof value !== 'object' || value === null) return value;
  if ('xstate$$type' in value && 'id' in value) return { actor: String(value.id).replace(/^x:\d+$/, '') };
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (key === 'at' ? [] : [[key, withoutTime(inner)]])),
  );
}
