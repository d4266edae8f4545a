/** What a plan's root remembers of its merge and of its pull request, and what it asks for: one action alone. */
import { describe, expect, it } from 'vitest';
import type { PlanContext } from '../../machines/plan/context.ts';
import { type MergeRefused, noMerge } from '../../machines/vocabulary/plan-merge.ts';
import { noPull, type PlanPull, type PullRequest } from '../../machines/vocabulary/plan-pull.ts';
import { afterAction, changedBy, ofPolicy, type Step } from '../support/one-action.ts';

const detailLimit = 4_096;
const long = 'y'.repeat(detailLimit + 10);
const refused: MergeRefused = { at: 3, why: 'git', into: 'main', files: [], detail: 'no' };
const merged = { at: 3, head: 'old', into: 'main', tip: 'old' };
const merge = { ...noMerge, work: '#2', into: 'main', refused, merged };
const withMerge = { merge } as Partial<PlanContext>;
const conflict: MergeRefused = {
  ...{ at: 2, why: 'conflict', into: 'main', files: ['a.txt'], detail: 'both changed a.txt' },
};
const withFixer = { merge: { ...noMerge, refused: conflict, fixedFrom: 'f' } } as Partial<PlanContext>;
const request: PullRequest = {
  ...{ number: 4, url: 'https://forge.test/4', server: 'forge.test', head: 'pushed', pass: 0, cycles: 2 },
  ...{ failing: { build: 'd1' } },
};
const pull: PlanPull = { ...noPull, work: '#3', request, refused: { at: 3, detail: 'no' } };
const withPull = (more: Partial<PlanPull> = {}): Partial<PlanContext> => ({ pull: { ...pull, ...more } });
const event = (type: string, more: object = {}) => ({ type, ...more });

describe('an event of the root to its own regions', () => {
  const stopCause = { source: 'failed', reason: 'why' } as const;
  it.each<[string, string, Step, unknown]>([
    ['a block has its cause', 'raiseBlock', { before: { stopCause } }, { type: 'block', at: 9, ...stopCause }],
    [
      'a block without a cause was set by hand',
      'raiseBlock',
      {},
      { type: 'block', at: 9, source: 'override', reason: 'the status was set by hand' },
    ],
    [
      'an override names the status',
      'raiseOverride',
      { event: event('set_status', { status: 'done' }) },
      { type: 'block', at: 9, source: 'override', reason: 'the status was set to done by hand' },
    ],
    [
      'a move names what moved it, and who',
      'raiseMoved',
      { event: event('merge', { origin: 'person' }) },
      { type: 'moved', at: 9, origin: 'person', cause: 'merge' },
    ],
    [
      'a move without an origin is of the engine',
      'raiseMoved',
      {},
      { type: 'moved', at: 9, origin: 'engine', cause: 'resolve' },
    ],
    ['the end', 'raiseDoneEntered', {}, { type: 'done_entered', at: 9, byHand: false }],
    [
      'the end by hand',
      'raiseDoneEntered',
      { event: event('mark_done') },
      { type: 'done_entered', at: 9, byHand: true },
    ],
    ['what follows the end', 'raiseDoneLeft', {}, { type: 'done_left', at: 9, cause: 'resolve' }],
    ['implemented', 'raiseFinished', {}, { type: 'implement_finished', at: 9, origin: 'engine', run: null }],
    ['to implement', 'raiseImplement', {}, { type: 'implement_start', at: 9, origin: 'engine', run: null }],
    [
      'a verdict by its exit',
      'raiseVerdict',
      { params: 'review_approved', event: event('agent_delivered', { run: 'x#1', detail: 'fine', base: 'c1' }) },
      { type: 'review_approved', at: 9, origin: 'engine', run: 'x#1', body: 'fine', reviewed_sha: 'c1' },
    ],
    [
      'a verdict without a commit',
      'raiseVerdict',
      { params: 'verify_failed', event: event('agent_delivered', { run: 'x#1', detail: 'bad', base: null }) },
      { type: 'verify_failed', at: 9, origin: 'engine', run: 'x#1', body: 'bad' },
    ],
    [
      'a verdict of another event',
      'raiseVerdict',
      { params: 'verify_failed' },
      { type: 'verify_failed', at: 9, origin: 'engine', run: null, body: '' },
    ],
  ])('%s', (_, name, step, expected) => {
    expect(afterAction(name, step).raised).toEqual([expected]);
  });
});

describe('requests to the repo and its worktree', () => {
  it('the right to implement', () => {
    expect(afterAction('requestGrant', {})).toMatchObject({ asked: ['askGrant'], context: { request: 7, count: 7 } });
    expect(afterAction('requestGrant', { before: { granted: true } }).asked).toEqual([]);
    const released = afterAction('releaseGrant', { before: { granted: true } });
    expect(released).toMatchObject({ asked: ['reportReleased'], context: { granted: false, request: 0 } });
  });

  it('the archive of the old branch', () => {
    expect(afterAction('archiveAgain', { holds: { archives: true } })).toMatchObject({
      asked: ['askArchive'],
      context: { work: '#7' },
    });
    expect(afterAction('archiveAgain', { holds: { archives: false } }).asked).toEqual([]);
  });

  it('the removal of the worktree', () => {
    expect(afterAction('leaveMergedWorktree', {})).toMatchObject({ asked: ['askRemoval'], context: { count: 7 } });
    expect(afterAction('leaveIdleWorktree', { holds: { hasNoChildren: true } })).toMatchObject({
      asked: ['askRemoval'],
      context: { count: 7 },
    });
    expect(afterAction('leaveIdleWorktree', { holds: { hasNoChildren: false } }).asked).toEqual([]);
  });
});

describe('a merge', () => {
  const asks = (name: string, step: Step = {}) => {
    const { asked, context } = afterAction(name, step);
    return { asked, count: context.count, merge: context.merge };
  };

  it('is asked for with a name of its own, into the branch that a person names, or the one before', () => {
    const first = { asked: ['askPlanMerge'], count: 7, merge: { ...noMerge, work: '#7', into: null } };
    expect(asks('askMerge')).toEqual(first);
    expect(asks('askMerge', { event: event('merge', { into: 'dev' }) })).toEqual({
      ...first,
      merge: { ...first.merge, into: 'dev' },
    });
    const again = { ...merge, work: '#7', refused: null };
    expect(asks('askMerge', { before: withMerge })).toEqual({ ...first, merge: again });
    expect(asks('askMerge', { before: withMerge, event: event('merge') })).toEqual({
      ...first,
      merge: { ...again, into: null },
    });
    expect(asks('askMerge', { before: withMerge, event: event('land', { into: 'dev' }) })).toEqual({
      ...first,
      merge: { ...again, into: 'dev' },
    });
  });

  it('brings its dependencies only if a person asks for that now', () => {
    const withAfter = { merge: { ...merge, withAfter: true, byForge: true } } as Partial<PlanContext>;
    expect(asks('askMerge', { before: withAfter }).merge).not.toHaveProperty('withAfter');
    expect(asks('askMerge', { before: withAfter }).merge).not.toHaveProperty('byForge');
    expect(asks('askMerge', { event: event('merge', { with_after: true }) }).merge).toMatchObject({ withAfter: true });
    expect(asks('askMerge', { event: event('merge', { with_after: false }) }).merge).not.toHaveProperty('withAfter');
    expect(asks('askMerge', { event: event('land', { with_after: true }) }).merge).not.toHaveProperty('withAfter');
  });

  it('gets into the line of its branch, or of the branch of its pull request', () => {
    expect(asks('findLine', { before: withMerge })).toMatchObject({
      asked: ['askLine'],
      count: 7,
      merge: { work: '#7', into: 'main' },
    });
    const forge = asks('findForgeLine', { before: withMerge });
    expect(forge).toMatchObject({ asked: ['askLine'], count: 7, merge: { work: '#7', into: null, byForge: true } });
    expect(changedBy('noteLine', { event: event('line_found', { into: 'dev' }) })).toEqual({
      merge: { ...noMerge, into: 'dev' },
    });
    expect(changedBy('noteLine', { before: withMerge, event: event('line_found', { into: 'dev' }) })).toEqual({
      merge: { ...merge, into: 'dev' },
    });
  });

  it('is noted with its commits, and a note if there is one', () => {
    const there = { head: 'new', into: 'main', tip: 'tip' };
    const noted = (more: object) => ({ merge: { ...noMerge, merged: { at: 9, ...there, ...more } }, at: 9 });
    expect(changedBy('noteMerged', { before: withMerge, event: event('plan_merged', there) })).toEqual(noted({}));
    expect(changedBy('noteMerged', { event: event('plan_merged', { ...there, note: 'late' }) })).toEqual(
      noted({ note: 'late' }),
    );
  });

  it('on the forge counts with the commit that the forge had', () => {
    const there = event('pr_merged', { head: 'new', into: 'main' });
    const noted = (tip: string) => ({
      merge: { ...noMerge, merged: { at: 9, head: 'new', into: 'main', tip } },
      at: 9,
    });
    expect(changedBy('noteMergedThere', { before: withPull(), event: there })).toEqual(noted('pushed'));
    expect(changedBy('noteMergedThere', { before: withPull({ request: null }), event: there })).toEqual(noted('head'));
    expect(changedBy('noteMergedThere', { event: there })).toEqual(noted('head'));
    expect(changedBy('noteMergedThere', { before: { head: null }, event: there })).toEqual({});
    expect(changedBy('noteMergedThere', { event: event('pr_merged', { head: null, into: 'main' }) })).toEqual({});
  });

  it('that is refused is noted with the reason', () => {
    const refusal = { why: 'conflict', into: 'dev', files: ['a'], detail: 'both' };
    const noted = (more: object) => ({ merge: { ...merge, work: null, refused: { at: 9, ...more } } });
    const of = (one: object) => changedBy('noteMergeRefused', { before: withMerge, event: one as never });
    expect(of(event('merge_refused', refusal))).toEqual(noted(refusal));
    expect(of(event('merge_refused', { ...refusal, head: 'new' }))).toEqual({ ...noted(refusal), head: 'new' });
    expect(of(event('merge_refused', { ...refusal, detail: long })).merge?.refused?.detail).toHaveLength(detailLimit);
    const failed = { why: 'git', into: 'main', files: [], detail: 'gone' };
    expect(of(event('effect_failed', { detail: 'gone', head: 'new' }))).toEqual(noted(failed));
    expect(of(event('effect_failed', { detail: long })).merge?.refused?.detail).toHaveLength(detailLimit);
    const first = changedBy('noteMergeRefused', { event: event('effect_failed', { detail: 'gone' }) });
    expect(first).toEqual({ merge: { ...noMerge, refused: { at: 9, ...failed, into: null } } });
  });

  it('that the forge does not take is noted', () => {
    const noted = { at: 9, why: 'pull', into: null, files: [], detail: 'red' };
    const step = { event: event('pr_merge_refused', { detail: 'red' }) };
    expect(changedBy('noteForgeObstacle', step)).toEqual({ merge: { ...noMerge, refused: noted } });
    expect(changedBy('noteForgeObstacle', { ...step, before: withMerge })).toEqual({
      merge: { ...merge, work: null, refused: noted },
    });
    const much = changedBy('noteForgeObstacle', { event: event('pr_merge_refused', { detail: long }) });
    expect(much.merge?.refused?.detail).toHaveLength(detailLimit);
  });

  it('notes the commit with which a fixer gets it, until a person retries', () => {
    const fixedFrom = 'f';
    expect(changedBy('noteFixedFrom', { before: { ...withMerge, head: fixedFrom } })).toEqual({
      merge: { ...merge, fixedFrom },
    });
    expect(changedBy('noteFixedFrom', { before: { head: fixedFrom } })).toEqual({ merge: { ...noMerge, fixedFrom } });
    expect(changedBy('noteFixedFrom', { before: { ...withMerge, head: null } })).toEqual({});
    const person = { origin: 'person' };
    for (const name of ['forgetMergeRefusal', 'nextMerge']) {
      const retried = (more: object) => changedBy(name, { before: withFixer, event: event('resolve', more) }).merge;
      expect(retried({ origin: 'engine' })).toMatchObject({ fixedFrom, refused: null });
      expect(retried(person)).not.toHaveProperty('fixedFrom');
    }
  });

  it('is forgotten in whole or in part', () => {
    expect(changedBy('forgetMerge', { before: withMerge })).toEqual({ merge: null });
    expect(changedBy('forgetMerged', { before: withMerge })).toEqual({ merge: { ...merge, merged: null } });
    expect(changedBy('forgetMergeRefusal', { before: withMerge })).toEqual({ merge: { ...merge, refused: null } });
    for (const name of ['forgetMerged', 'forgetMergeRefusal']) {
      expect(changedBy(name)).toEqual({});
      expect(changedBy(name, { before: { merge: null } })).toEqual({});
    }
  });
});

describe('why a plan that is done needs a person', () => {
  it.each<[string, Partial<PlanContext>]>([
    ['noteMergeStop', withMerge],
    ['noteMergeStop', {}],
    ['noteMergeStop', { merge: noMerge }],
    ['noteLandingStop', withMerge],
    ['noteLandingStop', {}],
    ['noteLandingStop', { merge: noMerge }],
    ['notePullStop', withPull()],
    ['notePullStop', {}],
    ['notePullStop', { pull: noPull }],
    ['notePushStop', withPull()],
    ['notePushStop', {}],
    ['notePushStop', { pull: noPull }],
    ['noteForgeMergeStop', withPull()],
    ['noteForgeMergeStop', {}],
    ['noteForgeMergeStop', { pull: noPull }],
    ['noteLandingStop', { ...withFixer, head: 'f' }],
    ['noteLandingStop', { ...withFixer, head: 'g' }],
  ])('%s (%#)', (name, before) => {
    expect(changedBy(name, { before }).stopCause).toMatchSnapshot();
  });

  it('is its forge, with what the forge says', () => {
    const asks = (before: Partial<PlanContext>, detail = 'who?') =>
      changedBy('notePullAsks', { before, event: event('pr_needs_person', { detail }) }).stopCause;
    expect(asks(withPull())).toEqual({ source: 'review', reason: 'https://forge.test/4 waits for a person: who?' });
    expect(asks({})?.reason).toBe('the pull request waits for a person: who?');
    expect(asks({ pull: noPull })?.reason).toBe('the pull request waits for a person: who?');
    expect(asks({}, long)?.reason).toHaveLength(detailLimit);
  });

  it('is over when it is tried again, if it was a failure', () => {
    const stopCause = { source: 'failed', reason: '' } as const;
    const failed = { blocked: { source: 'failed', reason: '', at: 1 }, stopCause } as Partial<PlanContext>;
    expect(changedBy('clearPullStop', { before: failed })).toEqual({ blocked: null, stopCause: null });
    const other = { blocked: { source: 'review', reason: '', at: 1 }, stopCause } as Partial<PlanContext>;
    expect(changedBy('clearPullStop', { before: other })).toEqual({});
    expect(changedBy('clearPullStop', { before: { stopCause } })).toEqual({});
  });
});

describe('a pull request', () => {
  const done = { status: 'done', runs: 1, reason: null, detail: '', run: 'x#1', commit: 'c1' } as const;
  const stacked = { ...ofPolicy({ pull_stack: 'wave' }), passed: 1, results: { 1: { 1: done, 2: done } } };
  const asks = (before: Partial<PlanContext>, isDone: boolean, type = 'resolve') => {
    const { asked, context } = afterAction('askPull', { before, event: event(type), holds: { isDone } });
    return { asked, count: context.count, pull: context.pull };
  };

  it('is asked for with a name of its own', () => {
    const again = { ...pull, work: '#7', refused: null };
    expect(asks({}, true)).toEqual({
      asked: ['askPlanPull'],
      count: 7,
      pull: { ...noPull, work: '#7', refused: null },
    });
    expect(asks(withPull(), true).pull).toEqual(again);
  });

  it('of a part has the number of parts, and the head only when the plan is done', () => {
    expect(asks(stacked, false).pull?.asked).toEqual({ parts: 1, head: null, byHand: false });
    expect(asks(stacked, true).pull?.asked).toEqual({ parts: 1, head: 'head', byHand: false });
    expect(asks(stacked, true, 'create_pr').pull?.asked).toEqual({ parts: 1, head: 'head', byHand: true });
  });

  const opened = { number: 5, url: 'https://forge.test/5', server: 'forge.test', head: 'new' };
  const noted = (before: Partial<PlanContext>, more: object = {}) =>
    changedBy('notePull', { before, event: event('pr_opened', { ...opened, ...more }) });
  it('is noted as it was opened', () => {
    const first = { ...opened, pass: 0, cycles: 0, failing: {} };
    expect(noted({})).toEqual({ pull: { ...noPull, request: first }, pullRequestUrl: opened.url });
    expect(noted(withPull())).toEqual({ pull: { ...pull, work: null, request: first }, pullRequestUrl: opened.url });
    const same = noted(withPull(), { url: request.url }).pull?.request;
    expect(same).toEqual({ ...first, url: request.url, cycles: 2, failing: { build: 'd1' } });
  });

  it('of a stack keeps its rounds within a pass', () => {
    const stack = [{ name: 'w1' }];
    expect(noted(withPull(), { stack, mode: 'task' }).pull?.request).toMatchObject({
      stack,
      stackMode: 'task',
      cycles: 2,
    });
    expect(noted({ ...withPull(), pass: 1 }, { stack }).pull?.request).toMatchObject({ cycles: 0, pass: 1 });
    expect(noted({}, { stack }).pull?.request).toMatchObject({ cycles: 0 });
    expect(noted(withPull()).pull?.request).not.toHaveProperty('stack');
    expect(noted(withPull(), { stack }).pull?.request).not.toHaveProperty('stackMode');
  });

  it('has the part that a fix is for until the plan is done again', () => {
    const asked = (head: string | null) => ({ fixes: 'w1', asked: { parts: 1, head, byHand: false } });
    expect(noted(withPull({ fixes: 'w1' })).pull?.fixes).toBe('w1');
    expect(noted(withPull(asked(null))).pull?.fixes).toBe('w1');
    expect(noted(withPull(asked('head'))).pull).not.toHaveProperty('fixes');
    expect(noted(withPull()).pull).not.toHaveProperty('fixes');
  });

  it('that has what people pushed is asked for with that head no more', () => {
    const asked = { parts: 1, head: 'old', byHand: false };
    expect(noted(withPull({ asked }), { taken: 'approved' }).pull?.asked).toEqual({ ...asked, head: 'new' });
    expect(noted(withPull({ asked })).pull?.asked).toEqual(asked);
    expect(noted(withPull(), { taken: 'approved' }).pull).not.toHaveProperty('asked');
    const taken = (before: Partial<PlanContext>) =>
      changedBy('noteTaken', { before, event: event('pr_opened', opened) });
    expect(taken({})).toEqual({ head: 'new', reviewedSha: 'new', verifiedSha: 'new' });
    expect(taken({ reviewedSha: null })).toEqual({ head: 'new', verifiedSha: 'new' });
    expect(taken({ verifiedSha: null })).toEqual({ head: 'new', reviewedSha: 'new' });
  });

  it('that could not be made is noted, unless the plan moved meanwhile', () => {
    const of = (one: object, before = withPull()) => changedBy('notePullRefused', { before, event: one as never }).pull;
    const because = { at: 9, detail: 'no' };
    expect(of(event('pr_failed', { detail: 'no' }))).toEqual({ ...pull, work: null, refused: because });
    expect(of(event('effect_failed', { detail: 'no', moved: true, stack: [] }))).toEqual({
      ...pull,
      work: null,
      refused: because,
    });
    expect(of(event('pr_merge_refused', { detail: long }))?.refused?.detail).toHaveLength(detailLimit);
    expect(of(event('pr_failed', { detail: 'no', moved: true }))).toEqual({ ...pull, work: null, refused: null });
    expect(of(event('pr_failed', { detail: 'no', stack: [] }))?.request).toEqual({ ...request, stack: [] });
    expect(of(event('pr_failed', { detail: 'no', stack: [] }), withPull({ request: null }))?.request).toBe(null);
    expect(of(event('pr_failed', { detail: 'no' }), {})).toEqual({ ...noPull, refused: because });
  });

  it('is forgotten in whole or in part', () => {
    const before = { ...withPull({ seen: ['a'] }), pullRequestUrl: request.url };
    expect(changedBy('forgetPull', { before })).toEqual({ pull: { ...noPull, seen: ['a'] }, pullRequestUrl: null });
    expect(changedBy('forgetRequest', { before })).toEqual({ pull: { ...pull, seen: ['a'], request: null } });
    expect(changedBy('forgetPullRefusal', { before })).toEqual({ pull: { ...pull, seen: ['a'], refused: null } });
    expect(changedBy('endPullWork', { before })).toEqual({ pull: { ...pull, seen: ['a'], work: null } });
    for (const name of ['forgetRequest', 'forgetPullRefusal', 'endPullWork'])
      expect(changedBy(name)).toEqual({ pull: noPull });
    expect(changedBy('forgetPull', { before: { pullRequestUrl: 'x' } })).toEqual({
      pull: noPull,
      pullRequestUrl: null,
    });
  });

  it('of a stack ends as the forge says', () => {
    const of = (before: Partial<PlanContext>, more: object) =>
      changedBy('noteStack', { before, event: event('pr_merged', more) });
    expect(of(withPull(), { stack: [] })).toEqual({ pull: { ...pull, request: { ...request, stack: [] } } });
    expect(of(withPull(), {})).toEqual({});
    expect(of(withPull({ request: null }), { stack: [] })).toEqual({});
    expect(of({}, { stack: [] })).toEqual({});
  });

  it('is merged by its forge on request, and not any more', () => {
    const ask = (one: object) => afterAction('askForgeMerge', { before: withPull(), event: one as never });
    expect(ask(event('pr_merge_wanted', { ready: true })).asked).toEqual([['askPullMerge', 'merge']]);
    expect(ask(event('pr_merge_wanted', { ready: false })).asked).toEqual([['askPullMerge', 'schedule']]);
    expect(ask(event('resolve', { ready: true })).asked).toEqual([['askPullMerge', 'schedule']]);
    expect(ask(event('resolve')).context).toMatchObject({ count: 7, pull: { work: '#7', refused: null } });
    const withdrawn = afterAction('withdrawMerge', { before: withPull() });
    expect(withdrawn).toMatchObject({ asked: ['askMergeWithdrawal'], context: { count: 7, pull: { work: null } } });
  });
});

describe('what reviewers on the forge say', () => {
  const asked = (more: object = {}) => event('pr_changes_requested', { ids: ['a', 'b'], ...more });
  it('is seen once, and counts as a round', () => {
    const step = { before: withPull({ seen: ['a'] }), event: asked() };
    expect(changedBy('noteSeen', step)).toEqual({
      pull: { ...pull, seen: ['a', 'b'], request: { ...request, cycles: 3, failing: {} } },
    });
    const failing = [
      { name: 'build', digest: 'd2' },
      { name: 'lint', digest: null },
    ];
    const known = changedBy('noteSeen', { before: withPull(), event: asked({ failing, layer: 'w1' }) }).pull;
    expect(known).toMatchObject({ fixes: 'w1', request: { failing: { build: 'd2' } } });
    expect(Object.keys(known?.request?.failing ?? {})).toEqual(['build']);
    expect(changedBy('noteSeen', { before: withPull(), event: asked() }).pull).not.toHaveProperty('fixes');
  });

  it('is only seen where it needs a person, or no request is known', () => {
    const person = event('pr_needs_person', { ids: ['a'] });
    expect(changedBy('noteSeen', { before: withPull(), event: person })).toEqual({ pull: { ...pull, seen: ['a'] } });
    expect(changedBy('noteSeen', { event: asked() })).toEqual({ pull: { ...noPull, seen: ['a', 'b'] } });
  });

  it('is remembered as the last thousand ids', () => {
    const seen = Array.from({ length: 1_000 }, (_, index) => `old${index}`);
    const now = changedBy('noteSeen', { before: withPull({ seen }), event: asked() }).pull?.seen;
    expect(now).toEqual([...seen.slice(2), 'a', 'b']);
  });

  it('and starts no work is kept, each once and not in whole length, the newest twenty', () => {
    const remark = (id: string, text = 'nice') => ({ id, author: 'bob', text, url: 'u' });
    const of = (before: Partial<PlanContext>, ...remarks: object[]) =>
      changedBy('noteRemarks', { before, event: event('pr_remarked', { remarks }) }).pull;
    expect(of({}, remark('a'))).toEqual({ ...noPull, seen: ['a'], remarks: [remark('a')] });
    expect(of(withPull({ seen: ['a'] }), remark('a'), remark('b'))).toEqual({
      ...pull,
      seen: ['a', 'b'],
      remarks: [remark('b')],
    });
    expect(of({}, remark('a', 'y'.repeat(600)))?.remarks[0]?.text).toHaveLength(500);
    const remarks = Array.from({ length: 20 }, (_, index) => remark(`old${index}`));
    expect(of(withPull({ remarks }), remark('a'))?.remarks).toEqual([...remarks.slice(1), remark('a')]);
  });
});
