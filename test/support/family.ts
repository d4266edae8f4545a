/** Contexts and events with which the tables of a task, a wave and an agent are read from their definitions. */
import { type AnyStateMachine, createActor } from 'xstate';
import { agentMachine } from '../../machines/agent/machine.ts';
import { landingMachine } from '../../machines/landing/machine.ts';
import { plan as planSetup } from '../../machines/plan/actions.ts';
import { planMachine } from '../../machines/plan/machine.ts';
import { repoMachine } from '../../machines/repo/machine.ts';
import { supervisorMachine } from '../../machines/supervisor/machine.ts';
import { taskMachine } from '../../machines/task/machine.ts';
import type { TaskOutline } from '../../machines/vocabulary/family.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';
import { waveMachine } from '../../machines/wave/machine.ts';
import { machines } from '../../runtime/base/charts/machines.ts';
import { agentInput } from './agent-input.ts';
import { planText, sha } from './simulation.ts';

const outline: TaskOutline = { number: 1, title: 'one', hasCheck: false, after: [], files: [], digest: '' };

export const inputs = {
  supervisor: { at: 1 },
  repo: { project: 'demo', policy: defaultPolicy, at: 1 },
  landing: { project: 'demo', branch: 'main', at: 1 },
  plan: {
    project: 'demo',
    plan: 'hello',
    content: planText([2, 1]),
    branch: 'plan/hello',
    topic: null,
    generation: 0,
    policy: defaultPolicy,
    at: 1,
  },
  wave: {
    path: 'wave-1.1',
    plan: 'hello',
    number: 1,
    branch: 'plan/hello',
    tasks: [outline, { ...outline, number: 2, title: 'two' }],
    results: {},
    requireChange: true,
    coder: defaultPolicy.roles.coder,
    feedback: null,
    at: 1,
  },
  task: {
    path: 'wave-1.1/task-1.1',
    wave: 1,
    number: 1,
    message: 'one (hello w1 t1)',
    hasCheck: false,
    requireChange: true,
    agent: agentInput,
    at: 1,
  },
  agent: { ...agentInput, path: 'wave-1.1/task-1.1/agent', at: 1 },
};

const silent = () => {};
/** What remains of releasing a child if there is no child. */
const forgetNow = planSetup.assign({ activeChildId: null });
/** The same machines without actors to talk to: messages to parents and children are left out, so that each machine can run alone. */
export const alone: Record<keyof typeof machines, AnyStateMachine> = {
  supervisor: supervisorMachine,
  repo: repoMachine,
  landing: landingMachine,
  plan: planMachine.provide({
    actions: {
      releaseChild: forgetNow,
      endAll: forgetNow,
      concludeAll: forgetNow,
      sendRequeue: silent,
      sendAnswers: silent,
      sendFinish: silent,
      sendNoVerdict: silent,
      sendStale: silent,
      thank: silent,
      sendRetry: silent,
      extendWave: silent,
    },
  }),
  wave: waveMachine.provide({
    actions: { sendToAll: silent, endPending: silent, passAnswer: silent, passQuestion: silent, reportFailed: silent },
  }),
  task: taskMachine.provide({
    actions: {
      askPerson: silent,
      withdrawQuestion: silent,
      sendFinish: silent,
      sendEnd: silent,
      sendRequeue: silent,
      passAnswer: silent,
      accept: silent,
      reject: silent,
      passQuestion: silent,
    },
  }),
  agent: agentMachine.provide({ actions: { reportAsked: silent, reportWithdrawn: silent, reportDelivered: silent } }),
};

/** The context with which a machine starts. */
export function contextOf(name: keyof typeof machines): object {
  const machine: AnyStateMachine = machines[name];
  return createActor(machine, { input: inputs[name] }).getSnapshot().context;
}

const by = { at: 5, origin: 'engine', run: null };
/** One event of each kind that these actors may receive, with a valid payload. */
export const events = {
  accept: { type: 'accept', at: 5 },
  reject: { type: 'reject', at: 5, reason: 'no-change', detail: '' },
  start: { type: 'start', at: 5 },
  finish: { type: 'finish', at: 5 },
  end: { type: 'end', at: 5 },
  requeue: { type: 'requeue', at: 5 },
  answered: { type: 'answered', at: 5, run: 'wave-1.1/task-1.1/agent#1', answer: 'spaces' },
  retry: { type: 'retry', at: 5 },
  extend: { type: 'extend', at: 5, tasks: [outline, { ...outline, number: 2, title: 'two' }] },

  agent_delivered: { type: 'agent_delivered', at: 5, id: 'agent', run: 'x#1', code: 0, detail: '', base: sha(0) },
  child_asked: { type: 'child_asked', at: 5, id: 'agent', title: 'hello-w1-t1', run: 'x#1', question: 'tabs?' },
  question_withdrawn: { type: 'question_withdrawn', at: 5, id: 'agent', run: 'x#1' },
  wave_failed: { type: 'wave_failed', at: 5, id: 'wave-1.1', head: null, results: {} },

  run_starting: { type: 'run_starting', ...by },
  run_started: { type: 'run_started', ...by, base: sha(0) },
  run_waiting: { type: 'run_waiting', ...by, permission: '0000000a', tool: 'Bash', detail: '', limit_ms: 60_000 },
  run_going: { type: 'run_going', ...by, permission: '0000000b' },
  run_idle: { type: 'run_idle', ...by },
  run_exited: { type: 'run_exited', ...by, code: 0, cause: 'exit', detail: '' },
  run_lost: { type: 'run_lost', ...by, detail: '' },
  timer_due: { type: 'timer_due', ...by },
  effect_failed: { type: 'effect_failed', ...by, detail: '' },
  needs_decision: { type: 'needs_decision', ...by, reason: 'tabs?' },
  agent_allow: { type: 'agent_allow', ...by, title: 'hello-w1-t1' },
  agent_deny: { type: 'agent_deny', ...by, title: 'hello-w1-t1' },
  agent_kill: { type: 'agent_kill', ...by, title: 'hello-w1-t1' },
  agent_restart: { type: 'agent_restart', ...by, title: 'hello-w1-t1' },
  agent_type: { type: 'agent_type', ...by, title: 'hello-w1-t1', text: 'yes' },
  agent_send: { type: 'agent_send', ...by, title: 'hello-w1-t1', body: 'use tabs' },
  agent_pause: { type: 'agent_pause', ...by, title: 'hello-w1-t1' },
  agent_resume: { type: 'agent_resume', ...by, title: 'hello-w1-t1' },

  implement_task_finished: { type: 'implement_task_finished', ...by, wave_number: 1, task_number: 1 },
  work_committed: { type: 'work_committed', ...by, head: sha(2), base: sha(1), changed: true },
  work_merged: { type: 'work_merged', ...by, head: sha(3) },
  work_conflicted: { type: 'work_conflicted', ...by, files: ['a.txt'] },
  check_passed: { type: 'check_passed', ...by },
  check_failed: { type: 'check_failed', ...by, detail: '' },

  repo_opened: { type: 'repo_opened', ...by },
  implement_requested: {
    type: 'implement_requested',
    ...by,
    plan: 'a',
    topic: null,
    after: [],
    priority: 0,
    request: 1,
  },
  implement_released: { type: 'implement_released', ...by, plan: 'a' },
  plan_done: { type: 'plan_done', ...by, plan: 'a' },
  plan_undone: { type: 'plan_undone', ...by, plan: 'a' },
  policy: { type: 'policy', ...by, policy: defaultPolicy },
  repo_degraded: { type: 'repo_degraded', ...by, reason: 'gone' },
  repo_recovered: { type: 'repo_recovered', ...by },
  repo_paused: { type: 'repo_paused', ...by },
  repo_resumed: { type: 'repo_resumed', ...by },

  supervisor_opened: { type: 'supervisor_opened', ...by },
  repo_registered: { type: 'repo_registered', ...by, project: 'demo', policy: defaultPolicy },
  repo_removed: { type: 'repo_removed', ...by, project: 'demo' },
  supervisor_draining: { type: 'supervisor_draining', ...by },
  supervisor_stopped: { type: 'supervisor_stopped', ...by },
  supervisor_started: { type: 'supervisor_started', ...by },
} as const;

/** A child's done event in XState's form. */
export function doneEvent(id: string, output: object) {
  return { type: `xstate.done.actor.${id}`, actorId: id, output };
}
