/** Messages to agents: the data about them that an event gets, and the event that the plan's root receives with an event for an agent. Pure. */
import type { AnyActorRef } from 'xstate';
import type { AgentContext, MessageSignal, RunEnd } from '../machines/agent/context.ts';
import type { PlanContext } from '../machines/plan/context.ts';
import type { AgentMessageEvent, Answered } from '../machines/plan/events.ts';
import { nextNumber } from '../machines/plan/stored-messages.ts';
import { pathOfRequest } from '../machines/vocabulary/ids.ts';
import type { SignalEvent } from '../machines/vocabulary/signal.ts';
import { actorAt, snapshotOf } from './addressee.ts';

/** The signal with the number of its message, the messages that a run leaves unread, or the runs that wait for an answer. */
export function withMessages(root: AnyActorRef, event: SignalEvent): SignalEvent | MessageSignal | RunEnd | Answered {
  const context = snapshotOf(root).context as PlanContext; // these signals are a plan's
  switch (event.type) {
    case 'agent_send':
      return { ...event, word: nextNumber(context, 'message') };
    case 'agent_type':
      return { ...event, word: nextNumber(context, 'line') };
    case 'run_exited':
    case 'run_lost':
    case 'effect_failed':
      return { ...event, returned: returnedBy(context, event) };
    case 'resolve':
    case 'answer':
      return { ...event, askers: askersIn(root, context) };
    default:
      return event;
  }
}

/** What an event of an agent changes in the messages that the root stores; null: nothing. */
export function messageEventOf(root: AnyActorRef, ref: AnyActorRef, event: object): AgentMessageEvent | null {
  const { machine, context: own } = snapshotOf(ref);
  if (machine.id !== 'agent') return null;
  const { title, run, takesInput } = own as AgentContext;
  const heard = event as MessageSignal | RunEnd | SignalEvent<'run_started'>;
  const { at } = heard;
  switch (heard.type) {
    case 'agent_send': {
      const { body: text, origin: author } = heard;
      return { type: 'word_said', at, said: { kind: 'message', title, author, text, at } };
    }
    case 'agent_type': {
      if (takesInput !== 'messages' || run === null) return null;
      const { text = '', origin: author } = heard;
      return { type: 'word_said', at, said: { kind: 'line', title, author, text, at, run } };
    }
    case 'run_started':
      return run === null || !hasWords(root)
        ? null
        : { type: 'words_given', at, run, title, numbers: heard.words ?? null };
    case 'run_exited':
    case 'run_lost':
    case 'effect_failed': {
      const { words } = snapshotOf(root).context as PlanContext;
      if (run === null || words.every((word) => word.run !== run)) return null;
      return { type: 'words_returned', at, run, numbers: heard.returned ?? [] };
    }
    default:
      return null;
  }
}

function hasWords(root: AnyActorRef): boolean {
  return (snapshotOf(root).context as PlanContext).words.length > 0; // an agent's root is a plan
}

/** A program that never ran has read nothing of its prompt. For lines typed into it, the program says itself which it read. */
function returnedBy({ words }: PlanContext, event: SignalEvent<'run_exited' | 'run_lost' | 'effect_failed'>): number[] {
  const read = event.type === 'run_exited' ? (event.lines_read ?? []) : [];
  const hasRead = event.type === 'run_lost' || (event.type === 'run_exited' && mayHaveRead(event));
  return words
    .filter(({ run }) => run !== null && run === event.run)
    .filter(({ isTyped, number }) => (isTyped === true ? !read.includes(number) : !hasRead))
    .map(({ number }) => number);
}

function mayHaveRead({ cause, code }: SignalEvent<'run_exited'>): boolean {
  if (cause === 'unusable') return code === 0;
  return cause !== 'start-failed' && cause !== 'withdrawn';
}

/** Agents whose runs ended with a question. A question of a task is answered to the task itself. */
function askersIn(root: AnyActorRef, { questions }: PlanContext): string[] {
  return questions.flatMap(({ run }) => {
    const agent = run === null ? null : actorAt(root, pathOfRequest(run));
    if (agent === null || run === null) return [];
    const context = snapshotOf(agent).context as AgentContext; // runs are agents'
    return context.run === run && context.ending === 'decision' ? [run] : [];
  });
}
