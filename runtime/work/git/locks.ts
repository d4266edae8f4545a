/** One queue for each repository, for the commands that git itself does not make safe to run side by side (`worktree add`, `info/exclude`). */

/** Runs `work` after all earlier work has ended, with or without success. Not reentrant: work that queues again and waits for that never ends. */
export type Exclusively = <T>(work: () => Promise<T>) => Promise<T>;

/** The queue of the repository with this common git folder. */
export type RepositoryLocks = (commonDir: string) => Exclusively;

/** Makes the queues of one engine. They hold within this process only; between processes git's own lock files and compare-and-set hold. */
export function createRepositoryLocks(): RepositoryLocks {
  const tails = new Map<string, Promise<unknown>>();
  return (commonDir) => (work) => {
    const done = (tails.get(commonDir) ?? Promise.resolve()).then(work);
    // The next work waits only for the end; the caller gets the error.
    const ended = done.then(
      () => undefined,
      () => undefined,
    );
    tails.set(commonDir, ended);
    return done;
  };
}
