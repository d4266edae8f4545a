/** The repos that the store has: those of this machine with their configuration in force, those of other hosts, and removed ones. */

import { basename, resolve } from 'node:path';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { machineEventOf } from '../../../machines/vocabulary/hook-event.ts';
import type { Policy } from '../../../machines/vocabulary/policy.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import {
  type BudgetConfig,
  type DaemonConfig,
  type HookConfig,
  machineHooks,
  parseRepoConfig,
  type RepoConfig,
  type RepoConfigSource,
  type RepoOverrides,
} from '../../base/config/config.ts';
import type { Settings } from '../../base/config/settings.ts';
import type { Log } from '../../base/platform/log.ts';
import { CommitLost, type Store } from '../../core/store/port.ts';
import type { RepoRow } from '../../core/store/rows.ts';
import type { RepositoryLocks } from '../git/locks.ts';
import type { SharedAccess } from '../git/repository.ts';
import type { RepositoryLook } from '../git/repository-look.ts';
import type { Addresses } from './repo-addresses.ts';

export interface Project {
  readonly project: string;
  readonly path: string;
  readonly config: RepoConfig;
  /** The commit of the user's checkout when it was trusted; null: a person has not trusted it yet. */
  readonly commit: string | null;
  /** Files of the repo that its configuration names, with their trusted SHA-256. */
  readonly programs: Readonly<Record<string, string>>;
  /** Files of the repo that its agents' programs load automatically, with their trusted SHA-256. */
  readonly settings: Readonly<Record<string, string>>;
  /** The repo's own prompts in their trusted version, by name. */
  readonly prompts: Readonly<Record<string, string>>;
  /** The absolute folder of its worktrees, with links resolved as when it was trusted. */
  readonly worktrees: string;
}

export interface KnownRepos {
  /** The repos of this machine. */
  list(): readonly RepoRow[];
  /** All repos, also those of other hosts. */
  all(): readonly RepoRow[];
  /** Whether it belongs to another host. */
  isElsewhere(project: string): boolean;
  /** Throws `elsewhere` for a repo of another host, whose files are there. */
  mustBeHere(project: string): void;
  /** Reads the repos of other hosts again. Throws the store's errors. */
  readOthers(): Promise<void>;
  /** Calls `listener` when a repo has come, gone or changed, until the returned function is called. It must not throw. */
  subscribe(listener: () => void): () => void;
  /** null: there is no such repo. */
  find(project: string): RepoRow | null;
  /** Throws `repo_not_found`, and `bad_config` if the trusted files no longer parse. */
  get(project: string): Project;
  /** null if there is no such repo or its configuration is broken. */
  policyOf(project: string): Policy | null;
  /** The budgets in force; null if there is no such repo or its configuration is broken, and then no agent starts. */
  budgetOf(project: string): BudgetConfig | null;
  /**
   * The hooks in force; for `''` the functions that receive events of user-defined machines. None if there is no such repo, if its trust was revoked, or if
   * its configuration is broken.
   */
  hooksOf(project: string): readonly HookConfig[];
  /** The hooks of all repos, and under `''` of the program, that name a public state of a user-defined machine. Cheap: computed once per change of a repo. */
  machineHooks(): readonly { readonly project: string; readonly hooks: readonly HookConfig[] }[];
  /** Resolves a repo's name: the repo of that name, otherwise the only one whose folder has that name, otherwise the name unchanged. */
  projectNamed(name: string): string;
  /** Repos whose trust was revoked. */
  revoked(): readonly string[];
  /**
   * Absolute paths of further files of the repo on which its trust depends, besides its configuration and its prompts. None if there is no such repo. Never
   * throws.
   */
  trustedFiles(project: string): readonly string[];
  /** Call it after a change of daemon.toml: derived values are computed again. */
  forget(): void;
  /** Whether it is registered and not being removed: nothing is started for other repos. */
  isOpen(project: string): boolean;
  /** Repos that are not open: being removed or removed. */
  closed(): readonly string[];
  /** Starts nothing for the repo until the returned function is called. */
  close(project: string): () => void;
}

/** The same for the code that changes it. A change is committed first, and then known here. */
export interface RepoState extends KnownRepos {
  /** A repo of this machine; null: there is none of that name. */
  own(project: string): RepoRow | null;
  /** Throws `repo_not_found`. */
  mustRead(project: string): RepoRow;
  /** The path of a removed repo. */
  lastPath(project: string): string | undefined;
  /** The name under which the repository at that path is or was registered. */
  nameAt(path: string): string | undefined;
  /** Throws `bad_config`. */
  parse(source: RepoConfigSource): RepoConfig;
  /** The configuration in force; null: it no longer parses. */
  pinned(source: RepoConfigSource): RepoConfig | null;
  /** The last check of each repo's file, until the repo or daemon.toml changes: the file's size and time, and its problem. */
  readonly fileChecks: Map<string, { readonly age: string; readonly problem: string | null }>;
  /** Stores a repo of this machine. Throws `elsewhere` if another host has it by now, and the store's errors. */
  pin(row: RepoRow): Promise<void>;
  /** Notes that this machine has that repo, after its commit. */
  know(row: RepoRow): void;
  /** Notes that this machine does not have it any more; `isRemoved`: no other host has it either. */
  drop(project: string, of: { readonly isRemoved: boolean }): void;
}

/** Shared by the trust, the registration and the moves of repos. */
export interface RepoParts {
  readonly store: Pick<Store, 'hosts' | 'plans' | 'planTraces' | 'signals' | 'tree' | 'commit'>;
  readonly known: RepoState;
  /** Runs one change of a repo at a time: other work runs between its checks and its commit. */
  readonly changes: RepositoryLocks;
  readonly addresses: Addresses;
  readonly shared: SharedAccess;
  readonly look: RepositoryLook;
  readonly nowMs: () => number;
}

interface Parts {
  readonly store: Pick<Store, 'repos' | 'removedRepos' | 'commit'>;
  readonly settings: Pick<Settings, 'current'>;
  readonly overrides: RepoOverrides;
  readonly log: Log;
}

/** Reads them once: only the owner of the home changes them, and only here. Throws the store's errors. */
export async function openKnownRepos({ store, settings, overrides, log }: Parts): Promise<RepoState> {
  const stored = await store.repos();
  const rows = byProject(stored.filter(isHere));
  let others = byProject(stored.filter((row) => !isHere(row)));
  /** Removed repos, with their paths. */
  const removed = new Map(await store.removedRepos());
  /** Repos that are being removed. */
  const closed = new Set<string>();
  const listeners = new Set<() => void>();
  const parse = createParser({ settings, overrides });
  const names = () => [...rows.keys(), ...others.keys()];
  const inForce = createConfigurations({ find, parse, names }, { log, overrides });

  function find(project: string): RepoRow | null {
    return rows.get(project) ?? others.get(project) ?? null;
  }

  function mustBeHere(project: string): void {
    const row = others.get(project);
    if (row !== undefined && !rows.has(project)) throw elsewhere(row);
  }

  async function readOthers(): Promise<void> {
    const now = byProject((await store.repos()).filter((row) => !isHere(row)));
    for (const project of new Set([...others.keys(), ...now.keys()])) if (!rows.has(project)) inForce.forget(project);
    others = now;
    for (const [project, path] of await store.removedRepos()) if (!rows.has(project)) removed.set(project, path);
  }

  function changed(project: string): void {
    inForce.forget(project);
    for (const listener of listeners) listener();
  }

  /** The repo belongs to this host. */
  function know(row: RepoRow): void {
    others.delete(row.project);
    rows.set(row.project, row);
    removed.delete(row.project);
    closed.delete(row.project);
    changed(row.project);
  }

  return {
    ...inForce.reads,
    parse,
    list: () => sorted(rows.values()),
    all: () => sorted(new Map([...others, ...rows]).values()),
    isElsewhere: (project) => others.has(project),
    mustBeHere,
    readOthers,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    find,
    own: (project) => rows.get(project) ?? null,
    mustRead: (project) => find(project) ?? notRegistered(project),
    lastPath: (project) => removed.get(project),
    nameAt: (path) =>
      [...rows.values()].find((row) => row.path === path)?.project ?? [...removed].find(([, at]) => at === path)?.[0],
    projectNamed(name) {
      if (find(name) !== null) return name;
      const found = [...rows.values(), ...others.values()].filter(({ path }) => basename(path) === name);
      const [only] = found;
      return only !== undefined && found.length === 1 ? only.project : name;
    },
    revoked: () => [...rows.values()].filter(({ revokedAt }) => revokedAt !== null).map(({ project }) => project),
    trustedFiles(project) {
      const row = rows.get(project);
      const { programs = {}, envFiles = {}, settings = {} } = row?.config.found ?? {};
      const names = [...Object.keys(programs), ...Object.keys(envFiles), ...Object.keys(settings)];
      return row === undefined ? [] : names.map((name) => resolve(row.path, name));
    },
    forget: () => inForce.forget(null),
    isOpen: (project) => rows.has(project) && !closed.has(project),
    closed: () => [...removed.keys(), ...closed],
    close(project) {
      // A second request during a removal must not open the repo again.
      if (closed.has(project)) return () => {};
      closed.add(project);
      return () => closed.delete(project);
    },
    async pin(row) {
      const commit = await store.commit([{ do: 'repo.insert', ...row }]);
      if (commit.status === 'lost') {
        await readOthers();
        mustBeHere(row.project);
        throw new CommitLost(commit.change);
      }
      know(row);
    },
    know,
    drop(project, { isRemoved }) {
      const row = rows.get(project);
      if (isRemoved && row !== undefined) removed.set(project, row.path);
      rows.delete(project);
      closed.delete(project);
      changed(project);
    },
  };
}

/** Repos without configuration files, perhaps a thousand, share one configuration. */
function createParser({ settings, overrides }: Pick<Parts, 'settings' | 'overrides'>) {
  let bare: { of: DaemonConfig; config: RepoConfig } | null = null;
  return (source: RepoConfigSource): RepoConfig => {
    const daemon = settings.current();
    if (!isBare(source)) return parseRepoConfig(source, daemon, overrides);
    if (bare?.of !== daemon) bare = { of: daemon, config: parseRepoConfig(source, daemon, overrides) };
    return bare.config;
  };
}

/** The configurations in force, and what follows from each: computed once per change of a repo. */
function createConfigurations(
  { find, parse, names }: Pick<RepoState, 'find' | 'parse'> & { names(): readonly string[] },
  { log, overrides }: Pick<Parts, 'log' | 'overrides'>,
) {
  const loaded = new Map<string, Project>();
  /** Repos whose broken configuration was logged. */
  const broken = new Set<string>();
  const fileChecks: RepoState['fileChecks'] = new Map();
  let withMachines: ReturnType<KnownRepos['machineHooks']> | null = null;

  function get(project: string): Project {
    const cached = loaded.get(project);
    if (cached !== undefined) return cached;
    const row = find(project) ?? notRegistered(project);
    const { prompts = {}, places = {}, programs = {}, settings = {} } = row.config.found ?? {};
    const { commit = null } = row.config;
    const config = parse(row.config);
    const { dir } = config.worktree;
    const worktrees = places[dir] ?? resolve(row.path, dir);
    const found = { project, path: row.path, config, commit, programs, settings, prompts, worktrees };
    loaded.set(project, found);
    return found;
  }

  function hooksOf(project: string): readonly HookConfig[] {
    if (project === '') return machineHooks(overrides.hooks ?? {});
    if (find(project)?.revokedAt !== null) return [];
    try {
      return get(project).config.hooks;
    } catch (thrown) {
      if (thrown instanceof EngineError) return [];
      throw thrown;
    }
  }

  const reads: Pick<RepoState, 'get' | 'policyOf' | 'budgetOf' | 'hooksOf' | 'machineHooks' | 'pinned' | 'fileChecks'> =
    {
      get,
      fileChecks,
      policyOf(project) {
        try {
          return get(project).config.policy;
        } catch (thrown) {
          if (!broken.has(project)) log.warn(`project ${project}: ${messageOf(thrown)}`);
          broken.add(project);
          return null;
        }
      },
      budgetOf(project) {
        try {
          return get(project).config.budget;
        } catch (thrown) {
          if (thrown instanceof EngineError) return null;
          throw thrown;
        }
      },
      hooksOf,
      machineHooks() {
        withMachines ??= ['', ...names()]
          .map((project) => ({
            project,
            hooks: hooksOf(project).filter(
              ({ type, events }) =>
                (project === '' || type !== 'function') && events.some((event) => machineEventOf(event) !== null),
            ),
          }))
          .filter(({ hooks }) => hooks.length > 0);
        return withMachines;
      },
      pinned(source) {
        try {
          return parse(source);
        } catch {
          return null; // other uses of the file report the error; here it only means that nothing is trusted
        }
      },
    };
  /** null: those of all repos, because daemon.toml has changed. */
  function forget(project: string | null): void {
    withMachines = null;
    for (const cache of [loaded, broken, fileChecks]) project === null ? cache.clear() : cache.delete(project);
  }
  return { reads, forget };
}

function byProject(of: readonly RepoRow[]): Map<string, RepoRow> {
  return new Map(of.map((row) => [row.project, row]));
}

function sorted(of: Iterable<RepoRow>): RepoRow[] {
  return [...of].sort((a, b) => (a.project < b.project ? -1 : 1));
}

function notRegistered(project: string): never {
  throw new EngineError(
    'repo_not_found',
    `repo not registered: ${project}`,
    'register it with: stator repo add <path>',
  );
}

function isHere({ host }: RepoRow): boolean {
  return host === undefined;
}

function elsewhere({ project, path, host, comingFrom }: RepoRow): EngineError {
  if (comingFrom !== undefined)
    return new EngineError(
      'elsewhere',
      `the repo ${project} is on its way from the host ${comingFrom} to ${host}`,
      `ask again when it is there; its state: stator host show ${host}; to give it to another host: stator repo move ${shellWord(project)} <host>`,
    );
  return new EngineError(
    'elsewhere',
    `the repo ${project} belongs to the host ${host}: its files are there, in ${path}`,
    `ask for this on ${host}; to have it on another host: stator repo move ${shellWord(project)} <host>`,
  );
}

/** A repo without files of its own. */
function isBare({ text, kasmosText, kasmosProblem, found }: RepoConfigSource): boolean {
  const parts = found === undefined ? [] : Object.values(found);
  return (
    text === null &&
    kasmosText === null &&
    kasmosProblem === null &&
    parts.every((part) => Object.keys(part).length === 0)
  );
}
