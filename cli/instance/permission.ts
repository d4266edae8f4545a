/** Agents' permission questions as text. Pure. */

import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { duration } from '../../machines/vocabulary/time-text.ts';
import type { InstanceEntry } from '../../runtime/api/client/client.ts';
import { plain, plainLines } from '../text.ts';

export interface Permission {
  readonly agent: InstanceEntry;
  readonly question: InstanceEntry['permissions'][number];
}

/** The questions of running agents, ordered by deadline. */
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

/** `denied in 19m 03s`, for a question that is not answered until then. `timeText` formats the milliseconds that are left. */
export function deadlineText(until: string, nowMs: number, timeText: (ms: number) => string = duration): string {
  return `denied in ${timeText(Date.parse(until) - nowMs)}`;
}

/** Foreign text is indented, so that none of its lines looks like stator's own. */
export function indented(text: string): string {
  return plainLines(text)
    .split('\n')
    .map((line) => `  | ${line}`)
    .join('\n');
}

export type PermissionWord = 'allow' | 'deny';

/** The command that answers exactly this question. */
export function permissionCommand(word: PermissionWord, { agent, question }: Permission): string {
  return `stator agent ${word} ${shellWord(agent.title)} --question ${question.id}`;
}
