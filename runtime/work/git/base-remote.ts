/** Compares a base branch with the last fetched state of its remote branch, and fetches that. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, messageOf, onOneLine } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { statOrNull } from '../../base/platform/quiet-look.ts';
import { errorTail, ownGit, ownWords } from './git.ts';
import { entriesIn } from './git-folder.ts';
import type { ObjectMemo } from './object-memo.ts';
import { isAncestor } from './objects.ts';
import { isDenied, remoteOf, tryAs } from './push.ts';
import { branchRef, type RefPlace, readRef } from './refs.ts';

/** Short, because a person waits for the plan to begin. */
const fetchMs = 10_000;
/** The limit of a fetch that no person waits for. */
const longFetchMs = 300_000;

type Place = RefPlace & { readonly memo?: ObjectMemo };

export interface RemoteBranch {
  /** `origin/main`. */
  readonly name: string;
  readonly commit: string;
}

/** The upstream of a local branch, otherwise the branch of its name at `origin`; null: none was ever fetched. */
export async function remoteBranchOf(repo: Place, branch: string): Promise<RemoteBranch | null> {
  const isFiled = !existsSync(join(repo.commonDir, 'reftable'));
  if (isFiled && entriesIn(join(repo.commonDir, 'refs', 'remotes')).length === 0) return null;
  const args = ['for-each-ref', '--format=%(upstream)', branchRef(branch)];
  const look = async () => (await ownGit(repo.path, args)).split('\n')[0] ?? '';
  // A repository with a changed configuration is read again, and has no stored answers.
  const upstream = (await repo.memo?.get(`upstream ${branch}`, look)) ?? (await look());
  const ref = upstream.startsWith('refs/remotes/') ? upstream : `refs/remotes/origin/${branch}`;
  const commit = await readRef(repo, ref);
  return commit === null ? null : { name: ref.slice('refs/remotes/'.length), commit };
}

/** The number of commits of `commit` that are not in `head`. */
export async function commitsBeyond(repo: Place, commit: string, head: string): Promise<number> {
  if (commit === head) return 0;
  const look = () => ownGit(repo.path, ['rev-list', '--count', `${head}..${commit}`]);
  return Number((await repo.memo?.get(`beyond ${head} ${commit}`, look)) ?? (await look()));
}

/** The start commit of a plan from this local branch: the remote branch's commit if that contains the local one. */
export async function startIn(repo: Place, branch: string, own: string): Promise<string> {
  const remote = await remoteBranchOf(repo, branch);
  return remote !== null && (await isAncestor(repo, own, remote.commit)) ? remote.commit : own;
}

/** The time of the last fetch, in ms; null: none since the clone. */
export function fetchedAtMs({ commonDir }: Pick<RefPlace, 'commonDir'>): number | null {
  return statOrNull(join(commonDir, 'FETCH_HEAD'))?.mtimeMs ?? null;
}

interface Fetched {
  readonly atMs: number;
  /** Why the fetch failed, on one line; null: it succeeded. */
  trouble: string | null;
  readonly ended: Promise<void>;
}

/** The last fetch by repository and branch. */
const fetched = new Map<string, Fetched>();
const keyOf = ({ commonDir }: Pick<RefPlace, 'commonDir'>, branch: string) => `${commonDir}\0${branch}`;

/** Fetches that branch if there is a remote. Tasks that begin together share one fetch. `fetchTrouble` reports a failure. */
export function fetchBase(repo: Place, branch: string): Promise<void> {
  const key = keyOf(repo, branch);
  const before = fetched.get(key);
  if (before !== undefined && performance.now() - before.atMs < fetchMs) return before.ended;
  const ended = fetchBranch(repo, branch).then((trouble) => {
    now.trouble = trouble;
  });
  const now: Fetched = { atMs: performance.now(), trouble: before?.trouble ?? null, ended };
  fetched.set(key, now);
  return ended;
}

/** Why the last fetch of that branch failed, on one line; null: it succeeded, or there was none. */
export function fetchTrouble(repo: Pick<RefPlace, 'commonDir'>, branch: string): string | null {
  return fetched.get(keyOf(repo, branch))?.trouble ?? null;
}

/**
 * The commit of the branch at that remote as it is now. Throws `not_found` if it has no such branch, `refused` if it does not let git in, and
 * `forge_unreachable` or `unreachable` where git could not fetch it for another reason.
 */
export async function fetchHead(repo: Place, { remote, branch }: { remote: string; branch: string }): Promise<string> {
  const stderr = await fetchFrom(repo, { remote, branch, timeoutMs: longFetchMs });
  const commit = stderr === null ? await readRef(repo, `refs/remotes/${remote}/${branch}`) : null;
  if (commit !== null) return commit;
  if (stderr === null || noSuchBranch.test(ownWords(stderr)))
    throw new EngineError(
      'not_found',
      `${remote} has no branch ${branch}`,
      'see on the forge whether it was deleted or renamed, and bring it back or choose another one there',
    );
  const message = `git could not fetch ${branch} from ${remote}: ${troubleOf(stderr)}`;
  const command = `git -C ${shellWord(repo.path)} fetch ${shellWord(remote)} ${shellWord(branch)}`;
  throw isDenied(stderr)
    ? new EngineError(
        'refused',
        message,
        `give git the rights or credentials for it, and see that this works: ${command}`,
      )
    : new EngineError('forge_unreachable', message, 'it is asked again later; see whether that remote can be reached');
}

const troubleOf = (stderr: string) => onOneLine(errorTail(stderr));

/** git's message, which no locale changes here. */
const noSuchBranch = /couldn't find remote ref/;

/** Fetches with only the user's own settings. null: done, or there is no remote; otherwise the reason of the failure. */
async function fetchBranch(repo: Place, branch: string): Promise<string | null> {
  try {
    if ((await ownGit(repo.path, ['remote'])) === '') return null;
    const remote = await remoteOf(repo.path, branch, null);
    const stderr = await fetchFrom(repo, { remote, branch, timeoutMs: fetchMs });
    return stderr === null ? null : troubleOf(stderr);
  } catch (thrown) {
    if (thrown instanceof EngineError) return onOneLine(messageOf(thrown));
    throw thrown;
  }
}

/** null: done; otherwise what git wrote. */
async function fetchFrom(
  repo: Place,
  { remote, branch, timeoutMs }: { remote: string; branch: string; timeoutMs: number },
): Promise<string | null> {
  const refs = `+refs/heads/${branch}:refs/remotes/${remote}/${branch}`;
  // The remote's settings name no further refs to move. The filter of a partial clone would leave out files that a worktree needs.
  const flags = ['--quiet', '--no-tags', '--no-recurse-submodules', '--refmap=', '--no-filter'];
  const args = ['fetch', ...flags, '--', remote, refs];
  const { exitCode, stderr } = await tryAs('engine', { repo: repo.path, args, timeoutMs });
  return exitCode === 0 ? null : stderr;
}
