/** Reads the signal folders of one repo and of its worktrees, one after the other: a slow or broken folder delays no other repo. */
import { type Dirent, promises } from 'node:fs';
import { join } from 'node:path';
import { untilBeat } from '../../base/platform/poll-loop.ts';
import { systemCode } from '../../base/platform/system-code.ts';
import { placesOfSignals } from '../git/signal-paths.ts';
import type { RepoPlaces, RepoWatchers } from '../repos/repo-watchers.ts';
import { createSignalFolder, type SignalFolder, type SignalFolderParts } from './signal-folder.ts';
import { createSource, type SourceParts, type SourcePlace } from './source.ts';

export interface RepoLoopParts
  extends Omit<SignalFolderParts, 'path' | 'source' | 'onAppear' | 'onChange' | 'onInsert'> {
  readonly home: string;
  readonly store: SignalFolderParts['store'] & SourceParts['store'];
  readonly projects: SourceParts['projects'];
  readonly repo: string;
  readonly watchers: RepoWatchers;
  /** The presently configured folder of its worktrees, relative to the repo. */
  worktreeDir(): string;
  /** Whether signals may be collected: the home is still ours. */
  isOwner(): boolean;
  /** Resolves when the signal has its verdict or is held, or after a while. */
  settled(id: number): Promise<void>;
}

export interface RepoLoop {
  /** Reads the folders of one worktree at once, without waiting for writers, because there are none any more. Never throws. */
  sweep(worktree: string): Promise<void>;
  /** Resolves when nothing is under way, or after 2 s: a hanging disk delays nothing. */
  stop(): Promise<void>;
}

/** The poll intervals without and with a watcher. */
const pollMs = 1_000;
const watchedPollMs = 15_000;
/** How long it polls often after a report: a folder is watched a little later than it is made. */
const freshMs = 3_000;
/** Changes come in groups: the check waits for more of them. */
const debounceMs = 20;
/** A turn may come a little before its time. */
const slackMs = 10;
const stopLimitMs = 2_000;

/** Real paths: the repo, the folder of its worktrees, and the places with signal folders: the repo and its worktrees. */
interface Places extends RepoPlaces {
  readonly roots: readonly string[];
}

export function createRepoLoop(parts: RepoLoopParts): RepoLoop {
  const { project, repo, troubles } = parts;
  const trouble = { what: `signal files of ${project} are not taken`, hint: 'looked at again every second' };
  const folders = createFolderQueue(parts, wake);
  let lookedAtAllMs = Number.NEGATIVE_INFINITY;
  const watcher = parts.watchers.create(project);
  const unsubscribe = parts.watchers.subscribe((change) => {
    if (change.project !== project || (change.topic !== 'signals' && change.topic !== 'folder')) return;
    if (change.topic === 'signals') folders.noteChange(change.folder);
    else lookedAtAllMs = Number.NEGATIVE_INFINITY;
    wake();
  });
  let isStopped = false;
  let isWoken = false;
  /** By the monotonic clock. */
  let reportedAtMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;
  let last: Promise<void> = Promise.resolve();

  /** Whether every new file in the folders is reported. */
  function isLive(): boolean {
    return watcher.isLive() && folders.areReported();
  }

  /**
   * Checks each folder with a reported change or a due time; periodically, and without a watcher, all folders. Returns the shortest requested wait.
   * `isReported`: a change was reported.
   */
  async function readFolders(isReported: boolean): Promise<number> {
    if (!parts.isOwner()) return pollMs;
    const { main, worktrees, roots } = await findPlaces(repo, parts.worktreeDir());
    if (isStopped) return pollMs;
    const wasLive = isLive();
    // This comes before the check: later changes are reported.
    watcher.keep({ main, worktrees });
    if (isReported) reportedAtMs = performance.now();
    const present = new Map<string, SourcePlace>();
    for (const root of roots)
      for (const place of placesOfSignals) present.set(join(root, place), { main, root, place });
    folders.keepOnly(present);
    const nowMs = performance.now();
    const isFresh = nowMs - reportedAtMs < freshMs;
    if (!isLive() || nowMs - lookedAtAllMs >= (isFresh ? pollMs : watchedPollMs) - slackMs) {
      lookedAtAllMs = nowMs;
      folders.makeAllDue();
    }
    const { waitMs, hasAppeared } = await folders.lookAtDue(present, { nowMs, isStopped: () => isStopped });
    // A folder that appeared without a report, such as one that replaced another: the watcher watches a different one.
    if (hasAppeared && wasLive && !isReported) watcher.reset();
    return isLive() && worktrees !== null && !isFresh ? waitMs : Math.min(waitMs, pollMs);
  }

  async function turn(): Promise<void> {
    timer = null;
    const isReported = isWoken;
    isWoken = false;
    const begun = performance.now();
    let waitMs = pollMs;
    await alone(async () => {
      try {
        waitMs = await readFolders(isReported);
        troubles.worked(trouble);
      } catch (thrown) {
        watcher.reset();
        troubles.failed(trouble, thrown);
      }
    });
    if (isStopped) return;
    schedule(isWoken ? debounceMs : Math.max(debounceMs, untilDue(waitMs, begun)));
  }

  /** The poll interval counts from check to check, however long a check takes. */
  function untilDue(waitMs: number, begunMs: number): number {
    if (waitMs >= watchedPollMs) return untilBeat(watchedPollMs);
    return waitMs < pollMs ? waitMs : waitMs - (performance.now() - begunMs);
  }

  function schedule(ms: number): void {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => void turn(), ms);
  }

  function wake(): void {
    if (isWoken || isStopped) return;
    isWoken = true;
    // A turn that is under way schedules the next one itself.
    if (timer !== null) schedule(debounceMs);
  }

  /** One at a time: a check and a collection of the same folder would both take its files. */
  function alone(work: () => Promise<void>): Promise<void> {
    last = last.then(work);
    return last;
  }

  schedule(0);
  return {
    sweep: (worktree) =>
      alone(async () => {
        if (!parts.isOwner()) return;
        const root = await promises.realpath(worktree).catch(() => null);
        const main = await promises.realpath(repo).catch(() => null);
        if (root === null || main === null) return;
        // A folder that is opened after the stop would never be closed.
        for (const place of placesOfSignals)
          if (!isStopped) await folders.at(join(root, place), { main, root, place }).look({ isWaitedFor: false });
        wake();
      }),
    async stop() {
      isStopped = true;
      unsubscribe();
      watcher.close();
      troubles.worked(trouble);
      folders.close();
      if (timer !== null) clearTimeout(timer);
      const limit = new AbortController();
      await Promise.race([last, pause(stopLimitMs, limit.signal)]);
      limit.abort();
    },
  };
}

/** The signal folders of a repo, and when each is checked next. `wake` requests a check. */
function createFolderQueue(parts: RepoLoopParts, wake: () => void) {
  const folders = new Map<string, SignalFolder>();
  /** By the monotonic clock; a missing folder is checked now. */
  const dueAtMs = new Map<string, number>();
  let hasAppeared = false;

  function at(path: string, place: SourcePlace): SignalFolder {
    const known = folders.get(path);
    if (known !== undefined) return known;
    const source = createSource(parts, place);
    const made = createSignalFolder({
      ...{ ...parts, path, source },
      onAppear() {
        hasAppeared = true;
      },
      onChange() {
        dueAtMs.delete(path);
        wake();
      },
      onInsert: (id) => void follow(path, id),
    });
    folders.set(path, made);
    return made;
  }

  /** Verdicts are read when the last signal of a slice has its own; the poll finds other cases. */
  async function follow(path: string, id: number): Promise<void> {
    await parts.settled(id);
    dueAtMs.delete(path);
    wake();
  }

  return {
    at,
    /** A signal folder, or a parent of one, was made or removed. */
    noteChange(changed: string): void {
      folders.get(changed)?.noteChange();
      for (const path of folders.keys()) if (path === changed || path.startsWith(`${changed}/`)) dueAtMs.delete(path);
    },
    /** Whether every new file in them is reported. */
    areReported: () => [...folders.values()].every((folder) => folder.isReported()),
    keepOnly(present: ReadonlyMap<string, SourcePlace>): void {
      for (const [path, folder] of folders)
        if (!present.has(path)) {
          folder.close();
          folders.delete(path);
          dueAtMs.delete(path);
        }
    },
    makeAllDue: () => dueAtMs.clear(),
    /** Checks the folders that are due. Returns the shortest requested wait, and whether a folder is new. */
    async lookAtDue(
      present: ReadonlyMap<string, SourcePlace>,
      { nowMs, isStopped }: { readonly nowMs: number; isStopped(): boolean },
    ) {
      hasAppeared = false;
      let waitMs = watchedPollMs;
      for (const [path, place] of present) {
        if (isStopped()) break;
        const due = dueAtMs.get(path) ?? nowMs;
        if (due <= nowMs + slackMs) {
          // This comes before the check: later reports lead to another one.
          dueAtMs.set(path, Number.POSITIVE_INFINITY);
          const askedMs = await at(path, place).look({ isWaitedFor: true });
          if (dueAtMs.has(path)) dueAtMs.set(path, performance.now() + (askedMs ?? watchedPollMs));
          waitMs = Math.min(waitMs, askedMs ?? watchedPollMs);
        } else waitMs = Math.min(waitMs, Math.ceil(due - nowMs));
      }
      return { waitMs, hasAppeared };
    },
    close() {
      for (const folder of folders.values()) folder.close();
    },
  };
}

async function findPlaces(repo: string, worktreeDir: string): Promise<Places> {
  const main = await promises.realpath(repo);
  const dir = join(main, worktreeDir);
  let entries: Dirent[];
  let real: string;
  try {
    real = await promises.realpath(dir);
    entries = await promises.readdir(real, { withFileTypes: true });
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT' && systemCode(thrown) !== 'ENOTDIR') throw thrown;
    return { main, worktrees: dir.startsWith(`${main}/`) ? dir : null, roots: [main] };
  }
  const found = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  return { main, worktrees: real, roots: [main, ...found.map(({ name }) => join(real, name))] };
}

function pause(ms: number, abort: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timeout = setTimeout(resolve, ms);
    abort.addEventListener('abort', () => clearTimeout(timeout), { once: true });
  });
}
