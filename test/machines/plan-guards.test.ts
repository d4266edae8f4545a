/** The conditions of a plan's transitions, each with situations in which it holds and in which it does not: only the conditions, without the chart. */
import { describe, expect, it } from 'vitest';
import { documentFacts, type PlanContext } from '../../machines/plan/context.ts';
import type { PlanEvent } from '../../machines/plan/events.ts';
import { notOpenText, planGuards, selfFixText, staleApprovalText } from '../../machines/plan/guards.ts';
import { defaultPolicy, type Policy } from '../../machines/vocabulary/policy.ts';

/** A part of a plan, and the event that comes. */
interface Situation {
  readonly plan?: Partial<PlanContext>;
  readonly policy?: Partial<Policy>;
  /** `type`, and what else it must have. It is of a person if it says nothing else. */
  readonly event?: { readonly type: string } & Record<string, unknown>;
  readonly with?: string;
}

const document = '# Plan\n\n## Wave 1\n\n### Task 1: a\n\n### Task 2: b\n\n## Wave 2\n\n### Task 1: c\n';
const { reviewer, fixer, session, planner, architect, verifier } = defaultPolicy.roles;

function holds(guard: keyof typeof planGuards, { plan = {}, policy = {}, event, with: param }: Situation): boolean {
  const context = {
    ...documentFacts(document),
    ...{
      plan: 'hello',
      branch: 'plan/hello',
      policy: { ...defaultPolicy, ...policy },
      liveChildren: {},
      activeChildId: null,
    },
    ...{
      granted: true,
      request: 3,
      elaborated: false,
      wave: 0,
      wantedWave: null,
      passed: 0,
      results: {},
      reviewCycle: 0,
    },
    ...{ blocked: null, questions: [], questionCount: 0, words: [], wordCount: 0, head: 'head', reviewedSha: null },
    ...{
      verifiedSha: null,
      pass: 0,
      archivePending: false,
      work: null,
      advance: null,
      pullRequestUrl: null,
      timestamps: {},
    },
    ...{ at: 1_000, rounds: { reviewer: 0, fixer: 0, verifier: 0 }, feedback: null },
    ...plan,
  } as unknown as PlanContext; // all that the conditions read
  const sent = { at: 1_000, origin: 'person', run: null, ...(event ?? { type: 'resolve' }) } as unknown as PlanEvent;
  const asked = planGuards[guard] as (args: object, param?: string) => boolean; // the others are conditions over states
  return asked({ context, event: sent }, param);
}

const done = { status: 'done', runs: 1, reason: null, detail: '', run: 'x#1' } as const;
const merged = { merged: { tip: 'head', into: 'main' } } as never;
const request = (more: object = {}) =>
  ({ request: { number: 1, head: 'head', pass: 0, ...more }, seen: ['a'], work: 'w#1' }) as never;
const one = { 'wave-1.1': 'wave' } as const;
const judged = { verdict: 'review_changes_requested', head: 'head' };
const blockedBy = (scope: 'plan' | 'attempt') => {
  const budget = { scope, measure: 'usd', limit: 5, spent: 6, title: null } as const;
  return { blocked: { reason: '', source: 'budget', at: 1, budget } } as const;
};
const end = (outcome: string, actorId = 'x') => ({
  type: `xstate.done.actor.${actorId}`,
  actorId,
  output: { at: 5, outcome },
});

/** Situations by condition: where it holds, and where it does not. */
const table: Record<string, { readonly yes: readonly Situation[]; readonly no: readonly Situation[] }> = {
  mayMerge: {
    yes: [
      {},
      { plan: { merge: { merged: { tip: 'older', into: 'main' } } as never } },
      { plan: { merge: merged }, event: { type: 'merge', into: 'other' } },
      { plan: { merge: merged }, event: { type: 'land', into: 'other' } },
    ],
    no: [
      { plan: { merge: merged }, event: { type: 'merge', into: null } },
      { plan: { merge: merged }, event: { type: 'land', into: 'main' } },
      { plan: { merge: merged }, event: { type: 'create_pr', into: 'other' } },
      { plan: { merge: merged, head: null }, event: { type: 'merge' } },
    ],
  },
  isUnmerged: { yes: [{}, { plan: { merge: { merged: null } as never } }], no: [{ plan: { merge: merged } }] },
  mergesAlone: {
    yes: [
      { policy: { auto_merge: true } },
      { policy: { auto_merge: true }, event: { type: 'done_entered', byHand: false } },
    ],
    no: [
      {},
      { policy: { auto_merge: true }, plan: { pullRequestUrl: 'https://x' } },
      { policy: { auto_merge: true }, plan: { merge: merged } },
      ...[{ type: 'set_status' }, { type: 'mark_done' }, { type: 'done_entered', byHand: true }].map((event) => ({
        ...{ policy: { auto_merge: true }, event },
      })),
    ],
  },
  landsAlone: {
    yes: [{ policy: { landing_auto: true, landing_by: 'git' } }],
    no: [
      { policy: { landing_auto: false, landing_by: 'git' } },
      { policy: { landing_auto: true, landing_by: 'forge' } },
      { policy: { landing_auto: true, landing_by: 'git' }, plan: { pullRequestUrl: 'https://x' } },
      { policy: { landing_auto: true, landing_by: 'git' }, plan: { merge: merged } },
      { policy: { landing_auto: true, landing_by: 'git' }, event: { type: 'mark_done' } },
    ],
  },
  landsOnForge: {
    yes: [
      { policy: { landing_by: 'forge' }, event: { type: 'land', into: null } },
      { policy: { landing_by: 'forge' }, event: { type: 'merge', into: 'main' } },
    ],
    no: [{ policy: { landing_by: 'git' } }, { policy: { landing_by: 'forge' }, event: { type: 'land', into: 'main' } }],
  },
  landsWithGit: {
    yes: [
      { policy: { landing_by: 'git' } },
      { policy: { landing_by: 'forge' }, event: { type: 'land', into: 'main' } },
    ],
    no: [
      { policy: { landing_by: 'forge' }, event: { type: 'land', into: null } },
      { policy: { landing_by: 'forge' }, event: { type: 'merge', into: 'main' } },
    ],
  },
  landsOnForgeAlone: {
    yes: [{ policy: { landing_auto: true, landing_by: 'forge' } }],
    no: [
      { policy: { landing_auto: false, landing_by: 'forge' } },
      { policy: { landing_auto: true, landing_by: 'git' } },
      { policy: { landing_auto: true, landing_by: 'forge' }, event: { type: 'mark_done' } },
    ],
  },
  isLanded: {
    yes: [{ plan: { merge: merged } }, { plan: { merge: { work: 'w#1', merged: null } as never } }],
    no: [{}, { plan: { merge: { work: null, merged: null } as never } }],
  },
  landsThere: {
    yes: [
      { event: { type: 'merge', into: 'main' } },
      { event: { type: 'land', into: null } },
      { event: { type: 'land', into: 'main' } },
      { plan: { merge: { work: null, into: 'other' } as never }, event: { type: 'land', into: 'main' } },
      { plan: { merge: { work: 'w#1', into: 'main' } as never }, event: { type: 'land', into: 'main' } },
    ],
    no: [{ plan: { merge: { work: 'w#1', into: 'other' } as never }, event: { type: 'land', into: 'main' } }],
  },
  isReadyToLand: {
    yes: [{ plan: { pull: request() }, event: { type: 'pr_merge_wanted', ready: true, head: 'head' } }],
    no: [
      { plan: { pull: request() }, event: { type: 'pr_merge_wanted', ready: false, head: 'head' } },
      { plan: { pull: request() }, event: { type: 'pr_merge_unwanted', ready: true, head: 'head' } },
      { plan: { pull: request() }, event: { type: 'pr_merge_wanted', ready: true, head: 'other' } },
      { plan: { pull: request(), head: 'newer' }, event: { type: 'pr_merge_wanted', ready: true, head: 'head' } },
      { plan: { pull: request(), verifiedSha: 'v' }, event: { type: 'pr_merge_wanted', ready: true, head: 'head' } },
      { event: { type: 'pr_merge_wanted', ready: true, head: 'head' } },
    ],
  },
  isOfForge: { yes: [{ plan: { merge: { byForge: true } as never } }], no: [{}, { plan: { merge: {} as never } }] },
  isForgeWaiting: {
    yes: [{ event: { type: 'merge_refused', why: 'forge_waits' } }],
    no: [{ event: { type: 'merge_refused', why: 'moved' } }, { event: { type: 'pr_failed', why: 'forge_waits' } }],
  },
  branchMoved: {
    yes: [{ event: { type: 'merge_refused', why: 'moved' } }],
    no: [{ event: { type: 'merge_refused', why: 'forge_waits' } }, { event: { type: 'pr_failed', why: 'moved' } }],
  },
  isMerge: {
    yes: [
      { plan: { merge: { work: 'w#1' } as never }, event: { type: 'plan_merged', run: 'w#1' } },
      { plan: { merge: { work: 'w#1' } as never }, event: { type: 'plan_merged', run: null, request: 'w#1' } },
    ],
    no: [
      { plan: { merge: { work: 'w#2' } as never }, event: { type: 'plan_merged', run: 'w#1' } },
      { plan: { merge: { work: 'w#2' } as never }, event: { type: 'plan_merged', run: null, request: 'w#1' } },
      { plan: { merge: { work: null } as never }, event: { type: 'plan_merged', run: null, request: null } },
      { event: { type: 'plan_merged', run: null } },
    ],
  },
  isForFixer: {
    yes: [
      { event: { type: 'merge_refused', body: 'a.txt' } },
      { event: { type: 'merge_refused', body: 'a.txt' }, plan: { head: 'h', merge: { fixedFrom: 'g' } as never } },
      { event: { type: 'merge_refused', body: 'a.txt' }, plan: { head: null, merge: {} as never } },
    ],
    no: [
      { event: { type: 'merge_refused' } },
      { event: { type: 'pr_failed', body: 'a.txt' } },
      { event: { type: 'merge_refused', body: 'a.txt' }, policy: { auto_review_fix: false } },
      {
        event: { type: 'merge_refused', body: 'a.txt' },
        policy: { max_review_fix_cycles: 1 },
        plan: { reviewCycle: 1 },
      },
      // Its fixer changed nothing.
      { event: { type: 'merge_refused', body: 'a.txt' }, plan: { head: 'h', merge: { fixedFrom: 'h' } as never } },
    ],
  },
  isMergedThere: {
    yes: [
      { plan: { pull: request() }, event: { type: 'pr_merged', head: 'x' } },
      { event: { type: 'pr_merged', head: 'x' } },
      { plan: { pull: request(), head: null }, event: { type: 'pr_merged', head: 'x' } },
    ],
    no: [
      { plan: { pull: request() }, event: { type: 'pr_merged', head: null } },
      { plan: { pull: request() }, event: { type: 'pr_closed', head: 'x' } },
      { plan: { pull: request(), pass: 1 }, event: { type: 'pr_merged', head: 'x' } },
      { plan: { head: null }, event: { type: 'pr_merged', head: 'x' } },
    ],
  },
  isSameMerge: {
    yes: [{ plan: { merge: merged }, event: { type: 'plan_merged', tip: 'head', into: 'main' } }],
    no: [
      { plan: { merge: merged }, event: { type: 'plan_merged', tip: 'other', into: 'main' } },
      { plan: { merge: merged }, event: { type: 'plan_merged', tip: 'head', into: 'other' } },
      { plan: { merge: merged }, event: { type: 'pr_merged', tip: 'head', into: 'main' } },
    ],
  },
  isOfHead: {
    yes: [{ plan: { head: 'head' }, event: { type: 'plan_merged', tip: 'head' } }],
    no: [
      { plan: { head: 'head' }, event: { type: 'plan_merged', tip: 'older' } },
      { plan: { head: 'head' }, event: { type: 'line_left', tip: 'head' } },
    ],
  },
  hasNewWork: { yes: [{ plan: { head: 'newer', merge: merged } }], no: [{ plan: { head: 'head', merge: merged } }] },
  leftForRefusal: {
    yes: [{ event: { type: 'done_left', cause: 'merge_refused' } }],
    no: [{ event: { type: 'done_left', cause: 'start_over' } }, { event: { type: 'moved', cause: 'merge_refused' } }],
  },
  leftToBeginAnew: {
    yes: [
      { event: { type: 'done_left', cause: 'start_over' } },
      { event: { type: 'done_left', cause: 'reimplement' } },
    ],
    no: [{ event: { type: 'done_left', cause: 'merge_refused' } }, { event: { type: 'moved', cause: 'start_over' } }],
  },
  pullsAlone: {
    yes: [
      { policy: { auto_create_pr: true, auto_merge: false } },
      { policy: { auto_create_pr: true, auto_merge: false, landing_auto: true, landing_by: 'forge' } },
      { policy: { auto_create_pr: true, auto_merge: false, landing_auto: false, landing_by: 'git' } },
    ],
    no: [
      { policy: { auto_create_pr: false } },
      { policy: { auto_create_pr: true, auto_merge: true } },
      { policy: { auto_create_pr: true, auto_merge: false, landing_auto: true, landing_by: 'git' } },
      { policy: { auto_create_pr: true, auto_merge: false }, event: { type: 'mark_done' } },
    ],
  },
  makesPulls: {
    yes: [{ policy: { auto_create_pr: true }, event: { type: 'mark_done' } }],
    no: [{ policy: { auto_create_pr: false } }],
  },
  mayPush: {
    yes: [
      {},
      { plan: { pull: request({ head: 'older' }) } },
      { plan: { pull: request({ stack: [{ state: 'open' }, { state: 'closed' }] }) } },
    ],
    no: [
      { plan: { pull: request() } },
      { plan: { pull: request({ stack: [{ state: 'open' }] }) } },
      { plan: { head: null } },
    ],
  },
  pullIsBehind: {
    yes: [{}, { plan: { pull: request({ head: 'older' }) } }],
    no: [{ plan: { pull: request() } }, { plan: { pull: request({ head: 'older' }) }, event: { type: 'set_status' } }],
  },
  showsPresentWork: { yes: [{ plan: { pull: request() } }], no: [{}, { plan: { pull: request(), pass: 1 } }] },
  endsLast: {
    yes: [{ plan: { liveChildren: one }, event: end('succeeded', 'wave-1.1') }, { event: end('succeeded') }],
    no: [{ plan: { liveChildren: { ...one, 'fixer-1': 'fixer' } }, event: end('ended', 'wave-1.1') }, {}],
  },
  isPull: {
    yes: [{ plan: { pull: request() }, event: { type: 'pr_opened', run: 'w#1' } }],
    no: [
      { plan: { pull: request() }, event: { type: 'pr_opened', run: 'w#2' } },
      { event: { type: 'pr_opened', run: null } },
    ],
  },
  pullMoved: {
    yes: [{ event: { type: 'pr_failed', moved: true } }],
    no: [{ event: { type: 'pr_failed' } }, { event: { type: 'pr_opened', moved: true } }],
  },
  isOpened: {
    yes: [
      { event: { type: 'pr_opened', run: null } },
      { plan: { pull: request() }, event: { type: 'pr_opened', run: 'w#1' } },
    ],
    no: [
      { plan: { pull: request() }, event: { type: 'pr_opened', run: 'w#2' } },
      { event: { type: 'pr_failed', run: null } },
    ],
  },
  bringsWork: {
    yes: [{ event: { type: 'pr_opened', taken: 'judged' } }],
    no: [{ event: { type: 'pr_opened' } }, { event: { type: 'pr_failed', taken: 'judged' } }],
  },
  bringsUnjudged: {
    yes: [{ event: { type: 'pr_opened', taken: 'to_judge' } }],
    no: [{ event: { type: 'pr_opened', taken: 'judged' } }, { event: { type: 'pr_failed', taken: 'to_judge' } }],
  },
  isNews: {
    yes: [
      { plan: { pull: request() }, event: { type: 'pr_changes_requested', ids: ['a', 'b'] } },
      { plan: { pull: request() }, event: { type: 'pr_needs_person', ids: ['b'] } },
      { event: { type: 'pr_needs_person', ids: ['a'] } },
    ],
    no: [
      { plan: { pull: request() }, event: { type: 'pr_changes_requested', ids: ['a'] } },
      { plan: { pull: request() }, event: { type: 'pr_remarked', ids: ['b'] } },
    ],
  },
  failsAlike: {
    yes: [
      {
        plan: { pull: request({ failing: { lint: 'same' } }) },
        event: { type: 'pr_changes_requested', ids: ['1'], failing: [{ id: '1', name: 'lint', digest: 'same' }] },
      },
    ],
    no: [
      ...[
        { id: '2', name: 'lint', digest: 'same' },
        { id: '1', name: 'lint', digest: 'other' },
        { id: '1', name: 'test', digest: 'same' },
        { id: '1', name: 'test', digest: null },
      ].map((check) => ({
        plan: { pull: request({ failing: { lint: 'same', test: null } }) },
        event: { type: 'pr_changes_requested', ids: ['1'], failing: [check] },
      })),
      { plan: { pull: request({ failing: { lint: 'same' } }) }, event: { type: 'pr_changes_requested', ids: ['1'] } },
      { event: { type: 'pr_changes_requested', ids: ['1'], failing: [{ id: '1', name: 'lint', digest: 'same' }] } },
      {
        plan: { pull: request({ failing: { lint: 'same' } }) },
        event: { type: 'pr_needs_person', ids: ['1'], failing: [{ id: '1', name: 'lint', digest: 'same' }] },
      },
    ],
  },
  mergesOnForge: {
    yes: [
      { policy: { pull_merge: 'when-green', landing_by: 'git' }, plan: { pull: request() } },
      { policy: { pull_merge: 'when-green', landing_by: 'git' }, event: { type: 'pr_opened', head: 'head' } },
      {
        ...{ policy: { pull_merge: 'when-green', landing_by: 'git' }, plan: { pull: request(), reviewedSha: 'head' } },
        event: { type: 'pr_merge_wanted', head: 'head', ready: true },
      },
    ],
    no: [
      { policy: { pull_merge: 'when-green', landing_by: 'git' } },
      { policy: { pull_merge: 'when-green', landing_by: 'forge' }, plan: { pull: request() } },
      { policy: { pull_merge: 'manual', landing_by: 'git' }, plan: { pull: request() } },
      {
        ...{ policy: { pull_merge: 'when-green', landing_by: 'git' } },
        plan: { pull: request(), blocked: { reason: '', source: 'failed', at: 1 } },
      },
      { policy: { pull_merge: 'when-green', landing_by: 'git' }, plan: { pull: request(), reviewedSha: 'older' } },
      {
        ...{ policy: { pull_merge: 'when-green', landing_by: 'git' }, plan: { pull: request() } },
        event: { type: 'pr_merge_wanted', head: 'other', ready: true },
      },
    ],
  },
  mergesWhenGreen: {
    yes: [{ policy: { pull_merge: 'when-green', landing_by: 'git' } }],
    no: [
      { policy: { pull_merge: 'manual', landing_by: 'git' } },
      { policy: { pull_merge: 'when-green', landing_by: 'forge' } },
    ],
  },
  isReady: {
    yes: [{ event: { type: 'pr_merge_wanted', ready: true } }],
    no: [{ event: { type: 'pr_merge_wanted', ready: false } }, { event: { type: 'pr_opened', ready: true } }],
  },
  isByForge: {
    yes: [{ event: { type: 'pr_merge_scheduled', by: 'forge' } }],
    no: [{ event: { type: 'pr_merge_scheduled', by: 'person' } }, { event: { type: 'pr_opened', by: 'forge' } }],
  },
  isUnasked: {
    yes: [{ event: { type: 'pr_merge_refused' } }],
    no: [{ event: { type: 'pr_merge_refused', run: 'w#1' } }, { event: { type: 'pr_failed' } }],
  },
  headDiffers: {
    yes: [
      { event: { type: 'head_moved', head: 'other' } },
      { event: { type: 'head_moved', head: 'head', since: 'a', lines: 3 } },
      { plan: { selfFix: { a: 2 } }, event: { type: 'head_moved', head: 'head', since: 'a', lines: 3 } },
    ],
    no: [
      { event: { type: 'head_moved', head: 'head' } },
      { plan: { selfFix: { a: 3 } }, event: { type: 'head_moved', head: 'head', since: 'a', lines: 3 } },
      { event: { type: 'work_lost', head: 'other' } },
    ],
  },
  isParsed: { yes: [{}], no: [{ plan: { isParsed: false } }] },
  willParse: {
    yes: [{ event: { type: 'plan_updated', content: document } }],
    no: [{ event: { type: 'plan_updated', content: '# nothing' } }, { event: { type: 'resolve', content: document } }],
  },
  editFits: {
    yes: [{ event: { type: 'plan_updated', content: document }, with: 'over' }],
    no: [
      { event: { type: 'plan_updated', content: document.replace('Task 1: a', 'Task 1: x') }, with: 'over' },
      { event: { type: 'resolve', content: document }, with: 'over' },
    ],
  },
  hasPlanner: {
    yes: [{}],
    no: [
      { policy: { roles: { ...defaultPolicy.roles, planner: { ...planner, on: false } } } },
      { plan: { session: { folder: 'a' } } },
    ],
  },
  hasArchitect: {
    yes: [{ policy: { roles: { ...defaultPolicy.roles, architect: { ...architect, on: true } } } }],
    no: [
      { policy: { roles: { ...defaultPolicy.roles, architect: { ...architect, on: false } } } },
      ...[{ elaborated: true }, { wave: 1 }, { wantedWave: 1 }, { passed: 2 }].map((plan) => ({
        ...{ plan, policy: { roles: { ...defaultPolicy.roles, architect: { ...architect, on: true } } } },
      })),
    ],
  },
  hasReviewer: {
    yes: [{}],
    no: [{ policy: { roles: { ...defaultPolicy.roles, reviewer: { ...reviewer, on: false } } } }],
  },
  hasVerifier: {
    yes: [
      {
        policy: { auto_readiness_review: true, roles: { ...defaultPolicy.roles, verifier: { ...verifier, on: true } } },
      },
    ],
    no: [
      {
        policy: {
          auto_readiness_review: false,
          roles: { ...defaultPolicy.roles, verifier: { ...verifier, on: true } },
        },
      },
      {
        policy: {
          auto_readiness_review: true,
          roles: { ...defaultPolicy.roles, verifier: { ...verifier, on: false } },
        },
      },
    ],
  },
  hasFixer: {
    yes: [
      {},
      {
        plan: { session: { folder: 'a' } },
        policy: { roles: { ...defaultPolicy.roles, fixer: { ...fixer, on: false } } },
      },
    ],
    no: [{ policy: { roles: { ...defaultPolicy.roles, fixer: { ...fixer, on: false } } } }],
  },
  fixesAlone: {
    yes: [
      { policy: { auto_review_fix: true } },
      { plan: { session: { folder: 'a' } }, policy: { auto_review_fix: true } },
      {
        plan: { session: { folder: 'a' } },
        policy: {
          auto_review_fix: false,
          roles: { ...defaultPolicy.roles, session: { ...session, fixesAlone: true } },
        },
      },
    ],
    no: [
      { policy: { auto_review_fix: false } },
      { policy: { auto_review_fix: true, roles: { ...defaultPolicy.roles, fixer: { ...fixer, on: false } } } },
      {
        plan: { session: { folder: 'a' } },
        policy: {
          auto_review_fix: true,
          roles: { ...defaultPolicy.roles, session: { ...session, fixesAlone: false } },
        },
      },
    ],
  },
  isAsked: {
    yes: [{ event: { type: 'implement_granted', request: 3 } }],
    no: [{ event: { type: 'implement_granted', request: 2 } }, { event: { type: 'base_unmet', request: 3 } }],
  },
  mayBegin: {
    yes: [{}, { plan: { liveChildren: { 'planner-1': 'planner', 'verifier-1': 'verifier' } } }],
    no: [
      { plan: { granted: false } },
      { plan: { archivePending: true } },
      ...(['wave', 'coder', 'fixer'] as const).map((kind) => ({
        plan: { liveChildren: { x: kind, y: 'reviewer' as const } },
      })),
    ],
  },
  mayBeginAfter: {
    yes: [
      { plan: { after: ['other'] } },
      { policy: { landing_refresh_ms: 500 } },
      { policy: { landing_refresh_ms: 500 }, plan: { wave: 1, fresh: { at: 500, mends: 0, before: null } } },
    ],
    no: [
      {},
      { plan: { after: ['other'], granted: false } },
      { plan: { after: ['other'], archivePending: true } },
      { plan: { after: ['other'], liveChildren: one } },
      { policy: { landing_refresh_ms: 500 }, plan: { wave: 1, fresh: { at: 501, mends: 0, before: null } } },
    ],
  },
  isAged: {
    yes: [
      { policy: { landing_refresh_ms: 500 }, plan: { wave: 1, timestamps: { implementing_at: 400 } } },
      { policy: { landing_refresh_ms: 0 }, plan: { wave: 1 } },
    ],
    no: [
      { plan: { wave: 1, timestamps: { implementing_at: 0 } }, policy: { landing_refresh_ms: null } },
      { plan: { wave: 0, timestamps: { implementing_at: 0 } }, policy: { landing_refresh_ms: 500 } },
      {
        plan: { wave: 1, timestamps: { implementing_at: 0 }, fresh: { at: 900, mends: 0, before: null } },
        policy: { landing_refresh_ms: 500 },
      },
      { plan: { wave: 1 }, policy: { landing_refresh_ms: 500 } },
    ],
  },
  mendsBase: {
    yes: [
      { event: { type: 'base_conflicted', body: 'a.txt' } },
      {
        event: { type: 'base_conflicted', body: 'a.txt' },
        plan: { head: 'h', fresh: { at: 1, mends: 1, before: null, from: 'g' } },
      },
    ],
    no: [
      { event: { type: 'base_conflicted' } },
      { event: { type: 'base_unmet', body: 'a.txt' } },
      { event: { type: 'base_conflicted', body: 'a.txt' }, policy: { auto_review_fix: false } },
      {
        ...{ event: { type: 'base_conflicted', body: 'a.txt' }, policy: { max_review_fix_cycles: 2 } },
        plan: { fresh: { at: 1, mends: 2, before: null } },
      },
      {
        event: { type: 'base_conflicted', body: 'a.txt' },
        plan: { head: 'h', fresh: { at: 1, mends: 1, before: null, from: 'h' } },
      },
    ],
  },
  leavesBase: {
    yes: [{ plan: { wave: 1 }, event: { type: 'resolve', accept: true } }],
    no: [
      { plan: { wave: 0 }, event: { type: 'resolve', accept: true } },
      { plan: { wave: 1 }, event: { type: 'resolve' } },
      { plan: { wave: 1, granted: false }, event: { type: 'resolve', accept: true } },
    ],
  },
  mayFix: { yes: [{}], no: [{ plan: { granted: false } }, { plan: { liveChildren: one } }] },
  archives: {
    yes: [{ plan: { archivePending: true } }],
    no: [{}, { plan: { archivePending: true, work: 'w#1' } }, { plan: { archivePending: true, liveChildren: one } }],
  },
  isWork: {
    yes: [{ plan: { work: 'w#1' }, event: { type: 'branch_based', run: 'w#1' } }],
    no: [
      { plan: { work: 'w#2' }, event: { type: 'branch_based', run: 'w#1' } },
      { event: { type: 'branch_based', run: null } },
    ],
  },
  hasNextWave: {
    yes: [{}, { plan: { results: { 1: { 1: done, 2: done } } } }],
    no: [
      { plan: { passed: 2 } },
      {
        plan: { results: { 1: { 1: done, 2: done } }, liveChildren: { 'wave-2.1': 'wave' } },
        event: {
          ...end('succeeded', 'wave-2.1'),
          output: { at: 5, outcome: 'succeeded', head: null, results: { 1: done } },
        },
      },
    ],
  },
  hasWaveAfter: { yes: [{ plan: { wave: 1 } }], no: [{ plan: { wave: 2 } }] },
  waveExists: {
    yes: [{ event: { type: 'implement_wave', wave_number: 2 } }],
    no: [{ event: { type: 'implement_wave', wave_number: 3 } }, { event: { type: 'resolve', wave_number: 2 } }],
  },
  hasFailedWave: {
    yes: [{ plan: { activeChildId: 'wave-1.1', liveChildren: one } }],
    no: [
      { plan: { liveChildren: one } },
      { plan: { activeChildId: 'fixer-1', liveChildren: { ...one, 'fixer-1': 'fixer' } } },
    ],
  },
  isActiveChild: {
    yes: [
      { plan: { activeChildId: 'x' }, event: end('failed') },
      { plan: { activeChildId: 'x' }, event: { type: 'wave_failed', id: 'x' } },
    ],
    no: [
      { plan: { activeChildId: 'y' }, event: end('failed') },
      { plan: { activeChildId: 'y' }, event: { type: 'wave_failed', id: 'x' } },
    ],
  },
  activeChildSucceeded: {
    yes: [{ plan: { activeChildId: 'x' }, event: end('succeeded') }],
    no: [
      { plan: { activeChildId: 'x' }, event: end('failed') },
      { plan: { activeChildId: 'y' }, event: end('succeeded') },
      {},
    ],
  },
  hasActiveChild: { yes: [{ plan: { activeChildId: 'x' } }], no: [{}] },
  hasNoChildren: { yes: [{}], no: [{ plan: { liveChildren: one } }] },
  isUnreviewed: {
    yes: [{ plan: { reviewedSha: 'r' }, event: { type: 'head_moved', begins: true, head: 'other' } }],
    no: [
      { plan: { reviewedSha: 'r' }, event: { type: 'head_moved', begins: true, head: 'r' } },
      { plan: { reviewedSha: 'r' }, event: { type: 'head_moved', head: 'other' } },
      { event: { type: 'head_moved', begins: true, head: 'other' } },
      { plan: { reviewedSha: 'r' }, event: { type: 'work_lost', begins: true, head: 'other' } },
    ],
  },
  isNewLoss: {
    yes: [
      {
        plan: { results: { 1: { 1: { ...done, commit: 'c' } } } },
        event: { type: 'work_lost', looked_at: 5, work: [{ commit: 'x' }, { commit: 'c' }] },
      },
      { plan: { liveChildren: one, wholeAt: 5 }, event: { type: 'work_lost', looked_at: 5, work: [{ commit: 'x' }] } },
    ],
    no: [
      { event: { type: 'work_lost', looked_at: 5, work: [{ commit: 'x' }] } },
      { plan: { liveChildren: one, wholeAt: 6 }, event: { type: 'work_lost', looked_at: 5, work: [{ commit: 'x' }] } },
      {
        plan: { liveChildren: one, lost: [{ title: '', run: null, commit: 'x' }] },
        event: { type: 'work_lost', looked_at: 5, work: [{ commit: 'x' }] },
      },
      { plan: { liveChildren: one }, event: { type: 'head_moved', looked_at: 5, work: [{ commit: 'x' }] } },
    ],
  },
  isLost: { yes: [{ plan: { lost: [{ title: '', run: null, commit: 'x' }] } }], no: [{}, { plan: { lost: [] } }] },
  isWhole: { yes: [{}], no: [{ plan: { lost: [{ title: '', run: null, commit: 'x' }] } }] },
  isBack: {
    yes: [{}, { plan: { lost: [{ title: '', run: null, commit: 'x' }] }, event: { type: 'resolve', accept: true } }],
    no: [{ plan: { lost: [{ title: '', run: null, commit: 'x' }] } }],
  },
  acceptsNot: {
    yes: [{}, { event: { type: 'answer', accept: true } }],
    no: [{ event: { type: 'resolve', accept: true } }],
  },
  accepts: {
    yes: [{ event: { type: 'resolve', accept: true } }],
    no: [{}, { plan: { lost: [{ title: '', run: null, commit: 'x' }] }, event: { type: 'resolve', accept: true } }],
  },
  selfFixIsSmall: {
    yes: [
      { plan: { selfFix: { a: 900 } } },
      {
        policy: { readiness_self_fix_max_lines: 80 },
        plan: { selfFix: { a: 40, b: 40 } },
        event: { type: 'verify_approved', origin: 'agent:x' },
      },
    ],
    no: [
      {
        policy: { readiness_self_fix_max_lines: 80 },
        plan: { selfFix: { a: 81 } },
        event: { type: 'verify_approved', origin: 'agent:x' },
      },
    ],
  },
  isOutdated: {
    yes: [{ plan: { verifiedSha: 'v' }, event: { type: 'verification_stale', head: 'other' } }],
    no: [
      { plan: { verifiedSha: 'v' }, event: { type: 'verification_stale', head: 'v' } },
      { event: { type: 'verification_stale', head: 'other' } },
      { plan: { verifiedSha: 'v' }, event: { type: 'head_moved', head: 'other' } },
    ],
  },
  wasVerified: { yes: [{ plan: { verifiedSha: 'v' } }], no: [{}] },
  isUnchanged: {
    yes: [{ plan: { judged }, event: { type: judged.verdict, origin: 'engine' } }],
    no: [
      { plan: { judged }, event: { type: judged.verdict } },
      { plan: { judged, head: 'newer' }, event: { type: judged.verdict, origin: 'engine' } },
      { plan: { judged }, event: { type: 'verify_failed', origin: 'engine' } },
      { event: { type: judged.verdict, origin: 'engine' } },
    ],
  },
  cyclesAreUsed: {
    yes: [
      { policy: { max_review_fix_cycles: 2 }, plan: { reviewCycle: 2 } },
      {
        policy: { max_review_fix_cycles: 2 },
        plan: { pull: request({ cycles: 2 }) },
        event: { type: 'pr_changes_requested' },
      },
    ],
    no: [
      { policy: { max_review_fix_cycles: 2 }, plan: { reviewCycle: 1 } },
      { policy: { max_review_fix_cycles: 0 }, plan: { reviewCycle: 9 } },
      { policy: { max_review_fix_cycles: 2 }, plan: { pull: request({ cycles: 2 }) } },
      { policy: { max_review_fix_cycles: 2 }, event: { type: 'pr_changes_requested' } },
    ],
  },
  needs: { yes: [{ with: 'clear' }], no: [{ with: 'blocked' }] },
  areOpen: {
    yes: [{ plan: { questions: [{ number: 1 }, { number: 2 }] as never }, event: { type: 'answer', questions: [2] } }],
    no: [
      { plan: { questions: [{ number: 1 }] as never }, event: { type: 'answer', questions: [1, 2] } },
      { plan: { questions: [{ number: 1 }] as never }, event: { type: 'answer', questions: [] } },
      { plan: { questions: [{ number: 1 }] as never }, event: { type: 'resolve', questions: [1] } },
    ],
  },
  hasRoomForQuestion: {
    yes: [
      { plan: { questions: Array.from({ length: 20 }, (_, index) => ({ run: index < 15 ? null : 'x#1' })) as never } },
    ],
    no: [{ plan: { questions: Array.from({ length: 16 }, () => ({ run: null })) as never } }],
  },
  hasWaitingWords: {
    yes: [{ plan: { words: [{ run: 'x#1' }, { run: null }] as never } }],
    no: [{ plan: { words: [{ run: 'x#1' }] as never } }, {}],
  },
  hasStrandedWords: {
    yes: [{ plan: { words: [{ title: 'hello-w9-t1', run: null, text: '' }] as never } }],
    no: [{}, { plan: { words: [{ title: 'hello-w1-t1', task: 'a', run: null }] as never } }],
  },
  isEngine: { yes: [{ event: { type: 'policy', origin: 'engine' } }], no: [{}] },
  isNoAgent: { yes: [{}, { event: { type: 'x', origin: 'file' } }], no: [{ event: { type: 'x', origin: 'agent:a' } }] },
  forces: {
    yes: [{ event: { type: 'set_status', status: 'done' }, with: 'done' }],
    no: [
      { event: { type: 'set_status', status: 'ready' }, with: 'done' },
      { event: { type: 'resolve', status: 'done' }, with: 'done' },
    ],
  },
  forcesPlanned: {
    yes: [{ event: { type: 'set_status', status: 'planned' } }],
    no: [
      { event: { type: 'set_status', status: 'done' } },
      { event: { type: 'set_status', status: 'planned' }, plan: { isParsed: false } },
      { event: { type: 'resolve', status: 'planned' } },
    ],
  },
  isForBudget: {
    yes: [{ plan: { blocked: { reason: '', source: 'budget', at: 1 } } }],
    no: [{}, { plan: { blocked: { reason: '', source: 'failed', at: 1 } } }],
  },
  raisesBudget: {
    yes: [
      { plan: blockedBy('plan'), event: { type: 'raise_budget', scope: 'plan', usd: 7 } },
      { plan: blockedBy('attempt'), event: { type: 'raise_budget', scope: 'attempt', usd: 6 } },
    ],
    no: [
      { plan: blockedBy('plan'), event: { type: 'raise_budget', scope: 'plan', usd: 6 } },
      { plan: blockedBy('plan'), event: { type: 'raise_budget', scope: 'plan', tokens: 100 } },
      { plan: blockedBy('plan'), event: { type: 'raise_budget', scope: 'day', usd: 100 } },
      { event: { type: 'raise_budget', scope: 'plan', usd: 100 } },
    ],
  },
  budgetIsRaised: {
    yes: [{}, { plan: { blocked: { reason: '', source: 'failed', at: 1 } } }],
    no: [{ plan: { blocked: { reason: '', source: 'budget', at: 1 } } }],
  },
  budgetIsUsed: {
    yes: [
      { event: { type: 'budget_reached', scope: 'plan', measure: 'usd', limit: 5 } },
      {
        plan: { raised: { plan: { usd: 5 }, attempt: {}, day: {}, on: null } },
        event: { type: 'budget_reached', scope: 'plan', measure: 'usd', limit: 5 },
      },
      {
        plan: { raised: { plan: {}, attempt: {}, day: { usd: 9 }, on: null } },
        event: { type: 'budget_reached', scope: 'day', measure: 'usd', limit: 5 },
      },
    ],
    no: [
      {
        plan: { raised: { plan: { usd: 6 }, attempt: {}, day: {}, on: null } },
        event: { type: 'budget_reached', scope: 'plan', measure: 'usd', limit: 5 },
      },
      { event: { type: 'budget_restored', scope: 'plan', measure: 'usd', limit: 5 } },
    ],
  },
  hasNoBlock: {
    yes: [{}, { plan: { blocked: { reason: '', source: 'override', at: 1 } } }],
    no: [{ plan: { blocked: { reason: '', source: 'failed', at: 1 } } }],
  },
  movedByPerson: {
    yes: [{ event: { type: 'moved', cause: 'cancel' } }],
    no: [
      { event: { type: 'moved', cause: 'set_status' } },
      { event: { type: 'moved', cause: 'cancel', origin: 'engine' } },
      { event: { type: 'block', cause: 'cancel' } },
    ],
  },
  movedOn: {
    yes: [{ event: { type: 'moved', cause: 'cancel', origin: 'engine' } }],
    no: [{ event: { type: 'moved', cause: 'set_status' } }, { event: { type: 'block', cause: 'cancel' } }],
  },
  waits: {
    yes: [{ event: { type: 'pause', wait: true } }],
    no: [{ event: { type: 'pause' } }, { event: { type: 'resume', wait: true } }],
  },
  notPlannedYet: { yes: [], no: [{}] },
  noWaveRuns: { yes: [], no: [{}] },
};

describe('the condition', () => {
  it.each(Object.keys(table))('%s', (name) => {
    const { yes = [], no = [] } = table[name] ?? {};
    const guard = name as keyof typeof planGuards;
    for (const [wanted, situations] of [
      [true, yes],
      [false, no],
    ] as const)
      for (const situation of situations)
        expect({ ...situation, holds: holds(guard, situation) }).toEqual({ ...situation, holds: wanted });
  });
});

describe('a verdict', () => {
  const by = (speaksByExit: boolean): Partial<Policy> => ({
    readiness_self_fix_max_lines: 80,
    roles: { ...defaultPolicy.roles, verifier: { ...verifier, speaksByExit } },
  });
  const active: Partial<PlanContext> = { activeChildId: 'verifier-1', liveChildren: { 'verifier-1': 'verifier' } };
  const exit = (code: number, more: object = {}) => ({
    type: 'agent_delivered',
    id: 'verifier-1',
    code,
    base: 'head',
    ...more,
  });

  it('by exit code is that of the active agent, if its program speaks so', () => {
    const said = (code: number, situation: Situation = {}) => {
      const whole = { plan: active, policy: by(true), event: exit(code), ...situation };
      return (['approvesByExit', 'rejectsByExit', 'approvesHeadByExit'] as const).map((guard) => holds(guard, whole));
    };
    expect(said(0)).toEqual([true, false, true]);
    expect(said(1)).toEqual([false, true, false]);
    expect(said(2)).toEqual([false, false, false]);
    const none = [false, false, false];
    expect(said(0, { policy: by(false) })).toEqual(none);
    expect(said(0, { plan: { ...active, activeChildId: 'other' } })).toEqual(none);
    expect(said(0, { plan: { activeChildId: 'verifier-1', liveChildren: {} } })).toEqual(none);
    expect(said(0, { plan: { activeChildId: 'verifier-1', liveChildren: { 'verifier-1': 'wave' } } })).toEqual(none);
    expect(said(0, { event: { ...exit(0), type: 'child_asked' } })).toEqual(none);
  });

  it('by exit code is about the commit at which its run began, with small fixes of its own', () => {
    const approves = (plan: Partial<PlanContext>, base: string | null) =>
      holds('approvesHeadByExit', { plan: { ...active, ...plan }, policy: by(true), event: exit(0, { base }) });
    expect([approves({}, 'older'), approves({}, null), approves({ head: null }, 'older')]).toEqual([false, true, true]);
    expect([approves({ selfFix: { a: 80 } }, 'head'), approves({ selfFix: { a: 81 } }, 'head')]).toEqual([true, false]);
  });

  it.each(['verify_approved', 'review_approved'])('%s is about the present commit', (type) => {
    const isFresh = (more: object, plan: Partial<PlanContext> = {}) =>
      holds('approvalIsFresh', { plan, event: { type, ...more } });
    expect([isFresh({ reviewed_sha: 'head' }), isFresh({ reviewed_sha: 'other' })]).toEqual([true, false]);
    expect(isFresh({ reviewed_sha: 'other' }, { head: null })).toBe(true);
    expect(['person', 'engine', 'agent:x'].map((origin) => isFresh({ origin }))).toEqual([true, true, false]);
    expect(isFresh({ origin: 'file' })).toBe(type === 'review_approved');
    expect(holds('approvalIsFresh', { event: { type: 'resolve', reviewed_sha: 'head' } })).toBe(false);
  });

  it('that does not count is refused with the commits or the lines that it is about', () => {
    const plan = { head: '0123456789abcdef', branch: 'plan/hello' } as PlanContext;
    const stale = (event: { type: string; reviewed_sha?: unknown }) => staleApprovalText(plan, event);
    expect(stale({ type: 'review_approved', reviewed_sha: 'fedcba9876543210' })).toMatch(
      /it is about fedcba987654, and plan\/hello is at 0123456789ab; .* let the review run once more$/,
    );
    expect(stale({ type: 'verify_approved' })).toMatch(/it names no commit.* let the verification run once more$/);
    const policy = { ...defaultPolicy, readiness_self_fix_max_lines: 80 };
    const fixed = { policy, selfFix: { '0123456789abcdef': 90 } } as unknown as PlanContext;
    expect(selfFixText(fixed)).toMatch(/^selfFixIsSmall: 90 lines .* at 0123456789ab, and .* may change 80 itself/);
    expect(selfFixText({ policy } as PlanContext)).toMatch(
      '0 lines were changed since the verification began at the head',
    );
  });
});

it('an answer that does not fit is refused with the questions that are open', () => {
  const question = { number: 2, title: 'hello-w1-t1' };
  const plan = (questions: object[]) => ({ questions, questionCount: 3 }) as unknown as PlanContext;
  expect(notOpenText(plan([question]), [2])).toBe('open: question 2 of hello-w1-t1');
  expect(notOpenText(plan([question, { number: 3, title: null }]), [1, 2, 4])).toBe(
    'question 1 is not open any more: it was answered, or its agent is over; there is no question 4 (open: question 2 of hello-w1-t1, question 3)',
  );
  expect(notOpenText(plan([]), [3])).toMatch(/^question 3 is not open any more: .* \(none is open\)$/);
});
