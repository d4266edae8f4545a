/**
 * A judge's verdict, read from the last message of its program. The program's child processes (tests of the branch, hooks, servers) have the run's token in
 * their environment and could send a signal, but they cannot write the program's messages. So for a judge with one of these presets, signals are no verdicts.
 */
import { isJudge, type Role } from '../../../../machines/vocabulary/ids.ts';
import { isProgramPreset } from '../../../base/config/preset-programs.ts';
import { safeText } from '../../../base/platform/terminal-text.ts';

export interface Verdict {
  readonly kind: 'approved' | 'changes';
  readonly body: string;
}

/** A verdict must be the last line of the message, alone. */
export const verdictLines = {
  approved: 'stator verdict: approved',
  changes: 'stator verdict: changes requested',
} as const;

/** The signal for a verdict, by the judge's role. */
export const verdictSignals = {
  reviewer: { approved: 'review_approved', changes: 'review_changes_requested' },
  verifier: { approved: 'verify_approved', changes: 'verify_failed' },
} as const;

/** Whether a signal of this type is the verdict of a judge. */
export function isVerdict(type: string): boolean {
  return Object.values(verdictSignals).some((words) => Object.values<string>(words).includes(type));
}

/** A signal may have 64 KiB; this fits even with JSON's escapes. */
const bodyLimit = 30_000;
/** Characters that a model may put around a line for emphasis. */
const decoration = '[\\s*_`>#~]*';
const line = new RegExp(`^${decoration}stator verdict:\\s*(approved|changes[ _]requested)[.\\s*_\`~]*$`, 'i');

const named = /stator verdict:\s*(approved|changes[ _]requested)/gi;

/** Whether this role's agent gives its verdict only in its last message. */
export function judgesByMessage(role: string, preset: string | null): boolean {
  return isJudge(role as Role) && preset !== null && (preset === 'function' || isProgramPreset(preset));
}

/**
 * The verdict of a run, from its program's final messages; null: none. More than one message is an exception: then all must agree, because another process
 * may have written into the program's output.
 */
export function verdictIn(messages: readonly string[]): Verdict | null {
  const verdicts = messages.map(verdictOf);
  const last = verdicts.at(-1) ?? null;
  return verdicts.every((verdict) => verdict?.kind === last?.kind && verdict?.body === last?.body) ? last : null;
}

/** The verdict at the end of a message, with its text. */
export function verdictAtEnd(message: string | null): readonly string[] {
  const verdict = message === null ? null : verdictOf(message);
  return verdict === null ? [] : [`${verdict.kind} ${verdict.body}`];
}

/** All verdicts anywhere in a text: in a message in pieces, the author's line breaks are not known. */
export function verdictsNamedIn(text: string): readonly string[] {
  return [...text.matchAll(named)].map(([, word = '']) => (word.toLowerCase() === 'approved' ? 'approved' : 'changes'));
}

function verdictOf(message: string): Verdict | null {
  const lines = message.trimEnd().split('\n');
  while (lines.length > 0 && /^(?:`{3,}|~{3,})?$/.test((lines.at(-1) ?? '').trim())) lines.pop();
  const found = line.exec(lines.pop() ?? '')?.[1];
  if (found === undefined) return null;
  const body = safeText(lines.join('\n')).trim();
  const cut = body.length <= bodyLimit ? body : `${body.slice(0, bodyLimit)}\n[the rest is left out]`;
  return { kind: found.toLowerCase() === 'approved' ? 'approved' : 'changes', body: cut };
}
