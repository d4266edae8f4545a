/** What a plan's root hears, says, asks and decides: the words that its chart is written in. */
import { assign, raise, setup } from 'xstate';
import { agentMachine } from './agent.ts';
import type {
  AgentInput,
  AgentOrder,
  AgentOutput,
  Asked,
  CommonOrder,
  Delivered,
  DoneEvent,
  TaskOrder,
  TaskOutput,
  WaveFailed,
  WaveOrder,
  WaveOutput,
} from './family.ts';
import { instanceTitle } from './ids.ts';
import {
  allDone,
  type BlockSource,
  documentFacts,
  editObstacle,
  isSmall,
  keptResults,
  nextWave,
  type PlanContext,
  type TimestampName,
  waveOf,
} from './plan-context.ts';
import { isWorker, type Policy, type Role } from './policy.ts';
import { type Origin, originKind, type SignalEvent } from './signal.ts';
import { taskMachine } from './task.ts';
import { waveMachine } from './wave.ts';

type PlanSignal = SignalEvent<
  | 'plan_start'
  | 'planner_finished'
  | 'planner_draft_finished'
  | 'implement_start'
  | 'implement_finished'
  | 'elaborator_finished'
  | 'review_approved'
  | 'review_changes_requested'
  | 'verify_approved'
  | 'verify_failed'
  | 'needs_decision'
  | 'implement_wave'
  | 'retry_wave'
  | 'advance_wave'
  | 'start_over'
  | 'reimplement'
  | 'request_review'
  | 'cancel'
  | 'reopen'
  | 'mark_done'
  | 'pause'
  | 'resume'
  | 'resolve'
  | 'set_status'
  | 'plan_updated'
  | 'policy'
  | 'head_moved'
  | 'effect_failed'
  | 'branch_archived'
  | 'verification_stale'
  | 'implement_granted'
  | 'pr_creating'
  | 'pr_opened'
  | 'pr_merged'
  | 'pr_closed'
  | 'pr_failed'
>;
/** Said by one region of the root to another. */
type PlanRegionEvent =
  | { type: 'moved'; at: number; origin: Origin; cause: string }
  | { type: 'block'; at: number; reason: string; source: BlockSource };

export type PlanEvent =
  | PlanSignal
  | PlanRegionEvent
  | Delivered
  | Asked
  | WaveFailed
  | DoneEvent<AgentOutput | TaskOutput | WaveOutput>;

export interface PlanInput {
  project: string;
  plan: string;
  content: string;
  branch: string;
  topic: string | null;
  generation: number;
  policy: Policy;
  at: number;
}

/** The longest feedback that goes into a prompt by way of the context; the signal's row keeps the rest. */
const feedbackLimit = 32_768;
/** The longest reason of a block. */
const reasonLimit = 8_192;

export function timeOf(context: PlanContext, event: PlanEvent): number {
  if ('at' in event) return event.at;
  return 'output' in event ? event.output.at : context.at;
}

function bodyOf(event: PlanEvent): string | null {
  return 'body' in event && typeof event.body === 'string' ? event.body : null;
}

function originOf(event: PlanEvent): Origin {
  return 'origin' in event ? (event.origin as Origin) : 'engine'; // verify signals carry the older system's origin only inside their payload's rest
}

/** The words by which a coordinator or a worker is finished: it is let go with thanks instead of being stopped. */
const verdicts = new Set<string>([
  'planner_finished',
  'planner_draft_finished',
  'elaborator_finished',
  'implement_finished',
  'review_approved',
  'review_changes_requested',
  'verify_approved',
  'verify_failed',
]);

function agentInput(context: PlanContext, role: Exclude<Role, 'session'>, round: number): Omit<AgentInput, 'path'> {
  const { attempts, timeoutMs, idleMs, speaksByExit } = context.policy.roles[role];
  return {
    title: instanceTitle({ plan: context.plan, role, wave: null, task: null, round }),
    role,
    wave: null,
    task: null,
    branch: context.branch,
    from: context.branch,
    attempts,
    timeoutMs,
    idleMs,
    speaksByExit: speaksByExit && !isWorker(role),
    feedback: context.feedback,
  };
}

/** Why a status came to stand when the child that had the say failed. */
function failureOf(event: PlanEvent): { source: BlockSource; reason: string } {
  if (!('output' in event) || !('reason' in event.output)) return { source: 'failed', reason: 'the agent failed' };
  const { reason, runs, detail } = event.output;
  const what = `${runs} ${runs === 1 ? 'run' : 'runs'}, the last one ended: ${reason ?? 'failed'}${detail === '' ? '' : `\n${detail}`}`;
  return { source: reason === 'no-verdict' ? 'no_verdict' : 'failed', reason: what.slice(0, reasonLimit) };
}

const words = setup({
  types: {
    context: {} as PlanContext,
    events: {} as PlanEvent,
    input: {} as PlanInput,
    tags: {} as `status:${string}` | `phase:${string}`,
    meta: {} as { holds?: readonly string[]; suppresses?: readonly string[] },
  },
  actors: { agent: agentMachine, task: taskMachine, wave: waveMachine },
  actions: {
    askGrant: () => {},
    tellReleased: () => {},
    tellRepoDone: () => {},
    tellRepoUndone: () => {},
    askArchive: () => {},
    setPolicy: assign(({ event }) => (event.type === 'policy' ? { policy: event.policy } : {})),
    setHead: assign(({ event }) => (event.type === 'head_moved' ? { head: event.head } : {})),
    setDocument: assign(({ context, event }) => {
      if (event.type !== 'plan_updated') return {};
      const facts = documentFacts(event.content);
      return { ...facts, topic: facts.topic ?? context.topic, results: keptResults(context, facts.waves) };
    }),
    setGranted: assign({ granted: true }),
    setElaborated: assign({ elaborated: true }),
    wantWave: assign(({ context, event }) => {
      if (event.type !== 'implement_wave') return {};
      const earlier = context.waves.filter((wave) => wave.number < event.wave_number);
      const passed = allDone(earlier, { runs: 0, run: null, detail: 'passed over', reason: null });
      const results = { ...context.results };
      for (const wave of earlier)
        results[wave.number] = { ...passed[wave.number], ...onlyDone(context.results[wave.number]) };
      return { wantedWave: event.wave_number, results };
    }),
    countDraft: assign(({ context, event }) =>
      event.type === 'planner_draft_finished' ? { drafts: [...context.drafts, event.planner_id] } : {},
    ),
    stamp: assign(({ context, event }, name: TimestampName) => ({
      timestamps:
        event.type === 'set_status' ? context.timestamps : { ...context.timestamps, [name]: timeOf(context, event) },
      at: timeOf(context, event),
    })),
    noteFeedback: assign(({ context, event }) => ({
      feedback: (bodyOf(event) ?? '').slice(0, feedbackLimit),
      reviewCycle: context.reviewCycle + 1,
    })),
    noteVerified: assign(({ context, event }) => ({
      verifiedSha: event.type === 'verify_approved' ? (event.reviewed_sha ?? context.head) : null,
    })),
    noteFailure: assign(({ event }) => ({ standing: failureOf(event) })),
    noteCycleLimit: assign(({ context }) => ({
      standing: {
        source: 'cycle_limit' as const,
        reason: `review ${context.reviewCycle} asked for changes and ${context.policy.max_review_fix_cycles} fix ${
          context.policy.max_review_fix_cycles === 1 ? 'round is' : 'rounds are'
        } allowed; the last feedback:\n${context.feedback ?? ''}`.slice(0, reasonLimit),
      },
    })),
    noteReviewStop: assign(({ context }) => ({
      standing: {
        source: 'review' as const,
        reason: `changes are asked for and auto_review_fix is off:\n${context.feedback ?? ''}`.slice(0, reasonLimit),
      },
    })),
    noteOverride: assign(({ event }) => ({
      standing: {
        source: 'override' as const,
        reason: `the status was set to ${event.type === 'set_status' ? event.status : 'this one'} by hand`,
      },
    })),
    noteArchiveFailure: assign(({ event }) => ({
      work: null,
      standing: {
        source: 'failed' as const,
        reason: `the old branch could not be kept aside: ${event.type === 'effect_failed' ? event.detail : ''}`,
      },
    })),
    raiseBlock: raise(
      ({ context, event }): PlanRegionEvent => ({
        type: 'block',
        at: timeOf(context, event),
        ...(context.standing ?? { source: 'override', reason: 'the status was set by hand' }),
      }),
    ),
    raiseOverride: raise(
      ({ context, event }): PlanRegionEvent => ({
        type: 'block',
        at: timeOf(context, event),
        source: 'override',
        reason: `the status was set to ${event.type === 'set_status' ? event.status : 'this one'} by hand`,
      }),
    ),
    raiseMoved: raise(
      ({ context, event }): PlanRegionEvent => ({
        type: 'moved',
        at: timeOf(context, event),
        origin: originOf(event),
        cause: event.type,
      }),
    ),
    raiseFinished: raise(({ context, event }) => ({
      type: 'implement_finished' as const,
      at: timeOf(context, event),
      origin: 'engine' as const,
      run: null,
    })),
    raiseImplement: raise(({ context, event }) => ({
      type: 'implement_start' as const,
      at: timeOf(context, event),
      origin: 'engine' as const,
      run: null,
    })),
    raiseVerdict: raise(
      (
        { context, event },
        type: 'review_approved' | 'review_changes_requested' | 'verify_approved' | 'verify_failed',
      ) => {
        const delivered = event.type === 'agent_delivered' ? event : null;
        return {
          type,
          at: timeOf(context, event),
          origin: 'engine' as const,
          run: delivered?.run ?? null,
          body: delivered?.detail ?? '',
          ...(type === 'verify_approved' && delivered?.base != null ? { reviewed_sha: delivered.base } : {}),
        };
      },
    ),
    noteBlock: assign(({ context, event }) => {
      if (event.type === 'block') return { blocked: { reason: event.reason, source: event.source, at: event.at } };
      const asked =
        event.type === 'child_asked'
          ? `${event.title}: ${event.question}`
          : event.type === 'needs_decision'
            ? event.reason
            : '';
      const before = context.blocked?.source === 'agent' ? `${context.blocked.reason}\n\n` : '';
      return {
        blocked: {
          reason: (before + asked).slice(0, reasonLimit),
          source: 'agent' as const,
          at: context.blocked?.at ?? timeOf(context, event),
        },
      };
    }),
    clearBlock: assign({ blocked: null, standing: null }),
    beginAnew: assign(({ context }) => ({
      wave: 0,
      wantedWave: null,
      results: {},
      reviewCycle: 0,
      feedback: null,
      elaborated: false,
      drafts: [],
      pass: context.pass + 1,
      archivePending: true,
      head: null,
      verifiedSha: null,
    })),
    noteArchived: assign(({ event }) => ({
      archivePending: false,
      work: null,
      head: event.type === 'branch_archived' ? event.head : null,
    })),
    nextWork: assign(({ context }) => ({ count: context.count + 1, work: `#${context.count + 1}` })),
    setUrl: assign(({ event }) => (event.type === 'pr_opened' ? { pullRequestUrl: event.url } : {})),
    noteTime: assign(({ context, event }) => ({ at: timeOf(context, event) })),
  },
  guards: {
    isPerson: ({ event }) => originKind(originOf(event)) === 'person',
    isEngine: ({ event }) => originOf(event) === 'engine',
    isNoAgent: ({ event }) => originKind(originOf(event)) !== 'agent',
    isParsed: ({ context }) => context.isParsed,
    willParse: ({ event }) => event.type === 'plan_updated' && documentFacts(event.content).isParsed,
    editFits: ({ context, event }) => event.type === 'plan_updated' && editObstacle(context, event.content) === null,
    waveRuns: ({ context }) => context.now !== null && context.living[context.now] === 'wave',
    hasPlanner: ({ context }) => context.policy.roles.planner.on,
    hasArchitect: ({ context }) => context.policy.roles.architect.on && !context.elaborated,
    hasReviewer: ({ context }) => context.policy.roles.reviewer.on,
    hasVerifier: ({ context }) => context.policy.roles.verifier.on && context.policy.auto_readiness_review,
    advances: ({ context }) => context.policy.auto_advance,
    advancesWaves: ({ context }) => context.policy.auto_advance_waves,
    allDraftsIn: ({ context }) => context.isParsed,
    mayBegin: ({ context }) => context.granted && !context.archivePending,
    hasGrant: ({ context }) => context.granted,
    archives: ({ context }) => context.archivePending && context.work === null,
    wantsWave: ({ context }) => context.wantedWave !== null,
    isSmall: ({ context }) => isSmall(context),
    isFresh: ({ context }) => context.wave === 0 && context.wantedWave === null,
    hasNextWave: ({ context }) => nextWave(context) !== null,
    waveExists: ({ context, event }) =>
      event.type === 'implement_wave' && waveOf(context, event.wave_number) !== undefined,
    hasFailedWave: ({ context }) => context.now !== null && context.living[context.now] === 'wave',
    isNow: ({ context, event }) =>
      ('actorId' in event && event.actorId === context.now) || ('id' in event && event.id === context.now),
    nowSucceeded: ({ context, event }) =>
      'output' in event && event.actorId === context.now && event.output.outcome === 'succeeded',
    nowLives: ({ context }) => context.now !== null,
    approvesByExit: ({ context, event }) =>
      event.type === 'agent_delivered' && event.id === context.now && speaks(context, event.id) && event.code === 0,
    rejectsByExit: ({ context, event }) =>
      event.type === 'agent_delivered' && event.id === context.now && speaks(context, event.id) && event.code === 1,
    cyclesAreUsed: ({ context }) =>
      context.policy.max_review_fix_cycles > 0 && context.reviewCycle + 1 > context.policy.max_review_fix_cycles,
    fixesAlone: ({ context }) => context.policy.auto_review_fix,
    approvalIsFresh: ({ context, event }) =>
      event.type === 'verify_approved' &&
      (event.reviewed_sha === undefined
        ? originKind(event.origin) === 'person' || context.head === null || event.origin === 'engine'
        : context.head === null || event.reviewed_sha === context.head),
    isUnmerged: ({ context }) => context.verifiedSha !== null,
    forces: ({ event }, status: string) => event.type === 'set_status' && event.status === status,
    forcesPlanned: ({ context, event }) =>
      event.type === 'set_status' && event.status === 'planned' && context.isParsed,
    isOverride: ({ event }) => event.type === 'block' && event.source === 'override',
    movedByPerson: ({ event }) =>
      event.type === 'moved' && event.cause !== 'set_status' && originKind(event.origin) === 'person',
    movedOn: ({ event }) => event.type === 'moved' && event.cause !== 'set_status',
    waits: ({ event }) => event.type === 'pause' && event.wait === true,
    nobodyLives: ({ context }) => Object.keys(context.living).length === 0,
    /** Guards that never hold: their names are the refusals. */
    notPlannedYet: () => false,
    noWaveRuns: () => false,
  },
});

function onlyDone(results: PlanContext['results'][number] | undefined): PlanContext['results'][number] {
  return Object.fromEntries(Object.entries(results ?? {}).filter(([, result]) => result.status === 'done'));
}

function speaks(context: PlanContext, id: string): boolean {
  const role = context.living[id];
  return role !== undefined && role !== 'wave' && context.policy.roles[role].speaksByExit;
}

/** What a refusal by a guard says to people; a guard that is not listed is named as it is. */
export const guardTexts: Readonly<Record<string, string>> = {
  notPlannedYet: 'not planned yet: run plan_start first',
  hasPlanner: 'no_planner',
  isParsed: 'the document does not parse',
  forcesPlanned: 'the document does not parse',
  editFits: 'what was begun is fixed: finished waves and running tasks cannot change',
  waveExists: 'no_such_wave',
  noWaveRuns: 'wave_running',
  approvalIsFresh: 'stale_approval',
  hasFailedWave: 'no failed wave waits',
  isNoAgent: 'not from an agent now',
};

function startCoordinator(role: 'planner' | 'architect' | 'reviewer' | 'verifier') {
  return words.enqueueActions(({ context, event, enqueue }) => {
    const count = context.count + 1;
    const rounds = { ...context.rounds };
    if (role === 'reviewer' || role === 'verifier') rounds[role] += 1;
    const round = role === 'reviewer' || role === 'verifier' ? rounds[role] : 1;
    const id = `${role}.${count}`;
    const at = timeOf(context, event);
    enqueue.spawnChild('agent', { id, input: { ...agentInput(context, role, round), path: id, at } });
    enqueue.assign({ count, rounds, now: id, living: { ...context.living, [id]: role }, standing: null, at });
  });
}

/** A coder for the whole plan, or a fixer: a task on the plan's own branch. */
function startWorker(role: 'coder' | 'fixer') {
  return words.enqueueActions(({ context, event, enqueue }) => {
    const count = context.count + 1;
    const rounds = role === 'fixer' ? { ...context.rounds, fixer: context.rounds.fixer + 1 } : context.rounds;
    const id = `${role}.${count}`;
    const at = timeOf(context, event);
    const what = role === 'coder' ? (context.title ?? context.plan) : `fix round ${rounds.fixer}`;
    enqueue.spawnChild('task', {
      id,
      input: {
        path: id,
        wave: null,
        number: null,
        message: `${what} (${context.plan})`,
        hasCheck: context.waves.some((wave) => wave.tasks.some((task) => task.hasCheck)),
        requireChange: role === 'coder' && context.policy.require_change,
        agent: agentInput(context, role, rounds.fixer),
        at,
      },
    });
    enqueue.sendTo(id, { type: 'start', at } satisfies TaskOrder);
    enqueue.assign({ count, rounds, now: id, living: { ...context.living, [id]: role }, standing: null, at });
  });
}

export const planWords = words.extend({
  actions: {
    /** The child that had the say is let go: with thanks after its verdict, stopped otherwise. Its end is awaited and forgotten. */
    leave: words.enqueueActions(({ context, event, enqueue }) => {
      const { now } = context;
      if (now === null) return;
      const isThanked = verdicts.has(event.type) && context.living[now] !== 'wave';
      enqueue.sendTo(now, { type: isThanked ? 'finish' : 'end', at: timeOf(context, event) } satisfies CommonOrder);
      enqueue.assign({ now: null });
    }),
    endAll: words.enqueueActions(({ context, event, enqueue }) => {
      for (const id of Object.keys(context.living))
        enqueue.sendTo(id, { type: 'end', at: timeOf(context, event) } satisfies CommonOrder);
      enqueue.assign({ now: null });
    }),
    tellRest: words.enqueueActions(({ context, event, enqueue }) => {
      for (const id of Object.keys(context.living))
        enqueue.sendTo(id, { type: 'rest', at: timeOf(context, event) } satisfies CommonOrder);
    }),
    tellAnswer: words.enqueueActions(({ context, event, enqueue }) => {
      const order: CommonOrder = { type: 'answered', at: timeOf(context, event), answer: bodyOf(event) ?? '' };
      for (const id of Object.keys(context.living)) enqueue.sendTo(id, order);
    }),
    tellFinish: words.enqueueActions(({ context, event, enqueue }) => {
      if (context.now !== null)
        enqueue.sendTo(context.now, { type: 'finish', at: timeOf(context, event) } satisfies CommonOrder);
    }),
    tellNoVerdict: words.enqueueActions(({ context, event, enqueue }) => {
      if (context.now === null) return;
      const detail = 'it ended without saying what it found: neither a signal nor, as a `command`, exit code 0 or 1';
      enqueue.sendTo(context.now, {
        type: 'reject',
        at: timeOf(context, event),
        reason: 'no-verdict',
        detail,
      } satisfies AgentOrder);
    }),
    /** A report of a child that no longer has the say: its verdict stood before its end. */
    thank: words.enqueueActions(({ event, enqueue }) => {
      if (event.type === 'agent_delivered')
        enqueue.sendTo(event.id, { type: 'accept', at: event.at } satisfies AgentOrder);
    }),
    tellRetry: words.enqueueActions(({ context, event, enqueue }) => {
      if (context.now !== null)
        enqueue.sendTo(context.now, { type: 'retry', at: timeOf(context, event) } satisfies WaveOrder);
    }),
    /** A wave under way takes the tasks that an edit added to it. */
    extendWave: words.enqueueActions(({ context, event, enqueue }) => {
      const { now } = context;
      if (event.type !== 'plan_updated' || now === null || context.living[now] !== 'wave') return;
      const before = waveOf(context, context.wave)?.tasks ?? [];
      const after = documentFacts(event.content).waves.find((wave) => wave.number === context.wave)?.tasks ?? [];
      const tasks = after.slice(before.length);
      if (tasks.length > 0) enqueue.sendTo(now, { type: 'extend', at: event.at, tasks } satisfies WaveOrder);
    }),
    /** The old branch is kept aside first, once more where that failed. */
    archiveAgain: words.enqueueActions(({ enqueue, check }) => {
      if (!check('archives')) return;
      enqueue('nextWork');
      enqueue('askArchive');
    }),
    releaseGrant: words.enqueueActions(({ enqueue }) => {
      enqueue('tellReleased');
      enqueue.assign({ granted: false });
    }),
    /** A child's end: its results are kept, the child is forgotten. */
    forget: words.enqueueActions(({ context, event, enqueue }) => {
      if (!('actorId' in event)) return;
      const { actorId, output } = event;
      const { [actorId]: kind, ...living } = context.living;
      const number = Number(/^wave-(\d+)\./.exec(actorId)?.[1] ?? 0);
      enqueue.assign({
        living,
        now: context.now === actorId ? null : context.now,
        head: ('head' in output ? output.head : null) ?? context.head,
        results:
          kind === 'wave' && 'results' in output ? { ...context.results, [number]: output.results } : context.results,
        at: output.at,
      });
      enqueue.stopChild(actorId);
    }),
    /** One coder did the whole plan; a fixer's end changes no task. */
    recordWork: words.enqueueActions(({ context, event, enqueue }) => {
      if (!('output' in event) || !('run' in event.output) || context.living[event.actorId] !== 'coder') return;
      const { runs, run } = event.output;
      const last = context.waves.at(-1)?.number ?? 0;
      enqueue.assign({ results: allDone(context.waves, { runs, run, detail: '', reason: null }), wave: last });
    }),
    startPlanner: startCoordinator('planner'),
    startArchitect: startCoordinator('architect'),
    startReviewer: startCoordinator('reviewer'),
    startVerifier: startCoordinator('verifier'),
    startCoder: startWorker('coder'),
    startFixer: startWorker('fixer'),
    startWave: words.enqueueActions(({ context, event, enqueue }) => {
      const number = nextWave(context);
      const wave = number === null ? undefined : waveOf(context, number);
      if (wave === undefined) throw new Error(`plan ${context.plan} has no wave ${number} to start`);
      const count = context.count + 1;
      const id = `wave-${wave.number}.${count}`;
      const at = timeOf(context, event);
      enqueue.spawnChild('wave', {
        id,
        input: {
          path: id,
          plan: context.plan,
          number: wave.number,
          branch: context.branch,
          tasks: wave.tasks,
          requireChange: context.policy.require_change,
          coder: context.policy.roles.coder,
          feedback: context.feedback,
          at,
        },
      });
      enqueue.assign({
        count,
        now: id,
        wave: wave.number,
        wantedWave: null,
        living: { ...context.living, [id]: 'wave' },
        standing: null,
        at,
      });
    }),
  },
});
