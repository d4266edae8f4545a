/**
 * A judge's verdict, read from the last message of its program. What that program starts (tests of the branch, hooks, servers) has the run's token in its
 * environment and could send a signal; it does not write the program's messages. So of a judge that a program of these presets plays no signal is a verdict.
 */
import { isJudge, type Role } from '../../../../machines/vocabulary/ids.ts';
import { isProgramPreset } from '../../../base/config/preset-programs.ts';
import { safeText } from '../../../base/platform/terminal-text.ts';

export interface Verdict {
  readonly kind: 'approved' | 'changes';
  readonly body: string;
}

/** The last line of the message, by itself. */
export const verdictLines = {
  approved: 'stator verdict: approved',
  changes: 'stator verdict: changes requested',
} as const;

/** The signal that a verdict becomes, by the role of who gives it. */
export const verdictSignals = {
  reviewer: { approved: 'review_approved', changes: 'review_changes_requested' },
  verifier: { approved: 'verify_approved', changes: 'verify_failed' },
} as const;

/** Whether a signal of this type is the verdict of a judge. */
export function isVerdict(type: string): boolean {
  return Object.values(verdictSignals).some((words) => Object.values<string>(words).includes(type));
}

/** A signal takes 64 KiB; with what JSON makes of line breaks and quotes this fits. */
const bodyLimit = 30_000;
/** Characters that a model may put around a line for emphasis. */
const decoration = '[\\s*_`>#~]*';
const line = new RegExp(`^${decoration}stator verdict:\\s*(approved|changes[ _]requested)[.\\s*_\`~]*$`, 'i');

const named = /stator verdict:\s*(approved|changes[ _]requested)/gi;

/** Whether whoever plays this role gives its verdict in its last message, and by nothing else. */
export function judgesByMessage(role: string, preset: string | null): boolean {
  return isJudge(role as Role) && preset !== null && (preset === 'function' || isProgramPreset(preset));
}

/**
 * The verdict of a run, from the messages with which its program said that it had ended; null: it gave none. More than one message is an exception: then
 * each must say the same, since something else may have written into the program's output.
 */
export function verdictIn(messages: readonly string[]): Verdict | null {
  const verdicts = messages.map(verdictOf);
  const last = verdicts.at(-1) ?? null;
  return verdicts.every((verdict) => verdict?.kind === last?.kind && verdict?.body === last?.body) ? last : null;
}

/** The verdict that a whole message ends with, with its words. */
export function verdictTold(message: string | null): readonly string[] {
  const verdict = message === null ? null : verdictOf(message);
  return verdict === null ? [] : [`${verdict.kind} ${verdict.body}`];
}

/** Each verdict that a text names anywhere: of a message in pieces nobody knows where the lines of its author ended. */
export function verdictsNamedIn(text: string): readonly string[] {
  return [...text.matchAll(named)].map(([, word = '']) => (word.toLowerCase() === 'approved' ? 'approved' : 'changes'));
}

function verdictOf(message: string): Verdict | null {
  const lines = message.trimEnd().split('\n');
  while (lines.length > 0 && /^\s*(?:`{3,}|~{3,})?\s*$/.test(lines.at(-1) ?? '')) lines.pop();
  const found = line.exec(lines.pop() ?? '')?.[1];
  if (found === undefined) return null;
  const body = safeText(lines.join('\n')).trim();
  const cut = body.length <= bodyLimit ? body : `${body.slice(0, bodyLimit)}\n[the rest is left out]`;
  return { kind: found.toLowerCase() === 'approved' ? 'approved' : 'changes', body: cut };
}
