/** What a request of a machine uses: the limit that it counts for, the resource that it has alone, and the folder in which it works. */
import { describe, expect, it } from 'vitest';
import {
  type Effect,
  folderJudged,
  folderOf,
  isAwaited,
  laneOf,
  placeOf,
  placeOfRun,
  resourceOf,
  runsOwnCode,
} from '../../machines/vocabulary/effect.ts';

const place = { branch: 'plan/a-w1-t1', from: 'plan/a' };
const run = { id: 'r', run: 'x#1', place };
const landing = { id: 'l', plan: 'a', branch: 'plan/a', into: 'main' };
const pull = { number: 7, head: 'h' };
/** Only the fields on which lane and resource depend. */
const effects: readonly (readonly [lane: string, resource: string, effect: object])[] = [
  ...['coder', 'fixer', 'session'].map(
    (role) => ['worker', 'worktree:plan/a-w1-t1', { kind: 'agent.run', ...run, role }] as const,
  ),
  ...['planner', 'architect', 'reviewer', 'verifier'].map(
    (role) => ['coordinator', 'worktree:plan/a-w1-t1', { kind: 'agent.run', ...run, role }] as const,
  ),
  ['process', 'process:x#1', { kind: 'agent.freeze', ...run }],
  ['process', 'process:x#1', { kind: 'agent.thaw', ...run }],
  ['process', 'permission:x#1', { kind: 'agent.answer', ...run }],
  ['process', 'terminal:x#1', { kind: 'agent.type', ...run }],
  ['git', 'worktree:plan/a-w1-t1', { kind: 'work.commit', ...run }],
  ['check', 'worktree:plan/a-w1-t1', { kind: 'work.check', ...run }],
  ['git', 'branch:plan/a', { kind: 'work.merge', ...run }],
  ['git', 'worktree:plan/a-w1-t1', { kind: 'work.undo', ...run }],
  ['git', 'worktree:plan/a-w1-t1', { kind: 'worktree.remove', ...run }],
  ['git', 'worktree:plan/a', { kind: 'branch.archive', branch: 'plan/a' }],
  ['git', 'worktree:plan/a', { kind: 'branch.base', branch: 'plan/a' }],
  ['check', 'worktree:plan/a', { kind: 'branch.base', branch: 'plan/a', refresh: { contained: false } }],
  ['git', 'worktree:plan/a', { kind: 'plan.merge', branch: 'plan/a' }],
  ['git', 'worktree:plan/a', { kind: 'landing.find', branch: 'plan/a' }],
  ['forge', 'worktree:plan/a', { kind: 'landing.find', branch: 'plan/a', pull }],
  ['git', 'worktree:plan/a', { kind: 'landing.prepare', ...landing }],
  ['forge', 'worktree:plan/a', { kind: 'landing.prepare', ...landing, pull }],
  ['check', 'landing:plan/a', { kind: 'landing.check', ...landing, pull }],
  ['git', 'worktree:plan/a', { kind: 'landing.merge', ...landing }],
  ['forge', 'worktree:plan/a', { kind: 'landing.merge', ...landing, pull }],
  ['hook', 'hook:a:chat', { kind: 'hook.deliver', plan: 'a', hook: 'chat' }],
  ['hook', 'hook:release:1.2:chat', { kind: 'hook.deliver', plan: '', subject: 'release:1.2', hook: 'chat' }],
  ['forge', 'pull:plan/a', { kind: 'plan.pull', branch: 'plan/a' }],
  ['forge', 'pull:plan/a', { kind: 'pull.merge', branch: 'plan/a' }],
  ['forge', 'refs', { kind: 'refs.push', plan: 'a' }],
  ['machine', 'lane:release:npm:p#1', { kind: 'machine.effect', id: 'p#1', machine: 'release', lane: 'npm' }],
];

it.each(effects)('in the lane %s it has %s alone: %j', (lane, resource, effect) => {
  expect([laneOf(effect as Effect), resourceOf(effect as Effect)]).toEqual([lane, resource]);
});

it('all but deliveries and pushes to a shared remote are awaited by the tree that asked', () => {
  const kinds = [...new Set(effects.map(([, , effect]) => (effect as Effect).kind))];
  expect(kinds.filter((kind) => !isAwaited(kind))).toEqual(['hook.deliver', 'refs.push']);
  expect(kinds.filter(runsOwnCode)).toEqual(['hook.deliver', 'machine.effect']);
});

describe('a place', () => {
  it('has the folder of its branch, or one of another name', () => {
    expect(placeOf({ ...place, ...{ title: 'x' } })).toEqual(place);
    expect(placeOf({ ...place, folder: 'issue-7' })).toEqual({ ...place, folder: 'issue-7' });
    expect(folderOf(place)).toBe('plan-a-w1-t1');
    expect(folderOf({ ...place, folder: 'issue-7' })).toBe('issue-7');
  });

  it('is that of the branch for every role but a judge, who has a checkout beside it', () => {
    for (const role of ['coder', 'fixer', 'session', 'planner', 'architect'] as const)
      expect(placeOfRun({ role, place })).toEqual(place);
    for (const role of ['reviewer', 'verifier'] as const) {
      const own = placeOfRun({ role, place });
      expect(own).toEqual({ ...place, folder: `plan-a-w1-t1~${role}` });
      expect(folderJudged(folderOf(own), role)).toBe('plan-a-w1-t1');
    }
    expect(folderJudged('plan-a', 'coder')).toBe('plan-a');
    expect(folderJudged('plan-a~reviewer', 'verifier')).toBe('plan-a~reviewer');
  });
});
