/** What HEAD of a worktree did, by the log that git keeps beside it. Whoever works there can write it: what it says is checked before it counts. */
import { join } from 'node:path';
import { textOf } from './git-folder.ts';

/** Both are ids of commits; all zeros where there was none, or the branch was deleted. */
export interface HeadMove {
  readonly from: string;
  readonly to: string;
  /** The one that HEAD came to stand on, by a checkout or a renaming. */
  readonly branch: string | null;
  /** HEAD came to a commit that was made there, not to one that was there already. */
  readonly isNew: boolean;
  /** The commit at `from` was replaced by that at `to`. */
  readonly isAmended: boolean;
}

const madeThere = /^(?:commit|cherry-pick|revert|am|rebase|merge|pull)\b(?!.*(?:\(start\)|Fast-forward$))/;

const cameTo = /^(?:checkout: moving from \S+ to |Branch: renamed refs\/heads\/\S+ to refs\/heads\/)(\S+)$/;

/** The oldest first; none where there is no log, or one that is too long. `gitDir`: the folder that holds HEAD. */
export function headMoves(gitDir: string): HeadMove[] {
  const log = textOf(join(gitDir, 'logs', 'HEAD')) ?? '';
  return log.split('\n').flatMap((line) => {
    // `git update-ref` writes no message.
    const [, from, to, message = ''] =
      /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) [^\t]*(?:\t(.*))?$/.exec(line) ?? [];
    if (from === undefined || to === undefined) return [];
    const [, branch = null] = cameTo.exec(message) ?? [];
    return [{ from, to, branch, isNew: madeThere.test(message), isAmended: message.startsWith('commit (amend)') }];
  });
}
