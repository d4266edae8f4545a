/** Consecutive lives of one home that end at a line of their code: they leave what a kill would leave there, without a process for each. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface EndedLife {
  readonly home: string;
  /**
   * Ends the life: the next one gets a copy of the home at this line, which is what SIGKILL would leave. Later changes are ignored. Only for engines
   * that change nothing but their home, and whose store no other thread writes.
   */
  end(): void;
  hasEnded(): boolean;
}

/** `root`: a folder for the homes. `home` returns the next life's home: the same one if the last life has not ended. */
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
          // In another process: closing a file of the store in this one would release its locks.
          execFileSync('cp', ['-r', own, home()]);
        },
      };
    },
  };
}
