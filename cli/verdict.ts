/** What became of a signal, in words and as an exit code. */
import { isErrorDocument } from '../machines/vocabulary/errors.ts';
import type { SignalAnswer } from '../runtime/client/client.ts';
import type { Call } from './command.ts';

/** Waits that long for a verdict, as the inbox promises. */
export const verdictMs = 5_000;

/** `done`, `held` and `pending` are 0, refused is 1. Under --json the answer goes to standard output whatever it is. */
export function printVerdict({ out }: Pick<Call, 'out'>, answer: SignalAnswer): number {
  const failed = answer.signal.status === 'failed';
  if (out.json) {
    out.print(JSON.stringify(answer));
  } else if (failed) {
    out.refusal(...refusalLines(answer));
  } else {
    out.say(verdictLine(answer));
  }
  return failed ? 1 : 0;
}

function planState({ plan: { plan, status, phase } }: SignalAnswer): string {
  if (status === null) return plan;
  return `${plan} is ${status}${phase === null || phase === status ? '' : ` (${phase.replaceAll('_', ' ')})`}`;
}

/** What became of a signal that was not refused, on one line. */
export function verdictLine(answer: SignalAnswer): string {
  const { id, type, status, result } = answer.signal;
  switch (status) {
    case 'done': {
      const how = typeof result === 'string' && result !== 'done' ? ` (${result})` : '';
      return `done${how}: ${type}; ${planState(answer)}`;
    }
    case 'held':
      return `held: ${type} is signal ${id}; it is delivered when ${answer.plan.plan} no longer waits for a person: stator plan explain ${answer.plan.plan}`;
    case 'pending':
      return `pending: ${type} is signal ${id}; see what became of it: stator signal show ${id}`;
    case 'failed':
      return refusalLines(answer).join('\n');
    default:
      return status satisfies never;
  }
}

/** Who refused, in which state, by which guard, and what would be taken instead. */
export function refusalLines({ signal, plan }: SignalAnswer): string[] {
  const { refused, type, result, id } = signal;
  if (refused === null) {
    if (isErrorDocument(result)) return [`failed: ${type}: ${result.error}`, `hint: ${result.hint}`];
    const why = typeof result === 'string' ? result : JSON.stringify(result ?? null);
    return [`failed: ${type}: ${why}`, `hint: deliver it again: stator signal retry ${id}`];
  }
  const who = refused.by === 'plan' ? `${plan.plan}` : `${refused.by} of ${plan.plan}`;
  const guard = refused.guard === null ? '' : `: ${refused.guard}`;
  const accepts = refused.accepts.join(', ');
  const hint = accepts === '' ? `see what goes on: stator plan explain ${plan.plan}` : `it would take: ${accepts}`;
  return [`refused: ${type}: ${who} is in ${refused.state}${guard}`, `hint: ${hint}`];
}
