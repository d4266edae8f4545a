/** The registered repositories as the engine works with them: where they are, what was trusted, and the policy that follows from it. */

import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import type { Policy } from '../../machines/vocabulary/policy.ts';
import {
  type DaemonConfig,
  parseRepoConfig,
  type RepoConfig,
  type RepoConfigSource,
  type RepoOverrides,
  readRepoConfigSource,
} from '../config/config.ts';
import type { Settings } from '../config/settings.ts';
import { createRepositoryLocks } from '../git/locks.ts';
import { createSharedAccess, excludeOwnFolders, inspectRepository, type Repository } from '../git/repository.ts';
import { createRepositoryLook } from '../git/repository-look.ts';
import { placesOfSignals } from '../git/signal-paths.ts';
import { refuseInsideGit, worktreeExcludes } from '../git/worktree-folder.ts';
import type { Log } from '../platform/log.ts';
import { type Change, mustCommit, type Store } from '../store/port.ts';
import type { RepoRow } from '../store/rows.ts';

export interface Project {
  readonly project: string;
  readonly path: string;
  readonly config: RepoConfig;
}

export interface Projects {
  /** In the order of their names. */
  list(): readonly RepoRow[];
  /** Calls `listener` when a repo has come, gone or changed, until the returned function is called. It must not throw. */
  subscribe(listener: () => void): () => void;
  /** null: there is no such repo. */
  find(project: string): RepoRow | null;
  /** Throws `repo_not_found`, and `bad_config` where what was trusted no longer parses. */
  get(project: string): Project;
  /** null where the repo is not there or its configuration is broken. */
  policyOf(project: string): Policy | null;
  /** The repository as it is now; throws `bad_repo` where it is gone. */
  repository(project: string): Promise<Repository>;
  /** Registers the repo of any path inside it, or answers what is registered. Throws `bad_repo`, `conflict`, `untrusted`, `bad_config`, and as the store does. */
  register(path: string, options: { trust: boolean; mustBeNew?: boolean }): Promise<Registration>;
  /** The pinned configuration beside the file as it is now. Throws `repo_not_found`. */
  compare(project: string): Comparison;
  /**
   * Puts the file as it is now in force, where it starts nothing that was not trusted before, or where somebody says so now. A file that is
   * broken changes nothing. Throws `repo_not_found`, and as the store does.
   */
  refresh(project: string, options: { trust: boolean }): Promise<Comparison>;
  /** Why the repo's file cannot be used; null: it can. Cheap while the file is as it was when it was last asked about. Throws `repo_not_found`. */
  fileProblem(project: string): string | null;
  /** daemon.toml has changed: what follows from it is worked out anew. */
  forget(): void;
  /** Whether it is registered and stays: nothing is started for one that is going or gone. */
  isOpen(project: string): boolean;
  /** Those that are not open: going or gone. */
  closed(): readonly string[];
  /** Starts nothing for it any more, until the returned function is called. */
  close(project: string): () => void;
  /** Takes it out, in one commit with `words`; its rows stay. Throws as the store does. */
  remove(project: string, words: readonly Change[]): Promise<void>;
  /** Lets go of what stays open between two looks at the repositories. They may be looked at again, which then costs more. May be called twice. */
  release(): void;
}

export interface Comparison {
  /** What the configuration in force may start; empty where it no longer parses. */
  readonly enables: readonly string[];
  /** What the file may start that is not in force, and needs somebody's yes. */
  readonly untrusted: readonly string[];
  /** Why the file cannot be used; null: it can. */
  readonly problem: string | null;
  /** Whether the configuration in force is another one than before. */
  readonly changed: boolean;
  readonly notes: readonly string[];
}

export interface Registration {
  readonly added: boolean;
  readonly project: string;
  readonly path: string;
  /** What the configuration in force may start. */
  readonly enables: readonly string[];
  /** What the file enables since it was changed; nothing of it is in force until somebody says yes. */
  readonly untrusted: readonly string[];
  /** What is configured and has no effect, and why. */
  readonly notes: readonly string[];
}

/** What must never be committed by anybody: our worktrees and the folders of signal files. */
const ownFolders = ['.worktrees/', ...placesOfSignals.map((place) => `${place}/`)];

/**
 * Reads once which repos there are: only the owner of the home changes them, and does it here. Throws as the store does.
 * What changes a repo is committed first, and known here afterwards.
 */
export async function openProjects(parts: {
  store: Pick<Store, 'repos' | 'removedRepos' | 'commit'>;
  settings: Pick<Settings, 'current'>;
  overrides: RepoOverrides;
  log: Log;
  nowMs: () => number;
}): Promise<Projects> {
  const { store, settings, overrides, log, nowMs } = parts;
  const shared = createSharedAccess();
  const look = createRepositoryLook(shared);
  const loaded = new Map<string, Project>();
  const broken = new Set<string>();
  /** By project: what its file said when it was that old. */
  const read = new Map<string, { age: string; problem: string | null }>();
  const rows = new Map((await store.repos()).map((row) => [row.project, row]));
  /** Those that were taken out, with where they were. */
  const removed = new Map(await store.removedRepos());
  /** Those that are being taken out. */
  const closed = new Set<string>();
  /** One change of a repo at a time: between what it is judged by and its commit others have their turn. */
  const changes = createRepositoryLocks();
  const listeners = new Set<() => void>();
  let bare: { of: DaemonConfig; config: RepoConfig } | null = null;

  /** Repos without files of their own, of which there may be a thousand, share one configuration. */
  function parse(source: RepoConfigSource): RepoConfig {
    const daemon = settings.current();
    if (source.text !== null || source.kasmosText !== null || source.kasmosProblem !== null)
      return parseRepoConfig(source, daemon, overrides);
    if (bare?.of !== daemon) bare = { of: daemon, config: parseRepoConfig(source, daemon, overrides) };
    return bare.config;
  }

  function get(project: string): Project {
    const cached = loaded.get(project);
    if (cached !== undefined) return cached;
    const row = mustRead(project);
    const found = { project, path: row.path, config: parse(row.config) };
    loaded.set(project, found);
    return found;
  }

  return {
    list: () => [...rows.values()].sort((a, b) => (a.project < b.project ? -1 : 1)),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    find: (project) => rows.get(project) ?? null,
    get,
    policyOf(project) {
      try {
        return get(project).config.policy;
      } catch (thrown) {
        if (!broken.has(project)) log.warn(`project ${project}: ${messageOf(thrown)}`);
        broken.add(project);
        return null;
      }
    },
    repository: async (project) => look.at(get(project).path),
    async register(path, { trust, mustBeNew = false }) {
      const repository = await inspectRepository(path, shared);
      const { isTrusted, config, ...taken } = await changes(repository.project)(() =>
        take(repository, { trust, mustBeNew }),
      );
      return {
        ...taken,
        project: repository.project,
        path: repository.path,
        untrusted: isTrusted ? [] : config.enables,
      };
    },
    compare: (project) => compare(project),
    fileProblem(project) {
      const file = join(mustRead(project).path, '.stator', 'config.toml');
      const { mtimeMs = 0, size = 0, ino = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {};
      const age = `${mtimeMs} ${size} ${ino}`;
      const known = read.get(project);
      if (known?.age === age) return known.problem;
      const { problem } = compare(project);
      read.set(project, { age, problem });
      return problem;
    },
    refresh: (project, { trust }) =>
      changes(project)(async () => {
        const row = mustRead(project);
        const found = compare(project);
        const source = found.problem === null ? readRepoConfigSource(row.path) : row.config;
        const mayApply = found.problem === null && (trust || found.untrusted.length === 0);
        if (!mayApply || JSON.stringify(source) === JSON.stringify(row.config)) return found;
        await pin({ ...row, config: source });
        return { ...compare(project), changed: true };
      }),
    forget() {
      loaded.clear();
      broken.clear();
      read.clear();
    },
    isOpen: (project) => rows.has(project) && !closed.has(project),
    closed: () => [...removed.keys(), ...closed],
    close(project) {
      // Who asks while another is taking it out does not open it again under their hands.
      if (closed.has(project)) return () => {};
      closed.add(project);
      return () => closed.delete(project);
    },
    remove: (project, words) =>
      changes(project)(async () => {
        await mustCommit(store, [{ do: 'repo.remove', project, at: nowMs() }, ...words]);
        const row = rows.get(project);
        if (row !== undefined) removed.set(project, row.path);
        rows.delete(project);
        closed.delete(project);
        forgetOne(project);
        tell();
      }),
    release: () => shared.readers.close(),
  };

  /** Registers it as it was found, where it may be, and answers what is in force then. */
  async function take(repository: Repository, { trust, mustBeNew }: { trust: boolean; mustBeNew: boolean }) {
    const { project, path } = repository;
    const known = rows.get(project) ?? null;
    if (known !== null) refuseKnown(known, { path, mustBeNew });
    const last = removed.get(project);
    // The name is all that says that they are the same: a clone of something else may have it too.
    const moved =
      last === undefined || last === path
        ? []
        : [`${project} was at ${last} before it was removed; the plans of that name are back, and work here now`];
    const source = readRepoConfigSource(path);
    const config = parse(source);
    refuseInsideGit(repository, config.worktree.dir);
    const trusted = known === null ? null : trustedDigest(known.config);
    const isTrusted = trust || config.enables.length === 0 || config.digest === trusted;
    if (!isTrusted && trusted === null) throw untrusted(project, config.enables);
    // Before it is registered: a repository whose own files stand in the way is none.
    await excludeOwnFolders(repository, [
      ...ownFolders,
      ...worktreeExcludes(repository, config.worktree.dir).filter((pattern) => pattern !== '/.worktrees/'),
    ]);
    if (isTrusted && (known === null || JSON.stringify(known.config) !== JSON.stringify(source)))
      await pin({ project, path, config: source, addedAt: known?.addedAt ?? nowMs() });
    const notes = [...moved, ...config.notes, ...idleNotes(config)];
    return { added: known === null, enables: get(project).config.enables, notes, isTrusted, config };
  }

  async function pin(row: RepoRow): Promise<void> {
    await mustCommit(store, [{ do: 'repo.insert', ...row }]);
    rows.set(row.project, row);
    removed.delete(row.project);
    closed.delete(row.project);
    forgetOne(row.project);
    tell();
  }

  function tell(): void {
    for (const listener of listeners) listener();
  }

  /** What was worked out of it. */
  function forgetOne(project: string): void {
    loaded.delete(project);
    broken.delete(project);
    read.delete(project);
  }

  function mustRead(project: string): RepoRow {
    const row = rows.get(project);
    if (row !== undefined) return row;
    throw new EngineError(
      'repo_not_found',
      `repo not registered: ${project}`,
      'register it with: stator repo add <path>',
    );
  }

  function compare(project: string): Comparison {
    const row = mustRead(project);
    const before = pinned(row.config);
    const enables = before?.enables ?? [];
    try {
      mustBeThere(row.path);
      const source = readRepoConfigSource(row.path);
      const config = parse(source);
      const isSame = config.enables.length === 0 || config.digest === before?.digest;
      const notes = [...config.notes, ...idleNotes(config)];
      return { enables, untrusted: isSame ? [] : config.enables, problem: null, changed: false, notes };
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      return { enables, untrusted: [], problem: thrown.message, changed: false, notes: [] };
    }
  }

  function pinned(source: RepoConfigSource): RepoConfig | null {
    try {
      return parse(source);
    } catch {
      return null; // whoever works with it is told; here it only means that nothing is trusted
    }
  }

  /** What was trusted may be of an older grammar: then nothing is. */
  function trustedDigest(source: RepoConfigSource): string | null {
    try {
      return parse(source).digest;
    } catch (thrown) {
      log.warn(`what was trusted before no longer parses: ${messageOf(thrown)}`);
      return null;
    }
  }
}

/** A folder that is away has no file, which is not the same as a file that was taken away: what was trusted is kept. Throws `bad_repo`. */
function mustBeThere(path: string): void {
  if (existsSync(join(path, '.git'))) return;
  const what = existsSync(path) ? `${path} is no git repository any more` : `there is no folder ${path}`;
  throw new EngineError('bad_repo', what, `put it back, or take the repo out: stator daemon remove ${basename(path)}`);
}

/** What is read and has no effect in this version; said once, where the repo is registered. */
function idleNotes({ hooks }: RepoConfig): string[] {
  return hooks.length === 0 ? [] : [`${hooks.length} hooks are read; this version of stator does not deliver them`];
}

/** Throws `conflict`. */
function refuseKnown(known: RepoRow, { path, mustBeNew }: { path: string; mustBeNew: boolean }): void {
  const { project } = known;
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
      `see it with: stator repo show ${project}; a changed configuration is taken with: stator repo trust ${project}`,
    );
}

function untrusted(project: string, enables: readonly string[]): EngineError {
  const lines = enables.map((line) => `  ${line}`).join('\n');
  return new EngineError(
    'untrusted',
    `the configuration of ${project} may start programs:\n${lines}`,
    'read it, then say yes with --trust',
  );
}
