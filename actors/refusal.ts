/** Why a signal is not taken now: it is held, suppressed, or refused by a state and a guard; and which signals would be taken instead. */
import type { AnyActorRef, AnyEventObject, AnyMachineSnapshot } from 'xstate';
import { answerCommand } from '../machines/plan/advice.ts';
import {
  type Draft,
  type Edit,
  editObstacle,
  type PlanContext,
  type Question,
  questionName,
  type StageOfWork,
} from '../machines/plan/context.ts';
import { choiceText, draftObstacle, draftProblem } from '../machines/plan/drafts.ts';
import type { PlanEvent } from '../machines/plan/events.ts';
import { guardTexts } from '../machines/plan/guard-texts.ts';
import { notOpenText, selfFixText, staleApprovalText } from '../machines/plan/guards.ts';
import { blockText } from '../machines/vocabulary/block-source.ts';
import { onOneLine } from '../machines/vocabulary/errors.ts';
import type { AgentInput } from '../machines/vocabulary/family.ts';
import type { Role } from '../machines/vocabulary/ids.ts';
import { pathOfRequest } from '../machines/vocabulary/ids.ts';
import type { PlanStatus } from '../machines/vocabulary/plan-status.ts';
import {
  isWordOf,
  originKind,
  publicSignalTypes,
  type Signal,
  type SignalType,
  signals,
} from '../machines/vocabulary/signal.ts';
import { actorAt, type Found, snapshotOf } from './addressee.ts';
import { regionsOf } from './recorder.ts';
import { activeStates, joinedGuards } from './xstate-internals.ts';

/** Data, never thrown: who refused, in which state, by which guard, and which signals it would take. */
export interface Refusal {
  readonly by: string;
  readonly state: string;
  readonly guard: string | null;
  readonly accepts: readonly string[];
}

const noWords: ReadonlySet<string> = new Set();

type MetaKey = 'holds' | 'passes' | 'suppresses';

/** The texts under that key in the `meta` of the current states: few states have one. */
function metaTexts(snapshot: AnyMachineSnapshot, key: MetaKey): ReadonlySet<string> {
  const known = saidBy[key].get(activeStates(snapshot));
  if (known !== undefined) return known;
  const words = wordsOf(snapshot, key);
  saidBy[key].set(activeStates(snapshot), words);
  return words;
}

const saidBy = {
  holds: new WeakMap<object, ReadonlySet<string>>(),
  passes: new WeakMap<object, ReadonlySet<string>>(),
  suppresses: new WeakMap<object, ReadonlySet<string>>(),
};

function wordsOf(snapshot: AnyMachineSnapshot, key: MetaKey): ReadonlySet<string> {
  let words = noWords;
  for (const { meta } of activeStates(snapshot)) {
    const said: readonly string[] | undefined = meta?.[key];
    if (said !== undefined) words = new Set([...words, ...said]);
  }
  return words;
}

/** Which senders and signals must wait, by the tree's states: kinds of origin, types, and `agent.run` where no run starts. */
export function holdsOf(root: AnyActorRef): ReadonlySet<string> {
  return metaTexts(snapshotOf(root), 'holds');
}

/** Whether the whole plan waits for a person: until then no signal of an agent or a file is taken, and no agent starts. */
export function waitsForPerson(root: AnyActorRef): boolean {
  return holdsOf(root).has('agent.run');
}

/** A question is never held, nor is a signal that is allowed only while no agent asks. */
export function isHeld(root: AnyActorRef, { type, origin }: Signal, found: Found): boolean {
  const holds = holdsOf(root);
  if (holds.has(type)) return true;
  if (type === 'needs_decision' || !holds.has(originKind(origin))) return false;
  return !metaTexts(snapshotOf(root), 'passes').has(type) || asksBelow(root, found);
}

/** Whether that actor, or an actor below it, has asked an open question. */
function asksBelow(root: AnyActorRef, found: Found): boolean {
  if (found.kind !== 'actor') return false;
  const path: unknown = snapshotOf(found.ref).context.path;
  return [...openQuestions(root)].some((run) => typeof path === 'string' && run.startsWith(`${path}/`));
}

/** The runs whose questions are open. */
export function openQuestions(root: AnyActorRef): ReadonlySet<string> {
  const { questions } = snapshotOf(root).context as Partial<PlanContext>; // other roots have none
  return new Set((questions ?? []).flatMap(({ run }) => run ?? []));
}

/**
 * Why a `resolve` is no answer: several questions are open, or one beside a block, so that it is unclear which one it answers; or it has no text for the
 * agent that asks. null: it is clear what it answers.
 */
export function answerObstacle(
  root: AnyActorRef,
  { type, payload }: { readonly type: string; readonly payload: object },
): string | null {
  if (type !== 'resolve') return null;
  const { questions, blocked: block, plan } = snapshotOf(root).context as PlanContext; // only plans take it
  // A status that was set by hand has no question that a text could answer.
  const blocked = block?.source === 'override' ? null : block;
  const { body = '', answers } = payload as Signal<'resolve'>['payload']; // as its type says
  const [first, ...more] = questions;
  if (first === undefined || answers !== undefined) return null;
  const commandOf = (question: Question) => answerCommand(plan, question.number);
  if (more.length === 0 && blocked === null) {
    if (first.run === null || body.trim() !== '') return null;
    return `${questionName(first)} waits for an answer: ${commandOf(first)}`;
  }
  const open = questions.map(
    (question) => `${questionName(question)}: ${onOneLine(question.question)}: ${commandOf(question)}`,
  );
  const beside =
    blocked === null ? [] : [`it is blocked as well (${blockText(blocked.source)}): answer first, then resolve`];
  return [`it does not say which question it answers, and ${counted(questions.length)} open`, ...open, ...beside].join(
    '\n',
  );
}

function counted(questions: number): string {
  return questions === 1 ? 'one is' : `${questions} are`;
}

/** Accepted and without effect, from anyone: a plan with waves is not finished by a signal. */
export function isSuppressed(root: AnyActorRef, { type }: Signal): boolean {
  return metaTexts(snapshotOf(root), 'suppresses').has(type);
}

/**
 * What the actor's states do with an event, checked before it is sent. `ignored`: a state names it only to say that it changes nothing,
 * since the signal was expected and came too late or twice.
 */
export function receptionOf(ref: AnyActorRef, event: AnyEventObject): 'taken' | 'ignored' | 'refused' {
  const snapshot = snapshotOf(ref);
  if (snapshot.status !== 'active') return 'refused';
  const transitions = snapshot.machine.getTransitionData(snapshot, event);
  if (transitions.length === 0) return 'refused';
  return transitions.some(({ target, actions }) => target !== undefined || actions.length > 0) ? 'taken' : 'ignored';
}

/** Why the agent that sends this may not, whatever the plan's state: its role, or its task; null: it may, or the sender is no agent. */
export function roleObstacle(root: AnyActorRef, signal: Signal): string | null {
  const { type, origin, run } = signal;
  if (originKind(origin) !== 'agent' || run === null) return null;
  const agent = actorAt(root, pathOfRequest(run));
  const role: Role | undefined = agent === null ? undefined : snapshotOf(agent).context.role;
  if (agent === null || role === undefined) return null;
  const draft = draftObstacle(snapshotOf(root).context as PlanContext, run, type); // agents live below plans
  if (draft !== null) return draft;
  if (!isWordOf(type, role)) return `not from ${role === 'architect' ? 'an' : 'a'} ${role}`;
  return type === 'implement_task_finished'
    ? taskObstacle(snapshotOf(agent).context, signal as Signal<typeof type>)
    : null;
}

/** A mistyped number must not end the work of another task in the middle and count that as done. */
function taskObstacle(
  { wave, task }: Pick<AgentInput, 'wave' | 'task'>,
  { payload: { wave_number, task_number } }: Signal<'implement_task_finished'>,
): string | null {
  if (wave === null || task === null || (wave === wave_number && task === task_number)) return null;
  return `not from the agent of another task: it works on task ${task} of wave ${wave}`;
}

/** The guard of the first transition that the current states have for this type, as text. */
function failingGuard(snapshot: AnyMachineSnapshot, event: AnyEventObject): string | null {
  for (const node of [...activeStates(snapshot)].sort((a, b) => b.order - a.order)) {
    for (const { guard } of node.transitions.get(event.type) ?? []) {
      const named = failing(guard, snapshot, event);
      if (named !== null) return guardText(named.type, named.params, { snapshot, event });
    }
  }
  return null;
}

interface NamedGuard {
  readonly type: string;
  readonly params?: unknown;
}

/** The guard by its name; of several that must all hold, the first that does not. null: there is none, or the transition belongs to a state of another region. */
function failing(guard: unknown, snapshot: AnyMachineSnapshot, event: AnyEventObject): NamedGuard | null {
  const args = { context: snapshot.context, event };
  for (const member of joinedGuards(guard) ?? [guard]) {
    if (typeof member === 'function') {
      const inner = member === guard ? null : failing(member, snapshot, event);
      if (inner !== null) return inner;
      continue;
    }
    const named = typeof member === 'string' ? { type: member } : (member as NamedGuard | null | undefined); // as machines write guards with params
    const known: unknown = named == null ? undefined : snapshot.machine.implementations.guards[named.type];
    if (named == null || typeof known !== 'function') continue;
    if ('check' in known) {
      // XState's own guard for the state of another region: if that state is different, this transition is not possible here.
      if (!(known as StateGuard).check(snapshot, args, known)) return null;
    } else if (!(known as (args: object, params: unknown) => boolean)(args, named.params)) return named; // guards of ours are functions of context and event
  }
  return null;
}

interface StateGuard {
  check(snapshot: AnyMachineSnapshot, args: object, guard: unknown): boolean;
}

/** Guards whose text gives names and numbers; the text of every other guard is fixed. */
function guardText(
  guard: string,
  params: unknown,
  { snapshot, event }: { snapshot: AnyMachineSnapshot; event: AnyEventObject },
): string {
  const context = snapshot.context as PlanContext; // these are a plan's guards
  switch (guard) {
    case 'selfFixIsSmall':
      return selfFixText(context);
    case 'approvalIsFresh':
      return staleApprovalText(context, event);
    case 'isDraft':
    case 'draftIsWritten':
      return draftProblem(context, event as PlanEvent) ?? guard; // it is a plan's own signal
    case 'isFinishedDraft':
      return choiceText(context, event as PlanEvent);
    case 'areOpen':
      return notOpenText(context, event.questions);
    case 'isParsed':
    case 'forcesPlanned':
      return `the document does not parse: ${context.problem}`;
    case 'editFits':
      return editObstacle(context, event as AnyEventObject & Edit, params as StageOfWork) ?? guard; // it is an edit, with its own params
    default:
      return guardTexts[guard] ?? guard;
  }
}

/** An example payload, to find out whether the guards accept the type at all. A type that needs more data is not offered. */
function examplePayload(type: SignalType, { context }: AnyMachineSnapshot): Record<string, unknown> {
  switch (type) {
    case 'implement_wave':
      return { wave_number: Math.max(1, Number(context.wave ?? 0)) };
    case 'choose':
      return { draft: (context.drafts ?? []).find(({ state }: Draft) => state === 'finished')?.number ?? 0 };
    case 'answer':
      // Other roots have no questions.
      return { questions: (context.questions ?? []).map(({ number }: Question) => number), body: 'an answer' };
    default:
      return {};
  }
}

/** The public signals that this root would take from a person now. Documents and statuses are left out: they need more. No root takes messages to agents. */
export function acceptedSignals(root: AnyActorRef, at: number): SignalType[] {
  return publicSignalTypes.filter(
    (type) => type !== 'plan_updated' && type !== 'set_status' && isAccepted(root, type, at),
  );
}

/** Whether this root would take that signal from a person now. */
export function isAccepted(root: AnyActorRef, type: SignalType, at: number): boolean {
  const snapshot = snapshotOf(root);
  const payload = examplePayload(type, snapshot);
  return snapshot.can({ type, at, origin: 'person', run: null, ...payload }) && unclear(root, type) === null;
}

/** Why that signal, with a text, would be refused though a state takes it. */
const unclear = (root: AnyActorRef, type: string) => answerObstacle(root, { type, payload: { body: 'an answer' } });

/** A public signal as the root would treat it if a person sent it now. `guard`: why it is refused, as text; null: no state has a transition for it, or it is taken. */
export interface Offer {
  readonly type: SignalType;
  readonly isTaken: boolean;
  readonly guard: string | null;
}

/** Every public signal that is for the plan itself, taken or not. Documents are left out. */
export function offersOf(root: AnyActorRef, at: number): Offer[] {
  const snapshot = snapshotOf(root);
  const taken = new Set(acceptedSignals(root, at));
  return publicSignalTypes
    .filter((type) => signals[type].to === 'plan' && type !== 'plan_updated' && type !== 'set_status')
    .map((type) => {
      const isTaken = taken.has(type);
      const event = { type, at, origin: 'person', run: null, ...examplePayload(type, snapshot) };
      return { type, isTaken, guard: isTaken ? null : (failingGuard(snapshot, event) ?? unclear(root, type)) };
    });
}

function isAgentWord(type: string): boolean {
  return publicSignalTypes.some((candidate) => candidate === type && signals[candidate].to === 'agent');
}

/** The signals that this agent would take from a person now. */
function agentAccepts(ref: AnyActorRef, at: number): SignalType[] {
  return publicSignalTypes.filter((type) => {
    const event = { type, at, origin: 'person', run: null, title: '', body: 'a message' };
    return isAgentWord(type) && receptionOf(ref, event) === 'taken';
  });
}

/** `event`: the signal as the actor would have received it. */
export function refusalOf(root: AnyActorRef, ref: AnyActorRef, event: AnyEventObject & { at: number }): Refusal {
  const snapshot = snapshotOf(ref);
  const path = snapshot.context.path;
  return {
    by: typeof path === 'string' && path !== '' ? path : snapshot.machine.id,
    state: statusText(snapshot),
    guard: failingGuard(snapshot, event),
    accepts: isAgentWord(event.type) ? agentAccepts(ref, event.at) : acceptedSignals(root, event.at),
  };
}

/** The status; if the chart has regions, the first region says it. */
function statusText(snapshot: AnyMachineSnapshot): string {
  const [first = ''] = Object.values(regionsOf(snapshot.machine, snapshot.value));
  return first;
}

/** By signal, the statuses which show that a person made its transition before reporting it. */
const targets: Partial<Record<SignalType, readonly PlanStatus[]>> = {
  plan_start: ['planning'],
  planner_finished: ['ready'],
  implement_start: ['implementing'],
  implement_finished: ['reviewing'],
  review_approved: ['verifying', 'done'],
  review_changes_requested: ['implementing'],
  verify_approved: ['done'],
  verify_failed: ['implementing'],
  mark_done: ['done'],
  cancel: ['cancelled'],
  start_over: ['planning'],
  reimplement: ['implementing'],
  request_review: ['reviewing'],
  reopen: ['planning', 'ready'],
};

/** `fsm_applied`: the status is already set, so the signal changes nothing. */
export function isPreApplied(root: AnyActorRef, { type, payload }: Signal): boolean {
  if (!('fsm_applied' in payload) || payload.fsm_applied !== true) return false;
  const snapshot = snapshotOf(root);
  return (targets[type] ?? []).some((status) => snapshot.hasTag(`status:${status}`));
}
