import { describe, expect, it } from 'vitest';
import type { LaunchTrace, PlanTrace } from '../../runtime/core/store/rows.ts';
import {
  keptBy,
  notOver,
  reasonOfBranch,
  reasonOfProcesses,
  reasonOfRunFolder,
  reasonOfSavedRef,
  reasonOfUse,
  reasonOfWorktree,
} from '../../runtime/work/gc/reasons.ts';

const nothing = new Set<never>();
const bounds = { beforeMs: 100, overrides: nothing, made: new Set(['refs/stator/attempts/p#made']) };
const over: PlanTrace = {
  project: 'shop',
  plan: 'p',
  branch: 'plan/p',
  status: 'done',
  updatedAt: 50,
  deletedAt: null,
  base: null,
};
const user = { pid: 7, name: 'vim' };

/** The text of a reason, and its flag. */
const said = (reason: ReturnType<typeof notOver>) => reason && [reason.why, reason.override];

describe('a plan', () => {
  it.each<[string, Partial<PlanTrace> | null, string | null]>([
    ['is over since long', {}, null],
    ['is under way', { status: 'implementing' }, 'its plan is implementing'],
    ['is over since now', { updatedAt: 100 }, 'its plan is done, but not for long enough'],
    ['was deleted in its work, long ago', { status: 'implementing', deletedAt: 99 }, null],
    ['was deleted now', { deletedAt: 100 }, 'its plan is deleted, but not for long enough'],
    ['is none of this store', null, null],
  ])('that %s', (_, plan, why) => {
    expect(notOver(bounds, plan === null ? undefined : { ...over, ...plan })?.why ?? null).toBe(why);
  });
});

describe('a worktree', () => {
  const worktree = { branch: 'plan/p', folder: '/w', isInPlace: true, plan: over };

  it.each<[string, Partial<Parameters<typeof reasonOfWorktree>[1]>, string | null]>([
    ['of a plan that is over', {}, null],
    ['elsewhere', { isInPlace: false }, 'it does not lie in /w, where stator makes them'],
    ['elsewhere, of no plan', { isInPlace: false, plan: undefined }, 'it does not lie in /w, where stator makes them'],
    ['of no plan', { plan: undefined }, 'no plan of this store has plan/p: stator doctor'],
    ['of a plan under way', { plan: { ...over, status: 'planning' } }, 'its plan is planning'],
  ])('%s', (_, facts, why) => {
    expect(said(reasonOfWorktree(bounds, { ...worktree, ...facts }))).toEqual(why && [why, null]);
  });

  const inUse = ['pid 7 (vim) has its working directory in it', 'in_use'];
  const uncommitted = { cause: 'uncommitted', why: 'a.txt is not committed' } as const;
  it.each<[string, readonly ('in_use' | 'uncommitted')[], Parameters<typeof reasonOfUse>[1], unknown]>([
    ['used by none, with nothing to lose', [], { user: null, loss: null }, null],
    ['in use', [], { user, loss: null }, inUse],
    ['in use, with work', [], { user, loss: uncommitted }, inUse],
    ['in use, which a person overrides', ['in_use'], { user, loss: null }, null],
    ['in use and with work, one overridden', ['in_use'], { user, loss: uncommitted }, [uncommitted.why, 'uncommitted']],
    ['with commits', [], { user: null, loss: { cause: 'unmerged', why: 'two commits' } }, ['two commits', 'unmerged']],
    ['with a repository in it', [], { user: null, loss: { cause: 'nested', why: 'lib is one' } }, ['lib is one', null]],
    [
      'of somebody else',
      [],
      { user: null, loss: { cause: 'foreign', why: 'it is not ours' } },
      ['it is not ours', null],
    ],
    ['that git cannot read', [], { user: null, loss: 'git failed' }, ['git failed', null]],
  ])('%s', (_, overrides, use, reason) => {
    expect(said(reasonOfUse({ overrides: new Set(overrides) }, use))).toEqual(reason);
  });
});

describe('the folder of a run', () => {
  const launch = { key: 'k', folder: 'f', status: 'exited', finishedAt: 50 } as unknown as LaunchTrace;

  it.each<[string, Partial<LaunchTrace> | null, Partial<PlanTrace> | null, string | null]>([
    ['that ended long ago', {}, {}, null],
    ['of no run', null, null, 'no run that this store knows has it'],
    ['of one that waits', { status: 'queued' }, {}, 'its run is not over'],
    ['of one that works, whose plan is gone', { status: 'running' }, null, 'its run is not over'],
    ['of a plan under way', {}, { status: 'implementing' }, 'its plan is implementing'],
    ['that ended now', { finishedAt: 100 }, {}, 'its run ended not long ago'],
    ['that ended now, of no plan', { finishedAt: 100 }, null, 'its run ended not long ago'],
  ])('%s', (_, run, plan, why) => {
    const facts = {
      launch: run === null ? undefined : { ...launch, ...run },
      plan: plan === null ? undefined : { ...over, ...plan },
    };
    expect(said(reasonOfRunFolder(bounds, facts))).toEqual(why && [why, null]);
  });

  it('stays while a process of the run lives, or another one is in it', () => {
    expect(said(reasonOfProcesses(9, user))).toEqual(['pid 9 of its run lives', 'in_use']);
    expect(said(reasonOfProcesses(null, user))).toEqual(['pid 7 (vim) has its working directory in it', 'in_use']);
    expect(reasonOfProcesses(null, null)).toBeNull();
  });
});

describe('a branch', () => {
  const sound = { isSymbolic: false };
  const branch = { mark: sound, ref: sound, plan: over, path: undefined, isLost: false };
  const symbolic = { isSymbolic: true };

  it.each<[string, Partial<Parameters<typeof reasonOfBranch>[1]>, unknown]>([
    ['of a plan that is over', {}, null],
    ['that is gone', { ref: undefined }, null],
    ['of no plan', { plan: undefined }, ['no plan of this store has it', null]],
    ['whose mark is another name', { mark: symbolic }, [expect.stringContaining('a name for another ref'), null]],
    ['that is another name', { ref: symbolic }, [expect.stringContaining('a name for another ref'), null]],
    [
      'of a plan under way',
      { plan: { ...over, status: 'implementing' }, isLost: true },
      ['its plan is implementing', null],
    ],
    ['that a worktree uses', { path: '/w/p', isLost: true }, ['a worktree uses it', null]],
    ['with work', { isLost: true }, ['its commits are in no other branch and on no remote', 'unmerged']],
  ])('%s', (_, facts, reason) => {
    expect(said(reasonOfBranch(bounds, { ...branch, ...facts }))).toEqual(reason);
  });
});

describe('a ref that keeps work', () => {
  const ref = { name: 'refs/stator/attempts/p#1', committedMs: 50, isSymbolic: false };

  it.each<[string, Partial<Parameters<typeof reasonOfSavedRef>[1]>, unknown]>([
    ['of a plan that is over', {}, null],
    ['of no plan', { plan: undefined }, ['its name tells no plan of this store', null]],
    ['of a plan under way', { plan: { ...over, status: 'implementing' } }, ['its plan is implementing', null]],
    ['that is another name', { ref: { ...ref, isSymbolic: true } }, [expect.stringContaining('another ref'), null]],
    ['made now', { ref: { ...ref, committedMs: 100 } }, ['what it keeps was made not long ago', null]],
    [
      'that this round made',
      { ref: { ...ref, name: 'refs/stator/attempts/p#made' } },
      ['what it keeps was made not long ago', null],
    ],
    ['with work', { isLost: true }, ['it holds work that is in no branch and on no remote', 'unmerged']],
  ])('%s', (_, facts, reason) => {
    expect(said(reasonOfSavedRef(bounds, { ref, plan: over, isLost: false, ...facts }))).toEqual(reason);
  });
});

it('a reason is overridden by its own flag alone', () => {
  const overrides = new Set(['unmerged'] as const);
  expect(keptBy({ overrides }, { why: 'commits', override: 'unmerged' })).toBeNull();
  expect(keptBy({ overrides }, { why: 'files', override: 'uncommitted' })?.why).toBe('files');
  expect(keptBy({ overrides }, { why: 'links', override: null })?.why).toBe('links');
});
