/** Whether an engine still owns its home. */
import { EngineError, withHint } from '../../machines/vocabulary/errors.ts';
import type { Log } from '../base/platform/log.ts';
import type { Owner } from '../core/store/sqlite/owner.ts';
import type { EngineState } from './state.ts';

export function lostHome(home: string): EngineError {
  return new EngineError(
    'unavailable',
    `this engine owns ${home} no more: owner.db was deleted or replaced; it handles and starts nothing from here on`,
    'a daemon takes the home folder again by itself; restart everything else; do not touch owner.db',
  );
}

export function engineStopped(home: string): EngineError {
  return new EngineError(
    'stopped',
    'this engine was stopped: nothing more can be asked of it',
    `make another one for ${home}: createEngine({ home })`,
  );
}

interface OwnershipParts {
  readonly home: string;
  readonly owner: Owner;
  readonly log: Log;
  readonly state: EngineState;
}

/** Whether the home is still ours; the loss is reported once. */
export function createOwnership({ home, owner, log, state }: OwnershipParts): () => boolean {
  state
    .select(({ ownsHome }) => ownsHome)
    .subscribe((ownsHome) => {
      if (!ownsHome) log.error(withHint(lostHome(home)));
    });
  return () => {
    const isHeld = owner.isHeld();
    state.trigger.homeChecked({ isHeld });
    return isHeld;
  };
}
