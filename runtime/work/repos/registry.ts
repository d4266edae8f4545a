/** The registered repositories of the engine: their paths, their trusted configuration, and the policy that results from it. */
import { join } from 'node:path';
import { EngineError, thenContinues } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { RepoOverrides } from '../../base/config/config.ts';
import type { Settings } from '../../base/config/settings.ts';
import type { Log } from '../../base/platform/log.ts';
import { type Change, mustCommit, type Store } from '../../core/store/port.ts';
import { createRepositoryLocks } from '../git/locks.ts';
import { createSharedAccess, type Repository } from '../git/repository.ts';
import { createRepositoryLook } from '../git/repository-look.ts';
import { type KnownRepos, openKnownRepos } from './known-repos.ts';
import { createRegistrations, type Registrations } from './registration.ts';
import { createAddresses } from './repo-addresses.ts';
import { createRepoMoves, type RepoMoves } from './repo-moves.ts';
import { createRepoTrust, type RepoTrust } from './repo-trust.ts';

export type { Project } from './known-repos.ts';
export type { Registration } from './registration.ts';
export type { Yes } from './repo-trust.ts';
export type { TrustWay } from './trust-words.ts';

export interface Projects extends KnownRepos, RepoTrust, Registrations, RepoMoves {
  /** Stores the address at which other hosts find this repo, unless it is known, if several hosts share the store. Throws the errors of git and the store. */
  noteAddress(project: string): Promise<void>;
  /** The present repository; throws `bad_repo` if it is gone. */
  repository(project: string): Promise<Repository>;
  /** Removes it, in one commit with `words`; its rows stay. Throws the store's errors. */
  remove(project: string, words: readonly Change[]): Promise<void>;
  /** Closes resources that stay open between two uses of the repositories. They can be used afterwards, at a higher cost. May be called twice. */
  release(): void;
}

/**
 * Reads the repos once: only the owner of the home changes them, and only here. A change of a repo is committed first, and then known here. Throws the
 * store's errors.
 */
export async function openProjects(parts: {
  store: Pick<Store, 'repos' | 'plans' | 'removedRepos' | 'planTraces' | 'signals' | 'tree' | 'hosts' | 'commit'>;
  settings: Pick<Settings, 'current'>;
  overrides: RepoOverrides;
  log: Log;
  nowMs: () => number;
}): Promise<Projects> {
  const { store, nowMs } = parts;
  const shared = createSharedAccess();
  const look = createRepositoryLook(shared);
  const changes = createRepositoryLocks();
  const addresses = createAddresses(parts);
  const known = await openKnownRepos(parts);
  const all = { store, known, changes, addresses, shared, look, nowMs };
  const trusted = createRepoTrust(all);
  return {
    ...known,
    ...trusted,
    ...createRegistrations(all, trusted),
    ...createRepoMoves(all, trusted),
    noteAddress: (project) => addresses.note(known.mustRead(project), { isNew: false }),
    async repository(project) {
      known.mustBeHere(project);
      const { path, config } = known.get(project);
      const found = await look.at(path);
      if (found.path !== path) throw ledElsewhere(path, found);
      return { ...found, project, sign: config.sign };
    },
    remove: (project, words) =>
      changes(project)(async () => {
        await mustCommit(store, [{ do: 'repo.remove', project, at: nowMs() }, ...words]);
        known.drop(project, { isRemoved: true });
      }),
    release: () => shared.gits.close(),
  };
}

/** The error if work on the repository at `path` would happen in another folder. */
function ledElsewhere(path: string, { path: named, commonDir }: Pick<Repository, 'path' | 'commonDir'>): EngineError {
  return new EngineError(
    'unreachable',
    `git works at ${named} instead of ${path}, as core.worktree in the configuration of the repository says`,
    `take it back: git config --file ${shellWord(join(commonDir, 'config'))} --unset core.worktree; ${thenContinues}`,
  );
}
