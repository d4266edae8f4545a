/** What a plan's root asks before it moves: pure questions over its context and the event, and how a "no" reads. */
import type { PlanRole, StageOfWork } from './plan-context.ts';
import {
  afterEnd,
  documentFacts,
  editObstacle,
  isSmall,
  nextWave,
  type PlanContext,
  selfFixLines,
  waveOf,
} from './plan-context.ts';
import { endOf, originOf, type PlanEvent } from './plan-events.ts';
import { mergeGuards, mergeGuardTexts } from './plan-merge-guards.ts';
import { originKind } from './signal.ts';

interface Asked {
  context: PlanContext;
  event: PlanEvent;
}

/** A coder, a fixer or a wave: whoever may move the plan's branch. */
function noWorkerLives({ living }: PlanContext): boolean {
  return Object.values(living).every((kind) => kind !== 'wave' && kind !== 'coder' && kind !== 'fixer');
}

/** A person answers for what he approves; whatever a verifier changed itself goes past every reviewer. */
function isSmallFix(context: PlanContext): boolean {
  return selfFixLines(context) <= context.policy.readiness_self_fix_max_lines;
}

/** The coordinator that has the say and speaks by exit code has ended with this code. */
function endedWith({ context, event }: Asked, code: number): boolean {
  if (event.type !== 'agent_delivered' || event.id !== context.now || event.code !== code) return false;
  const role: PlanRole | undefined = context.living[event.id];
  return role !== undefined && role !== 'wave' && context.policy.roles[role].speaksByExit;
}

export const planGuards = {
  ...mergeGuards,
  isEngine: ({ event }: Asked) => originOf(event) === 'engine',
  isNoAgent: ({ event }: Asked) => originKind(originOf(event)) !== 'agent',

  headDiffers: ({ context, event }: Asked) =>
    event.type === 'head_moved' &&
    (event.head !== context.head || (event.since !== undefined && context.selfFix?.[event.since] !== event.lines)),
  isParsed: ({ context }: Asked) => context.isParsed,
  willParse: ({ event }: Asked) => event.type === 'plan_updated' && documentFacts(event.content).isParsed,
  editFits: ({ context, event }: Asked, stage: StageOfWork) =>
    event.type === 'plan_updated' && editObstacle(context, event.content, stage) === null,
  advances: ({ context }: Asked) => context.policy.auto_advance,

  hasPlanner: ({ context }: Asked) => context.policy.roles.planner.on,
  hasArchitect: ({ context }: Asked) =>
    context.policy.roles.architect.on && !context.elaborated && context.wave === 0 && context.wantedWave === null,
  hasReviewer: ({ context }: Asked) => context.policy.roles.reviewer.on,
  hasVerifier: ({ context }: Asked) => context.policy.roles.verifier.on && context.policy.auto_readiness_review,

  isAsked: ({ context, event }: Asked) => event.type === 'implement_granted' && event.request === context.request,
  /** The right is there, the branch is the new one, and nobody of before works on it any more. */
  mayBegin: ({ context }: Asked) => context.granted && !context.archivePending && noWorkerLives(context),
  mayFix: ({ context }: Asked) => context.granted && noWorkerLives(context),
  archives: ({ context }: Asked) => context.archivePending && context.work === null && noWorkerLives(context),
  isWork: ({ context, event }: Asked) => 'run' in event && event.run !== null && event.run === context.work,

  isSmall: ({ context }: Asked) => isSmall(context),
  advancesWaves: ({ context }: Asked) => context.policy.auto_advance_waves,
  hasNextWave: ({ context, event }: Asked) => {
    const end = endOf(event);
    return nextWave(end === null ? context : { ...context, ...afterEnd(context, end) }) !== null;
  },
  hasWaveAfter: ({ context }: Asked) => nextWave({ ...context, passed: context.wave }) !== null,
  waveExists: ({ context, event }: Asked) =>
    event.type === 'implement_wave' && waveOf(context, event.wave_number) !== undefined,
  hasFailedWave: ({ context }: Asked) => context.now !== null && context.living[context.now] === 'wave',

  isNow: ({ context, event }: Asked) =>
    ('actorId' in event && event.actorId === context.now) || ('id' in event && event.id === context.now),
  nowSucceeded: ({ context, event }: Asked) =>
    'output' in event && event.actorId === context.now && event.output.outcome === 'succeeded',
  nowLives: ({ context }: Asked) => context.now !== null,
  nobodyLives: ({ context }: Asked) => Object.keys(context.living).length === 0,

  approvesByExit: (asked: Asked) => endedWith(asked, 0),
  rejectsByExit: (asked: Asked) => endedWith(asked, 1),
  /** An approval by exit code is about the commit at which the run began. */
  approvesHeadByExit: ({ context, event }: Asked) =>
    endedWith({ context, event }, 0) &&
    isSmallFix(context) &&
    event.type === 'agent_delivered' &&
    (event.base === null || context.head === null || event.base === context.head),
  approvalIsFresh: ({ context, event }: Asked) =>
    event.type === 'verify_approved' &&
    (context.head === null ||
      (event.reviewed_sha === undefined
        ? originKind(event.origin) === 'person' || event.origin === 'engine'
        : event.reviewed_sha === context.head)),
  selfFixIsSmall: ({ context, event }: Asked) => originKind(originOf(event)) === 'person' || isSmallFix(context),
  /** Verified at a commit, and that is no longer the branch's head. */
  isOutdated: ({ context, event }: Asked) =>
    event.type === 'verification_stale' && context.verifiedSha !== null && event.head !== context.verifiedSha,

  cyclesAreUsed: ({ context: { policy, reviewCycle } }: Asked) =>
    policy.max_review_fix_cycles > 0 && reviewCycle + 1 > policy.max_review_fix_cycles,
  fixesAlone: ({ context }: Asked) => context.policy.auto_review_fix && context.policy.roles.fixer.on,
  hasFixer: ({ context }: Asked) => context.policy.roles.fixer.on,

  forces: ({ event }: Asked, status: string) => event.type === 'set_status' && event.status === status,
  forcesPlanned: ({ context, event }: Asked) =>
    event.type === 'set_status' && event.status === 'planned' && context.isParsed,
  isOverride: ({ event }: Asked) => event.type === 'block' && event.source === 'override',
  movedByPerson: ({ event }: Asked) =>
    event.type === 'moved' && event.cause !== 'set_status' && originKind(event.origin) === 'person',
  movedOn: ({ event }: Asked) => event.type === 'moved' && event.cause !== 'set_status',
  waits: ({ event }: Asked) => event.type === 'pause' && event.wait === true,

  /** Guards that never hold: their names are the refusals. */
  notPlannedYet: () => false,
  noWaveRuns: () => false,
};

/** An approval of a verifier that changed too much itself: how much, since when, and who goes on. */
export function selfFixText(context: PlanContext): string {
  const limit = context.policy.readiness_self_fix_max_lines;
  const since = Object.keys(context.selfFix ?? {})[0]?.slice(0, 12);
  return `selfFixIsSmall: ${selfFixLines(context)} lines were changed since the verification began at ${since ?? 'the head'}, and a verifier may change ${limit} itself (readiness_self_fix_max_lines); send verify_failed and let a fixer do it, or let a person approve`;
}

/** What a refusal by a guard says to people; a guard that is not listed is named as it is. */
export const guardTexts: Readonly<Record<string, string>> = {
  ...mergeGuardTexts,
  notPlannedYet: 'not planned yet: run plan_start first',
  hasPlanner: 'no_planner',
  waveExists: 'no_such_wave',
  noWaveRuns: 'wave_running',
  approvalIsFresh: 'stale_approval',
  hasFailedWave: 'no failed wave waits',
  isNoAgent: 'not from an agent now',
  archives: 'nothing waits for an answer',
  isOutdated: 'nothing verified is out of date',
  isNotCancelled: 'its run is being ended already',
  hasRoomForMessage: 'ten messages wait already, the agent has delivered none since',
  takesMessage: 'it is no longer wanted, or ten messages wait already',
  mayRestart: 'its run is being ended: it asked, is finished or is no longer wanted',
};
