/** Reads the moves of a worktree's HEAD from git's log. An agent in the worktree can write the log, so its content is checked before it counts. */
import { join } from 'node:path';
import { textOf } from './git-folder.ts';

/** Both are ids of commits; all zeros: there was none, or the branch was deleted. */
export interface HeadMove {
  readonly from: string;
  readonly to: string;
  /** The new branch of HEAD after a checkout or a renaming. */
  readonly branch: string | null;
  /** true: HEAD moved to a commit that was made there, not to an existing one. */
  readonly isNew: boolean;
  /** The commit at `from` was replaced by that at `to`. */
  readonly isAmended: boolean;
}

const madeThere = /^(?:commit|cherry-pick|revert|am|rebase|merge|pull)\b(?!.*(?:\(start\)|Fast-forward$))/;

const cameTo = /^(?:checkout: moving from \S+ to |Branch: renamed refs\/heads\/\S+ to refs\/heads\/)(\S+)$/;

/** The entries, the oldest first; empty if the log is missing or too long. `gitDir`: the folder with HEAD. */
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
