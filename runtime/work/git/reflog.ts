/** What HEAD of a worktree did, by the log that git keeps beside it. Whoever works there can write it: what it says is checked before it counts. */
import { join } from 'node:path';
import { textOf } from './git-folder.ts';

/** Both are ids of commits; `from` is all zeros where there was none. */
interface HeadMove {
  readonly from: string;
  readonly to: string;
  /** HEAD came to a commit that was made there, not to one that was there already. */
  readonly isNew: boolean;
  /** The commit at `from` was replaced by that at `to`. */
  readonly isAmended: boolean;
}

const madeThere = /^(?:commit|cherry-pick|revert|am|rebase|merge|pull)\b(?!.*(?:\(start\)|Fast-forward$))/;

/** The oldest first; none where there is no log, or one that is too long. `gitDir`: the folder that holds HEAD. */
export function headMoves(gitDir: string): HeadMove[] {
  const log = textOf(join(gitDir, 'logs', 'HEAD')) ?? '';
  return log.split('\n').flatMap((line) => {
    const [, from, to, message = ''] =
      /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) [^\t]*\t(.*)$/.exec(line) ?? [];
    if (from === undefined || to === undefined) return [];
    return [{ from, to, isNew: madeThere.test(message), isAmended: message.startsWith('commit (amend)') }];
  });
}
