/** The conditions of a plan's transitions: pure functions over its context and the event, and the text of a refusal. */

import { not, or, stateIn } from 'xstate';
import type { AgentOutput, DoneEvent, DoneWork, TaskOutput, WaveOutput } from '../vocabulary/family.ts';
import type { Policy } from '../vocabulary/policy.ts';
import { originKind } from '../vocabulary/signal.ts';
import type { Attention, PlanRole, StageOfWork } from './context.ts';
import {
  advances,
  afterEnd,
  approvalOf,
  attentionOf,
  budgetOf,
  documentFacts,
  doneWork,
  editObstacle,
  handQuestionLimit,
  hasOpenTask,
  isSession,
  isSmall,
  nextWave,
  type PlanContext,
  questionName,
  selfFixLines,
  timeOf,
  waveOf,
} from './context.ts';
import { draftGuards } from './drafts.ts';
import { type GuardArgs, originOf, type PlanEvent } from './events.ts';
import { hasMoreParts, isStacked, isUnpushed } from './stack.ts';
import { hasStranded } from './stored-messages.ts';

/** No coder, fixer or wave is left: only these may move the plan's branch. */
function hasNoWorkers({ liveChildren }: PlanContext): boolean {
  return Object.values(liveChildren).every((kind) => kind !== 'wave' && kind !== 'coder' && kind !== 'fixer');
}

/** A session fixes its own work. */
function hasFixer(context: PlanContext): boolean {
  return isSession(context) || context.policy.roles.fixer.on;
}

function fixesAlone(context: PlanContext): boolean {
  const { policy } = context;
  return isSession(context)
    ? (policy.roles.session.fixesAlone ?? policy.auto_review_fix)
    : policy.auto_review_fix && hasFixer(context);
}

function hasUsedCycles({ policy }: PlanContext, cycles: number): boolean {
  return policy.max_review_fix_cycles > 0 && cycles + 1 > policy.max_review_fix_cycles;
}

/** A fixer began at that commit, and the plan's branch is still there: another one would do the same. */
export function isUnfixed({ head }: Pick<PlanContext, 'head'>, from: string | undefined): boolean {
  return from !== undefined && from === head;
}

function isAged({ policy, fresh, timestamps, at, wave }: PlanContext, event: PlanEvent): boolean {
  const refreshMs = policy.landing_refresh_ms;
  if (refreshMs === null || wave === 0) return false;
  return timeOf({ at }, event) - (fresh?.at ?? timestamps.implementing_at ?? at) >= refreshMs;
}

/** The plan waited for other plans, or begins from a base that may be old: its branch may have been made long ago, by a planner. */
function needsBase(context: PlanContext, event: PlanEvent): boolean {
  const begins = context.policy.landing_refresh_ms !== null && context.wave === 0;
  return context.after.length > 0 || begins || isAged(context, event);
}

/** A person is responsible for their approval; changes that a verifier made itself are seen by no reviewer. */
function isSmallFix(context: PlanContext): boolean {
  return selfFixLines(context) <= context.policy.readiness_self_fix_max_lines;
}

/** The active coordinator, whose exit code is its verdict, has ended with this code. */
function endedWith({ context, event }: GuardArgs, code: number): boolean {
  if (event.type !== 'agent_delivered' || event.id !== context.activeChildId || event.code !== code) return false;
  const role: PlanRole | undefined = context.liveChildren[event.id];
  return role !== undefined && role !== 'wave' && context.policy.roles[role].speaksByExit;
}

/** All commits of its branch are merged. */
function isFullyMerged({ merge, head }: PlanContext): boolean {
  const merged = merge?.merged ?? null;
  return merged !== null && (head === null || head === merged.tip);
}

/** Which merge requests the plan accepts in its present state. Whether a merge runs is a state of the chart. */
const mergeGuards = {
  isDone: stateIn('#plan.lifecycle.done'),
  isNotMerging: not(stateIn('#plan.merge.working')),
  /** A branch that a person names may get work that another branch has. */
  mayMerge: ({ context, event }: GuardArgs) =>
    !isFullyMerged(context) ||
    ((event.type === 'merge' || event.type === 'land') &&
      event.into != null &&
      event.into !== context.merge?.merged?.into),
  isUnmerged: ({ context: { merge } }: GuardArgs) => (merge?.merged ?? null) === null,
  /** `auto_merge`, when a plan has passed all of its stages. A status that was set by hand starts nothing, and a plan with a pull request is merged there. */
  mergesAlone: ({ context, event }: GuardArgs) =>
    context.policy.auto_merge && context.pullRequestUrl === null && !isByHand(event) && !isFullyMerged(context),
  /** As `mergesAlone`, by the line of the branch. */
  landsAlone: ({ context, event }: GuardArgs) =>
    context.policy.landing_auto &&
    context.policy.landing_by === 'git' &&
    context.pullRequestUrl === null &&
    !isByHand(event) &&
    !isFullyMerged(context),
  /** `[landing] by`: the forge lands the plan, unless a person named a branch. */
  landsOnForge: ({ context: { policy }, event }: GuardArgs) =>
    policy.landing_by === 'forge' && !(event.type === 'land' && event.into != null),
  /** Its present work is merged, or its merge runs. */
  isLanded: ({ context }: GuardArgs) => isFullyMerged(context) || (context.merge?.work ?? null) !== null,
  /** The running merge goes into the branch that the request names, or the request names none. */
  landsThere: ({ context: { merge }, event }: GuardArgs) =>
    event.type !== 'land' || event.into == null || merge?.work == null || event.into === merge.into,
  landsWithGit: ({ context: { policy }, event }: GuardArgs) =>
    policy.landing_by === 'git' || (event.type === 'land' && event.into != null),
  landsOnForgeAlone: ({ context: { policy }, event }: GuardArgs) =>
    policy.landing_auto && policy.landing_by === 'forge' && !isByHand(event),
  /** The pull request is approved, its checks have passed, and it shows exactly the approved work. */
  isReadyToLand: ({ context, event }: GuardArgs) =>
    event.type === 'pr_merge_wanted' && event.ready && showsApproved(context, event.head),
  isOfForge: ({ context: { merge } }: GuardArgs) => merge?.byForge === true,
  isForgeWaiting: ({ event }: GuardArgs) => event.type === 'merge_refused' && event.why === 'forge_waits',
  endsByItself: ({ event }: GuardArgs) => !isByHand(event),
  isMerge: ({ context: { merge }, event }: GuardArgs) => isRun(event, merge?.work) || isPlace(event, merge?.work),
  /** The line found a conflict, or a check that fails on the merge: a fixer handles it like the request of a review, unless the last one changed nothing. */
  isForFixer: ({ context, event }: GuardArgs) =>
    event.type === 'merge_refused' &&
    event.body !== undefined &&
    fixesAlone(context) &&
    !hasUsedCycles(context, context.reviewCycle) &&
    !isUnfixed(context, context.merge?.fixedFrom),
  /** The pull request that the forge merged shows the present work, and the forge names the merged commit. */
  isMergedThere: ({ context: { pull, head, pass }, event }: GuardArgs) =>
    event.type === 'pr_merged' &&
    event.head !== null &&
    (pull?.request?.head ?? head) !== null &&
    (pull?.request?.pass ?? pass) === pass,
  isSameMerge: ({ context: { merge }, event }: GuardArgs) =>
    event.type === 'plan_merged' && event.tip === merge?.merged?.tip && event.into === merge.merged.into,
  /** The merged commit is the plan's present one. */
  isOfHead: ({ context: { head }, event }: GuardArgs) => event.type === 'plan_merged' && event.tip === head,
  hasNewWork: ({ context }: GuardArgs) => !isFullyMerged(context),
  leftForRefusal: ({ event }: GuardArgs) => event.type === 'done_left' && event.cause === 'merge_refused',
};

/** The event is about the request of that name. */
function isRun(event: PlanEvent, work: string | null | undefined): boolean {
  return 'run' in event && event.run !== null && event.run === work;
}

/** The line of a branch answers that request of the plan. */
function isPlace(event: PlanEvent, work: string | null | undefined): boolean {
  return 'request' in event && typeof event.request === 'string' && event.request === work;
}

/** Which requests about a plan's pull request are possible, also to its forge. Its progress is a state of the chart. */
const pullGuards = {
  pullIsOpen: stateIn('#plan.pullRequest.open'),
  /** `auto_create_pr`: a plan that has passed all of its stages gets a pull request, unless its work is merged already. */
  pullsAlone: ({ context, event }: GuardArgs) =>
    makesPulls(context.policy) && !isByHand(event) && !isFullyMerged(context),
  makesPulls: ({ context: { policy } }: GuardArgs) => makesPulls(policy),
  /** The open pull request does not show the branch's head. */
  mayPush: ({ context: { pull, head } }: GuardArgs) =>
    head !== null &&
    (pull?.request?.head !== head || pull.request.stack?.some(({ state }) => state === 'closed') === true),
  /** The pull request shows the branch as it was before this round of work. */
  pullIsBehind: ({ context: { pull, head }, event }: GuardArgs) => pull?.request?.head !== head && !isByHand(event),
  /** Its parts have requests of their own, each based on the one below. */
  isStacked: ({ context }: GuardArgs) => isStacked(context),
  hasMoreParts: ({ context }: GuardArgs) => hasMoreParts(context),
  isUnpushed: ({ context }: GuardArgs) => isUnpushed(context),
  isUnderway: stateIn('#plan.lifecycle.underway'),
  isNotDone: not(stateIn('#plan.lifecycle.done')),
  /** The pull request shows the present work, not earlier work from before the plan was started over. */
  showsPresentWork: ({ context: { pull, pass } }: GuardArgs) => pull?.request?.pass === pass,
  pullIsMerged: stateIn('#plan.pullRequest.merged'),
  /** The last of the agents that were at work when the forge merged it. */
  endsLast: ({ context: { liveChildren }, event }: GuardArgs) =>
    'actorId' in event && Object.keys(liveChildren).every((id) => id === event.actorId),
  isPull: ({ context: { pull }, event }: GuardArgs) => isRun(event, pull?.work),
  /** The branch moved on: the plan is judged again. */
  pullMoved: ({ event }: GuardArgs) => event.type === 'pr_failed' && event.moved === true,
  /** The answer to the request, or a pull request that a person named. */
  isOpened: ({ context: { pull }, event }: GuardArgs) =>
    event.type === 'pr_opened' && (event.run === null || event.run === pull?.work),
  /** The plan's branch contains what people pushed to its stack. */
  bringsWork: ({ event }: GuardArgs) => event.type === 'pr_opened' && event.taken !== undefined,
  bringsUnjudged: ({ event }: GuardArgs) => event.type === 'pr_opened' && event.taken === 'to_judge',
  leftToBeginAnew: ({ event }: GuardArgs) =>
    event.type === 'done_left' && (event.cause === 'start_over' || event.cause === 'reimplement'),
  /** At least one of the requests on the forge is new to the plan. */
  isNews: ({ context: { pull }, event }: GuardArgs) =>
    (event.type === 'pr_changes_requested' || event.type === 'pr_needs_person') &&
    event.ids.some((id) => !pull?.seen.includes(id)),
  /** A check failed before the last round of work, and fails after it with the same output. */
  failsAlike: ({ context, event }: GuardArgs) => failingAlike(context, event).length > 0,
  /** The forge merges the pull request when its checks have passed and it shows exactly the approved work. */
  mergesOnForge: ({ context, event }: GuardArgs) => {
    const shown = event.type === 'pr_opened' ? event.head : (context.pull?.request?.head ?? null);
    if (shown === null || !isMergedWhenGreen(context) || context.blocked !== null) return false;
    if (event.type === 'pr_merge_wanted' && event.head !== shown) return false;
    return isApproved(context, shown);
  },
  mergesWhenGreen: ({ context }: GuardArgs) => isMergedWhenGreen(context),
  isReady: ({ event }: GuardArgs) => event.type === 'pr_merge_wanted' && event.ready,
  isByForge: ({ event }: GuardArgs) => event.type === 'pr_merge_scheduled' && event.by === 'forge',
  /** The merge was seen on the forge, and answers no request. */
  isUnasked: ({ event }: GuardArgs) => event.type === 'pr_merge_refused' && event.run === null,
};

function makesPulls({
  auto_create_pr: makes,
  auto_merge: merges,
  landing_auto: lands,
  landing_by: by,
}: Policy): boolean {
  return makes && !merges && !(lands && by === 'git');
}

/** A plan that lands in the line of its branch is merged only there. */
function isMergedWhenGreen({ policy }: PlanContext): boolean {
  return policy.pull_merge === 'when-green' && policy.landing_by === 'git';
}

function isApproved(context: PlanContext, shown: string): boolean {
  return [context.head, approvalOf(context)?.sha ?? null].every((sha) => sha === null || sha === shown);
}

function showsApproved(context: PlanContext, head: string): boolean {
  return context.pull?.request?.head === head && isApproved(context, head);
}

/** A verdict by exit code is a signal of the engine. */
export function isOfAgent(event: PlanEvent): boolean {
  const kind = originKind(originOf(event));
  return kind === 'agent' || kind === 'engine';
}

/** The names of the checks that are new and fail as they did when the plan last received them. */
export function failingAlike({ pull }: Pick<PlanContext, 'pull'>, event: PlanEvent): string[] {
  if (event.type !== 'pr_changes_requested') return [];
  const before = pull?.request?.failing ?? {};
  return (event.failing ?? [])
    .filter(({ id, name, digest }) => event.ids.includes(id) && digest !== null && before[name] === digest)
    .map(({ name }) => name);
}

/** A status that was set by hand starts nothing. */
export function isByHand(event: PlanEvent): boolean {
  if (event.type === 'done_entered') return event.byHand;
  return event.type === 'set_status' || event.type === 'mark_done';
}

/** Senders that may approve without naming a commit. */
const namesNoCommit = {
  verify_approved: ['person', 'engine'],
  // A file in the main folder counts as a person's signal.
  review_approved: ['person', 'engine', 'file'],
} as const;

export const planGuards = {
  /** Checked after each step; usually there is none. */
  hasStrandedWords: ({ context }: GuardArgs) => context.words.length > 0 && hasStranded(context),
  hasWaitingWords: ({ context }: GuardArgs) => context.words.some(({ run }) => run === null),
  ...draftGuards,
  ...mergeGuards,
  ...pullGuards,
  isEngine: ({ event }: GuardArgs) => originOf(event) === 'engine',
  isNoAgent: ({ event }: GuardArgs) => originKind(originOf(event)) !== 'agent',

  headDiffers: ({ context, event }: GuardArgs) =>
    event.type === 'head_moved' &&
    (event.head !== context.head || (event.since !== undefined && context.selfFix?.[event.since] !== event.lines)),
  isParsed: ({ context }: GuardArgs) => context.isParsed,
  willParse: ({ event }: GuardArgs) => event.type === 'plan_updated' && documentFacts(event.content).isParsed,
  editFits: ({ context, event }: GuardArgs, stage: StageOfWork) =>
    event.type === 'plan_updated' && editObstacle(context, event, stage) === null,
  advances: ({ context }: GuardArgs) => advances(context),

  /** An issue's session needs no planner: its document is complete from the beginning. */
  hasPlanner: ({ context }: GuardArgs) => context.policy.roles.planner.on && !isSession(context),
  isSession: ({ context }: GuardArgs) => isSession(context),
  hasArchitect: ({ context }: GuardArgs) =>
    context.policy.roles.architect.on &&
    !context.elaborated &&
    context.wave === 0 &&
    context.wantedWave === null &&
    nextWave(context) !== null,
  hasReviewer: ({ context }: GuardArgs) => context.policy.roles.reviewer.on,
  hasVerifier: ({ context }: GuardArgs) => context.policy.roles.verifier.on && context.policy.auto_readiness_review,

  isAsked: ({ context, event }: GuardArgs) => event.type === 'implement_granted' && event.request === context.request,
  /** The right is granted, the branch is the new one, and no earlier agent works on it any more. */
  mayBegin: ({ context }: GuardArgs) => context.granted && !context.archivePending && hasNoWorkers(context),
  /** Its base must contain the plans that it waited for. */
  mayBeginAfter: ({ context, event }: GuardArgs) =>
    context.granted && !context.archivePending && hasNoWorkers(context) && needsBase(context, event),
  /** Its branch was last brought up to date with its base longer ago than is allowed. */
  isAged: ({ context, event }: GuardArgs) => isAged(context, event),
  /** A fixer can resolve the conflict between its work and its base. One that changed nothing is not started again. */
  mendsBase: ({ context, event }: GuardArgs) =>
    event.type === 'base_conflicted' &&
    event.body !== undefined &&
    fixesAlone(context) &&
    !hasUsedCycles(context, context.fresh?.mends ?? 0) &&
    !isUnfixed(context, context.fresh?.from),
  /** A person wants it to continue from its present base. */
  leavesBase: ({ context, event }: GuardArgs) => context.wave > 0 && acceptsIn(event) && context.granted,
  mayFix: ({ context }: GuardArgs) => context.granted && hasNoWorkers(context),
  archives: ({ context }: GuardArgs) => context.archivePending && context.work === null && hasNoWorkers(context),
  isWork: ({ context, event }: GuardArgs) => isRun(event, context.work),

  isSmall: ({ context }: GuardArgs) => isSmall(context),
  advancesWaves: ({ context }: GuardArgs) => context.policy.auto_advance_waves,
  hasOpenTask: ({ context }: GuardArgs) => hasOpenTask(context),
  hasNextWave: ({ context, event }: GuardArgs) => {
    const end = endOf(event);
    return nextWave(end === null ? context : { ...context, ...afterEnd(context, end) }) !== null;
  },
  hasWaveAfter: ({ context }: GuardArgs) => nextWave({ ...context, passed: context.wave }) !== null,
  waveExists: ({ context, event }: GuardArgs) =>
    event.type === 'implement_wave' && waveOf(context, event.wave_number) !== undefined,
  hasFailedWave: ({ context }: GuardArgs) =>
    context.activeChildId !== null && context.liveChildren[context.activeChildId] === 'wave',

  isActiveChild: ({ context, event }: GuardArgs) =>
    ('actorId' in event && event.actorId === context.activeChildId) ||
    ('id' in event && event.id === context.activeChildId),
  activeChildSucceeded: ({ context, event }: GuardArgs) =>
    'output' in event && event.actorId === context.activeChildId && event.output.outcome === 'succeeded',
  hasActiveChild: ({ context }: GuardArgs) => context.activeChildId !== null,
  hasNoChildren: ({ context }: GuardArgs) => Object.keys(context.liveChildren).length === 0,

  approvesByExit: (asked: GuardArgs) => endedWith(asked, 0),
  rejectsByExit: (asked: GuardArgs) => endedWith(asked, 1),
  /** An approval by exit code is about the commit at which the run began. */
  approvesHeadByExit: ({ context, event }: GuardArgs) =>
    endedWith({ context, event }, 0) &&
    isSmallFix(context) &&
    event.type === 'agent_delivered' &&
    (event.base === null || context.head === null || event.base === context.head),
  /** A verdict without a commit is a person's, about the present branch; a verdict of a run has the commit at which the run began. */
  approvalIsFresh: ({ context, event }: GuardArgs) =>
    (event.type === 'verify_approved' || event.type === 'review_approved') &&
    (context.head === null ||
      (event.reviewed_sha === undefined
        ? namesNoCommit[event.type].some((origin) => origin === originKind(event.origin))
        : event.reviewed_sha === context.head)),
  /** A verifier begins at another commit than the one that the review approved. */
  isUnreviewed: ({ context: { reviewedSha }, event }: GuardArgs) =>
    event.type === 'head_moved' && event.begins === true && reviewedSha !== null && event.head !== reviewedSha,
  /** Lost work that still belongs to the plan, does not block it yet, and was missing after the last check that found the work complete. */
  isNewLoss: ({ context, event }: GuardArgs) => {
    if (event.type !== 'work_lost' || event.looked_at < (context.wholeAt ?? 0)) return false;
    const own = new Set(doneWork(context).map(({ commit }) => commit));
    const known = new Set(lostOf(context).map(({ commit }) => commit));
    return event.work.some(({ commit }) => !known.has(commit) && (own.has(commit) || hasWave(context)));
  },
  /** The plan is in a status where work is judged, or must be fixed after that. */
  isJudged: or([
    stateIn('#plan.lifecycle.underway.implementing.fixing.stuck'),
    stateIn('#plan.lifecycle.underway.reviewing.stuck'),
    stateIn('#plan.lifecycle.underway.verifying.stuck'),
  ]),
  isLost: ({ context }: GuardArgs) => lostOf(context).length > 0,
  isWhole: ({ context }: GuardArgs) => lostOf(context).length === 0,
  /** The lost work is on the branch again, or is missing on purpose. */
  isBack: ({ context, event }: GuardArgs) => lostOf(context).length === 0 || acceptsIn(event),
  acceptsNot: ({ event }: GuardArgs) => !acceptsIn(event),
  accepts: ({ context, event }: GuardArgs) => acceptsIn(event) && lostOf(context).length === 0,
  selfFixIsSmall: ({ context, event }: GuardArgs) => originKind(originOf(event)) === 'person' || isSmallFix(context),
  /** The approved commit is no longer the branch's head. */
  isOutdated: ({ context, event }: GuardArgs) => {
    const approval = approvalOf(context);
    return event.type === 'verification_stale' && approval !== null && event.head !== approval.sha;
  },
  wasVerified: ({ context }: GuardArgs) => context.verifiedSha !== null,
  branchMoved: ({ event }: GuardArgs) => event.type === 'merge_refused' && event.why === 'moved',

  /** What a pull request asks for counts over its whole life, also after a new beginning. */
  cyclesAreUsed: ({ context, event }: GuardArgs) => {
    const { reviewCycle, pull } = context;
    const asked = event.type === 'pr_changes_requested' ? (pull?.request?.cycles ?? 0) : 0;
    return hasUsedCycles(context, Math.max(reviewCycle, asked));
  },
  /** The same role asks for changes at the same commit again: the fixer changed nothing. A person may ask as often as they want. */
  isUnchanged: ({ context: { judged, head }, event }: GuardArgs) =>
    judged != null && judged.verdict === event.type && judged.head === head && isOfAgent(event),
  fixesAlone: ({ context }: GuardArgs) => fixesAlone(context),
  hasFixer: ({ context }: GuardArgs) => hasFixer(context),

  needs: ({ context }: GuardArgs, attention: Attention) => attentionOf(context) === attention,
  /** All of the answered questions are open. */
  areOpen: ({ context: { questions }, event }: GuardArgs) =>
    event.type === 'answer' &&
    event.questions.length > 0 &&
    event.questions.every((number) => questions.some((question) => question.number === number)),
  hasRoomForQuestion: ({ context: { questions } }: GuardArgs) =>
    questions.filter(({ run }) => run === null).length < handQuestionLimit,

  forces: ({ event }: GuardArgs, status: string) => event.type === 'set_status' && event.status === status,
  forcesPlanned: ({ context, event }: GuardArgs) =>
    event.type === 'set_status' && event.status === 'planned' && context.isParsed,
  isForBudget: ({ context }: GuardArgs) => context.blocked?.source === 'budget',
  /** The limit that is used up is raised beyond its use. The next run of an agent begins at 0. */
  raisesBudget: ({ context: { blocked }, event }: GuardArgs) => {
    if (event.type !== 'raise_budget' || blocked?.source !== 'budget') return false;
    if (blocked.budget === undefined) return true;
    const { scope, measure, limit, spent } = blocked.budget;
    return event.scope === scope && (event[measure] ?? 0) > (scope === 'attempt' ? limit : spent);
  },
  /** A budget that is used up is raised, not answered. */
  budgetIsRaised: ({ context }: GuardArgs) => context.blocked?.source !== 'budget',
  /** A use that was measured before a person raised the limit no longer counts. A day's limit begins anew each day. */
  budgetIsUsed: ({ context, event }: GuardArgs) => {
    if (event.type !== 'budget_reached') return false;
    const { scope, measure, limit } = event;
    return scope === 'day' || (budgetOf(context).raised[scope]?.[measure] ?? 0) <= limit;
  },
  hasNoBlock: ({ context }: GuardArgs) => context.blocked === null || context.blocked.source === 'override',
  movedByPerson: ({ event }: GuardArgs) =>
    event.type === 'moved' && event.cause !== 'set_status' && originKind(event.origin) === 'person',
  movedOn: ({ event }: GuardArgs) => event.type === 'moved' && event.cause !== 'set_status',
  waits: ({ event }: GuardArgs) => event.type === 'pause' && event.wait === true,

  /** Guards that are never true: their names are the refusals. */
  notPlannedYet: () => false,
  noWaveRuns: () => false,
};

/** The work that should be on its branch and is missing there. */
function lostOf({ lost = [] }: Pick<PlanContext, 'lost'>): readonly DoneWork[] {
  return lost;
}

/** A person takes the work as it is. */
function acceptsIn(event: PlanEvent): boolean {
  return event.type === 'resolve' && event.accept === true;
}

/** Only the running wave knows its own results. */
function hasWave({ liveChildren }: PlanContext): boolean {
  return Object.values(liveChildren).includes('wave');
}

/** Why the approval of a verifier that changed too much itself does not count: how much, since when, and who judges next. */
export function selfFixText(context: PlanContext): string {
  const limit = context.policy.readiness_self_fix_max_lines;
  const since = Object.keys(context.selfFix ?? {})[0]?.slice(0, 12);
  return `selfFixIsSmall: ${selfFixLines(context)} lines were changed since the verification began at ${since ?? 'the head'}, and a verifier may change ${limit} itself (readiness_self_fix_max_lines); send verify_failed and let a fixer do it, or let a person approve`;
}

/** Why an approval of another commit than the branch's head does not count: both commits, and who judges again. */
export function staleApprovalText(
  { head, branch }: PlanContext,
  event: { type: string; reviewed_sha?: unknown },
): string {
  const { reviewed_sha: about } = event;
  const whose = event.type === 'review_approved' ? 'review' : 'verification';
  const what = typeof about === 'string' ? `it is about ${about.slice(0, 12)}` : 'it names no commit';
  return `stale_approval: ${what}, and ${branch} is at ${head?.slice(0, 12)}; look at that commit and give the verdict again with its reviewed_sha, or let the ${whose} run once more`;
}

/** Why an answer does not fit: which question is not open, and which are. */
export function notOpenText({ questions, questionCount }: PlanContext, numbers: readonly number[]): string {
  const gone = numbers.filter((number) => questions.every((question) => question.number !== number));
  const which = gone.map((number) =>
    number > questionCount
      ? `there is no question ${number}`
      : `question ${number} is not open any more: it was answered, or its agent is over`,
  );
  const open = questions.length === 0 ? 'none is open' : `open: ${questions.map(questionName).join(', ')}`;
  return which.length === 0 ? open : `${which.join('; ')} (${open})`;
}

/** A child's output, if the event has one. */
function endOf(event: PlanEvent): DoneEvent<AgentOutput | TaskOutput | WaveOutput> | null {
  return 'output' in event && 'actorId' in event ? (event as DoneEvent<AgentOutput | TaskOutput | WaveOutput>) : null; // no signal has either field
}
