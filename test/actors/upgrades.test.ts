/** Plans that version 6 of their machine stored, read by this one: what people see of them is the same, and they go on as they would have. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { snapshotOf } from '../../actors/addressee.ts';
import type { PersistedTree } from '../../actors/compatibility.ts';
import { planDetail } from '../../actors/plan-view.ts';
import { storedPlan, storedRepo, storedSupervisor } from '../../actors/stored-tree.ts';
import type { Signal, SignalType } from '../../machines/vocabulary/signal.ts';
import { trees } from '../support/trees.ts';

const plan = 'plan:demo/hello';

function storedIn(file: string): Map<string, PersistedTree> {
  const text = readFileSync(new URL(`../support/fixtures/${file}`, import.meta.url), 'utf8');
  const rows = text.trim().split('\n');
  return new Map(rows.map((row) => JSON.parse(row)).map((row) => [row.case, row.tree]));
}

/** The plan of that case, and what it makes of a word. */
function restored(rows: ReadonlyMap<string, PersistedTree>, name: string) {
  const old = rows.get(name);
  if (old === undefined) throw new Error(`no row is stored as "${name}"; there are ${[...rows.keys()].join('; ')}`);
  expect(old.version).toBe('agent:4 plan:6 task:2 wave:1');
  const tree = trees.restore(plan, old);
  const tell = (type: SignalType, payload: object = {}, run: string | null = null) => {
    const origin = run === null ? 'person' : 'engine';
    const { verdict, requests } = trees.step(tree, { type, payload, origin, actor: '', run, at: 9_000_000 } as Signal);
    expect(verdict, type).toEqual({ status: 'done', result: 'done' });
    return requests.effects;
  };
  return { old, tree, tell, value: () => snapshotOf(tree.root).value as Record<string, unknown> };
}

describe('a plan that was stored before its merge had states', () => {
  const rows = storedIn('plan-merges.jsonl');
  const conflict = { why: 'conflict', files: ['a.txt'], detail: 'a.txt conflicts' };
  const merged = { head: 'b'.repeat(40), into: 'main' };

  it.each([
    ['done, no merge asked for', 'none', { isWorking: false, merged: null, refused: null }],
    ['a merge that a person asked for at work', { working: 'asked' }, { isWorking: true, merged: null, refused: null }],
    ['a merge of auto_merge at work', { working: 'automatic' }, { isWorking: true, merged: null, refused: null }],
    ['a merge that a person asked for refused', { refused: 'asked' }, { isWorking: false, refused: conflict }],
    ['a merge of auto_merge refused', { refused: 'automatic' }, { isWorking: false, refused: conflict }],
    ['merged', 'merged', { isWorking: false, merged, refused: null }],
    ['merged, and refused for another branch', { refused: 'asked' }, { merged, refused: { ...conflict, into: 'dev' } }],
  ])('%s', (name, state, view) => {
    const { old, tree, value } = restored(rows, name);
    expect(value()).toMatchObject({ lifecycle: 'done', merge: state });
    expect(snapshotOf(tree.root).context.merge ?? {}).not.toHaveProperty('isAuto');
    expect(planDetail(tree).merge).toMatchObject(view);
    // The row is read alike where nobody brings it to life.
    expect(storedPlan(plan, old).has('merge:working')).toBe(snapshotOf(tree.root).hasTag('merge:working'));
  });

  it('hears what became of the merge that was under way', () => {
    const done = { head: 'b'.repeat(40), into: 'dev', tip: 'a'.repeat(40) };
    const one = restored(rows, 'a merge that a person asked for at work');
    one.tell('plan_merged', done, '#2');
    expect(one.value()).toMatchObject({ merge: 'merged' });
    const other = restored(rows, 'a merge of auto_merge at work');
    other.tell('merge_refused', { ...conflict, into: 'main' }, '#2');
    expect(other.value()).toMatchObject({ merge: { refused: 'automatic' }, attention: 'blocked' });
  });

  it('is merged anew when a person resolves what auto_merge could not do, and where it was merged already when somebody names another branch', () => {
    const refused = restored(rows, 'a merge of auto_merge refused');
    expect(refused.tell('resolve')).toMatchObject([{ kind: 'plan.merge', into: null }]);
    expect(refused.value()).toMatchObject({ merge: { working: 'automatic' }, attention: 'clear' });
    expect(restored(rows, 'merged').tell('merge', { into: 'dev' })).toMatchObject([
      { kind: 'plan.merge', into: 'dev' },
    ]);
  });

  it('forgets what was merged when it goes back to work', () => {
    const { tree, tell, value } = restored(rows, 'merged');
    tell('request_review');
    expect(value()).toMatchObject({ merge: 'none' });
    expect(planDetail(tree).merge).toEqual({ isWorking: false, merged: null, refused: null });
  });
});

describe('a plan that was stored before its pull request had states', () => {
  const rows = storedIn('plan-pulls.jsonl');
  const url = 'https://forge.test/7';
  const failed = { state: 'failed', url: null, merge: null };
  const open = { state: 'open', url, merge: null };
  const asked = (state: string, detail = '') => ({ ...open, merge: { state, detail } });
  const quiet = { isWorking: false, isWanted: false, refused: null };
  const refused = { ...quiet, refused: { detail: 'no token' } };

  it.each([
    ['a pull request wanted', { none: 'wanted' }, null, { ...quiet, isWanted: true }],
    [
      'a pull request that a person asked for being made',
      { creating: 'asked' },
      { ...failed, state: 'creating' },
      { ...quiet, isWorking: true },
    ],
    [
      'a pull request of auto_create_pr being made',
      { creating: 'automatic' },
      { ...failed, state: 'creating' },
      { ...quiet, isWorking: true },
    ],
    ['a pull request that a person asked for failed', { failed: 'idle' }, failed, refused],
    ['a pull request of auto_create_pr failed', { failed: 'automatic' }, failed, { ...refused, isWanted: true }],
    ['a pull request of auto_create_pr whose branch moved', { failed: 'wanted' }, failed, { ...quiet, isWanted: true }],
    ['an open pull request', { open: 'manual' }, open, quiet],
    ['an open pull request that is pushed again', { open: { pushing: 'asked' } }, open, { ...quiet, isWorking: true }],
    ['an open pull request whose push failed', { open: { unpushed: 'idle' } }, open, refused],
    ['an open pull request whose forge is asked to merge it', { open: 'asking' }, asked('asked'), quiet],
    ['an open pull request that its forge will merge', { open: 'scheduled' }, asked('scheduled'), quiet],
    ['an open pull request that stator will merge', { open: 'watched' }, asked('watched'), quiet],
    ['an open pull request that was not merged', { open: 'unmerged' }, asked('refused', 'not allowed'), quiet],
    ['a merged pull request', 'merged', { ...open, state: 'merged' }, quiet],
    ['a closed pull request', 'closed', { ...open, state: 'closed' }, quiet],
    [
      'a closed pull request, and a new one being made',
      { creating: 'asked' },
      { ...open, state: 'creating' },
      { ...quiet, isWorking: true },
    ],
    ['a pull request that was merged nobody knows how', 'merged', { ...open, state: 'merged' }, quiet],
  ])('%s', (name, state, pullRequest, pull) => {
    const { old, tree, value } = restored(rows, name);
    expect(value()).toMatchObject({ lifecycle: 'done', pullRequest: state });
    expect(planDetail(tree).pullRequest).toEqual(pullRequest);
    expect(planDetail(tree).pull).toMatchObject(pull);
    const { pull: known } = snapshotOf(tree.root).context;
    expect(Object.keys(known).sort()).toEqual(['refused', 'remarks', 'request', 'seen', 'work']);
    expect(storedPlan(plan, old).has('pull_wanted')).toBe(pull.isWanted);
  });

  it('hears what became of what it asked for', () => {
    const opened = { number: 8, url: 'https://forge.test/8', server: 'forge.test', head: 'a'.repeat(40) };
    const one = restored(rows, 'a closed pull request, and a new one being made');
    one.tell('pr_opened', opened, '#3');
    expect(one.value()).toMatchObject({ pullRequest: { open: 'manual' } });
    const other = restored(rows, 'an open pull request whose forge is asked to merge it');
    other.tell('pr_merge_scheduled', { by: 'forge' }, '#3');
    expect(other.value()).toMatchObject({ pullRequest: { open: 'scheduled' } });
  });

  it('tries again when a person resolves what it stands for', () => {
    const failed = restored(rows, 'a pull request of auto_create_pr failed');
    expect(failed.tell('resolve')).toMatchObject([{ kind: 'plan.pull', request: null }]);
    expect(failed.value()).toMatchObject({ pullRequest: { creating: 'automatic' }, attention: 'clear' });
    const unmerged = restored(rows, 'an open pull request that was not merged');
    expect(unmerged.tell('resolve')).toMatchObject([{ kind: 'pull.merge', act: 'schedule', number: 7 }]);
    expect(unmerged.value()).toMatchObject({ pullRequest: { open: 'asking' }, attention: 'clear' });
  });
});

describe('a plan that was stored under the names of before', () => {
  const stored = (file: string): PersistedTree =>
    JSON.parse(readFileSync(new URL(`../support/fixtures/${file}`, import.meta.url), 'utf8'));

  it('knows which of its children is active, and so do its waves of theirs', () => {
    const { context, children } = snapshotOf(trees.restore(plan, stored('plan-committing.json')).root);
    expect(context).toMatchObject({ activeChildId: 'wave-1.2', liveChildren: { 'wave-1.2': 'wave' }, stopCause: null });
    expect(Object.keys(context)).not.toEqual(expect.arrayContaining(['now', 'living', 'standing']));
    const wave = children['wave-1.2'];
    if (wave === undefined) throw new Error('the wave lives');
    expect(snapshotOf(wave).context.liveChildren).toEqual({ 'task-1.1': 1 });
  });

  it('that waited for a person is stuck, for the cause that it gave', () => {
    const old = storedIn('plan-stuck.jsonl').get('a review that a person set by hand');
    if (old === undefined) throw new Error('it is stored');
    const tree = trees.restore(plan, old);
    expect(snapshotOf(tree.root).value).toMatchObject({ lifecycle: { underway: { reviewing: 'stuck' } } });
    expect(snapshotOf(tree.root).context.stopCause).toMatchObject({ source: 'override' });
    const answer = { type: 'resolve', payload: {}, origin: 'person', actor: '', run: null, at: 9_000_000 } as Signal;
    expect(trees.step(tree, answer).verdict).toEqual({ status: 'done', result: 'done' });
    expect(snapshotOf(tree.root).value).not.toMatchObject({ lifecycle: { underway: { reviewing: 'stuck' } } });
  });
});

describe('a row that nobody brings to life', () => {
  const stored = (file: string): PersistedTree =>
    JSON.parse(readFileSync(new URL(`../support/fixtures/${file}`, import.meta.url), 'utf8'));

  it('of an earlier version is read as its tree would be', () => {
    for (const file of ['plan-1.json', 'plan-committing.json', 'plan-pulled.json', 'plan-verifying.json']) {
      const old = stored(file);
      expect(storedPlan(plan, old).context, file).toEqual(snapshotOf(trees.restore(plan, old).root).context);
    }
    const repo = stored('repo-1.json');
    const { root } = trees.restore('repo:demo', repo);
    expect(storedRepo('repo:demo', repo).context).toEqual(snapshotOf(root).context);
    expect(storedRepo('repo:demo', repo).has('repo:active')).toBe(true);
  });

  it('that no version of ours wrote is refused, and not read as if it were one', () => {
    const old = stored('plan-committing.json');
    for (const wrong of [
      { ...old, version: 'plan:99' },
      { ...old, machine: 'repo' },
      { ...old, snapshot: {} },
    ])
      expect(() => storedPlan(plan, wrong as PersistedTree)).toThrow(
        expect.objectContaining({ code: 'snapshot_unknown' }),
      );
  });

  it('of the supervisor says whether its engine has stopped', () => {
    const told = (tree: ReturnType<typeof trees.create>['tree'], type: SignalType) =>
      trees.step(tree, { type, payload: {}, origin: 'engine', actor: '', run: null, at: 1 });
    const { tree } = trees.create('supervisor', {
      type: 'supervisor_opened',
      payload: {},
      origin: 'engine',
      actor: '',
      run: null,
      at: 0,
    });
    const isStopped = () => storedSupervisor('supervisor', trees.persist(tree)).has('engine:stopped');
    told(tree, 'supervisor_draining');
    expect(isStopped()).toBe(false);
    told(tree, 'supervisor_stopped');
    expect(isStopped()).toBe(true);
  });
});
