/**
 * Implements the named actions of a plan's machines (plan, wave, task, agent): each one writes a request, such as a signal to another tree or an effect, through
 * the ports.
 */

import { assertEvent } from 'xstate';
import type { AgentContext } from '../machines/agent/context.ts';
import { agentMachine } from '../machines/agent/machine.ts';
import { permissionOf } from '../machines/agent/setup.ts';
import { approvalOf, claimedFiles, type PlanContext } from '../machines/plan/context.ts';
import { planMachine } from '../machines/plan/machine.ts';
import { askedStack } from '../machines/plan/stack.ts';
import { type TaskContext, taskMachine } from '../machines/task/machine.ts';
import { type AgentRun, type PlanPull, placeOf } from '../machines/vocabulary/effect.ts';
import { draftBranch, idOf, landingTree, planTree, repoTree, requestId } from '../machines/vocabulary/ids.ts';
import type { StackLayer } from '../machines/vocabulary/plan-pull.ts';
import { duration } from '../machines/vocabulary/time-text.ts';
import { waveMachine } from '../machines/wave/machine.ts';
import type { Ports } from './ports.ts';

export function bindPlan(ports: Ports) {
  return planMachine.provide({
    actors: { agent: bindAgent(ports), task: bindTask(ports), wave: bindWave(ports) },
    actions: {
      askGrant: ({ context }) => {
        const { project, plan, topic, after, policy, request } = context;
        const { priority } = policy;
        const files = claimedFiles(context);
        ports.sendSignal(repoTree(project), 'implement_requested', {
          ...{ plan, topic, after, priority, request },
          ...(files === undefined ? {} : { files }),
        });
      },
      reportRefused: ({ context: { project, plan } }, word) =>
        ports.sendSignal(planTree(project, plan), 'word_refused', word),
      reportReleased: ({ context: { project, plan } }) =>
        ports.sendSignal(repoTree(project), 'implement_released', { plan }),
      reportRepoDone: ({ context: { project, plan } }) => ports.sendSignal(repoTree(project), 'plan_done', { plan }),
      reportRepoUndone: ({ context: { project, plan } }) =>
        ports.sendSignal(repoTree(project), 'plan_undone', { plan }),
      askArchive: ({ context }) =>
        ports.ask({ kind: 'branch.archive', id: idOf(context.work), branch: context.branch, pass: context.pass }),
      askBase: ({ context: { work, branch, after, wave, policy, fresh } }) =>
        ports.ask({
          ...{ kind: 'branch.base', id: idOf(work), branch, after },
          ...(wave === 0 || policy.landing_refresh_ms === null
            ? {}
            : { refresh: { contained: (fresh?.mends ?? 0) > 0 } }),
        }),
      askTimer: ({ context }) => ports.timer({ id: idOf(context.timer), dueAt: context.dueAt }),
      askLine: ({ context }) => {
        const { branch, merge } = context;
        const into = merge?.into ?? null;
        ports.ask({ kind: 'landing.find', id: idOf(merge?.work ?? null), branch, into, ...landingPull(context) });
      },
      reportJoined: ({ context }) => {
        const { project, plan, branch, merge } = context;
        const line = landingTree(project, idOf(merge?.into ?? null));
        ports.sendSignal(line, 'landing_opened', {});
        const request = idOf(merge?.work ?? null);
        const message = mergeMessage(context);
        const approval = approvalOf(context);
        const joined = { plan, branch, message, approval, request, ...landingPull(context) };
        ports.sendSignal(line, 'landing_joined', joined);
      },
      reportLineLeft: ({ context: { project, plan, merge } }) =>
        ports.sendSignal(landingTree(project, idOf(merge?.into ?? null)), 'landing_left', {
          plan,
          request: idOf(merge?.work ?? null),
        }),
      askPlanMerge: ({ context }) => {
        const { branch, merge } = context;
        ports.ask({
          kind: 'plan.merge',
          id: idOf(merge?.work ?? null),
          branch,
          into: merge?.into ?? null,
          message: mergeMessage(context),
          approved: approvalOf(context),
          ...(merge?.withAfter === true ? { withAfter: true } : {}),
        });
      },
      askPlanPull: ({ context }) =>
        ports.ask({
          kind: 'plan.pull',
          id: idOf(context.pull?.work ?? null),
          branch: context.branch,
          approved: approvalOf(context),
          request: context.pull?.request?.number ?? null,
          ...stackOf(context),
        }),
      askPullMerge: ({ context: { branch, pull } }, act) => {
        const { number = 0, head = '' } = pull?.request ?? {};
        ports.ask({ kind: 'pull.merge', id: idOf(pull?.work ?? null), branch, number, head, act });
      },
      askMergeWithdrawal: ({ context: { path, count, branch, pull } }) => {
        const { number = 0, head = '' } = pull?.request ?? {};
        ports.ask({ kind: 'pull.merge', id: requestId(path, count), branch, number, head, act: 'withdraw' });
      },
      askDraftRemoval: ({ context: { path, count, branch } }, number) =>
        ports.ask({
          kind: 'worktree.remove',
          id: requestId(path, count),
          place: placeOf({ branch: draftBranch(branch, number), from: branch }),
        }),
      showDraft: ({ context: { drafts = [] } }) => {
        const chosen = drafts.find(({ state }) => state === 'chosen');
        if (chosen?.content != null) ports.document(chosen.content);
      },
      askRemoval: ({ context: { path, count, branch, session } }) =>
        ports.ask({
          kind: 'worktree.remove',
          id: requestId(path, count),
          place: placeOf({ branch, from: branch, ...session }),
        }),
    },
  });
}

/** The part of a request for a stack of pull requests. Until the plan is done, no approval covers its whole work. */
function stackOf(context: PlanContext): Partial<PlanPull> {
  const stack = askedStack(context);
  if (stack === null) return {};
  return stack.isWhole ? { stack } : { stack, approved: null };
}

/** The pull request that its forge is to merge, if that is how it lands. */
function landingPull({ merge, pull }: Pick<PlanContext, 'merge' | 'pull'>) {
  const request = merge?.byForge === true ? (pull?.request ?? null) : null;
  if (request === null) return {};
  const { number, head, stack = [], stackMode } = request;
  const members = stackMode === 'member' ? { members: stack.map(membersPull) } : {};
  return { pull: { number, head, ...members } };
}

function mergeMessage({ plan, title }: Pick<PlanContext, 'plan' | 'title'>): string {
  return `Merge plan ${plan}${title === null ? '' : `: ${title}`}`;
}

/** A wave requests nothing itself; its tasks do. */
function bindWave(ports: Ports) {
  return waveMachine.provide({ actors: { task: bindTask(ports) } });
}

function taskPlace({ agent }: TaskContext) {
  return placeOf(agent);
}

function bindTask(ports: Ports) {
  return taskMachine.provide({
    actors: { agent: bindAgent(ports) },
    actions: {
      askCommit: ({ context }) =>
        ports.ask({
          kind: 'work.commit',
          id: idOf(context.work),
          run: idOf(context.run),
          place: taskPlace(context),
          message: context.message,
          aside: false,
        }),
      askCheck: ({ context }) =>
        ports.ask({
          kind: 'work.check',
          id: idOf(context.work),
          run: idOf(context.run),
          place: taskPlace(context),
          wave: context.wave,
          task: context.number,
        }),
      stopCheck: ({ context, event }) =>
        ports.stop({ run: idOf(context.work), stopAt: 'at' in event ? event.at : context.at }),
      askMerge: ({ context }) =>
        ports.ask({
          kind: 'work.merge',
          id: idOf(context.work),
          place: taskPlace(context),
          message: context.message,
          commit: context.committed,
        }),
      askUndo: ({ context }) =>
        ports.ask({
          kind: 'work.undo',
          id: requestId(context.path, context.count),
          run: idOf(context.last?.run ?? null),
          place: taskPlace(context),
        }),
      askRemoval: ({ context }) =>
        ports.ask({ kind: 'worktree.remove', id: requestId(context.path, context.count), place: taskPlace(context) }),
      askClearing: ({ context }) =>
        ports.ask({
          kind: 'worktree.remove',
          id: requestId(context.path, context.count),
          place: taskPlace(context),
          unstarted: idOf(context.last?.run ?? null),
        }),
    },
  });
}

function bindAgent(ports: Ports) {
  return agentMachine.provide({
    actions: {
      askRun: ({ context }) => ports.ask(runOf(context)),
      stopRun: ({ context, event }, { afterMs }) =>
        ports.stop({ run: idOf(context.run), stopAt: ('at' in event ? event.at : context.at) + afterMs }),
      askTimer: ({ context }) => ports.timer({ id: idOf(context.timer), dueAt: context.dueAt }),
      askKeep: ({ context }) =>
        ports.ask({
          kind: 'work.commit',
          id: requestId(context.path, context.count),
          run: idOf(context.run),
          place: placeOf(context),
          message: `${context.title}: work left by attempt ${context.failures + 1}`,
          aside: true,
        }),
      freezeRun: ({ context }) =>
        ports.ask({ kind: 'agent.freeze', id: requestId(context.path, context.count), run: idOf(context.run) }),
      thawRun: ({ context }) =>
        ports.ask({ kind: 'agent.thaw', id: requestId(context.path, context.count), run: idOf(context.run) }),
      askTyping: ({ context, event }) => {
        assertEvent(event, 'agent_type');
        const typed = event.key === undefined ? { text: event.text ?? '' } : { key: event.key };
        const { word } = event;
        const id = requestId(context.path, context.count);
        ports.ask({ kind: 'agent.type', id, run: idOf(context.run), typed, ...(word == null ? {} : { word }) });
      },
      askAnswer: ({ context, event }) =>
        ports.ask({
          kind: 'agent.answer',
          id: requestId(context.path, context.count),
          run: idOf(context.run),
          permission: idOf(permissionOf(context, event)?.id ?? null),
          isAllowed: event.type === 'agent_allow',
          message:
            event.type === 'timer_due' ? unanswered(context) : event.type === 'agent_deny' ? (event.message ?? '') : '',
        }),
    },
  });
}

/** Why a question without an answer is denied. */
function unanswered({ permissions: [question] }: AgentContext): string {
  const within = question === undefined ? '' : ` within ${duration(question.dueAt - question.askedAt)}`;
  return `nobody answered${within}, so it is denied; do without it, or ask with: stator signal emit needs_decision --payload "<why>"`;
}

/** The run that an agent asks for, or would ask for in its present state. */
export function runOf(context: AgentContext): AgentRun {
  return {
    kind: 'agent.run',
    id: idOf(context.run),
    title: context.title,
    role: context.role,
    attempt: context.failures + 1,
    wave: context.wave,
    task: context.task,
    place: placeOf(context),
    idleMs: context.idleMs,
    feedback: context.feedback,
    previous: context.previous,
    start: context.start,
    ...(context.chooses === true ? { chooses: true } : {}),
    ...(context.agent === undefined ? {} : { agent: context.agent }),
  };
}

function membersPull({ name, number, head }: StackLayer) {
  return { name, number, head };
}
