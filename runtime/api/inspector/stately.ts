/**
 * The hub of the Stately inspector's protocol: what was committed, for clients of `@statelyai/inspect`. It is fed by the facts of the journal, never
 * by actors while they step: what was rolled back was never there. Trees come and go in the cache; here each actor is one for as long as it lives.
 * Facts that come faster than people can see are told as where they have led to.
 */

import type { AnyDefinition } from '../../../actors/definition.ts';
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import { planTree, supervisorTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { isOver as isEnded } from '../../../machines/vocabulary/plan-status.ts';
import { groupBy } from '../../base/platform/group-by.ts';
import type { Log } from '../../base/platform/log.ts';
import { pause } from '../../base/platform/pause.ts';
import type { Bus, Fact, Subscription } from '../../core/inbox/facts.ts';
import type { TreeCache } from '../../core/inbox/tree-cache.ts';
import type { Store } from '../../core/store/port.ts';
import { shownActors } from '../queries/shown-actor.ts';
import { type ActorRegister, createActorRegister, parentTree } from './actor-register.ts';
import { createConversion } from './conversion.ts';

/** The watched engine; replaced after an engine was lost. */
export interface Watched {
  readonly bus: Pick<Bus, 'subscribe'>;
  readonly store: Pick<Store, 'plans' | 'treesOf' | 'treeStanding'>;
  readonly cache: Pick<TreeCache, 'get'>;
  /** The user's own machines. */
  readonly machines: readonly AnyDefinition[];
}

export interface Watcher {
  send(frame: string): void;
  close(): void;
}

export interface StatelyHub {
  /** Tells it every live actor, parents first, and then what happens. Answers the function by which it goes. */
  add(watcher: Watcher): () => void;
  /** Everybody is let go. It may be called twice, and watchers may come again. */
  stop(): Promise<void>;
}

export interface HubOptions {
  /** Of this life of the daemon: in front of every id, since the same address is another actor in the next. */
  readonly boot: string;
  /** null: there is no engine just now. */
  watched(): Watched | null;
  readonly log: Pick<Log, 'warn'>;
}

/** Live plans, and trees of each machine of one's own, of which a watcher is told from the beginning, those that moved last; more of them are told when they move. */
const plansMost = 1_000;
/** What happened is told in pieces, so often and at most so many lines of it: more is told as where it has led to. */
const flushMs = 50;
const linesAFlush = 100;
/** Lines that wait to be told; where even the last of each actor are more, all that lives is looked at instead. */
const pendingMost = 1_024;
/** Actors that are converted in one go: a plan's definition takes a millisecond. */
const actorsATurn = 10;
/** What lives is looked at as a whole at most so often, and after so many times as long as that took: a tenth of the time at most goes there. */
const scanMs = 1_000;
const scanRest = 10;
/** Whether there is an engine again is looked at this often, while somebody watches. */
const lookMs = 1_000;

/** Does nothing and keeps nothing while there is no watcher. */
export function createStatelyHub(options: HubOptions): StatelyHub {
  const watchers = new Set<Watcher>();
  let telling: Telling | null = null;
  let ended: Promise<unknown> = Promise.resolve();
  let engines = 0;
  /** Another one for each engine, and for whoever comes when the last one has gone: what happened in between is not known. */
  const nextPrefix = () => `${options.boot}.${++engines}`;

  function rest(): void {
    if (telling !== null) ended = Promise.all([ended, telling.stop()]);
    telling = null;
  }

  return {
    add(watcher) {
      watchers.add(watcher);
      telling ??= startTelling({ ...options, nextPrefix });
      telling.join(watcher);
      return () => {
        if (!watchers.delete(watcher)) return;
        telling?.leave(watcher);
        if (watchers.size === 0) rest();
      };
    },
    async stop() {
      for (const watcher of watchers) watcher.close();
      watchers.clear();
      rest();
      await ended;
    },
  };
}

interface Telling {
  /** It is told what lives as soon as what was begun is told, and from there on what happens. */
  join(watcher: Watcher): void;
  leave(watcher: Watcher): void;
  stop(): Promise<void>;
}

/** What lives, what happened and who joined are taken one after the other, so that nobody hears of an event before its actor, or of that before its parent. */
function startTelling({ watched, log, nextPrefix }: HubOptions & { nextPrefix(): string }): Telling {
  const joining = new Set<Watcher>();
  const told = new Set<Watcher>();
  const conversion = createConversion((frame) => {
    for (const watcher of told) watcher.send(frame);
  }, log);
  const stopping = new AbortController();
  const { signal } = stopping;
  let wake = () => {};
  let subscription: Subscription | null = null;

  /** Ends early where nobody watches any more. */

  /** Everybody who lives, in pieces, to it alone. */
  async function welcome(watcher: Watcher, register: ActorRegister): Promise<void> {
    const own = createConversion((frame) => watcher.send(frame), log);
    const all = register.all();
    for (let from = 0; from < all.length && joining.has(watcher); from += actorsATurn) {
      for (const { subject, shown } of all.slice(from, from + actorsATurn)) {
        own.actor(subject, shown);
        own.snapshot(subject, shown, { event: 'xstate.init', status: 'active' });
      }
      await own.settled();
    }
    if (joining.delete(watcher)) told.add(watcher);
  }

  /** Until the engine goes, or everybody has. */
  async function follow(source: Watched): Promise<void> {
    const register = createActorRegister(nextPrefix(), conversion);
    const backlog = createBacklog();
    let isOver = false;
    const own = source.bus.subscribe();
    subscription = own;
    if (signal.aborted) own.close();
    const reading = (async () => {
      for await (const facts of own) {
        backlog.add(facts);
        wake();
      }
      isOver = true;
      wake();
    })();
    const hasWork = () => isOver || joining.size > 0 || !backlog.isEmpty();
    try {
      while (!isOver && !signal.aborted) {
        for (const watcher of joining) await welcome(watcher, register);
        if (backlog.mustScan()) await backlog.whileScanning(() => scan(source, register));
        for (const [tree, lines] of backlog.take()) {
          await update(source, register, tree, lines);
          await conversion.settled();
        }
        if (!hasWork())
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        if (!isOver) await pause(flushMs, signal);
      }
    } finally {
      own.close();
      await reading;
      register.endAll();
      await conversion.settled();
    }
  }

  /** Reads all live actors: at the beginning of watching, and after facts were missed. */
  async function scan(source: Watched, register: ActorRegister): Promise<void> {
    const plans = (await source.store.plans(null)).filter(({ status }) => !isEnded(status));
    const latest = [...plans].sort((a, b) => a.updatedAt - b.updatedAt).slice(-plansMost);
    const trees = new Set<TreeAddress>([supervisorTree, ...register.trees()]);
    for (const { project, plan } of latest) trees.add(planTree(project, plan));
    for (const { name } of source.machines)
      for (const tree of await source.store.treesOf(name, { after: '', limit: plansMost }))
        if ((await source.store.treeStanding(tree))?.endedAt === null) trees.add(tree);
    for (const tree of trees) {
      if (signal.aborted) return;
      await update(source, register, tree, []);
      await conversion.settled();
    }
  }

  /** A tree that cannot be read is none that can be shown; the others are. */
  async function update(
    source: Watched,
    register: ActorRegister,
    tree: TreeAddress,
    lines: readonly Fact[],
  ): Promise<void> {
    try {
      const parent = parentTree(tree);
      if (parent !== null && !register.has(parent)) await update(source, register, parent, []);
      const entry = await source.cache.get(tree);
      const own = source.machines.find(({ name }) => name === entry?.tree.kind.name) ?? null;
      register.update(tree, entry === null ? [] : shownActors(entry.tree.root, own), lines);
    } catch (thrown) {
      log.warn(`${tree} is not shown to those who watch: ${messageOf(thrown)}`);
    }
  }

  async function work(): Promise<void> {
    while (!signal.aborted) {
      const source = watched();
      try {
        if (source !== null) await follow(source);
      } catch (thrown) {
        log.warn(`those who watch are told nothing for a moment: ${messageOf(thrown)}`);
      }
      await pause(lookMs, signal);
    }
  }

  const working = work();
  return {
    join(watcher) {
      joining.add(watcher);
      wake();
    },
    leave(watcher) {
      joining.delete(watcher);
      told.delete(watcher);
    },
    stop() {
      stopping.abort();
      subscription?.close();
      wake();
      return working;
    },
  };
}

/** Facts that were not sent yet. */
interface Backlog {
  add(facts: readonly Fact[] | 'behind'): void;
  isEmpty(): boolean;
  /** Facts were missed, or nothing was looked at yet, and it is not too soon. */
  mustScan(): boolean;
  whileScanning(scan: () => Promise<void>): Promise<void>;
  /** The next journal lines, by tree. */
  take(): Map<TreeAddress, Fact[]>;
}

function createBacklog(): Backlog {
  let lines: readonly Fact[] = [];
  let isBehind = true;
  let scanFromMs = 0;
  return {
    add(facts) {
      if (facts !== 'behind') lines = [...lines, ...facts.filter(({ refused }) => refused === null)];
      if (lines.length > pendingMost) lines = lastOfEach(lines);
      if (facts !== 'behind' && lines.length <= pendingMost) return;
      lines = [];
      isBehind = true;
    },
    isEmpty: () => lines.length === 0 && !isBehind,
    mustScan: () => isBehind && performance.now() >= scanFromMs,
    async whileScanning(scan) {
      const beganMs = performance.now();
      isBehind = false;
      await scan();
      const endedMs = performance.now();
      scanFromMs = endedMs + Math.max(scanMs, scanRest * (endedMs - beganMs));
    },
    take() {
      if (lines.length > linesAFlush) lines = lastOfEach(lines);
      const next = lines.slice(0, linesAFlush);
      lines = lines.slice(linesAFlush);
      return groupBy(next, ({ tree }) => tree);
    },
  };
}

/** The last fact of each actor, in the order of these facts. */
function lastOfEach(lines: readonly Fact[]): Fact[] {
  const last = new Map<string, Fact>();
  for (const line of lines) {
    const key = `${line.tree}/${line.actor}`;
    last.delete(key);
    last.set(key, line);
  }
  return [...last.values()];
}
