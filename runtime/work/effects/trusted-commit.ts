/** The repository's commit when a person trusted it. Its files are used, whatever was pulled, committed or edited since. */

import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { findCommit } from '../git/objects.ts';
import type { Repository } from '../git/repository.ts';
import type { Project } from '../repos/registry.ts';

/**
 * `what`: a sentence about the use of its files. Throws `untrusted`, which is waited for, if no person has agreed since such commits are stored; `bad_repo`
 * if the commit is gone; git's errors.
 */
export async function trustedCommit(
  repository: Repository,
  { project, what }: { readonly project: Project; readonly what: string },
): Promise<string> {
  const { commit, project: name } = project;
  if (commit === null) throw trustedBefore(project, what);
  if ((await findCommit(repository, commit)) === null)
    throw new EngineError(
      'bad_repo',
      `${what}, and commit ${commit.slice(0, 12)} is not in the repository any more`,
      `trust it as it is now: stator repo trust ${shellWord(name)}`,
    );
  return commit;
}

export function trustedBefore({ project: name }: Pick<Project, 'project'>, what: string): EngineError {
  return new EngineError(
    'untrusted',
    `${what}, and ${name} was trusted before that was so`,
    `see what they are, and say yes: stator repo trust ${shellWord(name)} --show; stator repo trust ${shellWord(name)}`,
  );
}
