/**
 * The hub of the Stately inspector's protocol: it sends committed events to clients of `@statelyai/inspect`. Its source is the journal's facts, never actors
 * during a step, so events that were rolled back are never sent. Trees enter and leave the cache, but here each actor has one identity for its whole life.
 * Facts that arrive faster than people can see are merged: only the resulting state is sent.
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
  readonly store: Pick<Store, 'plans' | 'treesOf' | 'treeStatus'>;
  readonly cache: Pick<TreeCache, 'get'>;
  /** User-defined machines. */
  readonly machines: readonly AnyDefinition[];
}

export interface Watcher {
  send(frame: string): void;
  close(): void;
}

export interface StatelyHub {
  /** Sends the watcher every live actor, parents first, and then the events. Returns the function that removes the watcher. */
  add(watcher: Watcher): () => void;
  /** Disconnects all watchers. May be called twice; watchers may be added again. */
  stop(): Promise<void>;
}

export interface HubOptions {
  /** The name of this run of the daemon. Every id begins with it, because the same address is another actor in the next run. */
  readonly boot: string;
  /** null: there is no engine just now. */
  watched(): Watched | null;
  readonly log: Pick<Log, 'warn'>;
}

/**
 * The most live plans, and the most trees of each user-defined machine, that a new watcher receives: the ones that changed last. Others are sent when they
 * change.
 */
const plansMost = 1_000;
/** Events are sent in batches: at this interval, and with at most this many lines. More lines are merged into the resulting states. */
const flushMs = 50;
const linesAFlush = 100;
/** The most waiting lines. If even the last lines of all actors are more, all live actors are read instead. */
const pendingMost = 1_024;
/** Actors that are converted without a pause: a plan's definition takes a millisecond. */
const actorsATurn = 10;
/**
 * The least time between two readings of all live actors. The pause is also ten times as long as the last reading, so that readings take at most a tenth of
 * the time.
 */
const scanMs = 1_000;
const scanRest = 10;
/** How often the hub looks for a new engine while there are watchers. */
const lookMs = 1_000;

/** Does nothing and holds nothing while there is no watcher. */
export function createStatelyHub(options: HubOptions): StatelyHub {
  const watchers = new Set<Watcher>();
  let feed: Feed | null = null;
  let ended: Promise<unknown> = Promise.resolve();
  let engines = 0;
  /** A new prefix for each engine, and after the last watcher has left: the events in between are not known. */
  const nextPrefix = () => `${options.boot}.${++engines}`;

  function rest(): void {
    if (feed !== null) ended = Promise.all([ended, feed.stop()]);
    feed = null;
  }

  return {
    add(watcher) {
      watchers.add(watcher);
      feed ??= startFeed({ ...options, nextPrefix });
      feed.join(watcher);
      return () => {
        if (!watchers.delete(watcher)) return;
        feed?.leave(watcher);
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

interface Feed {
  /** After the current batch, the watcher gets all live actors, and from then on the events. */
  join(watcher: Watcher): void;
  leave(watcher: Watcher): void;
  stop(): Promise<void>;
}

/** Readings, events and new watchers are handled one after the other, so that no watcher gets an event before its actor, or an actor before its parent. */
function startFeed({ watched, log, nextPrefix }: HubOptions & { nextPrefix(): string }): Feed {
  const joining = new Set<Watcher>();
  const joined = new Set<Watcher>();
  const conversion = createConversion((frame) => {
    for (const watcher of joined) watcher.send(frame);
  }, log);
  const stopping = new AbortController();
  const { signal } = stopping;
  let wake = () => {};
  let subscription: Subscription | null = null;

  /** Sends all live actors in batches to this watcher alone. */
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
    if (joining.delete(watcher)) joined.add(watcher);
  }

  /** Runs until the engine or the last watcher has gone. */
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
        if ((await source.store.treeStatus(tree))?.endedAt === null) trees.add(tree);
    for (const tree of trees) {
      if (signal.aborted) return;
      await update(source, register, tree, []);
      await conversion.settled();
    }
  }

  /** An unreadable tree is not shown; the others are. */
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
        log.warn(`watchers receive nothing for a moment: ${messageOf(thrown)}`);
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
      joined.delete(watcher);
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
  /** Whether facts were missed or nothing was read yet, and the pause is over. */
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
