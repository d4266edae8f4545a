/** Whether an engine still owns its home. */
import type { Log } from './log.ts';
import type { Owner } from './store/owner.ts';

/** Whether the home is still ours; that it is no more is told once. */
export function createOwnership({ home, owner, log }: { home: string; owner: Owner; log: Log }): () => boolean {
  let isTold = false;
  return () => {
    const isHeld = owner.isHeld();
    if (!isHeld && !isTold)
      log.error(
        `this engine owns ${home} no more: owner.db was deleted or replaced; it handles and starts nothing from here on, stop it and start stator again`,
      );
    isTold = !isHeld;
    return isHeld;
  };
}
