/** A tree's row, read without restoring the tree: it says what the tree would say. */
import { describe, expect, it } from 'vitest';
import { snapshotOf } from '../../actors/addressee.ts';
import type { PersistedTree } from '../../actors/compatibility.ts';
import { storedHead, storedPlan, storedRepo, storedSupervisor, storedWork } from '../../actors/stored-tree.ts';
import type { Tree } from '../../actors/tree.ts';
import type { PlanTag } from '../../machines/vocabulary/public-state.ts';
import type { Signal, SignalType } from '../../machines/vocabulary/signal.ts';
import { plan, repo } from '../support/chaos.ts';
import { finishTask } from '../support/hands.ts';
import { liveTree, worldOf, worldsByState } from '../support/plan-states.ts';
import { trees } from '../support/trees.ts';

const signal = (type: SignalType) =>
  ({ type, payload: {}, origin: 'engine', actor: '', run: null, at: 1 }) as unknown as Signal;

/** The row as the store gives it back. */
function rowOf(tree: Tree): PersistedTree {
  return JSON.parse(JSON.stringify(trees.persist(tree)));
}

describe('the row', () => {
  it.each(Object.entries(worldsByState))('of a plan in %s has its context and its public states', (_, world) => {
    const tree = liveTree(world());
    const stored = storedPlan(plan, rowOf(tree));
    const { context, tags } = snapshotOf(tree.root);
    expect(stored.context).toEqual(JSON.parse(JSON.stringify(context)));
    for (const tag of tags) expect(stored.has(tag as PlanTag), tag).toBe(true); // a plan's machine has these alone
    expect(stored.has('merge:working')).toBe(tags.has('merge:working'));
  });

  it('of a plan knows the last commit and all work, those of a running wave too, each once', () => {
    const world = worldsByState['underway.implementing.wave.running']?.() ?? worldOf();
    const known = () => {
      const row = rowOf(liveTree(world));
      return { head: storedHead(plan, row), titles: storedWork(plan, row).map(({ title }) => title) };
    };
    expect(known()).toEqual({ head: null, titles: [] });
    const heads: (string | null)[] = [];
    for (const title of ['hello-w1-t1', 'hello-w1-t2', 'hello-w2-t1']) {
      finishTask(world, title);
      heads.push(known().head);
    }
    expect(heads.map((head) => typeof head)).toEqual(['string', 'string', 'string']);
    expect(new Set(heads).size).toBe(3);
    expect(known()).toEqual({ head: world.context().head, titles: ['hello-w1-t1', 'hello-w1-t2', 'hello-w2-t1'] });
    const { commit, run } = storedWork(plan, rowOf(liveTree(world)))[0] ?? {};
    expect([commit, run]).toEqual([expect.stringMatching(/^[0-9a-f]{40}$/), expect.stringMatching(/task-1.*#1$/)]);
  });

  it('of a repo has its context and its public states', () => {
    const tree = worldOf().live.get(repo);
    if (tree === undefined) throw new Error('the world has a repo');
    const stored = storedRepo(repo, rowOf(tree));
    expect(stored.context).toEqual(snapshotOf(tree.root).context);
    expect([stored.has('repo:active'), stored.has('repo:paused')]).toEqual([true, false]);
  });

  it('of the supervisor says whether its engine has stopped', () => {
    const { tree } = trees.create('supervisor', signal('supervisor_opened'));
    const isStopped = () => storedSupervisor('supervisor', trees.persist(tree)).has('engine:stopped');
    trees.step(tree, signal('supervisor_draining'));
    expect(isStopped()).toBe(false);
    trees.step(tree, signal('supervisor_stopped'));
    expect(isStopped()).toBe(true);
  });

  it('that no version of ours wrote is refused, and not read as if it were one', () => {
    const row = rowOf(liveTree(worldOf()));
    for (const wrong of [
      { ...row, version: 'plan:99' },
      { ...row, machine: 'repo' },
      { ...row, snapshot: {} },
    ])
      expect(() => storedPlan(plan, wrong as PersistedTree)).toThrow(
        expect.objectContaining({ code: 'snapshot_unknown' }),
      );
  });
});
