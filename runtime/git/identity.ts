/** Whose name stands on commits: the user's own, or nobody's. */
import { EngineError } from '../../machines/errors.ts';
import { tryOwnGit } from './git.ts';

/**
 * Who commits here: `GIT_AUTHOR_*` and `GIT_COMMITTER_*`, else the user's git configuration; never a guess from the host's name.
 * Answers the author; throws `bad_config` where author or committer is not set.
 */
export async function identity(repo: { readonly path: string }): Promise<{ name: string; email: string }> {
  const author = await tryOwnGit(repo.path, ['var', 'GIT_AUTHOR_IDENT']);
  const committer = await tryOwnGit(repo.path, ['var', 'GIT_COMMITTER_IDENT']);
  const [, name, email] = /^(.*) <(.*)> \d+ [+-]\d+$/.exec(author.stdout) ?? [];
  if (author.exitCode === 0 && committer.exitCode === 0 && name && email) return { name, email };
  throw new EngineError(
    'bad_config',
    `git does not know who commits in ${repo.path}: user.name or user.email is not set`,
    'set both: git config --global user.name "Your Name" && git config --global user.email you@example.com',
  );
}
