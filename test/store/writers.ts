/** Several writers on one store at once, each with its own connection: the promises of the contract during races. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createTrees } from '../../actors/tree.ts';
import type { Effect } from '../../machines/vocabulary/effect.ts';
import { parseTree, planTree, repoTree, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import { systemClock } from '../../runtime/base/platform/clock.ts';
import { createLog } from '../../runtime/base/platform/log.ts';
import { createBus, type Fact } from '../../runtime/core/inbox/facts.ts';
import { createPump } from '../../runtime/core/inbox/pump.ts';
import { createTreeCache } from '../../runtime/core/inbox/tree-cache.ts';
import { createDispatcher } from '../../runtime/core/outbox/dispatcher.ts';
import type { Handlers } from '../../runtime/core/outbox/handler.ts';
import { insertSignal, type Store } from '../../runtime/core/store/port.ts';
import { openTimeline } from '../../runtime/core/store/timeline.ts';
import { until } from '../support/ground.ts';
import { noTroubles } from '../support/no-troubles.ts';
import { planText, quietPolicy } from '../support/simulation.ts';
import type { StoreGround } from './grounds.ts';

const log = createLog(() => {}, 'error');
const supervisor = 'supervisor';

/** Counts the lost commits. */
function counting(store: Store, lost: { count: number }): Store {
  return {
    ...store,
    async commit(changes) {
      const answer = await store.commit(changes);
      if (answer.status === 'lost') lost.count += 1;
      return answer;
    },
  };
}

async function pumpOver(store: Store) {
  const trees = createTrees();
  const bus = createBus();
  const pump = createPump({
    ...{ store, trees, bus, log, troubles: noTroubles, clock: systemClock },
    timeline: await openTimeline(store, systemClock),
    cache: createTreeCache({ store, trees }),
    policyOf: () => quietPolicy,
    hooksOf: () => [],
    machineHooks: () => [],
    isOwner: () => true,
    onEffects: () => {},
    onVerdicts: () => {},
  });
  return { pump, bus };
}

type Word = readonly [tree: TreeAddress, type: string, payload: object, origin?: 'person'];

const plans = ['p', 'q', 'r', 's'].flatMap((plan) => ['a', 'b'].map((project) => planTree(project, plan)));

/** The signals with which the engine creates repos and plans. */
function births(): Word[] {
  const repos = ['a', 'b'].map((project): Word => [supervisor, 'repo_registered', { project, policy: quietPolicy }]);
  const opened = plans.map((tree): Word => {
    const { plan } = parseTree(tree) as { plan: string }; // of a plan
    const payload = { content: planText([1]), branch: `plan/${plan}`, topic: null, generation: 0, policy: quietPolicy };
    return [tree, 'plan_opened', payload];
  });
  return [[supervisor, 'supervisor_opened', {}], ...repos, ...opened];
}

async function say(store: Store, words: readonly Word[]): Promise<number[]> {
  const ids: number[] = [];
  for (const [tree, type, payload, origin = 'engine'] of words)
    ids.push(await insertSignal(store, { tree, type, payload, origin, at: Date.now() }));
  return ids;
}

export function racesAreSound(ground: () => StoreGround): void {
  for (const count of [2, 8])
    describe(`${count} writers`, () => {
      const writers = () => Array.from({ length: count }, () => ground().another());

      it('handle each signal once and in its order, and spend no try of those that another one was faster with', async () => {
        const { store } = ground();
        const lost = { count: 0 };
        await say(store, births());
        const [first] = await Promise.all([pumpOver(store)]);
        await first.pump.drain();
        const words = Array.from({ length: 30 }, (_, round) =>
          plans.map((tree): Word => [tree, round % 2 === 0 ? 'pause' : 'resume', {}, 'person']),
        );
        const ids = await say(store, words.flat());
        const pumps = await Promise.all(writers().map((writer) => pumpOver(counting(writer, lost))));
        await Promise.all(pumps.map(({ pump }) => pump.drain()));
        const rows = await Promise.all(ids.map((id) => store.signal(id)));
        expect(rows.map((row) => [row?.status, row?.attempts, row?.result])).toEqual(
          ids.map(() => ['done', 1, '"done"']),
        );
        expect(lost.count).toBeGreaterThan(0);
        for (const tree of plans) {
          const fed = (await store.fed(tree)).filter(({ input }) => input !== null);
          const own = fed.map(({ signal }) => signal).filter((id) => id !== null && ids.includes(id));
          expect(own).toEqual(ids.filter((_, index) => plans[index % plans.length] === tree));
          expect((await store.treeStatus(tree))?.steps).toBe(fed.length);
        }
        const lines = await store.journal({ after: 0 });
        expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1));
      });

      it('refuse by what a tree is now, not by what they knew of it', async () => {
        const { store } = ground();
        await say(store, births());
        const pumps = await Promise.all([store, ...writers()].map((writer) => pumpOver(writer)));
        for (const { pump } of pumps) await pump.drain();
        const [tree = planTree('a', 'p')] = plans;
        const results: unknown[] = [];
        // Each writer knows the tree as it was when that writer last stepped it.
        for (let round = 0; round < 3 * pumps.length; round += 1) {
          const [id = 0] = await say(store, [[tree, round % 2 === 0 ? 'pause' : 'resume', {}, 'person']]);
          await pumps[(round * 2) % pumps.length]?.pump.drain();
          results.push((await store.signal(id))?.result);
        }
        expect(results).toEqual(results.map(() => '"done"'));
      });

      it('receive each line that any of them wrote, in the order of the line numbers', async () => {
        const { store } = ground();
        await say(store, births());
        const pumps = await Promise.all(writers().map((writer) => pumpOver(writer)));
        const seen = pumps.map(() => [] as number[]);
        const reading = pumps.map(async ({ bus }, index) => {
          for await (const facts of bus.subscribe()) {
            const list = seen[index] ?? [];
            const lines: readonly Pick<Fact, 'seq'>[] =
              facts === 'behind' ? await store.journal({ after: list.at(-1) ?? 0 }) : facts;
            list.push(...lines.map(({ seq }) => seq).filter((seq) => seq > (list.at(-1) ?? 0)));
          }
        });
        for (const { pump } of pumps) pump.start();
        onTestFinished(() => Promise.all(pumps.map(({ pump }) => pump.stop())).then(() => {}));
        await say(
          store,
          plans.map((tree): Word => [tree, 'pause', {}, 'person']),
        );
        await until(async () => (await store.signals({ status: 'pending' })).length === 0);
        const last = await store.lastLine();
        await until(() => seen.every((list) => list.at(-1) === last));
        expect(seen).toEqual(pumps.map(() => Array.from({ length: last }, (_, index) => index + 1)));
        for (const { bus } of pumps) bus.close();
        await Promise.all(reading);
      });

      it('start each run once, and keep the limits of all and of each repo', async () => {
        const { store } = ground();
        const runs = Array.from({ length: 24 }, (_, index) => ({
          tree: planTree('aaab'[index % 4] ?? 'a', 'p'),
          index,
        }));
        await store.commit(
          runs.map(({ tree, index }) => {
            const place = { branch: `b${index}`, from: 'main' };
            const effect = { kind: 'agent.run', id: `x#${index}`, role: 'coder', place } as unknown as Effect; // all that is looked at here
            return { do: 'effect.insert', tree, effect, priority: 0, at: 1 } as const;
          }),
        );
        const begun: string[] = [];
        const now = new Map<string, number>();
        const most = { all: 0, repo: 0 };
        // The first runs last until the limits are reached, however fast the writers are; later ones are short.
        const isFull = () => most.all >= 3 && most.repo >= 2;
        const dispatchers = await Promise.all(
          writers().map(async (writer, index) =>
            createDispatcher({
              ...{ store: writer, log, troubles: noTroubles, clock: systemClock, onSignals: () => {} },
              timeline: await openTimeline(writer, systemClock),
              handlers: {
                'agent.run': async (_: Effect, { row }: { row: { key: string; project: string } }) => {
                  begun.push(row.key);
                  now.set(row.project, (now.get(row.project) ?? 0) + 1);
                  most.all = Math.max(
                    most.all,
                    [...now.values()].reduce((sum, busy) => sum + busy, 0),
                  );
                  most.repo = Math.max(most.repo, ...now.values());
                  await until(isFull);
                  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
                  now.set(row.project, (now.get(row.project) ?? 0) - 1);
                  return { type: null };
                },
              } as unknown as Handlers, // the one kind that is asked for
              owner: { host: `host-${index}`, epoch: 1 },
              isOwner: () => true,
              limits: () => ({ workers: 3, workersPerRepo: 2, coordinators: 1 }),
              startableAgents: () => 'all',
            }),
          ),
        );
        for (const dispatcher of dispatchers) dispatcher.start();
        onTestFinished(() => Promise.all(dispatchers.map((dispatcher) => dispatcher.stop())).then(() => {}));
        await until(async () => (await store.effects({ by: 'open' })).length === 0);
        expect(begun.toSorted()).toEqual(runs.map(({ tree, index }) => `${tree}/x#${index}`).toSorted());
        expect(most).toEqual({ all: 3, repo: 2 });
      });
    });

  it('a host takes over what its earlier owner left running, and nothing of another one', async () => {
    const { store } = ground();
    const place = { branch: 'b', from: 'main' };
    for (const [index, host] of ['here', 'there'].entries()) {
      const effect = { kind: 'agent.run', id: `x#${index}`, role: 'coder', place: { ...place, branch: host } };
      await store.commit([
        { do: 'effect.insert', tree: planTree('a', 'p'), effect: effect as unknown as Effect, priority: 0, at: 1 }, // all that is looked at here
        { do: 'effect.take', id: index + 1, owner: { host, epoch: 1 }, at: 1 },
      ]);
    }
    await store.commit([{ do: 'effect.adopt', owner: { host: 'here', epoch: 2 } }]);
    const owners = (await store.effects({ by: 'running' })).map(({ host, epoch }) => [host, epoch]);
    expect(owners).toEqual([
      ['here', 2],
      ['there', 1],
    ]);
    expect((await store.effects({ by: 'running', host: 'there' })).map(({ id }) => id)).toEqual([2]);
  });

  it('a resource in use is taken by no other effect, even one that was queued earlier', async () => {
    const { store } = ground();
    const place = { branch: 'b', from: 'main' };
    const asked = (id: string) =>
      ({
        do: 'effect.insert',
        tree: repoTree('a'),
        effect: { kind: 'worktree.remove', id, place },
        ...{ priority: 0, at: 1 },
      }) as const;
    await store.commit([asked('r#1'), asked('r#2')]);
    const owner = { host: '', epoch: 1 };
    await store.commit([{ do: 'effect.take', id: 2, owner, at: 1 }]);
    expect((await store.commit([{ do: 'effect.take', id: 1, owner, at: 1 }])).status).toBe('lost');
  });
}
