/** Deliberate bugs in the engine, each as a wrapper around its store or its handlers. The simulation must find every one. */

import type { Effect, HookDeliver } from '../../machines/vocabulary/effect.ts';
import type { Clock } from '../../runtime/base/platform/clock.ts';
import type { EffectContext, Handlers, Outcome } from '../../runtime/core/outbox/handler.ts';
import type { Change, Commit, Store } from '../../runtime/core/store/port.ts';
import type { EffectRow } from '../../runtime/core/store/rows.ts';
import type { Timeline } from '../../runtime/core/store/timeline.ts';

interface StoreParts {
  readonly store: Store;
  readonly clock: Clock;
  timeline(): Timeline | null;
}

export interface EngineFault {
  store?(parts: StoreParts): Store;
  handlers?(handlers: Handlers): Handlers;
}

export const engineFaults = {
  /** A commit is made although its preconditions no longer hold. */
  'a lost fence': {
    store: ({ store }) =>
      withCommit(store, async (changes) => {
        let asked = changes;
        for (;;) {
          const commit = await store.commit(asked);
          if (commit.status === 'committed') return commit;
          asked = asked.filter((change) => change !== commit.change);
        }
      }),
  },
  /** The result of an effect comes in a separate commit, after the one that settles it. */
  'a settle before its commit': {
    store: ({ store }) =>
      withCommit(store, async (changes) => {
        const [settled, ...told] = changes;
        if (settled?.do !== 'effect.settle' || told.length === 0) return store.commit(changes);
        const commit = await store.commit([settled]);
        return commit.status === 'lost' ? commit : store.commit(told);
      }),
  },
  /** A deadline is stored in wall clock time. */
  'a timer that is kept in wall time': {
    store: ({ store, clock, timeline }) => {
      const keptNow = () => timeline()?.nowMs() ?? 0;
      return new Proxy(store, {
        get(target, name: keyof Store) {
          if (name === 'claim')
            return (now: Parameters<Store['claim']>[0], options: Parameters<Store['claim']>[1]) =>
              store.claim({ ...now, keptMs: now.wallMs }, options);
          if (name === 'commit')
            return (changes: readonly Change[]) =>
              store.commit(
                changes.map((change) =>
                  change.do === 'signal.insert' && (change.deliverAt ?? 0) > 0
                    ? { ...change, deliverAt: (change.deliverAt ?? 0) - keptNow() + clock.nowMs() }
                    : change,
                ),
              );
          return target[name];
        },
      });
    },
  },
  /** A run that should end counts as ended before its process has ended. */
  'a slot freed too early': {
    handlers: (handlers) =>
      withRun(handlers, async (run, { stop }) => {
        const stopped = new Promise<Outcome>((resolve) => {
          const end = () => resolve({ type: 'run_exited', payload: { code: null, cause: 'stopped', detail: '' } });
          if (stop.aborted) end();
          stop.addEventListener('abort', end, { once: true });
        });
        return Promise.race([run(), stopped]);
      }),
  },
  /** The number of a delivery is taken before the commit that contains it. */
  'a hook numbered before its commit': {
    store: ({ store }) => {
      const last = new Map<string, number>();
      return withCommit(store, async (changes) => {
        const numbered: Change[] = [];
        for (const change of changes) {
          if (change.do !== 'hook.enqueue') {
            numbered.push(change);
            continue;
          }
          const { tree, delivery } = change;
          const name = `${tree} ${delivery.hook}`;
          const known = last.get(name) ?? (await lastNumber(store, tree, delivery.hook));
          last.set(name, known + 1);
          const effect: HookDeliver = { ...delivery, sequence: known + 1 };
          numbered.push({ do: 'effect.insert', tree, effect, priority: 0, at: delivery.at });
        }
        return store.commit(numbered);
      });
    },
  },
  /** The first of the effects that ran when the engine was killed is forgotten. */
  'a request forgotten on restore': {
    store: ({ store }) => {
      let isRestored = false;
      return new Proxy(store, {
        get(target, name: keyof Store) {
          if (name !== 'effects') return target[name];
          return async (query: Parameters<Store['effects']>[0]) => {
            const rows = await store.effects(query);
            if (query.by !== 'running' || isRestored) return rows;
            isRestored = true;
            return rows.slice(1);
          };
        },
      });
    },
  },
} satisfies Record<string, EngineFault>;

function withCommit(store: Store, commit: (changes: readonly Change[]) => Promise<Commit>): Store {
  return new Proxy(store, { get: (target, name: keyof Store) => (name === 'commit' ? commit : target[name]) });
}

function withRun(
  handlers: Handlers,
  handle: (run: () => Promise<Outcome>, context: EffectContext) => Promise<Outcome>,
): Handlers {
  return new Proxy(handlers, {
    get(target, kind: Effect['kind']) {
      const handler = target[kind] as (effect: Effect, context: EffectContext) => Promise<Outcome>; // each takes its own
      if (kind !== 'agent.run') return handler;
      return (effect: Effect, context: EffectContext) => handle(() => handler(effect, context), context);
    },
  });
}

async function lastNumber(store: Store, tree: EffectRow['tree'], hook: string): Promise<number> {
  const rows = (await store.effects({ by: 'deliveries', hook, limit: 1_000 })).filter((row) => row.tree === tree);
  return Math.max(0, ...rows.map(({ payload }) => (JSON.parse(payload) as HookDeliver).sequence)); // of that kind
}
