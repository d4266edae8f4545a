/** Changes between the reading of a lane and the commit that takes an effect from it. */
import { expect, it, onTestFinished } from 'vitest';
import type { Effect } from '../../machines/vocabulary/effect.ts';
import { effectKey, planTree } from '../../machines/vocabulary/ids.ts';
import { systemClock } from '../../runtime/base/platform/clock.ts';
import { createLog } from '../../runtime/base/platform/log.ts';
import { createDispatcher, type DispatcherParts } from '../../runtime/core/outbox/dispatcher.ts';
import type { Handlers } from '../../runtime/core/outbox/handler.ts';
import { type Change, type Store, StoreTrouble } from '../../runtime/core/store/port.ts';
import { openTimeline } from '../../runtime/core/store/timeline.ts';
import { until } from '../support/ground.ts';
import { openStoreInMemory } from '../support/memory-store.ts';
import { noTroubles } from '../support/no-troubles.ts';
import { workingSummary } from '../support/plan-row.ts';

const tree = planTree('demo', 'a');
const keyOf = (id: string) => effectKey(tree, id);

function asked(id: string): Change {
  const effect = { kind: 'agent.run', id, role: 'coder', place: { branch: id, from: 'main' } } as unknown as Effect; // all that is looked at here
  return { do: 'effect.insert', tree, effect, priority: 0, at: 1 };
}

/** Lets all callers continue as soon as that many have arrived; later callers continue at once. */
function barrier(count: number): () => Promise<void> {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let come = 0;
  return () => {
    come += 1;
    if (come >= count) open();
    return opened;
  };
}

/** A dispatcher over these runs; `meanwhile` is committed once, after its first reading. It is stopped after its first round, or when `isOver`. */
async function dispatching(
  ids: readonly string[],
  meanwhile: readonly Change[],
  {
    store = openStoreInMemory(),
    isOver,
    ...parts
  }: Partial<DispatcherParts> & { readonly isOver?: () => Promise<boolean> } = {},
) {
  await store.commit(ids.map(asked));
  const begun: string[] = [];
  let rounds = 0;
  const left = [meanwhile];
  const dispatcher = createDispatcher({
    store: {
      ...store,
      async startable(query) {
        const rows = await store.startable(query);
        if (query.lane === 'worker') await store.commit(left.pop() ?? []);
        return rows;
      },
      nextEffectAt(afterMs) {
        rounds += 1;
        return store.nextEffectAt(afterMs);
      },
    },
    handlers: {
      'agent.run': async (_: Effect, { row }: { row: { key: string } }) => {
        begun.push(row.key);
        return { type: null };
      },
    } as unknown as Handlers, // the one kind that is asked for
    clock: systemClock,
    timeline: await openTimeline(store, systemClock),
    log: createLog(() => {}, 'error'),
    troubles: noTroubles,
    owner: { host: '', epoch: 1 },
    isOwner: () => true,
    limits: () => ({ workers: 4, workersPerRepo: 0, coordinators: 1 }),
    startableAgents: () => 'all',
    onSignals: () => {},
    ...parts,
  });
  dispatcher.start();
  try {
    await until(isOver ?? (() => rounds > 0));
  } finally {
    await dispatcher.stop();
  }
  return { store, begun };
}

it('a run that is withdrawn meanwhile is not begun, and the one beside it is', async () => {
  const withdrawn = { tree, type: 'run_exited', payload: {}, origin: 'engine', at: 2 } as const;
  const { store, begun } = await dispatching(
    ['one#1', 'two#1'],
    [{ do: 'effect.stop', key: keyOf('one#1'), stopAt: 2, at: 2, withdrawn }],
  );
  expect(begun).toEqual([keyOf('two#1')]);
  expect((await store.effect(keyOf('one#1')))?.status).toBe('withdrawn');
  const starting = (await store.signals({})).filter(({ type }) => type === 'run_starting');
  expect(starting.map(({ run }) => run)).toEqual(['two#1']);
});

it('no run begins where the queue is paused meanwhile', async () => {
  const { store, begun } = await dispatching(['one#1'], [{ do: 'queue.pause', at: 2 }]);
  expect(begun).toEqual([]);
  expect((await store.effect(keyOf('one#1')))?.status).toBe('queued');
});

it('no run begins where its repo is closed meanwhile', async () => {
  let looks = 0;
  const { store, begun } = await dispatching(['one#1'], [], {
    // Closed from the second time on that the lane of workers asks.
    closedRepos: () => {
      looks += 1;
      return looks > 1 ? ['demo'] : [];
    },
  });
  expect(begun).toEqual([]);
  expect((await store.effect(keyOf('one#1')))?.status).toBe('queued');
});

it('more than ten at once are carried out without a warning of Node’s', async () => {
  const warnings: string[] = [];
  const note = ({ name }: Error) => warnings.push(name);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const ids = Array.from({ length: 12 }, (_, index) => `run#${index + 1}`);
  const together = barrier(ids.length);
  const come: string[] = [];
  await dispatching(ids, [], {
    limits: () => ({ workers: ids.length, workersPerRepo: 0, coordinators: 1 }),
    handlers: {
      'agent.run': async (_: Effect, { row }: { row: { name: string } }) => {
        come.push(row.name);
        await together();
        return { type: null };
      },
    } as unknown as Handlers, // the one kind that is asked for
  });
  // Node reports the rejection in a later turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  expect(come).toHaveLength(ids.length);
  expect(warnings).toEqual([]);
});

/** Two dispatchers over one store that want different runs; `runs` is the work of their agents until they are stopped. */
async function twoDispatchers(
  { store, runs = async () => {} }: { store: Store; runs?: (name: string) => Promise<void> },
  parts: (wanted: string) => Partial<DispatcherParts>,
) {
  const timeline = await openTimeline(store, systemClock);
  const begun: string[] = [];
  let rounds = 0;
  const dispatchers = ['one#1', 'two#1'].map((wanted) => {
    const own = parts(wanted);
    return createDispatcher({
      handlers: {
        'agent.run': async (_: Effect, { row, abort }: { row: { name: string }; abort: AbortSignal }) => {
          begun.push(row.name);
          await runs(row.name);
          return new Promise((_resolve, reject) => abort.addEventListener('abort', () => reject(new Error('stopped'))));
        },
      } as unknown as Handlers, // the one kind that is asked for
      clock: systemClock,
      timeline,
      log: createLog(() => {}, 'error'),
      troubles: noTroubles,
      owner: { host: '', epoch: 1 },
      isOwner: () => true,
      limits: () => ({ workers: 4, workersPerRepo: 0, coordinators: 1 }),
      startableAgents: () => 'all',
      onSignals: () => {},
      ...own,
      store: {
        ...store,
        ...own.store,
        nextEffectAt(afterMs) {
          rounds += 1;
          return store.nextEffectAt(afterMs);
        },
      },
    });
  });
  for (const dispatcher of dispatchers) dispatcher.start();
  return {
    begun,
    looked: () => until(() => rounds >= 2),
    stop: () => Promise.all(dispatchers.map((dispatcher) => dispatcher.stop())),
  };
}

it('two dispatchers that both see the last slot free take it once', async () => {
  const store = openStoreInMemory();
  await store.commit(['one#1', 'two#1'].map(asked));
  const together = barrier(2);
  const both = await twoDispatchers({ store }, (wanted) => ({
    limits: () => ({ workers: 1, workersPerRepo: 0, coordinators: 1 }),
    store: {
      ...store,
      async startable(query) {
        // Both runs are shown to each dispatcher, so that they want different ones.
        const { limit: _limit, ...all } = query;
        const rows = await store.startable(all);
        if (query.lane === 'worker') await together();
        return rows.toSorted((a, b) => Number(b.name === wanted) - Number(a.name === wanted));
      },
    },
  }));
  await both.looked();
  expect(both.begun).toHaveLength(1);
  expect(await store.effectCounts('worker', 'running')).toEqual(new Map([['demo', 1]]));
  await both.stop();
});

const budgetKey = { project: 'demo', plan: 'a' };
const none = { plan: {}, day: {}, attempt: {} };
const budgetOf = () => ({ ...none, plan: { usd: 5 }, hardShare: 1.2 });

/** A plan, and runs of it that have reported nothing yet. */
async function storeWithRuns(...ids: readonly string[]) {
  const store = openStoreInMemory();
  const text = { content: '# A', goal: null, taken: null };
  await store.commit([{ do: 'plan.insert', key: budgetKey, text, author: null, summary: workingSummary, at: 1 }]);
  for (const [index, id] of ids.entries()) {
    const run = {
      ...budgetKey,
      key: keyOf(id),
      run: id,
      title: `a-w1-t${index + 1}`,
      role: 'coder',
      attempt: 1,
      branch: 'b',
      state: 'running',
      reason: null,
    } as const;
    await store.commit([
      { do: 'run.show', run, isNewest: true, at: 1 },
      { do: 'run.note', key: run.key, set: { started_at: 1 } },
    ]);
  }
  return store;
}

it('two dispatchers that both see room in a budget: where the run of one uses it up, the other begins nothing', async () => {
  const store = await storeWithRuns('one#1', 'two#1');
  await store.commit(['one#1', 'two#1'].map(asked));
  const together = barrier(2);
  let report: () => void = () => {};
  const reported = new Promise<void>((resolve) => {
    report = resolve;
  });
  let takers = 0;
  const runs = async (name: string) => {
    await store.commit([{ do: 'run.note', key: keyOf(name), set: { cost_usd: 6 } }]);
    report();
  };
  const both = await twoDispatchers({ store, runs }, (wanted) => ({
    store: {
      ...store,
      startable: async (query) => (await store.startable(query)).filter(({ name }) => name === wanted),
      async commit(changes) {
        if (changes.some((change) => change.do === 'budget.require')) {
          takers += 1;
          if (takers > 1) await reported;
        }
        return store.commit(changes);
      },
    },
    budget: {
      projects: { budgetOf },
      nowMs: () => 2,
      store: {
        ...store,
        async spent(...asking) {
          const spent = await store.spent(...asking);
          await together();
          return spent;
        },
      },
    },
  }));
  await both.looked();
  await until(async () => (await store.signals({})).some(({ type }) => type === 'budget_reached'));
  expect(both.begun).toHaveLength(1);
  const states = await Promise.all(['one#1', 'two#1'].map(async (id) => (await store.effect(keyOf(id)))?.status));
  expect(states.toSorted()).toEqual(['queued', 'running']);
  await both.stop();
});

it('a run does not begin if the rest of its budget is spent meanwhile: its plan is notified that the budget is used up', async () => {
  const store = await storeWithRuns('two#1');
  const spends: Change = { do: 'run.note', key: keyOf('two#1'), set: { cost_usd: 6 } };
  const { begun, store: after } = await dispatching(['one#1'], [spends], {
    store,
    budget: { store, projects: { budgetOf }, nowMs: () => 2 },
  });
  expect(begun).toEqual([]);
  expect((await after.effect(keyOf('one#1')))?.status).toBe('queued');
  expect((await after.signals({})).map(({ type }) => type)).toEqual(['budget_reached']);
});

it.each([
  ['the note of its wait', 'effect.note-wait', new Error('the worktree was away')],
  ['its way back into the queue', 'effect.put-back', Object.assign(new Error('no space left'), { code: 'ENOSPC' })],
] as const)(
  'a run is settled although the store refuses %s for a reason that has no name',
  async (_what, refused, thrown) => {
    const store = openStoreInMemory();
    const statusOf = async () => (await store.effect(keyOf('one#1')))?.status;
    let refusals = 0;
    let tries = 0;
    await dispatching(['one#1'], [], {
      isOver: async () => (await statusOf()) === 'done',
      store: {
        ...store,
        commit(changes) {
          if (refusals > 0 || !changes.some((change) => change.do === refused)) return store.commit(changes);
          refusals += 1;
          return Promise.reject(new Error('relation "effects" does not exist'));
        },
      },
      handlers: {
        'agent.run': async () => {
          tries += 1;
          if (tries === 1) throw thrown;
          return { type: null };
        },
      } as unknown as Handlers, // the one kind that is asked for
    });
    expect([await statusOf(), refusals, tries]).toEqual(['done', 1, 2]);
  },
);

it('a run whose store stays full is logged once, not at each try', async () => {
  const store = openStoreInMemory();
  const lines: string[] = [];
  let tries = 0;
  await dispatching(['one#1'], [], {
    store,
    isOver: async () => (await store.effect(keyOf('one#1')))?.status === 'done',
    log: createLog((line) => void lines.push(line), 'warn'),
    handlers: {
      'agent.run': async () => {
        tries += 1;
        if (tries < 3) throw new StoreTrouble('store_full', 'the disk is full', 'make room');
        return { type: null };
      },
    } as unknown as Handlers, // the one kind that is asked for
  });
  expect(lines.filter((line) => line.includes('the disk is full'))).toHaveLength(1);
});
