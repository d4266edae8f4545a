/** How a repo is registered: by any path inside it, with the trust that a person gives. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { RepoConfig } from '../../base/config/config.ts';
import type { RepoRow } from '../../core/store/rows.ts';
import { ownGit } from '../git/git.ts';
import { followMove } from '../git/moved-checkout.ts';
import { findCommit } from '../git/objects.ts';
import { baseBranch, excludeOwnFolders, inspectRepository, type Repository } from '../git/repository.ts';
import { placesOfSignals } from '../git/signal-paths.ts';
import { refuseInsideGit, worktreeExcludes } from '../git/worktree-folder.ts';
import type { RepoParts } from './known-repos.ts';
import { findWork } from './moved-work.ts';
import { isTrustedBy, type TrustedRepos, type TrustLook, withCommit, type Yes } from './repo-trust.ts';
import { nothingOwn, type TrustWay, untrusted, wayText } from './trust-words.ts';

export interface Registering {
  readonly trust: Yes;
  readonly way: TrustWay;
  readonly mustBeNew?: boolean;
  /** Called before any change if a plan will run at once, or if worktrees move along. */
  readonly mustBeFree?: MustBeFree;
}

/** Throws `elsewhere` if another engine works in that repository. */
export type MustBeFree = (repository: Pick<Repository, 'path' | 'project'>) => Promise<void>;

export interface Registration {
  readonly added: boolean;
  readonly project: string;
  readonly path: string;
  /** What the configuration in force may start. */
  readonly enables: readonly string[];
  /** What the changed files would enable; none of it is in force until a person agrees. */
  readonly untrusted: readonly string[];
  readonly changes: readonly string[];
  readonly digest: string;
  /** What this call has trusted, and how, for people; null: it was already trusted. */
  readonly trustedNow: string | null;
  /** Configured keys without effect, with the reasons. */
  readonly notes: readonly string[];
}

export interface Registrations {
  /**
   * Registers the repo of any path inside it, or returns the registered one. Throws `bad_repo`, `conflict`, `untrusted`, `bad_config`, and the store's
   * errors.
   */
  register(path: string, options: Registering): Promise<Registration>;
  /**
   * What the registration of the repo of this path (anywhere inside it) would trust, and the new parts of that. Changes nothing. Throws `bad_repo`,
   * `conflict`, `bad_config`.
   */
  look(path: string, way: TrustWay): Promise<TrustLook>;
  /** Lines for people if the branch on which plans begin is missing, or the checkout lacks the repo's configuration. Throws `repo_not_found`, and git's errors. */
  baseNotes(project: string): Promise<readonly string[]>;
}

/** Folders that must never be committed: our worktrees and the folders of signal files. */
const ownFolders = ['.worktrees/', ...placesOfSignals.map((place) => `${place}/`)];

export function createRegistrations(parts: RepoParts, trusted: TrustedRepos): Registrations {
  const { store, known, changes, addresses, shared, look, nowMs } = parts;
  const { isAsTrusted, changesOf, read } = trusted;

  /** Registers it as found, if that is permitted, and returns what is then in force. */
  async function take(repository: Repository, { trust, way, mustBeNew = false, mustBeFree }: Registering) {
    const { project, path } = repository;
    known.mustBeHere(project);
    const row = known.own(project);
    if (row !== null) refuseKnown(row, { path, mustBeNew });
    const last = known.lastPath(project);
    // Only the name suggests that they are the same: a clone of another repository may have it too.
    const moved =
      last === undefined || last === path
        ? []
        : [`${project} was at ${last} before it was removed; the plans of that name are back, and work here now`];
    if (way === 'run' || moved.length > 0) await mustBeFree?.(repository);
    const wasElsewhere = last !== undefined && store.hosts !== undefined;
    const bring = wasElsewhere ? await findWork(store, repository) : null;
    const found = read(path);
    const { config } = found;
    refuseInsideGit(repository, config.worktree.dir);
    const isYes = isTrustedBy(trust, { project, config });
    const isAsBefore = row !== null && isAsTrusted(row, found);
    const isTrusted = isYes || isAsBefore || (row === null && mayBeNew(config, way));
    const source = withCommit(found.source, isYes || row === null ? repository.head : row.config.commit);
    if (!isTrusted && (row === null || row.revokedAt !== null || known.pinned(row.config) === null))
      throw untrusted({
        project,
        config,
        agents: [...inheritedAgents(config), ...(await leftOut(repository))],
        way,
        isRevoked: row !== null && row.revokedAt !== null,
      });
    const before = changesOf(row, found);
    const inForce = isTrusted || row === null ? config : known.get(project).config;
    // Before the registration: a repository with unsafe git files is refused.
    await exclude(repository, inForce);
    if (moved.length > 0 && last !== undefined) await followMove(repository, last);
    const at = nowMs();
    const anew = { trustedAt: at, trustedBy: way, revokedAt: null };
    const kept = row !== null && isAsBefore ? row : anew;
    const { trustedAt, trustedBy, revokedAt } = kept;
    const isOther = row === null || !isAsBefore || JSON.stringify(row.config) !== JSON.stringify(source);
    // Before work may begin here.
    const brought = (await bring?.()) ?? [];
    const renamed = row === null ? await renamedFrom(repository) : [];
    if (isTrusted && isOther)
      await known.pin({ project, path, config: source, addedAt: row?.addedAt ?? at, trustedAt, trustedBy, revokedAt });
    await addresses.note(repository, { isNew: isYes }).catch(addresses.warn(project));
    const now = known.get(project).config;
    return {
      added: row === null,
      enables: now.enables,
      notes: [...moved, ...renamed, ...brought, ...config.notes, ...(await baseNotes(repository, now))],
      untrusted: isTrusted ? [] : nothingOwn(config.enables),
      changes: before,
      digest: now.digest,
      trustedNow: isTrusted && !isAsBefore ? wayText(config) : null,
    };
  }

  /** The repository's name here: for a renamed folder, the name under which it was registered. */
  function named(repository: Repository): Repository {
    return { ...repository, project: known.nameAt(repository.path) ?? repository.project };
  }

  /** Registered repos without a folder, which may be this repository. */
  async function renamedFrom(repository: Repository): Promise<string[]> {
    const gone = known.list().filter(({ path, config }) => config.commit !== undefined && !existsSync(path));
    const notes: string[] = [];
    for (const { project, path, config } of gone)
      if ((await findCommit(repository, config.commit ?? '')) !== null)
        notes.push(
          `${project} was at ${path}, where nothing is any more; if its folder was moved here, its plans come along so: stator repo remove ${shellWord(repository.project)}; stator repo move ${shellWord(project)} ${shellWord(repository.path)}`,
        );
    return notes;
  }

  return {
    async register(path, registering) {
      const repository = named(await inspectRepository(path, shared));
      const taken = await changes(repository.project)(() => take(repository, registering));
      return { ...taken, project: repository.project, path: repository.path };
    },
    async look(path, way) {
      const repository = named(await look.at(path));
      const { project, path: main } = repository;
      known.mustBeHere(project);
      const row = known.own(project);
      if (row !== null) refuseKnown(row, { path: main, mustBeNew: false });
      const found = read(main);
      const { config } = found;
      const before = row === null ? null : known.pinned(row.config);
      const mayAct = row === null ? mayBeNew(config, way) : isAsTrusted(row, found);
      const state = row === null ? 'new' : row.revokedAt !== null ? 'revoked' : mayAct ? 'trusted' : 'changed';
      return {
        project,
        path: main,
        state,
        digest: config.digest,
        trusted: before?.digest ?? null,
        enables: config.enables,
        agents: [...inheritedAgents(config), ...(await leftOut(repository))],
        changes: changesOf(row, found),
        mayAct,
      };
    },
    baseNotes: async (project) => baseNotes(await look.at(known.mustRead(project).path), known.get(project).config),
  };
}

export function exclude(repository: Repository, { worktree }: RepoConfig): Promise<void> {
  return excludeOwnFolders(repository, [
    ...ownFolders,
    ...worktreeExcludes(repository, worktree.dir).filter((pattern) => pattern !== '/.worktrees/'),
  ]);
}

/** Warnings that a person gets when trusting a configuration, not only from the first plan: about the base, and files that the checkout lacks. */
async function baseNotes(repository: Repository, { baseBranch: configured }: RepoConfig): Promise<readonly string[]> {
  const notes = await leftOut(repository);
  try {
    await baseBranch(repository, configured);
    return notes;
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'bad_config')
      return [...notes, `${thrown.message}; ${thrown.hint}`];
    throw thrown;
  }
}

/** A line for people if the last commit has the repo's configuration and the checkout does not, such as a sparse one; empty: that is not so. */
async function leftOut({ path, commonDir }: Repository): Promise<string[]> {
  const file = '.stator/config.toml';
  if (existsSync(join(path, file))) return [];
  if ((await ownGit(path, ['ls-tree', '--name-only', 'HEAD', '--', file])) === '') return [];
  const isSparse = existsSync(join(commonDir, 'info', 'sparse-checkout'));
  const command = isSparse ? 'sparse-checkout add .stator' : `checkout HEAD -- ${file}`;
  return [
    `no setting of ${file} counts: the last commit has that file, and this checkout does not; get it: git -C ${shellWord(path)} ${command}`,
  ];
}

/**
 * Whether an unknown repo may be registered without consent: its files enable nothing, and a person has chosen the agent. A person who adds a repo names only
 * the repo, and a person who runs a plan in a folder may not know the built-in agent.
 */
function mayBeNew({ enables, agentsOf }: RepoConfig, way: TrustWay): boolean {
  if (enables.length > 0) return false;
  return agentsOf !== 'nobody' || (way !== 'run' && way !== 'plan register');
}

/** The agents that are used if the repo's files name none. */
function inheritedAgents({ agentsOf, profiles }: RepoConfig): string[] {
  if (agentsOf === 'repo') return [];
  const { preset, program } = profiles.coder;
  const words = [preset, program].filter((word) => word !== null).join(' ');
  if (agentsOf === 'user') return [`agents: ${words}, as daemon.toml says`];
  return [
    `agents: ${words}, the built-in default, which acts without asking: neither the repo nor daemon.toml names another`,
  ];
}

function refuseKnown(known: RepoRow, { path, mustBeNew }: { path: string; mustBeNew: boolean }): void {
  const { project } = known;
  if (known.path !== path && !existsSync(known.path))
    throw new EngineError(
      'conflict',
      `${project} is registered at ${known.path}, and nothing is there any more`,
      `where it was moved to ${path}: stator repo move ${shellWord(project)} ${shellWord(path)}; where this is another repository, rename its folder first`,
    );
  if (known.path !== path)
    throw new EngineError(
      'conflict',
      `repo with basename "${project}" already registered (path: ${known.path}); rename one of the directories or use distinct names`,
      'a project is known by the last component of its path',
    );
  if (mustBeNew)
    throw new EngineError(
      'conflict',
      `repo already registered: ${known.path}`,
      `see it with: stator repo show ${shellWord(project)}; a changed configuration is taken with: stator repo trust ${shellWord(project)}`,
    );
}
