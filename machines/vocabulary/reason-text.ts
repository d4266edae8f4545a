/** Why an attempt did not count, as text for people. */
import type { Reason } from './effect.ts';
import { shellWord } from './shell-word.ts';

const texts = {
  'exit-code': 'ended with an error',
  timeout: 'took too long',
  idle: 'was silent for too long',
  lost: 'its process vanished',
  killed: 'was killed',
  'no-change': 'changed nothing',
  'set-aside': 'left work that its branch could not take',
  deletions: 'deleted more than a person wants',
  additions: 'added what a person does not want in git',
  conflict: 'merge conflict',
  'check-failed': 'its check failed',
  'rate-limited': 'the service is rate limited for now',
  'resource-limit': 'reached its limit of memory, processes or disk',
  'no-verdict': 'gave no verdict',
  needs_decision: 'asked a question',
  'start-failed': 'could not start',
  'merge-failed': 'could not be merged',
} satisfies Record<Reason, string>;

export function reasonText(reason: Reason): string {
  return texts[reason];
}

/** Whether the text of a failure begins with why, as that of a failed start, check, commit or merge; an agent's output ends with it. */
export function beginsWithWhy(reason: Reason | null): boolean {
  return reason === 'start-failed' || reason === 'check-failed' || reason === 'merge-failed';
}

/** The command that shows the reason. A check writes its output into a separate log. */
export function logCommand(title: string, reason: Reason | null): string {
  return `stator agent logs ${shellWord(title)}${reason === 'check-failed' ? ' --check' : ''}`;
}
