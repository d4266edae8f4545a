/** One queue for each repository, for the commands that git itself does not make safe to run side by side (`worktree add`, `info/exclude`). */

/** Runs `work` when all that was queued before has ended, well or not. Not reentrant: work that queues again and waits for it never ends. */
export type Exclusively = <T>(work: () => Promise<T>) => Promise<T>;

/** The queue of the repository with this common git folder. */
export type RepositoryLocks = (commonDir: string) => Exclusively;

/** Makes the queues of one engine. They hold within this process only; between processes git's own lock files and compare-and-set hold. */
export function createRepositoryLocks(): RepositoryLocks {
  const tails = new Map<string, Promise<unknown>>();
  return (commonDir) => (work) => {
    const done = (tails.get(commonDir) ?? Promise.resolve()).then(work);
    // The next in line waits for the end, whatever it was; the caller gets the failure.
    const ended = done.then(
      () => undefined,
      () => undefined,
    );
    tails.set(commonDir, ended);
    return done;
  };
}
