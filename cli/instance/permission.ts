/** The permissions that agents ask for, as text. Pure. */

import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { duration } from '../../machines/vocabulary/time-text.ts';
import type { InstanceEntry } from '../../runtime/api/client/client.ts';
import { plain, plainLines } from '../text.ts';

export interface Permission {
  readonly agent: InstanceEntry;
  readonly question: InstanceEntry['permissions'][number];
}

/** The questions of agents with a process, the one that is denied soonest first. */
export function permissionsOf(agents: readonly InstanceEntry[]): Permission[] {
  return agents
    .filter(({ live }) => live)
    .flatMap((agent) => agent.permissions.map((question): Permission => ({ agent, question })))
    .toSorted((a, b) => Date.parse(a.question.until) - Date.parse(b.question.until));
}

/** `login-w1-t2 asks whether it may use Bash`. */
export function permissionText({ agent, question }: Permission): string {
  return `${agent.title} asks whether it may use ${plain(question.tool)}`;
}

/** `denied in 19m 03s`: for a question that has no answer until then. `timeText` says the time that is left, in milliseconds. */
export function deadlineText(until: string, nowMs: number, timeText: (ms: number) => string = duration): string {
  return `denied in ${timeText(Date.parse(until) - nowMs)}`;
}

/** Texts of others, so that no line of them looks like one of ours. */
export function indented(text: string): string {
  return plainLines(text)
    .split('\n')
    .map((line) => `  | ${line}`)
    .join('\n');
}

export type PermissionWord = 'allow' | 'deny';

/** The command that answers just this question. */
export function permissionCommand(word: PermissionWord, { agent, question }: Permission): string {
  return `stator agent ${word} ${shellWord(agent.title)} --question ${question.id}`;
}
