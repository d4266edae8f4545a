/** Decides how a session continues from its state: which signals its plan gets, whether an agent starts with them, and how a message reaches the agent. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { SignalType } from '../../../machines/vocabulary/signal.ts';
import type { PlanRow } from '../../core/store/rows.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { continuation } from './issue-document.ts';
import type { IssueForges } from './issue-forges.ts';
import type { IssuePlace } from './issue-place.ts';
import type { IssueSessions } from './issue-sessions.ts';
import { sessionTitle } from './issue-slots.ts';

export interface SessionSignal {
  readonly type: SignalType;
  readonly payload?: unknown;
}

export interface NextStep {
  /** The signals start its agent, which is not running: that needs a slot. */
  readonly starts: boolean;
  readonly signals: readonly SessionSignal[];
  /** The message for its agent once it runs; null: none, or the signals carry it. */
  readonly sends: string | null;
  /** The signals only bring the session to a state in which it accepts the message. */
  readonly isOnTheWay: boolean;
  readonly notes: readonly string[];
}

/** The message of a session that was started without one. */
export const goOn = 'Go on with this issue.';

interface StepParts
  extends Pick<CommandDependencies, 'store'>,
    Pick<IssueForges, 'materialOf'>,
    Pick<IssueSessions, 'saidTo'> {}

export function createNextStep({ store, materialOf, saidTo }: StepParts) {
  /** Throws `refused` if the session asks a question and the message is null. */
  return async function nextStep(place: IssuePlace, known: PlanRow, message: string | null): Promise<NextStep> {
    const { blocked, paused } = known;
    const step = blocked === null || blocked.source === 'override' ? await onward() : await afterBlock(blocked);
    return paused ? resumed(step) : step;

    async function onward(): Promise<NextStep> {
      switch (known.status) {
        case 'implementing':
          if (message === null) return { ...nothing, starts: paused, notes: paused ? [] : [await whatItDoes()] };
          // A paused session that had a run begins a new run with the message.
          return paused && (await hasRun())
            ? { ...nothing, starts: true, signals: [messageSignal(place, message)] }
            : { ...nothing, starts: paused, sends: message };
        case 'reviewing':
        case 'verifying':
          return message === null ? { ...nothing, notes: [`it is ${known.status}`] } : changes(message);
        case 'done':
          return changes(message ?? goOn);
        // Tasks that were done before the cancellation stay done: the session goes to review, and the message is still open.
        case 'cancelled':
          return {
            ...nothing,
            starts: true,
            signals: [{ type: 'reopen' }, { type: 'implement_start' }],
            isOnTheWay: message !== null,
          };
        default:
          return { ...nothing, starts: true, signals: [{ type: 'implement_start' }], isOnTheWay: message !== null };
      }
    }

    async function afterBlock({
      source,
      reason,
    }: {
      readonly source: string;
      readonly reason: string;
    }): Promise<NextStep> {
      if (source === 'agent' && message === null)
        throw new EngineError(
          'refused',
          `it asks: ${reason}`,
          `answer with: stator issue continue ${shellWord(place.reference ?? place.plan)} "<answer>"`,
        );
      const resolve: SessionSignal = { type: 'resolve', payload: bodyOf(message) };
      if (known.status === 'implementing') return { ...nothing, starts: true, signals: [resolve] };
      // The coding agent is done: the question or failure came from the review, the merge or the pull request.
      if (source === 'agent')
        return { ...nothing, signals: [resolve], notes: [`it is ${known.status}, and has your answer`] };
      if (message === null)
        return { ...nothing, signals: [{ type: 'resolve' }], notes: [`tried again: ${reason.split('\n')[0] ?? ''}`] };
      return changes(message);
    }

    async function hasRun(isAtWork = false): Promise<boolean> {
      const effects = await store.effects({ by: 'tree', tree: planTree(place.project, place.plan) });
      return effects.some(({ kind, status }) => kind === 'agent.run' && (!isAtWork || status === 'running'));
    }

    async function whatItDoes(): Promise<string> {
      return (await hasRun(true))
        ? 'it is at work already'
        : `it is ${known.status}; what it waits for: stator plan explain ${shellWord(place.plan)}`;
    }

    /** Adds what was written on the issue since the session's last message. */
    async function changes(message: string): Promise<NextStep> {
      const material = await materialOf(place);
      const last = (await saidTo(place)).at(-1)?.at ?? 0;
      const payload = { body: continuation(message, material, last) };
      const type = known.status === 'verifying' ? 'verify_failed' : 'review_changes_requested';
      return { ...nothing, starts: true, signals: [{ type, payload }], notes: notesOf(material) };
    }
  };
}

const nothing: NextStep = { starts: false, signals: [], sends: null, isOnTheWay: false, notes: [] };

/** The signal that brings a message into the agent's next turn. */
export function messageSignal({ plan }: Pick<IssuePlace, 'plan'>, body: string): SessionSignal {
  return { type: 'agent_send', payload: { title: sessionTitle(plan), body } };
}

function resumed(step: NextStep): NextStep {
  return { ...step, signals: [...step.signals, { type: 'resume' }] };
}

function bodyOf(message: string | null): { readonly body: string } {
  return { body: message ?? '' };
}

/** Notes for the person about issue text that a forge did not deliver. */
export function notesOf({ trouble }: { readonly trouble: string | null }): string[] {
  return trouble === null ? [] : [`went on without the issue's text: ${trouble}`];
}
