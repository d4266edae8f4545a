/** The configuration of repos and of the daemon: registers the repos that daemon.toml lists, and puts saved files in force, or reports why they are not. */

import { join } from 'node:path';
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import pMap from 'p-map';
import { storedRepo } from '../../../actors/stored-tree.ts';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { repoTree, supervisorTree } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { missingVariables, refusedAddresses } from '../../base/config/config.ts';
import { createSerialQueue, type SerialQueue } from '../../base/platform/serial-queue.ts';
import { type Change, mustCommit } from '../../core/store/port.ts';
import type { NewSignal, RepoRow } from '../../core/store/rows.ts';
import type { Registration, TrustWay } from '../../work/repos/registry.ts';
import type { ReloadAnswer } from '../contract/repos.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { mustFindRepo } from './repo-found.ts';

/** The number of new repos of daemon.toml that are read at the same time: each starts git processes. */
const lookWidth = 4;
/** The time that git has to answer for a repo of daemon.toml. A slower repo is tried later, and the others do not wait for it. */
const listedMs = 10_000;

export interface RepoFiles extends ReturnType<typeof createRepoFiles> {}

interface FileParts extends CommandDependencies {
  /** Repos of daemon.toml that could not be registered, with the reason. */
  readonly missing: Map<string, string>;
  /** Changed configurations that are not in force: of a project, and of the daemon itself (''). They are reported until they are read without problems. */
  readonly unread: Map<string, readonly string[]>;
  /** Whose file has a mistake, in the same words. */
  readonly mistaken: Set<string>;
  /** By project: its files are read one reading after the other, so that an older reading never overrides a newer one. */
  readonly queues: Map<string, SerialQueue>;
  /** Paths that a person removed from this engine. If daemon.toml lists them, they come back at the next start, and not before. */
  readonly left: Set<string>;
}

export function createRepoFiles(given: CommandDependencies) {
  const parts: FileParts = {
    ...given,
    missing: new Map(),
    unread: new Map(),
    mistaken: new Set(),
    queues: new Map(),
    left: new Set(),
  };
  const { projects, settings, log, missing, unread, mistaken, left } = parts;

  const commands = {
    registerListed: (more?: readonly string[]) => registerListed(parts, more),
    /** Puts a repo's changed file in force if it starts nothing new. The caller has just checked that the repo is there. Throws `repo_not_found`. */
    refreshRepo: async (project: string): Promise<void> =>
      void (await refresh(parts, (await mustFindRepo(projects, project)).project)),
    /** To be called after a configuration file of a repo was saved. Puts in force what needs no consent, and logs the rest. Throws the store's errors. */
    async noticeRepoFiles(project: string): Promise<void> {
      const row = projects.find(project);
      if (row === null || projects.isElsewhere(project)) return;
      await refresh(parts, project);
      parts.onChange();
    },
    /** To be called after daemon.toml was saved, or deleted. Puts it in force, or reports why it, or a part of it, is not. Throws the store's errors. */
    async noticeSettings({ isThere }: { readonly isThere: boolean }): Promise<void> {
      const { file } = settings.current();
      const before = unread.get('') ?? [];
      // Many editors delete a file before they write it: the settings in force stay until a file, a reload or a start changes them.
      if (!isThere) unread.set('', [`${file} is gone; what it said stays in force until the next start or reload`]);
      const now = isThere ? await readSettings(parts) : (unread.get('') ?? []);
      logChange(parts, file, { before, now });
      parts.onChange();
    },
    /** The parts of the configuration that are not in force, with the reasons, one line each: daemon.toml's first, then by project, in any order of reading. */
    problems: (): readonly string[] => [
      ...[...unread].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, lines]) => lines),
      ...[...missing].map(([path, reason]) => `repo ${path} is not registered: ${reason}`),
    ],
    /** Keys of daemon.toml that have no effect, and why, one line each. */
    notes: (): readonly string[] => settings.current().notes,
    /**
     * Reads daemon.toml again, and every repo's file that needs no consent, and puts them in force at once. A broken file is not put in force, and is
     * reported.
     */
    async reload(): Promise<ReloadAnswer> {
      const problems = [...(await readSettings(parts))];
      for (const { project } of projects.list()) {
        problems.push(...(await refresh(parts, project)));
        await immediate(); // a thousand files must not block other work
      }
      parts.onChange();
      for (const { project } of projects.list())
        problems.push(...hooksOff(parts, project).map((why) => `${project}: ${why}`));
      const isMistaken = ['', ...projects.list().map(({ project }) => project)].some(
        (project) => mistaken.has(project) || (project !== '' && projects.get(project).config.hooksOff.length > 0),
      );
      problems.push(...[...missing].map(([path, reason]) => `repo ${path} is not registered: ${reason}`));
      log.info(problems.length === 0 ? 'reloaded' : `reloaded, but for: ${problems.join(' | ')}`);
      return { status: 'reloaded', problems, is_mistaken: isMistaken };
    },
  };

  return {
    commands,
    registered: (project: string) => registered(parts, project),
    sendPolicy: (project: string) => sendPolicy(parts, project),
    missingOf: (project: string) => missingOf(parts, project),
    /** Its files are in force, or it is not here any more. */
    forget(project: string) {
      unread.delete(project);
      mistaken.delete(project);
    },
    /** A person registered the repo at that path. */
    noteAdded(path: string) {
      missing.delete(path);
      left.delete(path);
    },
    noteRemoved: (path: string) => left.add(path),
  };
}

/**
 * Registers the repos of daemon.toml and the given ones. Known repos of daemon.toml are not read again. New repos get their signal in the inbox. Never
 * throws because of a repo: one that cannot be used now is in `problems`, and is tried again at the next call.
 */
async function registerListed(parts: FileParts, given: readonly string[] = []): Promise<void> {
  const known = new Set(parts.projects.list().map(({ path }) => path));
  const listed = parts.settings.current().repos;
  for (const path of parts.missing.keys())
    if (!listed.includes(path) && !given.includes(path)) parts.missing.delete(path);
  // A known repo that is given is trusted anew. A new repo of daemon.toml is trusted, because the owner of the home wrote it there.
  const wanted = [...new Set([...listed, ...given])].filter(
    (path) => given.includes(path) || (!known.has(path) && !parts.left.has(path)),
  );
  const wayOf = (path: string): TrustWay => (given.includes(path) ? 'program' : 'daemon.toml');
  await pMap(wanted, (path) => registerOne(parts, path, wayOf(path)), { concurrency: lookWidth });
  // This includes repos whose engine crashed after the row and before the signal.
  const born = await parts.store.treeStates('repo');
  const births = parts.projects.list().filter(({ project }) => !born.has(repoTree(project)));
  const at = parts.clock.nowMs();
  const words = births
    .flatMap(({ project }) => wordOf(parts, project))
    .map((word): Change => ({ do: 'signal.insert', ...word, at }));
  if (words.length > 0) await mustCommit(parts.store, words);
}

/** Registers a repo of daemon.toml, or gives up for now when the time is over. */
async function registerOne(parts: FileParts, path: string, way: TrustWay): Promise<Registration | null> {
  const late = new AbortController();
  try {
    const tooLate = delay(listedMs, null, { signal: late.signal }).then(() => {
      throw new EngineError(
        'bad_repo',
        `git does not answer in ${path} within ${listedMs / 1_000} s`,
        `try by hand: git -C ${path} status`,
      );
    });
    tooLate.catch(() => {}); // if git was quicker, no one awaits this promise
    const registration = await Promise.race([
      parts.projects.register(path, { trust: true, way, mustBeFree: parts.locks.tryAt }),
      tooLate,
    ]);
    parts.missing.delete(path);
    return registration;
  } catch (thrown) {
    const reason = thrown instanceof EngineError ? thrown.message : messageOf(thrown);
    if (parts.missing.get(path) !== reason) parts.log.error(`repo ${path} is not registered: ${reason}`);
    parts.missing.set(path, reason);
    return null;
  } finally {
    late.abort();
  }
}

/** A repo whose pinned configuration no longer parses gets no tree until it does. */
function wordOf(parts: FileParts, project: string): Omit<NewSignal, 'at'>[] {
  try {
    return [registered(parts, project)];
  } catch (thrown) {
    parts.log.error(`repo ${project} has no tree yet`, thrown);
    return [];
  }
}

/** The signal that registers a repo with the supervisor. The supervisor spawns the repo's tree if there is none yet. */
function registered({ projects }: FileParts, project: string): Omit<NewSignal, 'at'> {
  const { policy } = projects.get(project).config;
  return { tree: supervisorTree, type: 'repo_registered', payload: { project, policy }, origin: 'engine' };
}

/** Sends the repo's tree a changed policy at once, not with its next signal: a plan that waits for a limit may then begin. */
async function sendPolicy(parts: FileParts, project: string): Promise<void> {
  const policy = parts.projects.policyOf(project);
  const tree = repoTree(project);
  const row = policy === null ? null : await parts.store.tree(tree);
  if (policy === null || row === null) return;
  if (isDeepStrictEqual(storedRepo(tree, row.stored).context.policy, policy)) return; // not compared as text: the stored policy went through the inbox, which reorders keys
  const at = parts.clock.nowMs();
  await mustCommit(parts.store, [
    { do: 'signal.insert', tree, type: 'policy', payload: { policy }, origin: 'engine', at },
    // What waits already takes its turn by the new priority too.
    { do: 'effect.prioritize', project, priority: policy.priority },
  ]);
  parts.onChange();
}

/** Puts a changed file in force if it starts nothing new; otherwise returns the reasons. */
function refresh(parts: FileParts, project: string): Promise<readonly string[]> {
  const inTurn = parts.queues.get(project) ?? createSerialQueue();
  parts.queues.set(project, inTurn);
  return inTurn(() => refreshNow(parts, project));
}

async function refreshNow(parts: FileParts, project: string): Promise<readonly string[]> {
  const row = parts.projects.find(project);
  if (row === null) return []; // it was removed meanwhile
  const before = parts.unread.get(project) ?? [];
  const problems = await read(parts, row);
  parts.unread.set(project, problems);
  // A configuration that was put in force has a new row.
  if (before.length > 0 || problems.length > 0 || parts.projects.find(project) !== row)
    logChange(parts, `the files of ${project}`, { before, now: problems });
  return problems;
}

async function read(parts: FileParts, { project, path }: RepoRow): Promise<string[]> {
  const reason = parts.views.repoReason(project);
  noteMistake(parts, project, false);
  // A missing folder has no file to read. A fault in the file is reported each time.
  if (reason !== null && !reason.includes(join(path, '.stator', 'config.toml'))) return [];
  const { problem, untrusted } = await parts.projects.refresh(project, { trust: false, way: 'repo trust' });
  await sendPolicy(parts, project);
  if (problem !== null) noteMistake(parts, project, true);
  if (problem !== null) return [`${project}: changed, not in force: ${problem}`];
  if (untrusted.length === 0) return [];
  return [
    `${project}: changed, not in force: ${path} may now start: ${untrusted.join('; ')}; say yes with: stator repo trust ${shellWord(project)}`,
  ];
}

/** Puts the present daemon.toml in force, or returns the reasons against it. Registers the repos that it lists. */
async function readSettings(parts: FileParts): Promise<readonly string[]> {
  const problems: string[] = [];
  try {
    problems.push(...parts.settings.reload());
    parts.projects.forget();
    noteMistake(parts, '', false);
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    problems.push(`changed, not in force: ${thrown.message}`);
    noteMistake(parts, '', true);
  }
  parts.unread.set('', problems);
  await registerListed(parts);
  return problems;
}

function noteMistake({ mistaken }: FileParts, project: string, isMistaken: boolean): void {
  if (isMistaken) mistaken.add(project);
  else mistaken.delete(project);
}

/** Unchanged problems were already logged. */
function logChange(
  { log }: FileParts,
  what: string,
  { before, now }: { before: readonly string[]; now: readonly string[] },
): void {
  if (isDeepStrictEqual(before, now) && now.length > 0) return;
  if (now.length === 0) log.info(`${what}: changed, and in force`);
  for (const problem of now) log.warn(problem);
}

/** Reasons on our side why hooks of the repo receive nothing. */
function hooksOff(parts: FileParts, project: string): string[] {
  return [...parts.projects.get(project).config.hooksOff, ...missingOf(parts, project)];
}

/** What its hooks lack: variables, and addresses that may be called. */
function missingOf(parts: FileParts, project: string): string[] {
  const { hooks } = parts.projects.get(project).config;
  return [...refusedAddresses(hooks), ...missingVariables(hooks, parts.env)];
}
