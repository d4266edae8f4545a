/** A plan's children: agents, tasks and waves are spawned, get events, and are forgotten when they have ended. */
import { assertEvent } from 'xstate';
import type { AgentInput, AgentOrder, CommonOrder, TaskOrder, WaveOrder } from '../vocabulary/family.ts';
import { draftNumber, instanceTitle, isWorker, type Role } from '../vocabulary/ids.ts';
import { agentOfAll } from '../vocabulary/task-agent.ts';
import { answersOf } from './answers.ts';
import { documentFacts, isLeftBehind, nextWave, type PlanContext, timeOf, waveOf } from './context.ts';
import { selfFixText } from './guards.ts';
import { memory } from './memory.ts';
import { words } from './messages.ts';
import { base } from './setup.ts';

/** The signals that finish a coordinator or a worker: it may end by itself instead of being stopped. */
const verdicts = new Set<string>([
  'planner_finished',
  'planner_draft_finished',
  'choose',
  'elaborator_finished',
  'implement_finished',
  'review_approved',
  'review_changes_requested',
  'verify_approved',
  'verify_failed',
]);

export function agentInput(
  context: PlanContext,
  asked: Exclude<Role, 'session'>,
  round: number,
): Omit<AgentInput, 'path'> {
  const { session = null } = context;
  // One agent does all work of an issue's session, in its own conversation.
  const role = session !== null && isWorker(asked) ? 'session' : asked;
  const { attempts, timeoutMs, idleMs, speaksByExit } = context.policy.roles[role];
  const { failed } = context;
  const previous =
    failed?.role === asked ? { previous: { run: failed.run, reason: failed.reason, detail: failed.detail } } : {};
  return {
    ...previous,
    title: instanceTitle({ plan: context.plan, role, wave: null, task: null, round }),
    role,
    wave: null,
    task: null,
    branch: context.branch,
    from: context.branch,
    ...(session === null ? {} : { folder: session.folder }),
    attempts,
    timeoutMs,
    idleMs,
    speaksByExit: speaksByExit && !isWorker(role),
    feedback: context.feedback,
  };
}

function startCoordinator(role: 'planner' | 'architect' | 'reviewer' | 'verifier', own: { chooses?: true } = {}) {
  return base.enqueueActions(({ context, event, enqueue }) => {
    const count = context.count + 1;
    const rounds = { ...context.rounds };
    if (role === 'reviewer' || role === 'verifier') rounds[role] += 1;
    const round = role === 'reviewer' || role === 'verifier' ? rounds[role] : 1;
    const id = `${role}.${count}`;
    const at = timeOf(context, event);
    const selfFix = role === 'verifier' ? {} : (context.selfFix ?? {});
    enqueue.spawnChild('agent', { id, input: { ...agentInput(context, role, round), ...own, path: id, at } });
    enqueue.assign({
      count,
      rounds,
      selfFix,
      activeChildId: id,
      liveChildren: { ...context.liveChildren, [id]: role },
      stopCause: null,
      failed: null,
      at,
    });
  });
}

function agentOfPlan({ waves, policy }: PlanContext): Pick<AgentInput, 'agent'> {
  const agent = agentOfAll(
    waves.flatMap(({ tasks }) => tasks),
    policy.roles.coder.small,
  );
  return agent === undefined ? {} : { agent };
}

/** A coder for the whole plan, or a fixer: a task on the plan's own branch. */
function startWorker(role: 'coder' | 'fixer', own: { hasCheck?: false } = {}) {
  return base.enqueueActions(({ context, event, enqueue }) => {
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
        hasCheck:
          own.hasCheck ??
          context.waves.some((wave) =>
            wave.tasks.some((task) => task.hasCheck && !isLeftBehind(context, wave.number, task.number)),
          ),
        requireChange: role === 'coder' && context.policy.require_change,
        agent: { ...agentInput(context, role, rounds.fixer), ...(role === 'coder' ? agentOfPlan(context) : {}) },
        at,
      },
    });
    enqueue.sendTo(id, { type: 'start', at } satisfies TaskOrder);
    const liveChildren = { ...context.liveChildren, [id]: role };
    enqueue.assign({ count, rounds, activeChildId: id, liveChildren, stopCause: null, failed: null, at });
  });
}

const startWave = base.enqueueActions(({ context, event, enqueue }) => {
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
      results: context.results[wave.number] ?? {},
      requireChange: context.policy.require_change,
      isolation: context.policy.isolation,
      coder: context.policy.roles.coder,
      feedback: context.feedback,
      at,
    },
  });
  const liveChildren = { ...context.liveChildren, [id]: 'wave' as const };
  enqueue.assign({ count, activeChildId: id, wave: wave.number, wantedWave: null, liveChildren, stopCause: null, at });
});

export const noVerdictText =
  'it ended without saying what it found: neither by the line of its verdict in its last message nor, as a `command`, by a signal or exit code 0 or 1';

export const noPlanText =
  'it ended without handing in the plan, and its exit code does not do that: stator signal emit planner_finished';

const noArchitectText =
  'it ended without saying that it is finished, and its exit code does not say that: stator signal emit elaborator_finished, or choose where it chooses a draft';

/** What an agent of the role should have said at its end, and how. */
function silenceText({ liveChildren, activeChildId }: PlanContext): string {
  const role = activeChildId === null ? undefined : liveChildren[activeChildId];
  if (role === 'planner') return noPlanText;
  return role === 'architect' ? noArchitectText : noVerdictText;
}

/** Why a coordinator's end does not count as a verdict; its attempts decide whether there is a further run. */
function sendBack(detailOf: (context: PlanContext, base: string | null) => string) {
  return base.enqueueActions(({ context, event, enqueue }) => {
    if (context.activeChildId === null) return;
    const at = timeOf(context, event);
    const base = event.type === 'agent_delivered' ? event.base : null;
    const order: AgentOrder = { type: 'reject', at, reason: 'no-verdict', detail: detailOf(context, base) };
    enqueue.sendTo(context.activeChildId, order);
  });
}

export const children = {
  startPlanner: startCoordinator('planner'),
  startArchitect: startCoordinator('architect'),
  startJudge: startCoordinator('architect', { chooses: true }),
  startReviewer: startCoordinator('reviewer'),
  startVerifier: startCoordinator('verifier'),
  startCoder: startWorker('coder'),
  startFixer: startWorker('fixer'),
  /** Starts a fixer in the middle of a plan: later tasks are not done, so the checks of the document cannot pass yet. */
  startMender: startWorker('fixer', { hasCheck: false }),
  startWave,
  /** The active child ends: by itself after its verdict, stopped otherwise. Its end is awaited and forgotten. */
  releaseChild: base.enqueueActions(({ context, event, enqueue }) => {
    const { activeChildId } = context;
    if (activeChildId === null) return;
    enqueue.assign({ activeChildId: null });
    if (event.type === 'set_status' || event.type === 'cancel' || event.type === 'pr_merged') return; // all children get these
    if ('actorId' in event && event.actorId === activeChildId) return; // it has ended by itself
    const isThanked = verdicts.has(event.type) && context.liveChildren[activeChildId] !== 'wave';
    enqueue.sendTo(activeChildId, {
      type: isThanked ? 'finish' : 'end',
      at: timeOf(context, event),
    } satisfies CommonOrder);
  }),
  endAll: base.enqueueActions(({ context, event, enqueue }) => {
    for (const id of Object.keys(context.liveChildren))
      enqueue.sendTo(id, { type: 'end', at: timeOf(context, event) } satisfies CommonOrder);
    enqueue.assign({ activeChildId: null });
  }),
  /** The commits of a coder or a fixer up to now stay on the plan's branch. */
  concludeAll: base.enqueueActions(({ context, event, enqueue }) => {
    const at = timeOf(context, event);
    for (const [id, kind] of Object.entries(context.liveChildren)) {
      const isOnBranch = kind === 'coder' || kind === 'fixer';
      enqueue.sendTo(id, { type: isOnBranch ? 'conclude' : 'end', at } satisfies TaskOrder);
    }
    enqueue.assign({ activeChildId: null });
  }),
  sendRequeue: base.enqueueActions(({ context, event, enqueue }) => {
    for (const id of Object.keys(context.liveChildren))
      enqueue.sendTo(id, { type: 'requeue', at: timeOf(context, event) } satisfies CommonOrder);
  }),
  /** Sends each answer to the agent that asked, and to no other. */
  sendAnswers: base.enqueueActions(({ context, event, enqueue }) => {
    const at = timeOf(context, event);
    for (const { question, answer } of answersOf(context, event)) {
      const { childId, run } = question;
      if (childId === null || run === null || context.liveChildren[childId] === undefined) continue;
      enqueue.sendTo(childId, { type: 'answered', at, run, answer } satisfies CommonOrder);
    }
  }),
  sendFinish: base.enqueueActions(({ context, event, enqueue }) => {
    if (context.activeChildId === null) return;
    const { run, no_change } = event.type === 'implement_finished' ? event : {};
    const said = no_change === undefined ? {} : { run: run ?? null, no_change };
    enqueue.sendTo(context.activeChildId, {
      type: 'finish',
      at: timeOf(context, event),
      ...said,
    } satisfies CommonOrder);
  }),
  sendNoVerdict: sendBack((context, base) => {
    const silence = silenceText(context);
    return silence === noVerdictText && context.head !== null && base !== null && base !== context.head
      ? `it ended without a verdict that counts: its run judged ${base.slice(0, 12)}, but the branch is at ${context.head.slice(0, 12)} now`
      : silence;
  }),
  sendStale: sendBack((context, base) =>
    context.head !== null && base !== null && base !== context.head
      ? `exit code 0 approves the commit that the run began from, ${base.slice(0, 12)}, and that is not the branch's head any more: ${context.head.slice(0, 12)}`
      : selfFixText(context),
  ),
  /** Accepts the report of a child that is no longer the active one: its verdict came before its end. */
  thank: base.enqueueActions(({ event, enqueue }) => {
    assertEvent(event, 'agent_delivered');
    enqueue.sendTo(event.id, { type: 'accept', at: event.at } satisfies AgentOrder);
  }),
  sendRetry: base.enqueueActions(({ context, event, enqueue }) => {
    if (context.activeChildId !== null)
      enqueue.sendTo(context.activeChildId, { type: 'retry', at: timeOf(context, event) } satisfies WaveOrder);
  }),
  /** The wave that runs or waits takes its tasks from the edited document. */
  extendWave: base.enqueueActions(({ context, event, enqueue }) => {
    const { activeChildId } = context;
    assertEvent(event, 'plan_updated');
    if (activeChildId === null || context.liveChildren[activeChildId] !== 'wave') return;
    const tasks = documentFacts(event.content).waves.find((wave) => wave.number === context.wave)?.tasks ?? [];
    enqueue.sendTo(activeChildId, { type: 'extend', at: event.at, tasks } satisfies WaveOrder);
  }),
  /** A child's end: its results are stored, the child is forgotten. */
  forget: base.enqueueActions(({ event, enqueue }) => {
    assertEvent(event, 'xstate.done.actor.*');
    enqueue(words.refuseUnheard);
    enqueue(memory.noteEnd);
    enqueue.stopChild(event.actorId);
    // The worktree of one of several planners holds nothing that is needed later.
    const draft = draftNumber(event.actorId);
    if (draft === null) return;
    enqueue(memory.nextId);
    enqueue({ type: 'askDraftRemoval', params: draft });
  }),
};
