/** Whose name stands on commits: the user's own, or nobody's. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { gitFailure, tryOwnGit } from './git.ts';

export interface Identity {
  readonly name: string;
  readonly email: string;
}

/** How git says, in its own words, that it knows nobody: nothing is set, or what is set is empty. */
const knowsNobody = /tell me who you are|auto-detect|ident name|disallowed characters/;

/**
 * Who commits here: `GIT_AUTHOR_*` and `GIT_COMMITTER_*`, else the user's git configuration; never a guess from the host's name.
 * Answers the author; throws `bad_config` where author or committer is not set, and `git_failed` where git could not say.
 */
export async function identity(repo: { readonly path: string }): Promise<Identity> {
  const author = await ask(repo, 'GIT_AUTHOR_IDENT');
  await ask(repo, 'GIT_COMMITTER_IDENT');
  return author;
}

const recentMs = 10_000;
const recent = new Map<string, { readonly atMs: number; readonly who: Identity }>();

/** Who commits here; what git knew a moment ago it knows still. A commit asks for itself. Throws as `identity` does. */
export async function recentIdentity(repo: { readonly path: string }): Promise<Identity> {
  const known = recent.get(repo.path);
  if (known !== undefined && performance.now() - known.atMs < recentMs) return known.who;
  const who = await identity(repo);
  recent.set(repo.path, { atMs: performance.now(), who });
  return who;
}

async function ask(repo: { readonly path: string }, who: string): Promise<Identity> {
  const args = ['var', who];
  const result = await tryOwnGit(repo.path, args);
  const [, name, email] = /^(.*) <(.*)> \d+ [+-]\d+$/.exec(result.stdout) ?? [];
  if (result.exitCode === 0 && name && email) return { name, email };
  if (result.exitCode !== 0 && !knowsNobody.test(result.stderr)) throw gitFailure({ cwd: repo.path, args, result });
  throw new EngineError(
    'bad_config',
    `git does not know who commits in ${repo.path}: user.name or user.email is not set`,
    'set both: git config --global user.name "Your Name" && git config --global user.email you@example.com',
  );
}
