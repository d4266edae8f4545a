/**
 * Checks whether each repo can be used: its folder, its disk, its git, its pinned configuration. The checks run in the background, so that a hanging one
 * delays no other. Nothing is started for an unusable repo, and it recovers automatically.
 */

import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import pMap from 'p-map';
import { EngineError, isError, messageOf, onOneLine, withHint } from '../../../machines/vocabulary/errors.ts';
import { parseTree, repoTree } from '../../../machines/vocabulary/ids.ts';
import type { Clock } from '../../base/platform/clock.ts';
import type { Log } from '../../base/platform/log.ts';
import { createServiceLoop, type Troubles } from '../../base/platform/poll-loop.ts';
import { systemCode } from '../../base/platform/system-code.ts';
import { insertSignal, type Store } from '../../core/store/port.ts';
import type { RepoRow } from '../../core/store/rows.ts';
import { tryOwnGit } from '../git/git.ts';
import { madeBare, movedCheckout, unusable } from '../git/repository.ts';
import { unbornHead } from '../git/unborn-head.ts';
import type { Projects } from './registry.ts';
import type { RepoWatchers } from './repo-watchers.ts';

export interface HealthParts {
  readonly store: Pick<Store, 'commit' | 'effects' | 'treeStates'>;
  /** The repo's live tree; null: there is none. Throws if its stored state has another version. */
  treeOf(project: string): Promise<object | null>;
  readonly projects: Projects;
  readonly watchers: Pick<RepoWatchers, 'subscribe'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Reports that no repo can be checked. */
  readonly serviceTroubles: Troubles;
  /** Takes the repo's lock, or checks that it is still held. Throws `elsewhere` if another engine works in it. */
  lock(project: string): Promise<void>;
  /** The known reasons why repos cannot be used, by project. */
  troubles(): ReadonlyMap<string, string>;
  /** The known reason now; null: the repo can be used. */
  note(project: string, reason: string | null): void;
  /** Called when a signal for a repo's tree is in the inbox. */
  onSignals(): void;
  /**
   * Called when the first check of a repo after the start, or after it was unusable, succeeds. `isAgain`: it was unusable, and its file may have changed meanwhile.
   * At the start it has just been read, and the first look at its files reads it again.
   */
  onFound(project: string, found: { readonly isAgain: boolean }): Promise<void>;
  /** Called periodically: missing repos of daemon.toml may exist by now. */
  onRound(): Promise<void>;
}

export interface Health {
  /** Call it before anything is started for a repo. Throws the store's errors. */
  start(): Promise<void>;
  /** Abandons checks under way; git ends within its own limit. May be called twice. */
  stop(): void;
  /** Checks now, with git, after a check that is under way, which may have seen an earlier state. Returns the reason; null: the repo can be used. */
  look(project: string): Promise<string | null>;
}

/** A check of the folder is cheap. A check with git needs a process, and happens only if something runs or was wrong. */
const roundMs = 2_000;
const activeMs = 10_000;
/** A watcher reports changes of a repo at once, and a step that cannot work in a repo requests a check. */
const idleMs = 15_000;
/** The most checks at the same time: this many repos may hang before others are checked late. */
const lookWidth = 4;
/** A git or a disk that takes longer counts as not answering; or the machine is busy. */
const lookLimitMs = 10_000;
/** The number of checks in a row without an answer after which the repo counts as unusable: a busy machine answers one of them. */
const unansweredLooks = 3;
/** How often missing repos of daemon.toml are searched. */
const searchMs = 30_000;

type Depth = 'folder' | 'git';

export function createHealth(parts: HealthParts): Health {
  const { store, projects, watchers } = parts;
  const nextAt = new Map<string, number>();
  const looking = new Map<string, Promise<string | null>>();
  const seen = new Set<string>();
  let isOpen = false;
  let searchAt = performance.now() + searchMs;
  const checkInTime = createTimedCheck(parts);
  const troubleOf = (project: string): string | null => parts.troubles().get(project) ?? null;

  function look(project: string, depth: Depth): Promise<string | null> {
    const known = looking.get(project);
    if (known !== undefined) return known;
    const fresh = lookAt(project, depth).finally(() => looking.delete(project));
    looking.set(project, fresh);
    return fresh;
  }

  async function lookAt(project: string, depth: Depth): Promise<string | null> {
    const reason = await checkInTime(project, depth);
    // The repo may have been removed meanwhile, or the engine stopped: then nothing is reported. The known reason of a briefly closed repo stays.
    if (projects.isOpen(project)) {
      if (isOpen) await learn(project, reason);
    } else if (projects.find(project) === null || projects.isElsewhere(project)) parts.note(project, null);
    return reason;
  }

  async function learn(project: string, reason: string | null): Promise<void> {
    const before = troubleOf(project);
    const isFirst = !seen.has(project);
    seen.add(project);
    if (reason !== before) {
      parts.note(project, reason);
      nextAt.delete(project); // the next round checks it again
      await reportToTree(parts, project, reason);
    }
    const isAgain = before !== null;
    if (reason === null && (isFirst || isAgain)) await parts.onFound(project, { isAgain });
  }

  async function round(): Promise<null> {
    const now = performance.now();
    const due = projects.list().filter(({ project }) => (nextAt.get(project) ?? 0) <= now);
    if (due.length > 0) await lookAll(due);
    if (isOpen && searchAt <= now) {
      searchAt = performance.now() + searchMs;
      await parts.onRound();
    }
    return null;
  }

  async function lookAll(due: readonly RepoRow[]): Promise<void> {
    // The dispatcher's limits bound this, however many repos have plans under way.
    const working = new Set((await store.effects({ by: 'running' })).map(({ project }) => project));
    const lookInTurn = async ({ project }: RepoRow) => {
      if (!isOpen) return;
      const isBusy = troubleOf(project) !== null || working.has(project);
      await look(project, isBusy ? 'git' : 'folder');
      const waitMs = troubleOf(project) !== null ? 0 : isBusy ? activeMs : idleMs;
      nextAt.set(project, performance.now() + waitMs);
    };
    await pMap(due, lookInTurn, { concurrency: lookWidth });
  }

  const loop = createServiceLoop({
    trouble: { what: 'whether repos can be used is not looked at' },
    troubles: parts.serviceTroubles,
    everyMs: roundMs,
    work: round,
  });

  /** Whether its configuration file was written or deleted, or its folder was. */
  const unsubscribe = watchers.subscribe((change) => {
    if (change.topic !== 'config' && change.topic !== 'folder') return;
    nextAt.delete(change.project);
    loop.wake();
  });

  return {
    async start() {
      isOpen = true;
      // Repos that were degraded at the last engine's end stay so until the first check.
      for (const [tree, { state, reason }] of await store.treeStates('repo')) {
        const parsed = parseTree(tree);
        if (parsed.kind !== 'repo' || state !== 'degraded') continue;
        parts.note(parsed.project, reason ?? 'it could not be used when the last engine ended');
      }
      loop.start();
    },
    stop() {
      isOpen = false;
      unsubscribe();
      void loop.stop(); // never rejects, and a hanging disk delays nothing
    },
    async look(project) {
      await looking.get(project);
      return look(project, 'git');
    },
  };
}

/** Checks a repo within a time. A check without an answer keeps the known result, until there are too many of them. */
function createTimedCheck(parts: HealthParts) {
  /** The number of checks in a row without an answer. */
  const unanswered = new Map<string, number>();
  return async (project: string, depth: Depth): Promise<string | null> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), lookLimitMs + 1_000);
    });
    try {
      const found = await Promise.race([troubleIn(parts, project, depth), late]);
      if (found !== 'late') {
        unanswered.delete(project);
        return found;
      }
      const count = (unanswered.get(project) ?? 0) + 1;
      unanswered.set(project, count);
      const isSilent = count >= unansweredLooks;
      return isSilent
        ? `its folder does not answer within ${lookLimitMs / 1_000} s, ${count} times`
        : (parts.troubles().get(project) ?? null);
    } catch (thrown) {
      if (thrown instanceof EngineError)
        return thrown.code === 'untrusted' || thrown.code === 'elsewhere'
          ? `${thrown.message}; ${thrown.hint}`
          : thrown.message;
      return messageOf(thrown);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Logs the change, and reports it to the repo's tree. */
async function reportToTree(parts: HealthParts, project: string, reason: string | null): Promise<void> {
  const { store, clock, log } = parts;
  const tree = repoTree(project);
  if (reason === null) log.info(`repo ${project} can be used again`);
  else log.warn(`repo ${project} cannot be used: ${reason}`);
  if (!(await isSound(parts, project))) return; // a signal for an unreadable tree would be quarantined
  const at = clock.nowMs();
  const word =
    reason === null
      ? { tree, type: 'repo_recovered' as const, payload: {} }
      : { tree, type: 'repo_degraded' as const, payload: { reason: reason.slice(0, 4_096) } };
  await insertSignal(store, { ...word, origin: 'engine', at });
  parts.onSignals();
}

async function isSound({ treeOf }: HealthParts, project: string): Promise<boolean> {
  try {
    return (await treeOf(project)) !== null;
  } catch (thrown) {
    if (thrown instanceof EngineError) return false;
    throw thrown;
  }
}

/** The repo's first fault, as text for people. */
async function troubleIn(
  { treeOf, projects, lock }: HealthParts,
  project: string,
  depth: Depth,
): Promise<string | null> {
  // Throws if the pinned configuration no longer parses.
  const { path } = projects.get(project);
  const folder = await stat(path).catch((thrown: NodeJS.ErrnoException) => thrown);
  if (isError(folder)) return folderTrouble(path, folder);
  if (!folder.isDirectory()) return `${path} is no folder any more`;
  const closed = await access(path, constants.R_OK | constants.W_OK | constants.X_OK).catch(
    (thrown: unknown) => thrown,
  );
  if (closed !== undefined) return writeTrouble(path, closed);
  const problem = projects.fileProblem(project);
  if (problem !== null) return problem;
  projects.mustBeTrusted(project);
  await lock(project);
  if (depth === 'folder') return null;
  await treeOf(project); // throws if its stored state has another version
  const words = ['--git-common-dir', '--is-bare-repository', '--show-toplevel'];
  const asked = ['rev-parse', '--path-format=absolute', ...words, '--verify', 'HEAD^{commit}'];
  // The check's limit ends it, and this one if the check is abandoned.
  const answer = await tryOwnGit(path, asked, { timeoutMs: 2 * lookLimitMs });
  const [commonDir = '', isBare, top] = answer.stdout.split('\n');
  // Repairs changes that an agent or its processes made in the configuration that all worktrees share.
  if (isBare === 'true') return onOneLine(withHint(madeBare(path, commonDir)));
  if (answer.stderr.includes('Needed a single revision'))
    return onOneLine(withHint(await unbornHead({ path, commonDir })));
  if (answer.exitCode !== 0) return onOneLine(withHint(unusable(path, answer.stderr)));
  if (top !== undefined && top !== path) return onOneLine(withHint(movedCheckout(path, top, commonDir)));
  const locked = await access(commonDir, constants.W_OK).catch((thrown: unknown) => thrown);
  if (locked !== undefined) return writeTrouble(commonDir, locked);
  return null;
}

function folderTrouble(path: string, { code, message }: NodeJS.ErrnoException): string {
  return code === 'ENOENT' || code === 'ENOTDIR'
    ? `there is no folder ${path}`
    : `${path} cannot be reached: ${message}`;
}

function writeTrouble(path: string, thrown: unknown): string {
  const code = systemCode(thrown);
  if (code === 'EROFS') return `${path} is on a disk that is mounted read-only`;
  return thrown instanceof EngineError ? thrown.message : `${path} cannot be written (${code})`;
}
