/** The signal folders of one repo and of its worktrees, looked into one after the other: what is slow or broken here delays no other repo. */
import { type Dirent, promises } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../machines/vocabulary/errors.ts';
import { codeOf } from './files.ts';
import { createSignalFolder, type SignalFolder, type SignalFolderParts } from './signal-folder.ts';

export interface RepoLoopParts extends Omit<SignalFolderParts, 'path' | 'onChange' | 'onInsert'> {
  /** The main repository. */
  readonly repo: string;
  /** The folder of its worktrees as it is configured now, relative to the repo. */
  worktreeDir(): string;
  /** Whether signals may be taken at all: the home is still ours. */
  isOwner(): boolean;
  /** Resolves when the signal has its verdict or is held, or after a while. */
  settled(id: number): Promise<void>;
}

export interface RepoLoop {
  /** Looks into the folders of one worktree at once, without waiting for writers: there are none any more. Never throws. */
  sweep(worktree: string): Promise<void>;
  /** Resolves when nothing is under way, or after 2 s: a disk that does not answer keeps nobody. */
  stop(): Promise<void>;
}

/** Looked at this often, whatever the watchers say. */
const pollMs = 1_000;
/** Changes come in crowds. */
const crowdMs = 20;
const stopLimitMs = 2_000;
/** Below a repo and below each of its worktrees. */
const placesOfSignals = ['.stator/signals', '.kasmos/signals'] as const;

export function createRepoLoop(parts: RepoLoopParts): RepoLoop {
  const { project, repo, log } = parts;
  const folders = new Map<string, SignalFolder>();
  let isStopped = false;
  let isPoked = false;
  let timer: NodeJS.Timeout | null = null;
  let last: Promise<void> = Promise.resolve();
  let told: string | null = null;

  function folderAt(path: string): SignalFolder {
    const known = folders.get(path);
    if (known !== undefined) return known;
    const made = createSignalFolder({ ...parts, path, onChange: poke, onInsert: (id) => void follow(id) });
    folders.set(path, made);
    return made;
  }

  /** Verdicts are looked for when the last of a slice has its own; the poll finds what came otherwise. */
  async function follow(id: number): Promise<void> {
    await parts.settled(id);
    poke();
  }

  /** The real paths of the repo and of its worktrees; none where the repo is not there. */
  async function roots(): Promise<string[]> {
    const main = await promises.realpath(repo);
    const dir = join(main, parts.worktreeDir());
    let entries: Dirent[];
    let real: string;
    try {
      real = await promises.realpath(dir);
      entries = await promises.readdir(real, { withFileTypes: true });
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR') return [main];
      throw thrown;
    }
    const worktrees = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
    return [main, ...worktrees.map(({ name }) => join(real, name))];
  }

  /** One look into each folder; answers the shortest wait that one of them asks for. */
  async function lookAround(): Promise<number> {
    if (!parts.isOwner()) return pollMs;
    const paths = (await roots()).flatMap((root) => placesOfSignals.map((place) => join(root, place)));
    const present = new Set(paths);
    for (const [path, folder] of folders) {
      if (present.has(path)) continue;
      folder.close();
      folders.delete(path);
    }
    let waitMs = pollMs;
    for (const path of paths) {
      if (isStopped) break;
      waitMs = Math.min(waitMs, (await folderAt(path).look({ isWaitedFor: true })) ?? pollMs);
    }
    return waitMs;
  }

  async function turn(): Promise<void> {
    timer = null;
    isPoked = false;
    const begun = performance.now();
    let waitMs = pollMs;
    await alone(async () => {
      try {
        waitMs = await lookAround();
        if (told !== null) log.info(`signal files of ${project} are taken again`);
        told = null;
      } catch (thrown) {
        const trouble = messageOf(thrown);
        if (trouble !== told) log.warn(`signal files of ${project}: ${trouble}; looked at again every second`);
        told = trouble;
      }
    });
    if (isStopped) return;
    // The poll counts from one look to the next, however long a look takes.
    const dueMs = waitMs < pollMs ? waitMs : pollMs - (performance.now() - begun);
    schedule(isPoked ? crowdMs : Math.max(crowdMs, dueMs));
  }

  function schedule(ms: number): void {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => void turn(), ms);
  }

  function poke(): void {
    if (isPoked || isStopped) return;
    isPoked = true;
    // While a turn is under way it schedules the next one itself.
    if (timer !== null) schedule(crowdMs);
  }

  /** One at a time: a look and a sweep of the same folder would both take its files. */
  function alone(work: () => Promise<void>): Promise<void> {
    last = last.then(work);
    return last;
  }

  schedule(0);
  return {
    sweep: (worktree) =>
      alone(async () => {
        if (isStopped || !parts.isOwner()) return;
        const real = await promises.realpath(worktree).catch(() => null);
        if (real === null) return;
        for (const place of placesOfSignals) await folderAt(join(real, place)).look({ isWaitedFor: false });
        poke();
      }),
    async stop() {
      isStopped = true;
      if (timer !== null) clearTimeout(timer);
      const limit = new AbortController();
      await Promise.race([last, pause(stopLimitMs, limit.signal)]);
      limit.abort();
      for (const folder of folders.values()) folder.close();
    },
  };
}

function pause(ms: number, abort: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timeout = setTimeout(resolve, ms);
    abort.addEventListener('abort', () => clearTimeout(timeout), { once: true });
  });
}
