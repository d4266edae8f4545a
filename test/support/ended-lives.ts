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
}

/** `root`: a folder for the homes. `home` answers the one of the next life: where the last one has not ended, it is the same. */
export function createLives(root: string): { home(): string; next(): EndedLife } {
  let count = 0;
  const home = () => join(root, `home-${count}`);
  return {
    home,
    next() {
      const own = home();
      let hasEnded = false;
      return {
        home: own,
        hasEnded: () => hasEnded,
        end() {
          if (hasEnded) return;
          hasEnded = true;
          count += 1;
          // By another process: to close a file of the store in this one would free its locks.
          execFileSync('cp', ['-r', own, home()]);
        },
      };
    },
  };
}
