/** Explains a checkout whose HEAD has no commit, with the command that repairs it: an agent without walls can leave a person's checkout in this state. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { findCommit } from './objects.ts';
import { refsBelow } from './ref-files.ts';
import { type HeadMove, headMoves } from './reflog.ts';
import { branchIn } from './worktree-list.ts';

interface Checkout {
  readonly path: string;
  readonly commonDir: string;
}

/** Why a checkout's HEAD has no commit: there is none yet, or its branch is missing. */
export async function unbornHead({ path, commonDir }: Checkout): Promise<EngineError> {
  const git = `git -C ${shellWord(path)}`;
  const branch = branchIn(commonDir) ?? null;
  const refs = await refsBelow({ path, commonDir }, ['refs/heads', 'refs/stator/owned']);
  const persons = [...refs].flatMap(([ref, commit]) => {
    const name = ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null;
    return name === null || refs.has(`refs/stator/owned/${name}`) ? [] : [{ name, commit }];
  });
  const moves = headMoves(commonDir);
  const commit = lastCommit(moves);
  const isThere = commit !== null && (await findCommit({ path }, commit)) === commit;
  if (branch === null || (!isThere && refs.size === 0)) {
    const hint = `make one: ${git} commit --allow-empty -m 'first commit'`;
    return new EngineError('bad_repo', `${path} has no commit yet, so there is nothing to start a plan from`, hint);
  }
  const command = isThere
    ? wayBack({ branch, commit, moves, persons })
    : `symbolic-ref HEAD refs/heads/<the branch that was checked out>`;
  return new EngineError(
    'bad_repo',
    `HEAD of ${path} is on the branch ${branch}, which has no commit`,
    `put it back: ${git} ${command}`,
  );
}

interface Lost {
  /** HEAD's missing branch. */
  readonly branch: string;
  /** The last commit of HEAD. */
  readonly commit: string;
  readonly moves: readonly HeadMove[];
  readonly persons: readonly { readonly name: string; readonly commit: string }[];
}

/**
 * HEAD's log records that its branch was deleted or renamed, but not that `git symbolic-ref` moved HEAD: then its former branch is still at the last commit.
 */
function wayBack({ branch, commit, moves, persons }: Lost): string {
  const names = moves.flatMap((move) => move.branch ?? []).reverse();
  const isDeleted = names[0] === branch || moves.at(-1)?.to !== commit;
  const there = persons.filter((each) => each.commit === commit).map(({ name }) => name);
  const left = isDeleted ? undefined : (names.find((name) => there.includes(name)) ?? there[0]);
  return left === undefined
    ? `update-ref ${shellWord(`refs/heads/${branch}`)} ${commit}`
    : `symbolic-ref HEAD ${shellWord(`refs/heads/${left}`)}`;
}

/** The last commit in the log. Entries for the deletion of a branch have none: their new id is all zeros. */
function lastCommit(moves: readonly HeadMove[]): string | null {
  const ids = moves.toReversed().flatMap(({ from, to }) => [to, from]);
  return ids.find((id) => !/^0+$/.test(id)) ?? null;
}
