/** Whether an engine still owns its home. */
import { EngineError, withHint } from '../../machines/vocabulary/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Owner } from '../store/sqlite/owner.ts';

export function lostHome(home: string): EngineError {
  return new EngineError(
    'unavailable',
    `this engine owns ${home} no more: owner.db was deleted or replaced; it handles and starts nothing from here on`,
    'a daemon takes the home again by itself, everything else is to be started again; leave owner.db to stator',
  );
}

/** Whether the home is still ours; that it is no more is told once. */
export function createOwnership({ home, owner, log }: { home: string; owner: Owner; log: Log }): () => boolean {
  let isTold = false;
  return () => {
    const isHeld = owner.isHeld();
    if (!isHeld && !isTold) log.error(withHint(lostHome(home)));
    isTold = !isHeld;
    return isHeld;
  };
}
