/** The verdict on a signal, as text and as an exit code. */
import { failureOf } from '../machines/plan/refusal-text.ts';
import type { SignalAnswer } from '../runtime/api/client/client.ts';
import type { Call } from './command.ts';
import { isInRun } from './place.ts';
import { plainLines } from './text.ts';

/** How long the inbox takes at most to give a verdict. */
export const verdictMs = 5_000;

/** Exit code 0 for `done`, `held` and `pending`, and 1 for a refusal. Under --json the answer always goes to standard output. */
export function printVerdict(
  { out, env = {} }: Pick<Call, 'out'> & Partial<Pick<Call, 'env'>>,
  answer: SignalAnswer,
): number {
  const failed = answer.signal.status === 'failed';
  if (out.json) {
    out.print(JSON.stringify(answer));
  } else if (failed) {
    const [refusal = '', hint = ''] = refusalLines(answer);
    out.refusal(refusal, isInRun({ env }) && answer.signal.refused !== null ? agentHint : hint);
    out.detail(stateLine(answer));
  } else {
    out.say(verdictLine(answer));
    const { waits } = answer.plan;
    if (waits !== null) out.note(plainLines(`nothing starts yet: ${waits}`));
  }
  return failed ? 1 : 0;
}

/** Most commands for people are refused to agents. */
const agentHint =
  'hint: go on with your own work; for anything else ask a person: stator signal emit needs_decision --payload "<why>"';

function planState({ signal: { type }, plan: { plan, status, phase } }: SignalAnswer): string {
  if (status === null) return plan;
  return `${plan} is ${type === 'pause' ? 'paused, ' : ''}${status}${phase === null || phase === status ? '' : ` (${phase.replaceAll('_', ' ')})`}`;
}

/** The outcome of an accepted signal, on one line. */
export function verdictLine(answer: SignalAnswer): string {
  const { id, type, status, result } = answer.signal;
  switch (status) {
    case 'done': {
      const how = typeof result === 'string' && result !== 'done' ? ` (${result})` : '';
      const state = planState(answer);
      return `done${how}: ${type}${state === '' ? '' : `; ${state}`}`;
    }
    case 'held':
      // A signal of a repo or of a tree of a user-defined machine.
      if (answer.plan.plan === '')
        return `held: ${type} is signal ${id}; it is delivered when its addressee takes it: stator signal show ${id}`;
      return `held: ${type} is signal ${id}; it is delivered when ${answer.plan.plan} no longer waits for a person: stator plan explain ${answer.plan.plan}`;
    case 'pending':
      return `pending: ${type} is signal ${id}; see what became of it: stator signal show ${id}`;
    case 'failed':
      return refusalLines(answer).join('\n');
    default:
      return status satisfies never;
  }
}

/** Why the signal was refused, and the commands that would be accepted instead. */
export function refusalLines(answer: SignalAnswer): string[] {
  const { refused, type } = answer.signal;
  const { why, hint } = failureOf(answer);
  return [refused === null ? `failed: ${type}: ${why}` : `refused: ${why}`, `hint: ${hint}`];
}

/** The state in the names of the machines. */
function stateLine({ signal: { type, refused } }: SignalAnswer): string {
  if (refused === null) return type;
  const { by, state, guard, accepts } = refused;
  return `${type} was refused by ${by} in ${state}${guard === null ? '' : `, ${guard}`}; it would take: ${accepts.join(', ') || 'nothing'}`;
}
