/** The registered repositories as the engine works with them: where they are, what was trusted, and the policy that follows from it. */

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
import { readTemplates } from '../agents/prompts/template-files.ts';
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
  /** What the user's checkout stood on when it was trusted; null: that was with an earlier version. */
  readonly commit: string | null;
  /** Files of the repo that its configuration names, with the SHA-256 that they were trusted with. */
  readonly programs: Readonly<Record<string, string>>;
  /** Files of the repo that the programs of its agents load by themselves, likewise. */
  readonly settings: Readonly<Record<string, string>>;
  /** The repo's own prompts as they were when they were trusted, by name. */
  readonly prompts: Readonly<Record<string, string>>;
  /** The folder of its worktrees, absolute, links resolved as they were when it was trusted. */
  readonly worktrees: string;
}

/** `true`: as it is found. A digest: as it is found, where that is its digest. */
export type Yes = boolean | string;

export interface Registering {
  readonly trust: Yes;
  readonly way: TrustWay;
  readonly mustBeNew?: boolean;
  /** Asked before anything is changed where a plan is to run at once, or worktrees moved along. */
  readonly mustBeFree?: MustBeFree;
}

/** Throws `elsewhere` where another engine works in that repository. */
export type MustBeFree = (repository: Pick<Repository, 'path' | 'project'>) => Promise<void>;

export interface Projects {
  /** Those of this machine. */
  list(): readonly RepoRow[];
  /** Those of the other hosts too. */
  all(): readonly RepoRow[];
  /** Whether it belongs to another host. */
  isElsewhere(project: string): boolean;
  /** Throws `elsewhere` for a repo of another host, whose files are there. */
  mustBeHere(project: string): void;
  /** Reads again which repos other hosts have. Throws as the store does. */
  readOthers(): Promise<void>;
  /** Calls `listener` when a repo has come, gone or changed, until the returned function is called. It must not throw. */
  subscribe(listener: () => void): () => void;
  /** null: there is no such repo. */
  find(project: string): RepoRow | null;
  /** Says in a store of several hosts where the others find this repo, unless that is known. Throws as git and the store do. */
  noteAddress(project: string): Promise<void>;
  /** Throws `repo_not_found`, and `bad_config` where what was trusted no longer parses. */
  get(project: string): Project;
  /** null where the repo is not there or its configuration is broken. */
  policyOf(project: string): Policy | null;
  /** The budgets in force; null where the repo is not there or its configuration is broken, which lets no agent start. */
  budgetOf(project: string): BudgetConfig | null;
  /** The hooks in force, of `''` the functions that hear of machines of one's own; none where the repo is not there, is not trusted any more, or its configuration is broken. */
  hooksOf(project: string): readonly HookConfig[];
  /** Those of all repos, and under `''` those of the program, that name a public state of a machine of one's own. Cheap: it is worked out once for each change of a repo. */
  machineHooks(): readonly { readonly project: string; readonly hooks: readonly HookConfig[] }[];
  /** The repository as it is now; throws `bad_repo` where it is gone. */
  repository(project: string): Promise<Repository>;
  /** Registers the repo of any path inside it, or answers what is registered. Throws `bad_repo`, `conflict`, `untrusted`, `bad_config`, and as the store does. */
  register(path: string, options: Registering): Promise<Registration>;
  /**
   * Takes over a repo of a lost host, which has a clone at that path: what was trusted there stays in force, where it leads to the same here. Answers what was
   * brought, for people; null: another host was first, or that one is back. Throws `untrusted`, `bad_repo`, `conflict` where commits are missing,
   * `bad_config` where git does not know who commits here, and as the store does.
   */
  takeOver(repo: LostRepo, path: string): Promise<readonly string[] | null>;
  /**
   * Gives the repo, which is closed and of which nothing runs, to another host: its refs are at the remote then. From one that does not have it yet, any
   * host may give it on. Throws `bad_repo` without a remote that others reach, `untrusted` where its configuration is of this machine, `conflict` where
   * the other host is gone or something of it still runs, and as git and the store do.
   */
  hand(project: string, to: string): Promise<void>;
  /**
   * The folder of the repo was moved or renamed, to that path: it goes on there under its name, with what was trusted. Answers the new path. Throws `conflict`
   * where a repository is still in the old place, or the new one is registered, or is not the same one; `elsewhere`, `bad_repo`, `bad_config`, and as the store does.
   */
  relocate(project: string, path: string, mustBeFree: MustBeFree): Promise<string>;
  /** The repo that a name means: the one of that name, else the only one whose folder is called so; else the name as it is. */
  projectNamed(name: string): string;
  /** What registering the repo of any path inside it would trust, and what of it is new. Changes nothing. Throws `bad_repo`, `conflict`, `bad_config`. */
  look(path: string, way: TrustWay): Promise<TrustLook>;
  /** The pinned configuration beside the files as they are now. Throws `repo_not_found`. */
  compare(project: string): Comparison;
  /**
   * Puts the files as they are now in force, where they start nothing that was not trusted before, or where somebody says so now. A file that is
   * broken changes nothing. Throws `repo_not_found`, `untrusted` where it has another digest than the one that was given, and as the store does.
   */
  refresh(project: string, options: { trust: Yes; way: TrustWay }): Promise<Comparison>;
  /** Takes the trust back: nothing new of it starts. Throws `repo_not_found`, and as the store does. */
  revoke(project: string): Promise<RepoRow>;
  /** Throws `untrusted` where nothing of the repo may start now: its trust was taken back, or what was trusted leads elsewhere by now. */
  mustBeTrusted(project: string): void;
  /** Throws `untrusted` where the folder of the worktrees is a link, or leads elsewhere than when it was trusted. */
  mustLieInPlace(project: string): void;
  /** Repos whose trust was revoked. */
  revoked(): readonly string[];
  /** That its trust was taken back, and what to do; null: it was not, or there is no such repo. */
  revokedText(project: string): string | null;
  /** Why the repo's file cannot be used; null: it can. Cheap while the file is as it was when it was last asked about. Throws `repo_not_found`. */
  fileProblem(project: string): string | null;
  /** That the branch on which plans are to begin is not there, for people; empty: it is. Throws `repo_not_found`, and as git does. */
  baseNotes(project: string): Promise<readonly string[]>;
  /** Files of the repo, beside its configuration and its prompts, on which its trust depends; absolute. None of one that is not there. Never throws. */
  trustedFiles(project: string): readonly string[];
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
  /** The digest of what is in force; null: it no longer parses. */
  readonly digest: string | null;
  /** What the files may start that is not in force, and needs somebody's yes. */
  readonly untrusted: readonly string[];
  /** The digest of the files as they are now; null: they cannot be used. */
  readonly digestNow: string | null;
  /** What is gone and what is new, `- ` and `+ ` before it; prompts line by line. */
  readonly changes: readonly string[];
  /** Why the file cannot be used; null: it can. */
  readonly problem: string | null;
  /** Whether the configuration in force is another one than before. */
  readonly changed: boolean;
  readonly notes: readonly string[];
}

export interface TrustLook {
  readonly project: string;
  readonly path: string;
  readonly state: 'new' | 'trusted' | 'changed' | 'revoked';
  readonly digest: string;
  /** What is in force now; null: it is new. */
  readonly trusted: string | null;
  readonly enables: readonly string[];
  /** Who works where the repo's files do not say it. */
  readonly agents: readonly string[];
  readonly changes: readonly string[];
  /** Whether it may act without anybody's yes. */
  readonly mayAct: boolean;
}

export interface Registration {
  readonly added: boolean;
  readonly project: string;
  readonly path: string;
  /** What the configuration in force may start. */
  readonly enables: readonly string[];
  /** What the files enable since they were changed; nothing of it is in force until somebody says yes. */
  readonly untrusted: readonly string[];
  readonly changes: readonly string[];
  readonly digest: string;
  /** What was trusted here and now, and by whose word, for people; null: it was so before. */
  readonly trustedNow: string | null;
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
  /** By project: what its file said when it was that old. */
  const seen = new Map<string, { age: string; problem: string | null }>();
  const stored = await store.repos();
  const byProject = (of: readonly RepoRow[]) =>
    new Map(of.map((row) => [row.project, { ...row, config: masked(row.config) }]));
  const rows = byProject(stored.filter(isHere));
  let others = byProject(stored.filter((row) => !isHere(row)));
  // What a version kept that took them.
  for (const { project, config } of parts.mayWrite ? stored.filter(isHere) : []) {
    const row = rows.get(project);
    if (row !== undefined && !isDeepStrictEqual(config, row.config))
      await mustCommit(store, [{ do: 'repo.insert', ...row }]);
  }
  /** Those that were taken out, with where they were. */
  const removed = new Map(await store.removedRepos());
  /** Repos that are being removed. */
  const closed = new Set<string>();
  /** One change of a repo at a time: between what it is judged by and its commit others have their turn. */
  const changes = createRepositoryLocks();
  const listeners = new Set<() => void>();
  let hearing: ReturnType<Projects['machineHooks']> | null = null;
  let bare: { of: DaemonConfig; config: RepoConfig } | null = null;

  /** Repos without files of their own, of which there may be a thousand, share one configuration. */
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
      // What is wrong may be another file, or a link: it is looked at again until it is right.
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
        // What is as it was keeps its date: only its comments, its order or its limits are others.
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
    release: () => shared.gits.close(),
  };

  /** Registers it as it was found, where it may be, and answers what is in force then. */
  async function take(repository: Repository, { trust, way, mustBeNew = false, mustBeFree }: Registering) {
    const { project, path } = repository;
    mustBeHere(project);
    const known = rows.get(project) ?? null;
    if (known !== null) refuseKnown(known, { path, mustBeNew });
    const last = removed.get(project);
    // The name is all that says that they are the same: a clone of something else may have it too.
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
    // Before it is registered: a repository whose own files stand in the way is none.
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

  /** `isNew`: somebody has said yes to the repository as it is. */
  async function noteAddress({ project, path }: Pick<RepoRow, 'project' | 'path'>, { isNew }: { isNew: boolean }) {
    if (store.hosts === undefined) return;
    const address = await sharedAddress({ path });
    if (address !== null) await store.hosts.noteRemote(project, address, { isNew });
  }

  /** It is noted at the next start, or at the next yes. */
  function tellAddress(project: string): (thrown: unknown) => void {
    return (thrown) => log.warn(`where other hosts find ${project}: ${messageOf(thrown)}`);
  }

  /** What is pinned is in force here as it was there, so nothing acts that nobody said yes to. */
  async function takeOver(lost: LostRepo, path: string): Promise<readonly string[] | null> {
    const { project } = lost;
    const { hosts } = store;
    await readOthers();
    const there = others.get(project);
    if (hosts === undefined || there?.host !== lost.host) return null;
    if (there.revokedAt !== null) throw revoked(there, there.revokedAt);
    const repository = { ...(await inspectRepository(path, shared)), project };
    await identity(repository); // its agents would fail without
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

  /** The name that a repository has here: of a folder that was renamed the one under which it was registered. */
  function named(repository: Repository): Repository {
    const isThere = (path: string) => path === repository.path;
    const known =
      [...rows.values()].find(({ path }) => isThere(path))?.project ??
      [...removed].find(([, path]) => isThere(path))?.[0];
    return known === undefined || known === repository.project ? repository : { ...repository, project: known };
  }

  /** Registered repos whose folders are gone, and which this one may be. */
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

  /** Whether it holds what the plans under way have. Throws `conflict`. */
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

  /** Another host finds all of it at the remote, and may work with what is trusted here. */
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

  /** With the commit that the user's checkout stands on. Throws `bad_repo`. */
  async function atHead(path: string, source: RepoConfigSource): Promise<RepoConfigSource> {
    return withCommit(source, (await inspectRepository(path, shared)).head); // kept looks know an older one
  }

  /** The files as they are now. Throws `bad_config`. */
  function read(path: string): Found {
    const source = masked(readTrustSource(path, parse));
    return { source, config: parse(source) };
  }

  /** Whether nothing acts that was not trusted before. What an earlier version pinned did not cover gates, prompts, programs and places. */
  function isAsTrusted(row: RepoRow, { config }: Found): boolean {
    if (row.revokedAt !== null) return false;
    const before = pinned(row.config);
    if (before === null || before.digest !== config.digest) return false;
    return row.config.found !== undefined || config.weakens.length === 0;
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

  /** It is one of this host. */
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

  /** Drops what was computed from the repo's configuration. */
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
      return null; // whoever works with it is told; here it only means that nothing is trusted
    }
  }
}

function exclude(repository: Repository, { worktree }: RepoConfig): Promise<void> {
  return excludeOwnFolders(repository, [
    ...ownFolders,
    ...worktreeExcludes(repository, worktree.dir).filter((pattern) => pattern !== '/.worktrees/'),
  ]);
}

/** What leads elsewhere in the files at the row's path than when they were trusted. */
function movedPlaces(row: RepoRow, config: RepoConfig): string[] {
  const pinnedPlaces = row.config.found;
  // What an earlier version pinned is good where nothing acts that was not part of it then.
  const covered = { programs: {}, places: {}, envFiles: {}, ...pinnedPlaces };
  const now = asTrust(() => findPlaces(row.path, config));
  const moved = (['programs', 'places', 'envFiles'] as const).filter(
    (kind) => !isDeepStrictEqual(covered[kind], now[kind]),
  );
  const uncovered = pinnedPlaces === undefined ? [...config.weakens, ...ownPrompts(row)] : [];
  return [...moved.flatMap((kind) => differing(covered[kind], now[kind])), ...uncovered];
}

/** Paths outside of the repo that its files open: who said yes to them meant those of another machine. */
function machinePlaces({ worktree, hooks, ownAgents }: RepoConfig): string[] {
  const given = [
    worktree.dir,
    ...ownAgents.flatMap(({ env_file: file, writable = [], readable = [] }) => [file ?? '', ...writable, ...readable]),
    ...hooks.flatMap((hook) => {
      if (hook.type === 'webhook') return [hook.envFile ?? ''];
      return hook.type === 'command' ? [hook.envFile ?? '', ...hook.writable, ...hook.readable] : [];
    }),
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

/** A repo's files as they were read, and what they mean. */
interface Found {
  readonly source: RepoConfigSource;
  readonly config: RepoConfig;
}

/** Whoever says yes to a configuration hears of it now, and not from the first plan. */
async function baseNotes(repository: Repository, { baseBranch: configured }: RepoConfig): Promise<readonly string[]> {
  try {
    await baseBranch(repository, configured);
    return [];
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'bad_config') return [`${thrown.message}; ${thrown.hint}`];
    throw thrown;
  }
}

/** Without what hooks should have had as a variable. */
function masked(source: RepoConfigSource): RepoConfigSource {
  const { text, kasmosText } = source;
  return {
    ...source,
    text: text === null ? null : withoutHookSecrets(text),
    kasmosText: kasmosText === null ? null : withoutHookSecrets(kasmosText),
  };
}

/** What was trusted before there was a commit has none until somebody says yes again. */
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

/** Whether somebody says yes to it. Throws `untrusted` where they say it to something else. */
function isTrustedBy(trust: Yes, { project, config }: { project: string; config: RepoConfig }): boolean {
  if (typeof trust === 'boolean') return trust;
  if (trust.toLowerCase() === config.digest) return true;
  throw otherDigest({ project, given: trust, config });
}

/**
 * Whether a repo that is not known may be taken without a yes: its files enable nothing, and a person chose what is to work there. Who adds a repo names
 * it, and nothing else; who runs a plan in a folder may never have heard of the agent that is built in.
 */
function mayBeNew({ enables, agentsOf }: RepoConfig, way: TrustWay): boolean {
  if (enables.length > 0) return false;
  return agentsOf !== 'nobody' || (way !== 'run' && way !== 'plan register');
}

/** What stands in the way of a trusted repo is waited for: somebody ends it from outside. */
function asTrust<Answer>(look: () => Answer): Answer {
  try {
    return look();
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    throw new EngineError('untrusted', thrown.message, thrown.hint, { cause: thrown });
  }
}

/** Who works where the repo's files do not say it. */
function inheritedAgents({ agentsOf, profiles }: RepoConfig): string[] {
  if (agentsOf === 'repo') return [];
  const { preset, program } = profiles.coder;
  const words = [preset, program].filter((word) => word !== null).join(' ');
  if (agentsOf === 'user') return [`agents: ${words}, as daemon.toml says`];
  return [
    `agents: ${words}, the built-in default, which acts without asking: neither the repo nor daemon.toml names another`,
  ];
}

/** Prompts that are there and were not part of what an earlier version pinned. */
function ownPrompts({ path }: RepoRow): string[] {
  return Object.keys(readTemplates(path)).map((name) => `prompt ${name}`);
}

/** The names under which two tables differ. */
function differing(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]);
}

/** A folder that is away has no file, which is not the same as a file that was taken away: what was trusted is kept. Throws `bad_repo`. */
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

/** What works on the repository at `path` would work in another folder. */
function ledElsewhere(path: string, { path: named, commonDir }: Pick<Repository, 'path' | 'commonDir'>): EngineError {
  return new EngineError(
    'unreachable',
    `git works at ${named} instead of ${path}, as core.worktree in the configuration of the repository says`,
    `take it back: git config --file ${shellWord(join(commonDir, 'config'))} --unset core.worktree; it continues by itself`,
  );
}
