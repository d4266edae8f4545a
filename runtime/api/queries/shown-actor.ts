/**
 * The parts of an actor that watchers may see, on the page and over Stately's protocol: its state, and from its context names, numbers, commits and flags. No
 * prompt, document, question, answer, message or output of an agent is sent. Fields that are not listed here are not sent.
 */
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine, StateValue } from 'xstate';
import { childrenOf, snapshotOf } from '../../../actors/addressee.ts';
import type { AnyDefinition } from '../../../actors/definition.ts';
import { viewOf } from '../../../actors/own-machine.ts';
import type { AgentContext } from '../../../machines/agent/context.ts';
import { needOf, type PlanContext } from '../../../machines/plan/context.ts';
import type { RepoContext } from '../../../machines/repo/machine.ts';
import type { SupervisorContext } from '../../../machines/supervisor/machine.ts';
import type { TaskContext } from '../../../machines/task/machine.ts';
import type { WaveContext } from '../../../machines/wave/machine.ts';
import { withoutSecrets } from '../../base/platform/secrets.ts';

export interface ShownActor {
  /** Its path in its tree; empty for the root. */
  readonly path: string;
  readonly machine: AnyStateMachine;
  readonly value: StateValue;
  readonly context: Plain;
}

export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** Longer texts are cut: no name is this long. */
const longestWord = 256;
/** The most entries of one list or record. */
const mostEntries = 256;

/** The shown fields by the machine's id. Each field helps to explain the actor's state. */
const shown: Readonly<Record<string, (context: never) => unknown>> = {
  supervisor: ({ repos }: SupervisorContext) => ({ repos }),
  repo: ({ project, isPaused, granted, waiting }: RepoContext) => ({
    project,
    isPaused,
    granted: Object.keys(granted),
    waiting: waiting.map(({ plan }) => plan),
  }),
  plan: (plan: PlanContext) => ({
    project: plan.project,
    plan: plan.plan,
    branch: plan.branch,
    isParsed: plan.isParsed,
    granted: plan.granted,
    now: plan.activeChildId,
    living: plan.liveChildren,
    wave: plan.wave,
    wantedWave: plan.wantedWave,
    passed: plan.passed,
    pass: plan.pass,
    reviewCycle: plan.reviewCycle,
    rounds: plan.rounds,
    head: plan.head,
    reviewedSha: plan.reviewedSha,
    verifiedSha: plan.verifiedSha,
    blocked: needOf(plan)?.source ?? null,
  }),
  wave: ({ number, started, tasks, results, outcome }: WaveContext) => ({
    number,
    started,
    tasks: tasks.length,
    results: Object.fromEntries(Object.entries(results).map(([task, { status }]) => [task, status])),
    outcome,
  }),
  task: ({ wave, number, run, work, changed, head, outcome }: TaskContext) => ({
    wave,
    number,
    run,
    work,
    changed,
    head,
    outcome,
  }),
  agent: (agent: AgentContext) => ({
    title: agent.title,
    role: agent.role,
    wave: agent.wave,
    task: agent.task,
    branch: agent.branch,
    run: agent.run,
    runs: agent.runs,
    attempts: agent.attempts,
    failures: agent.failures,
    unread: agent.unread.length,
    base: agent.base,
    ending: agent.ending,
    reason: agent.reason,
    outcome: agent.outcome,
  }),
};

/** Every live machine of a tree, parents first; `own`: the user-defined machine, whose view of the root is shown. */
export function shownActors(root: AnyActorRef, own: AnyDefinition | null): ShownActor[] {
  const contextOf = (snapshot: AnyMachineSnapshot, path: string) =>
    own === null ? shownContext(snapshot) : path === '' ? plain(viewOf(own, snapshot)) : {};
  const walk = (ref: AnyActorRef, path: string): ShownActor[] => {
    const snapshot = snapshotOf(ref);
    if (snapshot.status !== 'active') return [];
    const children = childrenOf(ref).flatMap((child) => walk(child, path === '' ? child.id : `${path}/${child.id}`));
    return [
      { path, machine: snapshot.machine, value: snapshot.value, context: contextOf(snapshot, path) },
      ...children,
    ];
  };
  return walk(root, '');
}

export function shownContext({ machine, context }: Pick<AnyMachineSnapshot, 'machine' | 'context'>): Plain {
  const pick = Object.hasOwn(shown, machine.id) ? shown[machine.id] : undefined;
  return pick === undefined ? {} : plain(pick(context as never)); // the machine's id determines the context's type
}

/** Values that JSON lacks (a BigInt, an Error, a function, NaN) become null. */
function plain(value: unknown): Plain {
  if (typeof value === 'string') return withoutSecrets(value.slice(0, longestWord));
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.slice(0, mostEntries).map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Error) return null;
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, mostEntries)
      .map(([key, inner]) => [key.slice(0, longestWord), plain(inner)]),
  );
}
