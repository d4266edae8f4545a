/** What a plan's root remembers of each event: one action alone, over what it knew before. */
import { describe, expect, it } from 'vitest';
import { acceptedLimit, type PlanContext, type Question } from '../../machines/plan/context.ts';
import {
  type allowances,
  type memory,
  type needs,
  overrideReason,
  titleOf,
  withDocument,
} from '../../machines/plan/memory.ts';
import type { TaskResult } from '../../machines/vocabulary/family.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';
import { afterAction, changedBy, document, ofPolicy, planWith, type Step } from '../support/one-action.ts';

const feedbackLimit = 32_768;
const reasonLimit = 8_192;

const { fixer } = defaultPolicy.roles;
type Act = keyof typeof memory | keyof typeof needs | keyof typeof allowances;
const remembered = (name: Act, step: Step) => afterAction(name, step).context;
const changes = (name: Act, step: Step = {}) => changedBy(name, step);

const done = (commit?: string): TaskResult => ({
  ...{ status: 'done', runs: 1, reason: null, detail: '', run: 'x#1' },
  ...(commit === undefined ? {} : { commit }),
});
const long = (length: number) => 'y'.repeat(length + 10);
const session = { session: { folder: '/s' } };
/** The end of a child. */
const end = (output: object, actorId = 'x'): Step['event'] => ({
  type: `xstate.done.actor.${actorId}`,
  actorId,
  output: { at: 9, outcome: 'failed', ...output },
});
const children = (role: string, more: Partial<PlanContext> = {}) => ({ liveChildren: { x: role } as never, ...more });

describe('the title of a child', () => {
  it.each<[string, Partial<PlanContext>, string]>([
    ['is its id where it is not known', {}, 'x'],
    ['is its id for a wave', children('wave'), 'x'],
    ['has the round of a reviewer', children('reviewer'), 'hello-review-3'],
    ['has the round of a fixer', children('fixer'), 'hello-fix-4'],
    ['has the round of a verifier', children('verifier'), 'hello-verify-5'],
    ['has no round of a planner', children('planner'), 'hello-plan'],
    ['has no round of a coder', children('coder'), 'hello-coder'],
    ['is that of the session for its coder', children('coder', session), 'hello-session'],
    ['is its own for the reviewer of a session', children('reviewer', session), 'hello-review-3'],
  ])('%s', (_, context, expected) => {
    expect(titleOf(planWith(context), 'x')).toBe(expected);
  });
});

describe('a failed child', () => {
  const run = { reason: 'exit-code', run: 'x#2', runs: 2, detail: 'exit code 3' };
  const stop = (output: object, role = 'coder') =>
    changes('noteFailure', { before: children(role), event: end(output) }) as Partial<PlanContext>;

  it('blocks with the agent, its runs, why, where its log is, and its last words', () => {
    expect(stop(run)).toMatchInlineSnapshot(`
      {
        "failed": {
          "detail": "exit code 3",
          "reason": "exit-code",
          "role": "coder",
          "run": "x#2",
        },
        "stopCause": {
          "reason": "hello-coder: 2 runs, the last one: ended with an error (its log: stator agent logs hello-coder)
      exit code 3",
          "source": "failed",
        },
      }
    `);
    expect(stop({ ...run, runs: 1, detail: '' })).toMatchInlineSnapshot(`
      {
        "failed": {
          "detail": "",
          "reason": "exit-code",
          "role": "coder",
          "run": "x#2",
        },
        "stopCause": {
          "reason": "hello-coder: 1 run, the last one: ended with an error (its log: stator agent logs hello-coder)",
          "source": "failed",
        },
      }
    `);
    expect(stop({ ...run, runs: 0, run: null, reason: null })).toMatchInlineSnapshot(`
      {
        "failed": null,
        "stopCause": {
          "reason": "hello-coder: it never ran: failed (its log: stator agent logs hello-coder)
      exit code 3",
          "source": "failed",
        },
      }
    `);
  });

  it('has a source of its own if it gave no verdict', () => {
    expect(stop({ ...run, reason: 'no-verdict' })).toMatchObject({ stopCause: { source: 'no_verdict' } });
  });

  it('blocks with few words where it reports no reason', () => {
    const stopCause = { source: 'failed', reason: 'the agent failed' };
    expect(changes('noteFailure', { event: end({}) })).toEqual({ stopCause, failed: null });
    expect(changes('noteFailure', { event: { type: 'resolve' } })).toEqual({ stopCause, failed: null });
  });

  it('hands its last run on only if it is known, and has run, for a reason', () => {
    expect(stop(run).failed).toEqual({ role: 'coder', run: 'x#2', reason: 'exit-code', detail: 'exit code 3' });
    expect(stop({ ...run, run: null }).failed).toBe(null);
    expect(stop({ ...run, reason: null }).failed).toBe(null);
    expect(changes('noteFailure', { event: end(run) }).failed).toBe(null);
  });

  it('has a reason of a limited length', () => {
    const { stopCause } = changes('noteFailure', {
      before: children('coder'),
      event: end({ ...run, detail: long(reasonLimit) }),
    });
    expect(stopCause?.reason).toHaveLength(reasonLimit);
  });
});

describe('why changes that are asked for start no fixer', () => {
  const request = {
    pull: { request: { url: 'https://forge.test/4', cycles: 2, failing: { build: 'd1', lint: 'd2' } } } as never,
  };
  const asked = { type: 'pr_changes_requested', ids: ['1', '2'] };
  const build = { id: '1', name: 'build', digest: 'd1' };
  const lint = { id: '2', name: 'lint', digest: 'd2' };
  const reason = (name: Act, step: Step) => changes(name, step).stopCause?.reason;

  it('is the limit of rounds', () => {
    const two = ofPolicy({ max_review_fix_cycles: 2 });
    const step = { before: { ...two, ...request }, event: asked };
    expect(changes('noteCycleLimit', step).stopCause?.source).toBe('cycle_limit');
    expect(reason('noteCycleLimit', step)).toMatchInlineSnapshot(`
      "reviewers or checks of https://forge.test/4 asked for changes 3 times and 2 fix rounds are allowed; the last feedback:
      earlier"
    `);
    expect(
      reason('noteCycleLimit', { before: { ...ofPolicy({ max_review_fix_cycles: 1 }), ...request } }),
    ).toMatchInlineSnapshot(`
      "changes were asked for 2 times and 1 fix round is allowed; the last feedback:
      earlier"
    `);
    expect(reason('noteCycleLimit', { before: { ...two, feedback: ' \n' }, event: asked })).toMatchInlineSnapshot(
      `"changes were asked for 2 times and 2 fix rounds are allowed; the last one gave no feedback"`,
    );
    expect(reason('noteCycleLimit', { before: { ...two, feedback: null } })).toMatch(
      /; the last one gave no feedback$/,
    );
    expect(reason('noteCycleLimit', { before: { ...two, feedback: '  no \n' } })).toMatch(/; the last feedback:\nno$/);
    expect(reason('noteCycleLimit', { before: { ...two, feedback: long(reasonLimit) } })).toHaveLength(reasonLimit);
  });

  it('is the same failure as before', () => {
    const one = { before: request, event: { ...asked, failing: [build] } };
    expect(changes('noteSameFailure', one).stopCause?.source).toBe('cycle_limit');
    expect(reason('noteSameFailure', one)).toMatchInlineSnapshot(
      `
      "the check build fails as before the last fix round, with the same log, so no agent is started again; the last feedback:
      earlier"
    `,
    );
    expect(reason('noteSameFailure', { ...one, event: { ...asked, failing: [build, lint] } })).toMatch(
      /^the checks build, lint fail as before the last fix round/,
    );
    const words = { before: { ...request, feedback: long(reasonLimit) }, event: one.event };
    expect(reason('noteSameFailure', words)).toHaveLength(reasonLimit);
  });

  it.each<[string, Partial<PlanContext>, string]>([
    [
      'a session',
      session,
      'its agent does not go on by itself (auto_review_fix is off, or its preset is sh):\nearlier',
    ],
    [
      'no fixer',
      ofPolicy({ roles: { ...defaultPolicy.roles, fixer: { ...fixer, on: false } } }),
      'no fixer is on:\nearlier',
    ],
    [
      'a fixer',
      { ...ofPolicy({ roles: { ...defaultPolicy.roles, fixer: { ...fixer, on: true } } }), feedback: null },
      'auto_review_fix is off:\n',
    ],
  ])('is that it is off, with %s', (_, before, expected) => {
    expect(changes('noteReviewStop', { before }).stopCause).toEqual({
      source: 'review',
      reason: `changes are asked for and ${expected}`,
    });
    expect(reason('noteReviewStop', { before: { ...before, feedback: long(reasonLimit) } })).toHaveLength(reasonLimit);
  });
});

describe('what an effect reports', () => {
  const stop = (source: string, reason: string) => ({ stopCause: { source, reason } });
  const failed = { type: 'effect_failed', detail: 'git is gone' };
  it.each<[Act, Step, unknown]>([
    [
      'noteArchiveFailure',
      { event: failed },
      { work: null, ...stop('failed', 'the old branch could not be archived: git is gone') },
    ],
    ['noteBaseFailure', { event: failed }, stop('failed', 'its branch could not be brought to its base: git is gone')],
    ['noteBaseConflict', { event: { type: 'base_conflicted', detail: 'a.txt' } }, stop('conflict', 'a.txt')],
    [
      'noteOverride',
      { event: { type: 'set_status', status: 'done' } },
      stop('override', 'the status was set to done by hand'),
    ],
    [
      'noteLost',
      { event: { type: 'work_lost', detail: 'gone', work: ['w'] } },
      { lost: ['w'], at: 9, ...stop('lost_work', 'gone') },
    ],
    ['noteFound', { before: { lost: ['w'] as never }, event: { type: 'work_found' } }, { lost: [], wholeAt: 9 }],
    ['noteFound', { before: { lost: ['w'] as never }, event: { type: 'cancel' } }, { lost: [] }],
    [
      'noteArchived',
      { before: { archivePending: true }, event: { type: 'branch_archived', head: 'new' } },
      { archivePending: false, work: null, head: 'new' },
    ],
    ['setHead', { event: { type: 'verification_stale', head: 'new' } }, { head: 'new' }],
    ['dropWork', {}, { work: null }],
    ['dropTimer', {}, { timer: null }],
    ['nextWork', {}, { count: 7, work: '#7' }],
    ['nextId', {}, { count: 7 }],
    ['nextRequest', {}, { count: 7, request: 7 }],
    ['setCleanup', { before: ofPolicy({ cleanup_age_ms: 100 }) }, { count: 7, timer: '#7', dueAt: 109 }],
    ['setGranted', {}, { granted: true }],
    ['setElaborated', { before: { elaborated: false } }, { elaborated: true }],
    ['noteTime', {}, { at: 9 }],
    ['passWave', {}, { passed: 1 }],
    ['stamp', { params: 'done' }, { timestamps: { done: 9 }, at: 9 }],
    ['stamp', { params: 'done', event: { type: 'set_status' } }, { at: 9 }],
    ['setPolicy', { event: { type: 'policy', policy: 'new' } }, { policy: 'new' }],
    ['forgetApproval', {}, { reviewedSha: null, verifiedSha: null }],
    ['noteAccepted', {}, { reviewedSha: 'head' }],
    ['noteReviewed', { event: { type: 'review_approved' } }, { reviewedSha: 'head' }],
    ['noteReviewed', { event: { type: 'review_approved', reviewed_sha: 'that' } }, { reviewedSha: 'that' }],
    ['noteVerified', { event: { type: 'verify_approved' } }, { verifiedSha: 'head' }],
    ['noteVerified', { event: { type: 'verify_approved', reviewed_sha: 'that' } }, { verifiedSha: 'that' }],
  ])('%s (%#)', (name, step, expected) => {
    expect(changes(name, step)).toEqual(expected);
  });

  it('is cut where it is too long for a reason', () => {
    const cut = (name: Act, type: string) =>
      expect(changes(name, { event: { type, detail: long(reasonLimit), work: [] } }).stopCause?.reason).toHaveLength(
        reasonLimit,
      );
    cut('noteBaseConflict', 'base_conflicted');
    cut('noteBaseFailure', 'effect_failed');
    cut('noteLost', 'work_lost');
  });

  it('is another status by hand, whichever event it came with', () => {
    expect(overrideReason({ type: 'mark_done' } as never)).toBe('the status was set to this one by hand');
  });
});

describe('lines that a verifier changed itself', () => {
  const moved = (more: object) => ({ type: 'head_moved', head: 'new', ...more });
  it('are counted under the commit before them, as work of its own', () => {
    const event = moved({ since: 'head', lines: 3 });
    const work = (title: string) => ({
      ...{ head: 'new', ownWork: [{ title, run: null, commit: 'new' }], selfFix: { old: 1, head: 3 } },
    });
    expect(changes('noteHead', { event })).toEqual(work('the verifier'));
    expect(changes('noteHead', { event, before: children('verifier', { activeChildId: 'x' }) })).toEqual(
      work('hello-verify-5'),
    );
    expect(changes('noteHead', { event, before: { reviewedSha: 'head' } })).toMatchObject({ reviewedSha: 'new' });
  });

  it('do not exist if only the head moved', () => {
    expect(changes('noteHead', { event: moved({}) })).toEqual({ head: 'new' });
    expect(changes('noteHead', { event: moved({ since: 'head' }) })).toEqual({ head: 'new' });
    expect(changes('noteHead', { event: moved({ lines: 3 }) })).toEqual({ head: 'new' });
  });
});

describe('another document', () => {
  const content = `${document.replace('shop', 'store')}\n### Task 2: d\n`;
  const update = (origin: string, text = content): Step['event'] => ({ type: 'plan_updated', content: text, origin });
  const of = (text: string, more: Partial<PlanContext>, isAgents: boolean) =>
    withDocument(planWith(more), { content: text, isAgents });
  const head = (line: string) => document.replace('# Plan\n', `# Plan\n\n${line}\n`);

  it('brings its tasks and its topic, and leaves the results of those that it keeps', () => {
    const before = { results: { 1: { 1: done('c1') } } };
    const now = remembered('setDocument', { before, event: update('person') });
    expect(now.waves.map(({ tasks }) => tasks.length)).toEqual([2, 2]);
    expect(now).toMatchObject({ topic: 'store', results: before.results });
    expect(of(document.replace('**Topic:** shop\n\n', ''), { topic: 'kept' }, false).topic).toBe('kept');
  });

  it('of a person has a budget and a host of its own', () => {
    const text = head('**Budget:** 5 usd\n**Host:** far');
    expect(of(text, { budget: { usd: 2 }, host: 'near' }, false)).toMatchObject({ budget: { usd: 5 }, host: 'far' });
    expect(of(document, { budget: { usd: 2 } }, false).budget).toBe(null);
  });

  it('of an agent allows no more than the earlier one, and chooses no host', () => {
    const text = head('**Budget:** 5 usd\n**Host:** far');
    expect(of(text, { budget: { usd: 2 }, host: 'near' }, true)).toMatchObject({ budget: { usd: 2 }, host: 'near' });
    expect(of(text, { budget: null }, true).budget).toEqual({ usd: 5 });
    expect(of(document, { budget: { usd: 2 } }, true).budget).toEqual({ usd: 2 });
    const origin = (from: string) =>
      remembered('setDocument', { before: { budget: { usd: 2 } }, event: update(from, text) }).budget;
    expect(origin('agent:hello-plan#1')).toEqual({ usd: 2 });
    expect(origin('person')).toEqual({ usd: 5 });
  });
});

describe('what children did', () => {
  const ended = { runs: 2, run: 'x#2', commit: 'c9' };
  it('is work of the plan’s own', () => {
    const ownWork = [{ title: 'hello-fix-4', run: 'x#2', commit: 'c9' }];
    expect(changes('recordWork', { before: children('fixer'), event: end(ended) })).toEqual({ ownWork });
    expect(changes('recordWork', { before: children('fixer'), event: end({ ...ended, commit: null }) })).toEqual({});
    expect(changes('recordWork', { before: children('fixer'), event: end({ runs: 2, run: 'x#2' }) })).toEqual({});
    expect(changes('recordWork', { before: children('coder'), event: end({ commit: 'c9' }) })).toEqual({});
  });

  it('is each task, where one coder works on the whole plan', () => {
    const result = { status: 'done', runs: 2, run: 'x#2', detail: '', reason: null };
    expect(changes('recordWork', { before: children('coder'), event: end({ runs: 2, run: 'x#2' }) })).toEqual({
      ...{ results: { 1: { 1: result, 2: result }, 2: { 1: result } }, wave: 2 },
    });
    expect(
      changes('recordWork', { before: children('coder', { waves: [] }), event: end({ runs: 2, run: 'x#2' }) }),
    ).toEqual({ wave: 0 });
  });

  it('is gone when the plan starts over', () => {
    const before = { ownWork: ['w'] as never, lost: ['w'] as never, results: { 1: { 1: done() } } };
    const anew = {
      wave: 0,
      wantedWave: null,
      results: {},
      ownWork: [],
      lost: [],
      reviewCycle: 0,
      feedback: null,
      elaborated: false,
    };
    expect(changes('beginAnew', { before })).toEqual({ ...anew, pass: 1, archivePending: true, head: null });
  });

  it('is done before a wave that a person wants', () => {
    const over = { status: 'done', runs: 0, run: null, detail: 'passed over', reason: null };
    const event = { type: 'implement_wave', wave_number: 2 };
    const before = { results: { 1: { 1: done('c1'), 2: { ...done(), status: 'failed' as const } } } };
    expect(changes('wantWave', { before, event })).toEqual({
      ...{ wantedWave: 2, passed: 1, results: { 1: { 1: done('c1'), 2: over } } },
    });
    expect(changes('wantWave', { event: { ...event, wave_number: 1 }, before: { wantedWave: 2 } })).toEqual({
      wantedWave: 1,
    });
  });

  it('of a wave that failed is kept', () => {
    const failure = { type: 'wave_failed', id: 'wave-2.1', results: { 1: done('c3') } };
    const results = { 2: { 1: done('c3') } };
    expect(changes('noteWaveFailed', { event: { ...failure, head: null } })).toEqual({ results, at: 9 });
    expect(changes('noteWaveFailed', { event: { ...failure, head: 'new' } })).toEqual({ results, head: 'new', at: 9 });
  });

  it('that is lost is checked no more once a person takes the loss', () => {
    const lost = [{ title: 'a', run: 'x#1', commit: 'c1' }];
    const before = { lost, results: { 1: { 1: done('c1') } } };
    const taken = changes('acceptLoss', { before, event: { type: 'resolve', accept: true } });
    expect(taken).toMatchObject({ lost: [], wholeAt: 9 });
    expect(JSON.stringify(taken.results)).not.toContain('c1');
    expect(changes('acceptLoss', { before, event: { type: 'resolve' } })).toEqual({});
    expect(changes('acceptLoss', { before, event: { type: 'resolve', accept: false } })).toEqual({});
    const nothing = changes('acceptLoss', { before: { ownWork: lost }, event: { type: 'resolve', accept: true } });
    expect(nothing).toEqual({ lost: [], wholeAt: 9 });
  });
});

describe('feedback', () => {
  const event = (body?: unknown) => ({ type: 'review_changes_requested', ...(body === undefined ? {} : { body }) });
  it('is that of the last review, in a new round', () => {
    expect(changes('noteFeedback', { event: event('no') })).toEqual({ feedback: 'no', reviewCycle: 3 });
    expect(changes('noteFeedback', { event: event() })).toEqual({ feedback: '', reviewCycle: 3 });
    expect(changes('noteFeedback', { event: event(7) })).toEqual({ feedback: '', reviewCycle: 3 });
    expect(changes('noteFeedback', { event: event(long(feedbackLimit)) }).feedback).toHaveLength(feedbackLimit);
  });

  it('has a person’s message after it', () => {
    expect(changes('noteAdvice', { event: event(' go ') })).toEqual({ feedback: 'earlier\n\nA person says: go' });
    expect(changes('noteAdvice', { event: event('go'), before: { feedback: null } })).toEqual({
      feedback: 'A person says: go',
    });
    expect(changes('noteAdvice', { event: event(' ') })).toEqual({});
    expect(changes('noteAdvice', { event: event() })).toEqual({});
    const { feedback } = changes('noteAdvice', { event: event('go'), before: { feedback: long(feedbackLimit) } });
    expect(feedback).toHaveLength(feedbackLimit);
    expect(feedback).toMatch(/y\n\nA person says: go$/);
    expect(changes('noteAdvice', { event: event(long(feedbackLimit)) }).feedback).toMatch(/^A person says: y+$/);
  });

  it('is what could not be merged while a fixer brings the plan to its base, and then the earlier again', () => {
    const conflict = (more: object) => ({ type: 'base_conflicted', detail: 'a.txt', ...more });
    const once = changes('noteMend', { event: conflict({ body: 'take both' }) });
    const from = 'head';
    expect(once).toEqual({ feedback: 'take both', fresh: { at: 1, mends: 1, before: 'earlier', from } });
    const unmended = { ...once, fresh: { at: 1, mends: 0, before: null } };
    expect(changes('noteMend', { before: unmended, event: conflict({}) }).fresh).toMatchObject({ before: 'take both' });
    const twice = changes('noteMend', { before: once, event: conflict({}) });
    expect(twice).toEqual({ feedback: 'a.txt', fresh: { at: 1, mends: 2, before: 'earlier', from } });
    expect(changes('noteMend', { event: conflict({ body: long(feedbackLimit) }) }).feedback).toHaveLength(
      feedbackLimit,
    );

    // A fixer that changed nothing is not started again, unless a person retries.
    expect(changes('forgetMend', { before: twice })).toEqual({ fresh: { at: 1, mends: 2, before: 'earlier' } });
    expect(changes('forgetMend', { before: {} })).toEqual({});
    const headless = changes('noteMend', { before: { ...once, head: null }, event: conflict({}) });
    expect(headless.fresh).toEqual({ at: 1, mends: 2, before: 'earlier' });
    const stopped = changes('noteBaseConflict', { before: twice, event: conflict({}) });
    expect(stopped.stopCause).toEqual({ source: 'conflict', reason: 'its fixer changed nothing: a.txt' });

    const based = { type: 'branch_based', head: 'new' };
    const fresh = { at: 9, mends: 0, before: null };
    expect(changes('noteBase', { before: { ...once }, event: based })).toEqual({
      head: 'new',
      feedback: 'earlier',
      fresh,
    });
    expect(changes('leaveBase', { before: { ...once } })).toEqual({ feedback: 'earlier', fresh });
    expect(changes('leaveBase', { before: { fresh: { at: 1, mends: 0, before: 'x' } } })).toEqual({ fresh });
    expect(changes('leaveBase')).toEqual({ fresh });
  });
});

describe('whether it is carried out once it is planned', () => {
  const start = (origin: string, more: object = {}) => ({ type: 'plan_start', origin, ...more });
  it.each<[string, Step, boolean | null]>([
    ['is said by a person', { event: start('person', { advance: true }) }, true],
    ['is not said by a person who says nothing', { event: start('person') }, null],
    ['is not said by a person who leaves it open', { event: start('person', { advance: undefined }) }, null],
    ['stays as it was with an agent', { event: start('agent:x#1', { advance: true }) }, false],
  ])('%s', (_, step, expected) => {
    expect(remembered('setAdvance', step).advance).toBe(expected);
  });
});

describe('a block', () => {
  const block = (source: string, reason = 'new') => ({ type: 'block', source, reason });
  const blockedBy = (source: string, reason = 'old'): Partial<PlanContext> => ({
    blocked: { source, reason, at: 5 } as never,
  });
  const question: Question = { number: 1, title: 't', childId: 'x', run: 'x#1', question: 'q', at: 1 };
  it.each<[string, Step, unknown]>([
    ['has its time', { event: block('failed') }, { source: 'failed', reason: 'new', at: 9 }],
    [
      'comes after the reason before it',
      { before: blockedBy('failed'), event: block('merge') },
      { source: 'merge', reason: 'old\n\nnew', at: 5 },
    ],
    [
      'comes once with the same reason',
      { before: blockedBy('failed'), event: block('failed', 'old') },
      { source: 'failed', reason: 'old', at: 9 },
    ],
    [
      'by hand ends what was open',
      { before: blockedBy('failed'), event: block('override') },
      { source: 'override', reason: 'new', at: 9 },
    ],
    [
      'replaces one by hand',
      { before: blockedBy('override'), event: block('failed') },
      { source: 'failed', reason: 'new', at: 9 },
    ],
    [
      'stays with other events',
      { before: blockedBy('failed'), event: { type: 'cancel' } },
      { source: 'failed', reason: 'old', at: 5 },
    ],
  ])('%s', (_, step, expected) => {
    expect(remembered('noteBlock', step).blocked).toEqual(expected);
  });

  it('of a budget has its use', () => {
    const use = { scope: 'plan', measure: 'usd', limit: 5, spent: 6, title: 'hello' };
    const { blocked } = changes('noteBlock', { event: { type: 'budget_reached', ...use } });
    expect(blocked).toMatchObject({ source: 'budget', at: 9, budget: use });
    expect(blocked?.reason).not.toBe('');
  });

  it('has a reason of a limited length', () => {
    expect(remembered('noteBlock', { event: block('failed', long(reasonLimit)) }).blocked?.reason).toHaveLength(
      reasonLimit,
    );
  });

  it('by hand ends the open questions and the lost work, another one does not', () => {
    const open = { questions: [question], lost: ['w'] as never };
    expect(remembered('noteBlock', { before: open, event: block('override') })).toMatchObject({
      questions: [],
      lost: [],
    });
    expect(remembered('noteBlock', { before: open, event: block('failed') })).toMatchObject(open);
    const status = { type: 'set_status', source: 'override' };
    expect(remembered('noteBlock', { before: open, event: status })).toMatchObject(open);
  });

  it('ends with its cause and the questions of people; an agent’s stays', () => {
    const hand: Question = { ...question, number: 2, run: null, title: null, childId: null };
    const all = {
      ...blockedBy('failed'),
      stopCause: { source: 'failed', reason: '' } as const,
      questions: [question, hand],
    };
    expect(changes('clearBlock', { before: all })).toEqual({ blocked: null, stopCause: null, questions: [question] });
    expect(changes('clearMerged', { before: all })).toEqual({ blocked: null, stopCause: null });
    expect(changes('clearMerged', { before: { ...all, ...blockedBy('fault') } })).toEqual({});
  });
});

describe('questions', () => {
  const asked = { type: 'child_asked', title: 't', id: 'x', run: 'x#1', question: 'which?' };
  const question: Question = { number: 5, title: 't', childId: 'x', run: 'x#1', question: 'which?', at: 9 };
  it('of an agent have its name, and what a yes accepts', () => {
    expect(changes('noteQuestion', { event: asked })).toEqual({ questions: [question], questionCount: 5 });
    const accepts = ['host:a'];
    expect(changes('noteQuestion', { event: { ...asked, accepts } }).questions).toEqual([{ ...question, accepts }]);
    expect(changes('noteQuestion', { event: asked }).questions?.[0]).not.toHaveProperty('accepts');
    expect(
      changes('noteQuestion', { event: { ...asked, question: long(reasonLimit) } }).questions?.[0]?.question,
    ).toHaveLength(reasonLimit);
  });

  it('of a person are nobody’s, after those that are open', () => {
    const hand = { number: 5, title: null, childId: null, run: null, question: 'why', at: 9 };
    const event = { type: 'needs_decision', reason: 'why' };
    expect(changes('noteQuestion', { before: { questions: [question] }, event }).questions).toEqual([question, hand]);
    expect(
      changes('noteQuestion', { event: { ...event, reason: long(reasonLimit) } }).questions?.[0]?.question,
    ).toHaveLength(reasonLimit);
  });

  it('go with their answer, or withdrawn; a yes accepts', () => {
    const second: Question = { ...question, number: 6, run: 'y#1', accepts: ['b', 'c'] };
    const before = { questions: [question, second], accepted: ['a', 'b'] };
    const answer = (questions: number[], body = 'yes') => ({ type: 'answer', questions, body });
    expect(changes('noteAnswers', { before, event: answer([6]) })).toEqual({
      questions: [question],
      accepted: ['a', 'b', 'c'],
    });
    expect(changes('noteAnswers', { before, event: answer([6], 'no') })).toEqual({ questions: [question] });
    expect(changes('noteAnswers', { before, event: answer([5]) })).toEqual({ questions: [second] });
    const { accepted: _, ...first } = before;
    expect(changes('noteAnswers', { before: first, event: answer([5]) })).toEqual({ questions: [second] });
    expect(changes('noteAnswers', { before: first, event: answer([6]) }).accepted).toEqual(['b', 'c']);
    expect(changes('dropQuestion', { before, event: { type: 'question_withdrawn', run: 'x#1' } })).toEqual({
      questions: [second],
    });
  });

  it('accept a limited number of things: the newest stay', () => {
    const accepted = Array.from({ length: acceptedLimit }, (_, index) => `old${index}`);
    const before = { accepted, questions: [{ ...question, accepts: ['new'] }] };
    const now = changes('noteAnswers', { before, event: { type: 'answer', questions: [5], body: 'yes' } }).accepted;
    expect(now).toEqual([...accepted.slice(1), 'new']);
  });
});

describe('what a person allows beyond a budget', () => {
  const raise = (more: object) => ({ type: 'raise_budget', scope: 'plan', ...more });
  it('is added to the earlier allowance, without the amounts that nobody named', () => {
    const first = changes('noteRaise', { event: raise({ usd: 5, tokens: undefined }) });
    expect(first).toMatchObject({ raised: { plan: { usd: 5 } }, at: 9 });
    expect(first.raised?.plan).not.toHaveProperty('tokens');
    const second = changes('noteRaise', { before: first, event: raise({ tokens: 7 }) });
    expect(second.raised?.plan).toEqual({ usd: 5, tokens: 7 });
    expect(second.raised?.on ?? null).toBe(null);
  });

  it('holds for its day, and not for the next', () => {
    const day = (on: string, more: object) => raise({ scope: 'day', day: on, ...more });
    const first = changes('noteRaise', { event: day('2030-01-01', { usd: 5 }) });
    expect(first.raised).toMatchObject({ day: { usd: 5 }, on: '2030-01-01' });
    const same = changes('noteRaise', { before: first, event: day('2030-01-01', { tokens: 7 }) });
    expect(same.raised?.day).toEqual({ usd: 5, tokens: 7 });
    const next = changes('noteRaise', { before: first, event: day('2030-01-02', { tokens: 7 }) });
    expect(next.raised).toMatchObject({ day: { tokens: 7 }, on: '2030-01-02' });
    expect(next.raised?.day).not.toHaveProperty('usd');
    expect(changes('noteRaise', { before: first, event: raise({ usd: 1 }) }).raised).toMatchObject({
      day: { usd: 5 },
      on: '2030-01-01',
    });
  });
});
