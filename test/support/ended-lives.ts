/** Lives of one home, one after the other, that end at a line of their code: what a kill leaves there, without a process for each. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface EndedLife {
  readonly home: string;
  /**
   * Ends it: its home as it is at this line, which is what SIGKILL would leave, is that of the next life. What it does from then on counts no more. Only for
   * engines that change nothing but their home, and whose store no other thread writes.
   */
  end(): void;
  hasEnded(): boolean;
  /** Where the next one finds what this one has left: another folder, once it has ended. */
  left(): string;
}

/** `root`: a folder for the homes of all of them. A life that has not ended has no next one. */
export function createLives(root: string): { next(): EndedLife } {
  let count = 0;
  const homeOf = (nth: number) => join(root, `home-${nth}`);
  return {
    next() {
      const nth = count;
      count += 1;
      let hasEnded = false;
      return {
        home: homeOf(nth),
        hasEnded: () => hasEnded,
        left: () => homeOf(hasEnded ? nth + 1 : nth),
        end() {
          if (hasEnded) return;
          hasEnded = true;
          // By another process: to close a file of the store in this one would free its locks.
          execFileSync('cp', ['-r', homeOf(nth), homeOf(nth + 1)]);
        },
      };
    },
  };
}
