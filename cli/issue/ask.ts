/** For the verbs of `stator issue`: reading the reference to an issue from the arguments, and printing that an agent was started for it. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { IssueStarted } from '../../runtime/api/client/client.ts';
import type { Call } from '../command.ts';
import { impliedProject } from '../place.ts';

export const referenceArg = {
  type: 'positional',
  description: 'owner/repo#12, host/owner/repo#12, the address of an issue, or the name of a session',
} as const;

/** The issue's reference, with `--project` if that was typed. Throws `usage` if the reference is empty. */
export function asked({ project }: Pick<Call, 'project'>, reference: string): { reference: string; project?: string } {
  if (reference.trim() === '')
    throw new EngineError('usage', 'the reference is empty', `write one of: ${referenceArg.description}`);
  return { reference, ...(project === undefined ? {} : { project }) };
}

/** The message as typed. Throws `usage` if it is empty. */
export function written(message: string): string {
  if (message.trim() === '') throw new EngineError('usage', 'the message is empty', 'write the message in quotes');
  return message;
}

/** Prints the outcome and returns the exit code. 0: the agent works, has the message, or may wait (`mayWait`). 1: it waits for an engine. */
export function printStarted(
  call: Call,
  answer: IssueStarted,
  { mayWait, hasMessage = true }: { readonly mayWait: boolean; readonly hasMessage?: boolean },
): number {
  const { out } = call;
  const { status, session, notes } = answer;
  for (const note of notes) out.note(note);
  if (session.project !== impliedProject(call)) out.about(session.project);
  const name = session.reference ?? session.plan;
  const words = {
    started: `started: ${name} on ${session.branch} in ${session.worktree}`,
    queued: `queued: ${name}; what it waits for: stator plan explain ${shellWord(session.plan)}`,
    told: hasMessage ? `told: ${name}` : `no message was sent: ${name}`,
  }[status];
  out.done(answer, words);
  return status === 'queued' && !mayWait ? 1 : 0;
}
