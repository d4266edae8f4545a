/** The registered repositories as the engine works with them: where they are, what was trusted, and the policy that follows from it. */
import { join } from 'node:path';
import { EngineError, messageOf } from '../machines/errors.ts';
import type { Policy } from '../machines/policy.ts';
import {
  type DaemonConfig,
  parseRepoConfig,
  type RepoConfig,
  type RepoConfigSource,
  type RepoOverrides,
  readRepoConfigSource,
} from './config.ts';
import { createRepositoryLocks } from './git/locks.ts';
import { excludeOwnFolders, inspectRepository, type Repository } from './git/repository.ts';
import type { Log } from './log.ts';
import type { RepoRow, RepoStore } from './store/repos.ts';

export interface Project {
  readonly project: string;
  readonly path: string;
  readonly config: RepoConfig;
}

export interface Projects {
  list(): RepoRow[];
  /** Throws `repo_not_found`, and `bad_config` where what was trusted no longer parses. */
  get(project: string): Project;
  /** null where the repo is not there or its configuration is broken. */
  policyOf(project: string): Policy | null;
  /** Looks at the repository anew; throws `bad_repo` where it is gone. */
  repository(project: string): Promise<Repository>;
  /** Registers the repo of any path inside it, or answers what is registered. Throws `bad_repo`, `conflict`, `untrusted`, `bad_config`. */
  register(path: string, options: { trust: boolean }): Promise<Registration>;
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
const ownFolders = ['.worktrees/', '.stator/signals/', '.kasmos/signals/'];

export function createProjects(parts: {
  repos: RepoStore;
  daemon: DaemonConfig;
  overrides: RepoOverrides;
  log: Log;
  nowMs: () => number;
}): Projects {
  const { repos, daemon, overrides, log, nowMs } = parts;
  const locks = createRepositoryLocks();
  const loaded = new Map<string, Project>();
  const broken = new Set<string>();

  function get(project: string): Project {
    const cached = loaded.get(project);
    if (cached !== undefined) return cached;
    const row = repos.read(project);
    if (row === null) {
      throw new EngineError(
        'repo_not_found',
        `repo not registered: ${project}`,
        'register it with: stator repo add <path>',
      );
    }
    const found = { project, path: row.path, config: parseRepoConfig(row.config, daemon, overrides) };
    loaded.set(project, found);
    return found;
  }

  return {
    list: () => repos.list(),
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
    repository: async (project) => inspectRepository(get(project).path, locks),
    async register(path, { trust }) {
      const repository = await inspectRepository(path, locks);
      const { project } = repository;
      const known = repos.read(project);
      if (known !== null && known.path !== repository.path) {
        throw new EngineError(
          'conflict',
          `repo with basename "${project}" already registered (path: ${known.path}); rename one of the directories or use distinct names`,
          'a project is known by the last component of its path',
        );
      }
      const source = readRepoConfigSource(repository.path);
      const config = parseRepoConfig(source, daemon, overrides);
      refuseUnsupported(source.file, config);
      const trusted = known === null ? null : trustedDigest(known.config);
      const isTrusted = trust || config.enables.length === 0 || config.digest === trusted;
      if (!isTrusted && trusted === null) throw untrusted(project, config.enables);
      if (isTrusted && (known === null || JSON.stringify(known.config) !== JSON.stringify(source))) {
        repos.insert({ project, path: repository.path, config: source, addedAt: known?.addedAt ?? nowMs() });
        loaded.delete(project);
        broken.delete(project);
      }
      await excludeOwnFolders(
        repository,
        config.worktree.dir === '.worktrees' ? ownFolders : [...ownFolders, join(config.worktree.dir, '/')],
      );
      const enables = get(project).config.enables;
      return {
        added: known === null,
        project,
        path: repository.path,
        enables,
        untrusted: isTrusted ? [] : config.enables,
        notes: [...config.notes, ...idleNotes(config)],
      };
    },
  };

  /** What was trusted may be of an older grammar: then nothing is. */
  function trustedDigest(source: RepoConfigSource): string | null {
    try {
      return parseRepoConfig(source, daemon, overrides).digest;
    } catch (thrown) {
      log.warn(`what was trusted before no longer parses: ${messageOf(thrown)}`);
      return null;
    }
  }
}

/** What would change how agents work, and cannot be done yet, is refused rather than left out in silence. */
function refuseUnsupported(file: string, { isolation, worktree }: RepoConfig): void {
  const wanted = [
    isolation === 'plan' ? 'isolation = "plan"' : null,
    worktree.setup === null ? null : '[worktree] setup',
    worktree.copy.length === 0 ? null : '[worktree] copy',
  ].filter((key) => key !== null);
  if (wanted.length === 0) return;
  const what = wanted.join(', ');
  throw new EngineError(
    'bad_config',
    `${file}: this version of stator cannot do ${what} yet`,
    `take it out; a task's own blocks can prepare its worktree`,
  );
}

/** What is read and has no effect in this version; said once, where the repo is registered. */
function idleNotes({ hooks, flags }: RepoConfig): string[] {
  return [
    ...(hooks.length === 0 ? [] : [`${hooks.length} hooks are read; this version of stator does not deliver them`]),
    ...(flags.auto_merge ? ['auto_merge is on; this version of stator leaves the merge to you'] : []),
  ];
}

function untrusted(project: string, enables: readonly string[]): EngineError {
  const lines = enables.map((line) => `  ${line}`).join('\n');
  return new EngineError(
    'untrusted',
    `the configuration of ${project} may start programs:\n${lines}`,
    'read it, then say yes with --trust',
  );
}
