/** The registered repositories of the engine: their paths, their trusted configuration, and the policy that results from it. */

import { existsSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, normalize, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { machineEventOf } from '../../../machines/vocabulary/hook-event.ts';
import { isOver } from '../../../machines/vocabulary/plan-status.ts';
import type { Policy } from '../../../machines/vocabulary/policy.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import {
  type BudgetConfig,
  type DaemonConfig,
  type HookConfig,
  machineHooks,
  opensOf,
  parseRepoConfig,
  type RepoConfig,
  type RepoConfigSource,
  type RepoOverrides,
  withoutHookSecrets,
} from '../../base/config/config.ts';
import type { Settings } from '../../base/config/settings.ts';
import type { Log } from '../../base/platform/log.ts';
import { type Change, CommitLost, type LostRepo, mustCommit, type Store } from '../../core/store/port.ts';
import type { RepoRow } from '../../core/store/rows.ts';
import { sharedAddress } from '../git/clone.ts';
import { identity } from '../git/identity.ts';
import { createRepositoryLocks } from '../git/locks.ts';
import { followMove } from '../git/moved-checkout.ts';
import { findCommit } from '../git/objects.ts';
import { branchRef, readRef } from '../git/refs.ts';
import {
  baseBranch,
  createSharedAccess,
  excludeOwnFolders,
  inspectRepository,
  type Repository,
} from '../git/repository.ts';
import { createRepositoryLook } from '../git/repository-look.ts';
import { placesOfSignals } from '../git/signal-paths.ts';
import { refuseInsideGit, worktreeExcludes, worktreesFolder } from '../git/worktree-folder.ts';
import { findWork, shareWork } from './moved-work.ts';
import { trustChanges } from './trust-changes.ts';
import { findPlaces, readTrustSource } from './trust-source.ts';
import { nothingOwn, otherDigest, revoked, type TrustWay, untrusted, wayText } from './trust-words.ts';

export type { TrustWay } from './trust-words.ts';

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

/** `true`: trust the files as found. A digest: trust them if they have this digest. */
export type Yes = boolean | string;

export interface Registering {
  readonly trust: Yes;
  readonly way: TrustWay;
  readonly mustBeNew?: boolean;
  /** Called before any change if a plan will run at once, or if worktrees move along. */
  readonly mustBeFree?: MustBeFree;
}

/** Throws `elsewhere` if another engine works in that repository. */
export type MustBeFree = (repository: Pick<Repository, 'path' | 'project'>) => Promise<void>;

export interface Projects {
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
  /** Stores the address at which other hosts find this repo, unless it is known, if several hosts share the store. Throws the errors of git and the store. */
  noteAddress(project: string): Promise<void>;
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
  /** The present repository; throws `bad_repo` if it is gone. */
  repository(project: string): Promise<Repository>;
  /**
   * Registers the repo of any path inside it, or returns the registered one. Throws `bad_repo`, `conflict`, `untrusted`, `bad_config`, and the store's
   * errors.
   */
  register(path: string, options: Registering): Promise<Registration>;
  /**
   * Takes over a lost host's repo with a clone at that path: its trusted configuration stays in force if it leads to the same things here. Returns a text for
   * people about the brought work; null: another host was first, or the lost one is back. Throws `untrusted`, `bad_repo`, `conflict` if commits are missing,
   * `bad_config` if git has no identity here, and the store's errors.
   */
  takeOver(repo: LostRepo, path: string): Promise<readonly string[] | null>;
  /**
   * Gives a closed repo without running agents to another host, after its refs are pushed to the remote. If a host was given a repo and does not have it yet,
   * any host may give the repo to a third one. Throws `bad_repo` without a remote that others reach, `untrusted` if its configuration belongs to this
   * machine, `conflict` if the other host is gone or agents of the repo still run, and the errors of git and the store.
   */
  hand(project: string, to: string): Promise<void>;
  /**
   * Call it after the repo's folder was moved or renamed to that path: the repo continues there with its name and its trust. Returns the new path. Throws
   * `conflict` if a repository is still at the old place, or if the new one is registered or is another repository; `elsewhere`, `bad_repo`, `bad_config`,
   * and the store's errors.
   */
  relocate(project: string, path: string, mustBeFree: MustBeFree): Promise<string>;
  /** Resolves a repo's name: the repo of that name, otherwise the only one whose folder has that name, otherwise the name unchanged. */
  projectNamed(name: string): string;
  /**
   * What the registration of the repo of this path (anywhere inside it) would trust, and the new parts of that. Changes nothing. Throws `bad_repo`,
   * `conflict`, `bad_config`.
   */
  look(path: string, way: TrustWay): Promise<TrustLook>;
  /** Compares the pinned configuration with the present files. Throws `repo_not_found`. */
  compare(project: string): Comparison;
  /**
   * Puts the present files in force if they start nothing untrusted, or if the call trusts them. A broken file changes nothing. Throws `repo_not_found`,
   * `untrusted` if the files have another digest than the given one, and the store's errors.
   */
  refresh(project: string, options: { trust: Yes; way: TrustWay }): Promise<Comparison>;
  /** Revokes the trust: nothing new of the repo starts. Throws `repo_not_found`, and the store's errors. */
  revoke(project: string): Promise<RepoRow>;
  /** Throws `untrusted` if nothing of the repo may start now: its trust was revoked, or trusted paths lead elsewhere by now. */
  mustBeTrusted(project: string): void;
  /** Throws `untrusted` if the worktrees folder is a link, or leads elsewhere than when it was trusted. */
  mustLieInPlace(project: string): void;
  /** Repos whose trust was revoked. */
  revoked(): readonly string[];
  /** The text about a revoked trust, with the remedy; null: it was not revoked, or there is no such repo. */
  revokedText(project: string): string | null;
  /** Why the repo's file cannot be used; null: it can. Cheap while the file is unchanged. Throws `repo_not_found`. */
  fileProblem(project: string): string | null;
  /** A line for people if the branch on which plans begin is missing; empty: it exists. Throws `repo_not_found`, and git's errors. */
  baseNotes(project: string): Promise<readonly string[]>;
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
  /** Removes it, in one commit with `words`; its rows stay. Throws the store's errors. */
  remove(project: string, words: readonly Change[]): Promise<void>;
  /** Closes resources that stay open between two uses of the repositories. They can be used afterwards, at a higher cost. May be called twice. */
  release(): void;
}

export interface Comparison {
  /** What the configuration in force may start; empty if it no longer parses. */
  readonly enables: readonly string[];
  /** The digest of the files in force; null: they no longer parse. */
  readonly digest: string | null;
  /** What the present files may start beyond the configuration in force; that needs a person's consent. */
  readonly untrusted: readonly string[];
  /** The digest of the present files; null: they cannot be used. */
  readonly digestNow: string | null;
  /** Removed lines with `- ` and new lines with `+ ` before them; prompts line by line. */
  readonly changes: readonly string[];
  /** Why the file cannot be used; null: it can. */
  readonly problem: string | null;
  /** Whether the configuration in force has changed. */
  readonly changed: boolean;
  readonly notes: readonly string[];
}

export interface TrustLook {
  readonly project: string;
  readonly path: string;
  readonly state: 'new' | 'trusted' | 'changed' | 'revoked';
  readonly digest: string;
  /** What is in force now; null: the repo is new. */
  readonly trusted: string | null;
  readonly enables: readonly string[];
  /** The agents that are used if the repo's files name none. */
  readonly agents: readonly string[];
  readonly changes: readonly string[];
  /** Whether it may act without a person's consent. */
  readonly mayAct: boolean;
}

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

/** Folders that must never be committed: our worktrees and the folders of signal files. */
const ownFolders = ['.worktrees/', ...placesOfSignals.map((place) => `${place}/`)];

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
  /** Whether this process may change the store now. */
  mayWrite: boolean;
}): Promise<Projects> {
  const { store, settings, overrides, log, nowMs } = parts;
  const shared = createSharedAccess();
  const look = createRepositoryLook(shared);
  const loaded = new Map<string, Project>();
  const broken = new Set<string>();
  /** By project: the file's content and its modification time. */
  const seen = new Map<string, { age: string; problem: string | null }>();
  const stored = await store.repos();
  const byProject = (of: readonly RepoRow[]) => new Map(of.map((row) => [row.project, row]));
  const rows = byProject(stored.filter(isHere));
  let others = byProject(stored.filter((row) => !isHere(row)));
  /** Removed repos, with their paths. */
  const removed = new Map(await store.removedRepos());
  /** Repos that are being removed. */
  const closed = new Set<string>();
  /** One change of a repo at a time: other work runs between its checks and its commit. */
  const changes = createRepositoryLocks();
  const listeners = new Set<() => void>();
  let hearing: ReturnType<Projects['machineHooks']> | null = null;
  let bare: { of: DaemonConfig; config: RepoConfig } | null = null;

  /** Repos without configuration files, perhaps a thousand, share one configuration. */
  function parse(source: RepoConfigSource): RepoConfig {
    const daemon = settings.current();
    if (!isBare(source)) return parseRepoConfig(source, daemon, overrides);
    if (bare?.of !== daemon) bare = { of: daemon, config: parseRepoConfig(source, daemon, overrides) };
    return bare.config;
  }

  function get(project: string): Project {
    const cached = loaded.get(project);
    if (cached !== undefined) return cached;
    const row = mustRead(project);
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

  const find = (project: string) => rows.get(project) ?? others.get(project) ?? null;

  function mustBeHere(project: string): void {
    const row = others.get(project);
    if (row !== undefined && !rows.has(project)) throw elsewhere(row);
  }

  async function readOthers(): Promise<void> {
    const now = byProject((await store.repos()).filter((row) => !isHere(row)));
    for (const project of new Set([...others.keys(), ...now.keys()])) if (!rows.has(project)) forgetOne(project);
    others = now;
    for (const [project, path] of await store.removedRepos()) if (!rows.has(project)) removed.set(project, path);
  }

  const sorted = (of: Iterable<RepoRow>) => [...of].sort((a, b) => (a.project < b.project ? -1 : 1));

  return {
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
    noteAddress: (project) => noteAddress(mustRead(project), { isNew: false }),
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
      hearing ??= ['', ...rows.keys(), ...others.keys()]
        .map((project) => ({
          project,
          hooks: hooksOf(project).filter(
            ({ type, events }) =>
              (project === '' || type !== 'function') && events.some((event) => machineEventOf(event) !== null),
          ),
        }))
        .filter(({ hooks }) => hooks.length > 0);
      return hearing;
    },
    async repository(project) {
      mustBeHere(project);
      const { path, config } = get(project);
      const found = await look.at(path);
      if (found.path !== path) throw ledElsewhere(path, found);
      return { ...found, project, sign: config.sign };
    },
    async register(path, registering) {
      const repository = named(await inspectRepository(path, shared));
      const taken = await changes(repository.project)(() => take(repository, registering));
      return { ...taken, project: repository.project, path: repository.path };
    },
    takeOver: (lost, path) => changes(lost.project)(() => takeOver(lost, path)),
    hand: (project, to) => changes(project)(() => hand(project, to)),
    relocate: (project, path, mustBeFree) => changes(project)(() => relocate(project, { path, mustBeFree })),
    projectNamed(name) {
      if (find(name) !== null) return name;
      const found = [...rows.values(), ...others.values()].filter(({ path }) => basename(path) === name);
      const [only] = found;
      return only !== undefined && found.length === 1 ? only.project : name;
    },
    async look(path, way) {
      const { project, path: main } = named(await look.at(path));
      mustBeHere(project);
      const known = rows.get(project) ?? null;
      if (known !== null) refuseKnown(known, { path: main, mustBeNew: false });
      const found = read(main);
      const { config } = found;
      const before = known === null ? null : pinned(known.config);
      const mayAct = known === null ? mayBeNew(config, way) : isAsTrusted(known, found);
      const state = known === null ? 'new' : known.revokedAt !== null ? 'revoked' : mayAct ? 'trusted' : 'changed';
      return {
        project,
        path: main,
        state,
        digest: config.digest,
        trusted: before?.digest ?? null,
        enables: config.enables,
        agents: inheritedAgents(config),
        changes: changesOf(known, found),
        mayAct,
      };
    },
    compare: (project) => examine(project).comparison,
    async revoke(project) {
      mustBeHere(project);
      return changes(project)(async () => {
        const row = mustRead(project);
        const gone = { ...row, revokedAt: row.revokedAt ?? nowMs() };
        await pin(gone);
        return gone;
      });
    },
    mustBeTrusted(project) {
      mustBeHere(project);
      const row = mustRead(project);
      if (row.revokedAt !== null) throw revoked(row, row.revokedAt);
      const names = movedPlaces(row, get(project).config);
      if (names.length === 0) return;
      throw new EngineError(
        'untrusted',
        `${project} has changed since it was trusted: ${names.join('; ')}`,
        `see what, and say yes: stator repo trust ${project} --show; stator repo trust ${project}`,
      );
    },
    mustLieInPlace(project) {
      mustBeHere(project);
      const { path, config, worktrees } = get(project);
      const now = asTrust(() => worktreesFolder({ path }, config.worktree.dir));
      if (now === worktrees) return;
      const message = `worktrees of ${project} are to be made in ${worktrees}, which leads to ${now} by now`;
      throw new EngineError('untrusted', message, `say yes to that: stator repo trust ${project}; or put it back`);
    },
    revokedText(project) {
      const row = rows.get(project);
      if (row === undefined || row.revokedAt === null) return null;
      const { message, hint } = revoked(row, row.revokedAt);
      return `${message}; ${hint}`;
    },
    revoked: () => [...rows.values()].filter(({ revokedAt }) => revokedAt !== null).map(({ project }) => project),
    fileProblem(project) {
      const file = join(mustRead(project).path, '.stator', 'config.toml');
      const { mtimeMs = 0, size = 0, ino = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {};
      const age = `${mtimeMs} ${size} ${ino}`;
      const known = seen.get(project);
      // The fault may be in another file or a link, so it is checked again until it is gone.
      if (known?.age === age && known.problem === null) return null;
      const { problem } = examine(project).comparison;
      seen.set(project, { age, problem });
      return problem;
    },
    refresh: (project, { trust, way }) =>
      changes(project)(async () => {
        const row = mustRead(project);
        const { comparison, found } = examine(project);
        if (found === null) return comparison;
        const isYes = isTrustedBy(trust, { project, config: found.config });
        const mayApply = isYes || isAsTrusted(row, found);
        const source = isYes ? await atHead(row.path, found.source) : withCommit(found.source, row.config.commit);
        if (isYes) await noteAddress(row, { isNew: true }).catch(tellAddress(project));
        const isSame = row.revokedAt === null && JSON.stringify(source) === JSON.stringify(row.config);
        if (!mayApply || isSame) return comparison;
        // An unchanged meaning keeps its trust date: only comments, order or limits differ.
        const trusted = isAsTrusted(row, found) ? {} : { trustedAt: nowMs(), trustedBy: way, revokedAt: null };
        await pin({ ...row, config: source, ...trusted });
        const after = examine(project).comparison;
        return { ...after, changes: comparison.changes, changed: true };
      }),
    baseNotes: async (project) => baseNotes(await look.at(mustRead(project).path), get(project).config),
    trustedFiles(project) {
      const row = rows.get(project);
      const { programs = {}, envFiles = {}, settings = {} } = row?.config.found ?? {};
      const names = [...Object.keys(programs), ...Object.keys(envFiles), ...Object.keys(settings)];
      return row === undefined ? [] : names.map((name) => resolve(row.path, name));
    },
    forget() {
      loaded.clear();
      broken.clear();
      seen.clear();
      hearing = null;
    },
    isOpen: (project) => rows.has(project) && !closed.has(project),
    closed: () => [...removed.keys(), ...closed],
    close(project) {
      // A second request during a removal must not open the repo again.
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
    release: () => shared.gits.close(),
  };

  /** Registers it as found, if that is permitted, and returns what is then in force. */
  async function take(repository: Repository, { trust, way, mustBeNew = false, mustBeFree }: Registering) {
    const { project, path } = repository;
    mustBeHere(project);
    const known = rows.get(project) ?? null;
    if (known !== null) refuseKnown(known, { path, mustBeNew });
    const last = removed.get(project);
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
    const isAsBefore = known !== null && isAsTrusted(known, found);
    const isTrusted = isYes || isAsBefore || (known === null && mayBeNew(config, way));
    const source = withCommit(found.source, isYes || known === null ? repository.head : known.config.commit);
    if (!isTrusted && (known === null || known.revokedAt !== null || pinned(known.config) === null))
      throw untrusted({
        project,
        config,
        agents: inheritedAgents(config),
        way,
        isRevoked: known !== null && known.revokedAt !== null,
      });
    const before = changesOf(known, found);
    const inForce = isTrusted || known === null ? config : get(project).config;
    // Before the registration: a repository with unsafe git files is refused.
    await exclude(repository, inForce);
    if (moved.length > 0 && last !== undefined) await followMove(repository, last);
    const at = nowMs();
    const anew = { trustedAt: at, trustedBy: way, revokedAt: null };
    const kept = known !== null && isAsBefore ? known : anew;
    const { trustedAt, trustedBy, revokedAt } = kept;
    const isOther = known === null || !isAsBefore || JSON.stringify(known.config) !== JSON.stringify(source);
    // Before work may begin here.
    const brought = (await bring?.()) ?? [];
    const renamed = known === null ? await renamedFrom(repository) : [];
    if (isTrusted && isOther)
      await pin({ project, path, config: source, addedAt: known?.addedAt ?? at, trustedAt, trustedBy, revokedAt });
    await noteAddress(repository, { isNew: isYes }).catch(tellAddress(project));
    const now = get(project).config;
    return {
      added: known === null,
      enables: now.enables,
      notes: [...moved, ...renamed, ...brought, ...config.notes, ...(await baseNotes(repository, now))],
      untrusted: isTrusted ? [] : nothingOwn(config.enables),
      changes: before,
      digest: now.digest,
      trustedNow: isTrusted && !isAsBefore ? wayText(config) : null,
    };
  }

  /** `isNew`: a person has just trusted the present repository. */
  async function noteAddress({ project, path }: Pick<RepoRow, 'project' | 'path'>, { isNew }: { isNew: boolean }) {
    if (store.hosts === undefined) return;
    const address = await sharedAddress({ path });
    if (address !== null) await store.hosts.noteRemote(project, address, { isNew });
  }

  /** It is stored at the next start, or when trust is given again. */
  function tellAddress(project: string): (thrown: unknown) => void {
    return (thrown) => log.warn(`where other hosts find ${project}: ${messageOf(thrown)}`);
  }

  /** The pinned configuration is in force here as it was there, so nothing acts without consent. */
  async function takeOver(lost: LostRepo, path: string): Promise<readonly string[] | null> {
    const { project } = lost;
    const { hosts } = store;
    await readOthers();
    const there = others.get(project);
    if (hosts === undefined || there?.host !== lost.host) return null;
    if (there.revokedAt !== null) throw revoked(there, there.revokedAt);
    const repository = { ...(await inspectRepository(path, shared)), project };
    await identity(repository); // its agents would fail without one
    const { host: _host, comingFrom: _comingFrom, ...row } = { ...there, path: repository.path };
    const config = parse(row.config);
    refuseInsideGit(repository, config.worktree.dir);
    const names = [...machinePlaces(config), ...movedPlaces(row, config)];
    if (names.length > 0) throw otherMachine(there, names);
    const bring = await findWork(store, repository);
    await exclude(repository, config);
    // Before work may begin here.
    const brought = await bring();
    if (!(await hosts.takeOver(lost, repository.path))) return null;
    know(row);
    return brought;
  }

  async function hand(project: string, to: string): Promise<void> {
    const { hosts } = store;
    const row = mustRead(project);
    if (hosts === undefined) throw new Error(`${project} is in a store of one machine`);
    if (rows.has(project)) await share(row, to);
    if (!(await hosts.hand(project, { from: row.host ?? hosts.own, to })))
      throw new EngineError(
        'conflict',
        `${project} cannot be given to ${to} now: ${to} is away, or something of ${project} still runs`,
        'see: stator host list; stator status; then ask again',
      );
    await readOthers();
    rows.delete(project);
    closed.delete(project);
    forgetOne(project);
    tell();
  }

  /** The repository's name here: for a renamed folder, the name under which it was registered. */
  function named(repository: Repository): Repository {
    const isThere = (path: string) => path === repository.path;
    const known =
      [...rows.values()].find(({ path }) => isThere(path))?.project ??
      [...removed].find(([, path]) => isThere(path))?.[0];
    return known === undefined || known === repository.project ? repository : { ...repository, project: known };
  }

  /** Registered repos without a folder, which may be this repository. */
  async function renamedFrom(repository: Repository): Promise<string[]> {
    const gone = [...rows.values()].filter(({ path, config }) => config.commit !== undefined && !existsSync(path));
    const notes: string[] = [];
    for (const { project, path, config } of gone)
      if ((await findCommit(repository, config.commit ?? '')) !== null)
        notes.push(
          `${project} was at ${path}, where nothing is any more; if its folder was moved here, its plans come along so: stator repo remove ${repository.project}; stator repo move ${project} ${repository.path}`,
        );
    return notes;
  }

  async function relocate(
    project: string,
    { path: given, mustBeFree }: { readonly path: string; readonly mustBeFree: MustBeFree },
  ): Promise<string> {
    mustBeHere(project);
    const row = mustRead(project);
    const found = await inspectRepository(given, shared);
    const { path } = found;
    if (path === row.path) return path;
    const other = named(found).project;
    if (rows.get(other)?.path === path)
      throw new EngineError(
        'conflict',
        `${path} is registered already, as ${other}`,
        `take that out first, or leave ${project} where it is: stator repo remove ${other}`,
      );
    if (existsSync(join(row.path, '.git')))
      throw new EngineError(
        'conflict',
        `${row.path} is still a repository, so ${project} has not moved`,
        `move it first, then say so: mv ${row.path} ${path}; a copy is a repo of its own: stator repo add ${path}`,
      );
    await mustBeSame(row, found);
    await mustBeFree({ path, project });
    refuseInsideGit(found, get(project).config.worktree.dir);
    await followMove(found, row.path);
    const now = read(path);
    const config = isAsTrusted(row, now) ? withCommit(now.source, row.config.commit) : row.config;
    await exclude(found, get(project).config);
    await pin({ ...row, path, config });
    return path;
  }

  /** Throws `conflict` if it lacks the work of plans under way. */
  async function mustBeSame({ project, path: from, config: { commit } }: RepoRow, found: Repository): Promise<void> {
    const isThere = commit === undefined || (await findCommit(found, commit)) !== null;
    const begun = (await store.plans(project)).filter(({ base, status }) => base !== null && !isOver(status));
    const missing: string[] = [];
    for (const { plan, branch } of isThere ? begun : [])
      if ((await readRef(found, branchRef(branch))) === null) missing.push(`${branch} of plan ${plan}`);
    if (isThere && missing.length === 0) return;
    throw new EngineError(
      'conflict',
      isThere
        ? `${found.path} is not the repository that was at ${from}: it does not have ${missing.join(', ')}`
        : `${found.path} is not the repository that was at ${from}: it does not have the commit ${commit}`,
      isThere
        ? `name the folder that was moved; a plan whose branch is gone for good: stator plan cancel <plan>`
        : `name the folder that was moved; another repository: stator repo add ${found.path}`,
    );
  }

  /** Checks that another host finds all of the repo at the remote, and may use the configuration that is trusted here. */
  async function share({ project, path, config: source }: RepoRow, to: string): Promise<void> {
    if ((await sharedAddress({ path })) === null)
      throw new EngineError(
        'bad_repo',
        `${project} has no remote that ${to} could clone`,
        `give it one, or bring its clone over: stator repo remove ${project}, then there: stator repo add <path>`,
      );
    const names = machinePlaces(parse(source));
    if (names.length > 0)
      throw new EngineError(
        'untrusted',
        `the configuration of ${project} names files of this machine: ${names.join('; ')}`,
        `take it out here (stator repo remove ${project}); then on ${to}: stator repo add <path>, which shows what is to be trusted`,
      );
    await noteAddress({ project, path }, { isNew: false });
    await shareWork(store, await look.at(path));
  }

  /** The source with the commit of the user's checkout. Throws `bad_repo`. */
  async function atHead(path: string, source: RepoConfigSource): Promise<RepoConfigSource> {
    return withCommit(source, (await inspectRepository(path, shared)).head); // remembered inspections have an older commit
  }

  /** The present files. Throws `bad_config`. */
  function read(path: string): Found {
    const source = masked(readTrustSource(path, parse));
    return { source, config: parse(source) };
  }

  /** Whether everything that acts was trusted before. */
  function isAsTrusted(row: RepoRow, { config }: Found): boolean {
    if (row.revokedAt !== null) return false;
    return pinned(row.config)?.digest === config.digest;
  }

  function changesOf(row: RepoRow | null, { source, config }: Found): string[] {
    const before = row === null ? null : pinned(row.config);
    return trustChanges(
      { enables: before?.enables ?? [], prompts: row?.config.found?.prompts ?? {} },
      { enables: config.enables, prompts: row === null ? {} : (source.found?.prompts ?? {}) },
    );
  }

  async function pin(row: RepoRow): Promise<void> {
    const commit = await store.commit([{ do: 'repo.insert', ...row }]);
    if (commit.status === 'lost') {
      await readOthers();
      mustBeHere(row.project);
      throw new CommitLost(commit.change);
    }
    know(row);
  }

  /** The repo belongs to this host. */
  function know(row: RepoRow): void {
    others.delete(row.project);
    rows.set(row.project, row);
    removed.delete(row.project);
    closed.delete(row.project);
    forgetOne(row.project);
    tell();
  }

  function tell(): void {
    for (const listener of listeners) listener();
  }

  /** Drops values that were computed from the repo's configuration. */
  function forgetOne(project: string): void {
    loaded.delete(project);
    broken.delete(project);
    seen.delete(project);
    hearing = null;
  }

  function mustRead(project: string): RepoRow {
    const row = find(project);
    if (row !== null) return row;
    throw new EngineError(
      'repo_not_found',
      `repo not registered: ${project}`,
      'register it with: stator repo add <path>',
    );
  }

  /** `found` null: the files cannot be used now. */
  function examine(project: string): { comparison: Comparison; found: Found | null } {
    mustBeHere(project);
    const row = mustRead(project);
    const before = pinned(row.config);
    const pinnedNow = { enables: before?.enables ?? [], digest: before?.digest ?? null, changed: false };
    try {
      mustBeThere(row.path);
      const found = read(row.path);
      const { config } = found;
      const notes = [...config.notes];
      const untrustedNow = isAsTrusted(row, found) ? [] : nothingOwn(config.enables);
      const differences = { digestNow: config.digest, changes: changesOf(row, found) };
      return { comparison: { ...pinnedNow, ...differences, untrusted: untrustedNow, problem: null, notes }, found };
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      const none = { untrusted: [], digestNow: null, changes: [], notes: [] };
      return { comparison: { ...pinnedNow, ...none, problem: thrown.message }, found: null };
    }
  }

  function pinned(source: RepoConfigSource): RepoConfig | null {
    try {
      return parse(source);
    } catch {
      return null; // other uses of the file report the error; here it only means that nothing is trusted
    }
  }
}

function exclude(repository: Repository, { worktree }: RepoConfig): Promise<void> {
  return excludeOwnFolders(repository, [
    ...ownFolders,
    ...worktreeExcludes(repository, worktree.dir).filter((pattern) => pattern !== '/.worktrees/'),
  ]);
}

/** The paths of the files that lead elsewhere than when they were trusted. */
function movedPlaces(row: RepoRow, config: RepoConfig): string[] {
  const covered = { programs: {}, places: {}, envFiles: {}, ...row.config.found };
  const now = asTrust(() => findPlaces(row.path, config));
  const moved = (['programs', 'places', 'envFiles'] as const).filter(
    (kind) => !isDeepStrictEqual(covered[kind], now[kind]),
  );
  return moved.flatMap((kind) => differing(covered[kind], now[kind]));
}

/** Paths outside the repo that its files open: the person who trusted them meant those of another machine. */
function machinePlaces({ worktree, hooks, ownAgents }: RepoConfig): string[] {
  const given = [
    worktree.dir,
    ...ownAgents.flatMap(({ env_file: file, writable = [], readable = [] }) => [file ?? '', ...writable, ...readable]),
    ...hooks.map(opensOf).flatMap(({ envFile, places = [] }) => [envFile ?? '', ...places]),
  ];
  return given.filter((path) => isAbsolute(path) || /^(?:~|\.\.(?:\/|$))/.test(normalize(path)));
}

function otherMachine({ project, host }: RepoRow, names: readonly string[]): EngineError {
  return new EngineError(
    'untrusted',
    `${project} was trusted on ${host}, and leads to something else here: ${names.join('; ')}`,
    `to work on it here: stator host remove ${host}; then here: stator repo add <path>, which shows what is to be trusted`,
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
      `ask again when it is there; what keeps it: stator host show ${host}; to give it to another host: stator repo move ${project} <host>`,
    );
  return new EngineError(
    'elsewhere',
    `the repo ${project} belongs to the host ${host}: its files are there, in ${path}`,
    `ask for this on ${host}; to have it on another host: stator repo move ${project} <host>`,
  );
}

/** A repo's files, and their meaning. */
interface Found {
  readonly source: RepoConfigSource;
  readonly config: RepoConfig;
}

/** Warnings that a person gets when trusting a configuration, not only from the first plan. */
async function baseNotes(repository: Repository, { baseBranch: configured }: RepoConfig): Promise<readonly string[]> {
  try {
    await baseBranch(repository, configured);
    return [];
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'bad_config') return [`${thrown.message}; ${thrown.hint}`];
    throw thrown;
  }
}

/** Hides secrets that hooks should take from a variable. */
function masked(source: RepoConfigSource): RepoConfigSource {
  const { text, kasmosText } = source;
  return {
    ...source,
    text: text === null ? null : withoutHookSecrets(text),
    kasmosText: kasmosText === null ? null : withoutHookSecrets(kasmosText),
  };
}

/** Trust that was given before there was a commit has none until it is given again. */
function withCommit(source: RepoConfigSource, commit: string | undefined): RepoConfigSource {
  return commit === undefined ? source : { ...source, commit };
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

/** Whether the call trusts it. Throws `untrusted` if the call trusts another digest. */
function isTrustedBy(trust: Yes, { project, config }: { project: string; config: RepoConfig }): boolean {
  if (typeof trust === 'boolean') return trust;
  if (trust.toLowerCase() === config.digest) return true;
  throw otherDigest({ project, given: trust, config });
}

/**
 * Whether an unknown repo may be registered without consent: its files enable nothing, and a person has chosen the agent. A person who adds a repo names only
 * the repo, and a person who runs a plan in a folder may not know the built-in agent.
 */
function mayBeNew({ enables, agentsOf }: RepoConfig, way: TrustWay): boolean {
  if (enables.length > 0) return false;
  return agentsOf !== 'nobody' || (way !== 'run' && way !== 'plan register');
}

/** An obstacle of a trusted repo is waited for: a person removes it. */
function asTrust<Answer>(look: () => Answer): Answer {
  try {
    return look();
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    throw new EngineError('untrusted', thrown.message, thrown.hint, { cause: thrown });
  }
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

/** The names under which two tables differ. */
function differing(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]);
}

/** A missing folder is different from a deleted file: the trust is kept. Throws `bad_repo`. */
function mustBeThere(path: string): void {
  if (existsSync(join(path, '.git'))) return;
  const what = existsSync(path) ? `${path} is no git repository any more` : `there is no folder ${path}`;
  throw new EngineError('bad_repo', what, `put it back, or take the repo out: stator repo remove ${basename(path)}`);
}

function refuseKnown(known: RepoRow, { path, mustBeNew }: { path: string; mustBeNew: boolean }): void {
  const { project } = known;
  if (known.path !== path && !existsSync(known.path))
    throw new EngineError(
      'conflict',
      `${project} is registered at ${known.path}, and nothing is there any more`,
      `where it was moved to ${path}: stator repo move ${project} ${path}; where this is another repository, rename its folder first`,
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
      `see it with: stator repo show ${project}; a changed configuration is taken with: stator repo trust ${project}`,
    );
}

/** The error if work on the repository at `path` would happen in another folder. */
function ledElsewhere(path: string, { path: named, commonDir }: Pick<Repository, 'path' | 'commonDir'>): EngineError {
  return new EngineError(
    'unreachable',
    `git works at ${named} instead of ${path}, as core.worktree in the configuration of the repository says`,
    `take it back: git config --file ${shellWord(join(commonDir, 'config'))} --unset core.worktree; it continues by itself`,
  );
}
