/** Signals that routes send. The answer is the verdict. */
import type { z } from 'zod';
import { refusalHint, refusalSentence } from '../../../machines/plan/refusal-text.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { verdictWaitMs } from '../commands/signal-sender.ts';
import { instanceVerdict, refusedAnswer, type SignalAnswer, signalAnswer } from '../contract/signals.ts';
import { needOfSignal } from './people.ts';
import type { Principal } from './principal.ts';
import { type AppParts, json } from './route.ts';

/** 200: done or held; 202: not decided yet; 409: refused. */
export const verdictAnswers = { 200: signalAnswer, 202: signalAnswer, 409: refusedAnswer } as const;

/** The same about an agent, with kasmos's field for success. */
export const agentVerdictAnswers = { 200: instanceVerdict, 202: signalAnswer, 409: refusedAnswer } as const;

interface SentSignal {
  readonly project: string;
  readonly plan: string;
  readonly type: string;
  readonly payload: unknown;
  readonly dedupeKey?: string | null;
  readonly waitMs?: number;
}

/** The sender, and the engine. */
interface Asking {
  readonly core: AppParts;
  readonly principal: Principal;
}

/** Sends a signal of the sender, who must own the plan. Throws the errors of `Commands.send`. */
export async function sendSignal({ core, principal }: Asking, signal: SentSignal): Promise<SignalAnswer> {
  principal.mustHave(needOfSignal(signal.type));
  const sender = await principal.mustOwn(signal.project, signal.plan);
  return core.commands.send({ dedupeKey: null, waitMs: verdictWaitMs, ...signal, ...sender });
}

/** The same, with the HTTP status of its verdict. */
export async function sendAndAnswer(asking: Asking, signal: SentSignal) {
  return answerOf(await sendSignal(asking, signal));
}

export function answerOf(answer: SignalAnswer) {
  const { status } = answer.signal;
  if (status === 'failed') return refused(answer);
  return status === 'pending' ? json(202, answer) : json(200, answer);
}

/** The answer about an agent, which may be gone: then a signal that is never refused has nothing to do. */
export function agentAnswerOf({ signal, plan }: SignalAnswer, isNeverRefused: boolean) {
  if (signal.status === 'pending') return json(202, { signal, plan });
  if (signal.status === 'failed' && !isNeverRefused) return refused({ signal, plan });
  return json(200, { status: 'ok' as const, signal, plan });
}

export function refused(answer: SignalAnswer) {
  return json(409, { ...answer, ...refusalOf(answer).toJSON() } satisfies z.input<typeof refusedAnswer>);
}

/** A refusal in the form of an error, for programs that read only errors. */
export function refusalOf({ signal: { id, type, refused, result }, plan }: SignalAnswer): EngineError {
  if (refused === null) {
    const why = typeof result === 'string' ? result : JSON.stringify(result ?? null);
    return new EngineError('refused', `${type} failed: ${why}`, `deliver it again: stator signal retry ${id}`);
  }
  const told = { ...refused, ...plan, type };
  return new EngineError('refused', refusalSentence(told), refusalHint(told));
}
