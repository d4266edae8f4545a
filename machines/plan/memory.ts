/** What a plan's root writes into its context, and when it sends itself an event about that. */

import { assertEvent, assign } from 'xstate';
import type { BlockSource } from '../vocabulary/block-source.ts';
import { type Amounts, lowerOf, nothingRaised, textOfUse } from '../vocabulary/budget.ts';
import { isYes, type Previous } from '../vocabulary/family.ts';
import { instanceTitle, isWorker } from '../vocabulary/ids.ts';
import { logCommand, reasonText } from '../vocabulary/reason-text.ts';
import { originKind } from '../vocabulary/signal.ts';
import { answersOf } from './answers.ts';
import {
  acceptedLimit,
  afterEnd,
  allDone,
  documentFacts,
  isSession,
  keptResults,
  onlyDone,
  type PlanContext,
  type PlanRole,
  type Question,
  type TimestampName,
  timeOf,
  waveNumberOf,
  withMarked,
  withOwnWork,
  withoutWork,
  withResults,
} from './context.ts';
import { originOf, type PlanEvent } from './events.ts';
import { failingAlike, isOfAgent, isUnfixed } from './guards.ts';
import { base } from './setup.ts';

/** The longest feedback that goes into a prompt by way of the context; the signal's row keeps the rest. */
const feedbackLimit = 32_768;
/** The longest reason of a block. */
const reasonLimit = 8_192;

function whyNoFix(context: PlanContext): string {
  if (isSession(context)) return 'its agent does not go on by itself (auto_review_fix is off, or its preset is sh)';
  return context.policy.roles.fixer.on ? 'auto_review_fix is off' : 'no fixer is on';
}

/** Why the child that decides the next status failed, which blocks the plan. */
function failureOf(context: PlanContext, event: PlanEvent): { source: BlockSource; reason: string } {
  if (!('output' in event) || !('reason' in event.output)) return { source: 'failed', reason: 'the agent failed' };
  const { reason, runs, detail } = event.output;
  const title = titleOf(context, event.actorId);
  const how = runs === 0 ? 'it never ran' : `${runs} ${runs === 1 ? 'run' : 'runs'}, the last one`;
  const log = `its log: ${logCommand(title, reason)}`;
  const what = `${title}: ${how}: ${reason === null ? 'failed' : reasonText(reason)} (${log})${detail === '' ? '' : `\n${detail}`}`;
  return { source: reason === 'no-verdict' ? 'no_verdict' : 'failed', reason: what.slice(0, reasonLimit) };
}

/** How the last run of the child that failed ended; the agent that is started in its place gets it. */
function lastRunOf({ liveChildren }: PlanContext, event: PlanEvent): (Previous & { role: PlanRole }) | null {
  if (!('output' in event) || !('reason' in event.output)) return null;
  const { run, reason, detail } = event.output;
  const role = liveChildren[event.actorId];
  return role === undefined || run === null || reason === null ? null : { role, run, reason, detail };
}

/** The title under which people find that child, which is still in the context. */
export function titleOf(context: PlanContext, id: string): string {
  const { plan, liveChildren, rounds } = context;
  const role = liveChildren[id];
  if (role === undefined || role === 'wave') return id;
  if (isSession(context) && isWorker(role))
    return instanceTitle({ plan, role: 'session', wave: null, task: null, round: 1 });
  const round = role === 'reviewer' || role === 'fixer' || role === 'verifier' ? rounds[role] : 1;
  return instanceTitle({ plan, role, wave: null, task: null, round });
}

/** A review, a verification or a forge asked for changes once more than the limit of rounds allows. */
function askedAgain({ pull, reviewCycle }: PlanContext, event: PlanEvent): string {
  const request = pull?.request;
  return event.type === 'pr_changes_requested' && request != null
    ? `reviewers or checks of ${request.url} asked for changes ${request.cycles + 1} times`
    : `changes were asked for ${reviewCycle} times`;
}

export function overrideReason(event: PlanEvent): string {
  return `the status was set to ${event.type === 'set_status' ? event.status : 'this one'} by hand`;
}

/** The new reasons for a person, after the earlier ones: an override ends all that was open before it. */
function blockOf({ blocked }: PlanContext, event: PlanEvent): PlanContext['blocked'] {
  if (event.type === 'budget_reached') {
    const { scope, measure, limit, spent, title, at } = event;
    const budget = { scope, measure, limit, spent, title };
    return { reason: textOfUse(budget), source: 'budget', at, budget };
  }
  if (event.type !== 'block') return blocked;
  const { source, reason: said, at } = event;
  const isOver = source === 'override' || blocked?.source === 'override' || blocked?.reason === said;
  const before = isOver ? null : blocked;
  const reason = before === null ? said : `${before.reason}\n\n${said}`;
  return { reason: reason.slice(0, reasonLimit), source, at: before?.at ?? at };
}

/** A question of an agent, or one that a person asked by hand. */
function questionOf({ questionCount }: PlanContext, event: PlanEvent): Question {
  assertEvent(event, ['child_asked', 'needs_decision']);
  const number = questionCount + 1;
  if (event.type === 'child_asked') {
    const { title, id: childId, run, question, at, accepts } = event;
    const taken = accepts === undefined ? {} : { accepts };
    return { number, title, childId, run, question: question.slice(0, reasonLimit), at, ...taken };
  }
  const question = event.reason.slice(0, reasonLimit);
  return { number, title: null, childId: null, run: null, question, at: event.at };
}

function onlySaid(amounts: Amounts): Amounts {
  return Object.fromEntries(Object.entries(amounts).filter(([, value]) => value !== undefined));
}

/**
 * The facts of a document, in place of those of the earlier one. A document that an agent writes never allows more than the earlier one, and does not choose
 * the machine for the plan.
 */
export function withDocument(context: PlanContext, { content, isAgents }: { content: string; isAgents: boolean }) {
  const { host: written, ...facts } = documentFacts(content);
  const host = isAgents ? context.host : written;
  const isLimited = isAgents && context.budget != null;
  const budget = isLimited ? lowerOf(context.budget ?? {}, facts.budget ?? {}) : facts.budget;
  return {
    ...facts,
    host,
    budget: budget ?? null,
    topic: facts.topic ?? context.topic,
    results: keptResults(context, facts.waves),
  };
}

/** The root's knowledge of its document, its branch, and the work so far. */
export const memory = {
  setPolicy: base.assign(({ event }) => {
    assertEvent(event, 'policy');
    return { policy: event.policy };
  }),
  setHead: base.assign(({ event }) => {
    assertEvent(event, 'verification_stale');
    return { head: event.head };
  }),
  /** The head, and the lines that a verifier's run changed itself on the way to it. */
  noteHead: base.assign(({ context, event }) => {
    assertEvent(event, 'head_moved');
    const { head, since, lines } = event;
    if (since === undefined || lines === undefined) return { head };
    const reviewedSha = context.reviewedSha === since ? head : context.reviewedSha;
    const { activeChildId } = context;
    const title = activeChildId === null ? 'the verifier' : titleOf(context, activeChildId);
    const ownWork = withOwnWork(context, { title, run: null, commit: head });
    return { head, reviewedSha, ownWork, selfFix: { ...context.selfFix, [since]: lines } };
  }),
  setDocument: base.assign(({ context, event }) => {
    assertEvent(event, 'plan_updated');
    return withDocument(context, { content: event.content, isAgents: originKind(event.origin) === 'agent' });
  }),
  setGranted: base.assign({ granted: true }),
  setElaborated: base.assign({ elaborated: true }),
  stamp: assign<PlanContext, PlanEvent, TimestampName, PlanEvent, never>(({ context, event }, name) => ({
    timestamps:
      event.type === 'set_status' ? context.timestamps : { ...context.timestamps, [name]: timeOf(context, event) },
    at: timeOf(context, event),
  })),
  noteTime: base.assign(({ context, event }) => ({ at: timeOf(context, event) })),

  /** The waves before the one that a person wants count as done. */
  wantWave: base.assign(({ context, event }) => {
    assertEvent(event, 'implement_wave');
    const earlier = context.waves.filter((wave) => wave.number < event.wave_number);
    const passed = allDone(earlier, { runs: 0, run: null, detail: 'passed over', reason: null });
    const results = { ...context.results };
    for (const wave of earlier)
      results[wave.number] = { ...passed[wave.number], ...onlyDone(context.results[wave.number]) };
    return { wantedWave: event.wave_number, passed: event.wave_number - 1, results };
  }),
  passWave: base.assign(({ context }) => ({ passed: context.wave })),
  noteWaveFailed: base.assign(({ context, event }) => {
    assertEvent(event, 'wave_failed');
    const results = withResults(context, waveNumberOf(event.id), event.results);
    return { results, head: event.head ?? context.head, at: event.at };
  }),
  noteEnd: base.assign(({ context, event }) => {
    assertEvent(event, 'xstate.done.actor.*');
    return afterEnd(context, event);
  }),
  /** What a coder or a fixer did on the plan's own branch. A coder did the whole plan; a fixer's end changes no task. */
  recordWork: base.assign(({ context, event }) => {
    assertEvent(event, 'xstate.done.actor.*');
    if (!('run' in event.output)) return {};
    const { runs, run } = event.output;
    const commit = 'commit' in event.output ? (event.output.commit ?? null) : null;
    const ownWork =
      commit === null ? {} : { ownWork: withOwnWork(context, { title: titleOf(context, event.actorId), run, commit }) };
    if (context.liveChildren[event.actorId] !== 'coder') return ownWork;
    const unchanged = 'unchanged' in event.output ? event.output.unchanged : undefined;
    const how = unchanged === undefined ? {} : { unchanged };
    const results = allDone(context.waves, { runs, run, detail: '', reason: null, ...how });
    return { ...ownWork, results, wave: context.waves.at(-1)?.number ?? 0 };
  }),
  nextRequest: base.assign(({ context }) => ({ count: context.count + 1, request: context.count + 1 })),
  nextWork: base.assign(({ context }) => ({ count: context.count + 1, work: `#${context.count + 1}` })),
  nextId: base.assign(({ context }) => ({ count: context.count + 1 })),
  setCleanup: base.assign(({ context, event }) => ({
    count: context.count + 1,
    timer: `#${context.count + 1}`,
    dueAt: timeOf(context, event) + context.policy.cleanup_age_ms,
  })),
  dropTimer: base.assign({ timer: null }),
  beginAnew: base.assign(({ context }) => ({
    wave: 0,
    wantedWave: null,
    passed: 0,
    results: withMarked(context.waves, {}),
    ownWork: [],
    lost: [],
    reviewCycle: 0,
    feedback: null,
    elaborated: false,
    pass: context.pass + 1,
    archivePending: true,
    head: null,
  })),
  noteArchived: base.assign(({ event }) => {
    assertEvent(event, 'branch_archived');
    return { archivePending: false, work: null, head: event.head };
  }),
  noteBase: base.assign(({ context, event }) => {
    assertEvent(event, 'branch_based');
    const { head, at } = event;
    return { head, ...freshAt(context, at) };
  }),
  /** The plan continues from its present base. */
  leaveBase: base.assign(({ context, event }) => freshAt(context, timeOf(context, event))),
  noteMend: base.assign(({ context, event }) => {
    assertEvent(event, 'base_conflicted');
    const { at = context.at, mends = 0, before = context.feedback } = context.fresh ?? {};
    const feedback = (event.body ?? event.detail).slice(0, feedbackLimit);
    const from = context.head === null ? {} : { from: context.head };
    return { feedback, fresh: { at, mends: mends + 1, before: mends === 0 ? context.feedback : before, ...from } };
  }),
  /** A person retries, and may want another fixer, although the last one changed nothing. */
  forgetMend: base.assign(({ context: { fresh } }) => {
    if (fresh === undefined) return {};
    const { from: _from, ...others } = fresh;
    return { fresh: others };
  }),
  dropWork: base.assign({ work: null }),
  noteFeedback: base.assign(({ context, event }) => ({
    feedback: (bodyOf(event) ?? '').slice(0, feedbackLimit),
    reviewCycle: context.reviewCycle + 1,
  })),
  noteJudged: base.assign(({ context: { head }, event }) => ({
    judged: head !== null && isOfAgent(event) ? { verdict: event.type, head } : null,
  })),
  forgetJudged: base.assign({ judged: null }),
  /** A person's message to the agent that is restarted. If there is not room for everything, older feedback is cut, not the message. */
  noteAdvice: base.assign(({ context, event }) => {
    const said = (bodyOf(event) ?? '').trim();
    if (said === '') return {};
    const advice = `A person says: ${said}`.slice(0, feedbackLimit);
    const before = (context.feedback ?? '').slice(0, Math.max(0, feedbackLimit - advice.length - 2));
    return { feedback: before === '' ? advice : `${before}\n\n${advice}` };
  }),
  /** Only a person decides whether the plan is carried out once it is planned; a signal of an agent does not count. */
  setAdvance: base.assign(({ context, event }) => {
    const isPerson = originKind(originOf(event)) === 'person';
    return { advance: isPerson && 'advance' in event ? (event.advance ?? null) : isPerson ? null : context.advance };
  }),
  noteVerified: base.assign(({ context, event }) => {
    assertEvent(event, 'verify_approved');
    return { verifiedSha: event.reviewed_sha ?? context.head };
  }),
  noteReviewed: base.assign(({ context, event }) => {
    assertEvent(event, 'review_approved');
    return { reviewedSha: event.reviewed_sha ?? context.head };
  }),
  forgetApproval: base.assign({ reviewedSha: null, verifiedSha: null }),
};

function lastFeedback({ feedback }: Pick<PlanContext, 'feedback'>): string {
  const text = feedback?.trim() ?? '';
  return text === '' ? 'the last one gave no feedback' : `the last feedback:\n${text}`;
}

/** Why the plan needs a person, and the open questions. */
export const needs = {
  noteFailure: base.assign(({ context, event }) => ({
    stopCause: failureOf(context, event),
    failed: lastRunOf(context, event),
  })),
  noteCycleLimit: base.assign(({ context, event }) => ({
    stopCause: {
      source: 'cycle_limit' as const,
      reason: `${askedAgain(context, event)} and ${context.policy.max_review_fix_cycles} fix ${
        context.policy.max_review_fix_cycles === 1 ? 'round is' : 'rounds are'
      } allowed; ${lastFeedback(context)}`.slice(0, reasonLimit),
    },
  })),
  /** A further round would fail in the same way. */
  noteSameFailure: base.assign(({ context, event }) => {
    const names = failingAlike(context, event);
    const what = names.length === 1 ? `the check ${names[0]} fails` : `the checks ${names.join(', ')} fail`;
    return {
      stopCause: {
        source: 'cycle_limit' as const,
        reason:
          `${what} as before the last fix round, with the same log, so no agent is started again; ${lastFeedback(context)}`.slice(
            0,
            reasonLimit,
          ),
      },
    };
  }),
  /** A further round would end in the same way. */
  noteNoFix: base.assign(({ context }) => ({
    stopCause: {
      source: 'cycle_limit' as const,
      reason: `the fixer changed nothing, and the same is asked for again; ${lastFeedback(context)}`.slice(
        0,
        reasonLimit,
      ),
    },
  })),
  noteReviewStop: base.assign(({ context }) => ({
    stopCause: {
      source: 'review' as const,
      reason: `changes are asked for and ${whyNoFix(context)}:\n${context.feedback ?? ''}`.slice(0, reasonLimit),
    },
  })),
  noteOverride: base.assign(({ event }) => ({
    stopCause: { source: 'override' as const, reason: overrideReason(event) },
  })),
  noteArchiveFailure: base.assign(({ event }) => {
    assertEvent(event, 'effect_failed');
    const reason = `the old branch could not be archived: ${event.detail}`;
    return { work: null, stopCause: { source: 'failed' as const, reason } };
  }),
  noteBaseConflict: base.assign(({ context, event }) => {
    assertEvent(event, 'base_conflicted');
    const why = isUnfixed(context, context.fresh?.from) ? 'its fixer changed nothing: ' : '';
    return { stopCause: { source: 'conflict' as const, reason: `${why}${event.detail}`.slice(0, reasonLimit) } };
  }),
  noteBaseFailure: base.assign(({ event }) => {
    assertEvent(event, 'effect_failed');
    const reason = `its branch could not be brought to its base: ${event.detail}`;
    return { stopCause: { source: 'failed' as const, reason: reason.slice(0, reasonLimit) } };
  }),
  noteLost: base.assign(({ event }) => {
    assertEvent(event, 'work_lost');
    const stopCause = { source: 'lost_work' as const, reason: event.detail.slice(0, reasonLimit) };
    return { lost: event.work, stopCause, at: event.at };
  }),
  /** In a plan that is over, no work counts as missing. */
  noteFound: base.assign(({ event }) => ({ lost: [], ...(event.type === 'work_found' && { wholeAt: event.at }) })),
  /** A person says that the work was removed on purpose: it is not checked any more. */
  acceptLoss: base.assign(({ context, event }) => {
    const { lost = [] } = context;
    assertEvent(event, 'resolve');
    return event.accept === true ? { ...withoutWork(context, lost), lost: [], wholeAt: event.at } : {};
  }),
  /** A person judged the work as it is. */
  noteAccepted: base.assign(({ context }) => ({ reviewedSha: context.head })),
  noteBlock: base.assign(({ context, event }) => ({
    blocked: blockOf(context, event),
    ...(event.type === 'block' && event.source === 'override' ? { lost: [] } : {}),
    questions: event.type === 'block' && event.source === 'override' ? [] : context.questions,
  })),
  noteQuestion: base.assign(({ context, event }) => {
    const question = questionOf(context, event);
    return { questions: [...context.questions, question], questionCount: question.number };
  }),
  noteAnswers: base.assign(({ context, event }) => {
    const answers = answersOf(context, event);
    const answered = new Set(answers.map(({ question }) => question.number));
    const taken = answers.flatMap(({ question, answer }) => (isYes(answer) ? (question.accepts ?? []) : []));
    const accepted = [...new Set([...(context.accepted ?? []), ...taken])].slice(-acceptedLimit);
    return {
      questions: context.questions.filter(({ number }) => !answered.has(number)),
      ...(taken.length === 0 ? {} : { accepted }),
    };
  }),
  dropQuestion: base.assign(({ context, event }) => {
    assertEvent(event, 'question_withdrawn');
    return { questions: context.questions.filter(({ run }) => run !== event.run) };
  }),
  /** The merge of its pull request ends what blocked the plan; it does not end a fault of the engine. */
  clearMerged: base.assign(({ context: { blocked } }) =>
    blocked?.source === 'fault' ? {} : { blocked: null, stopCause: null },
  ),
  /** A question of an agent stays as long as the agent; one that a person asked by hand ends with the block. */
  clearBlock: base.assign(({ context }) => ({
    blocked: null,
    stopCause: null,
    questions: context.questions.filter(({ run }) => run !== null),
  })),
};

/** What a person allowed beyond a budget. */
export const allowances = {
  noteRaise: base.assign(({ context, event }) => {
    assertEvent(event, 'raise_budget');
    const { scope, day = null, usd, tokens, agent_minutes } = event;
    const before = context.raised ?? nothingRaised;
    const isOver = scope === 'day' && before.on !== day;
    const amounts = onlySaid({ usd, tokens, agent_minutes });
    const raised = { ...before, [scope]: { ...(isOver ? {} : before[scope]), ...amounts } };
    return { raised: scope === 'day' ? { ...raised, on: day } : raised, at: event.at };
  }),
};

/** The agents of the next wave get the feedback from before a fixer was asked. */
function freshAt(
  { fresh, feedback }: PlanContext,
  at: number,
): Pick<PlanContext, 'feedback'> & { fresh: NonNullable<PlanContext['fresh']> } {
  const isMended = fresh !== undefined && fresh.mends > 0;
  return { feedback: isMended ? fresh.before : feedback, fresh: { at, mends: 0, before: null } };
}

function bodyOf(event: PlanEvent): string | null {
  return 'body' in event && typeof event.body === 'string' ? event.body : null;
}
