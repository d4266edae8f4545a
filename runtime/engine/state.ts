/**
 * The engine's state besides its store: whether it owns the home, which plans are watched, which repos cannot be used, the settings in force. Code that depends
 * on one of these subscribes; code that changes one triggers.
 */
import { createStore } from '@xstate/store';
import { EngineError, withHint } from '../../machines/vocabulary/errors.ts';
import type { DaemonConfig } from '../base/config/config.ts';
import type { Log } from '../base/platform/log.ts';
import type { ReportedTrouble } from '../base/platform/poll-loop.ts';
import type { Owner } from '../core/store/sqlite/owner.ts';

export interface EngineContext {
  readonly ownsHome: boolean;
  /** How many clients watch a plan, by `<project>/<plan>`. */
  readonly viewers: Readonly<Record<string, number>>;
  /**
   * The plans that were watched since this engine began, by the same name: an engine of a `run` starts these, and continues them when they are no longer
   * watched.
   */
  readonly watched: readonly string[];
  /** Why a repo cannot be used, by project. */
  readonly troubles: ReadonlyMap<string, string>;
  readonly settings: DaemonConfig;
  /** The background services that fail, by their names. */
  readonly serviceTroubles: Readonly<Record<string, ReportedTrouble>>;
  /** Counts the times at which a signal may have become due in the inbox. */
  readonly arrivals: number;
  /** Counts the times at which an effect was requested or withdrawn, or may start that could not before. */
  readonly moves: number;
}

export type EngineState = ReturnType<typeof createEngineState>;

export function createEngineState(settings: DaemonConfig) {
  const context: EngineContext = {
    ...{
      ownsHome: true,
      viewers: {},
      watched: [],
      troubles: new Map(),
      settings,
      serviceTroubles: {},
      arrivals: 0,
      moves: 0,
    },
  };
  return createStore({
    context,
    on: {
      signalsCame: (known) => ({ ...known, arrivals: known.arrivals + 1 }),
      effectsMoved: (known) => ({ ...known, moves: known.moves + 1 }),
      homeChecked: (known, { isHeld }: { isHeld: boolean }) =>
        known.ownsHome === isHeld ? known : { ...known, ownsHome: isHeld },
      viewed: (known, { plan }: { plan: string }) => {
        const viewers = { ...known.viewers, [plan]: (known.viewers[plan] ?? 0) + 1 };
        const watched = known.watched.includes(plan) ? known.watched : [...known.watched, plan];
        return { ...known, viewers, watched, moves: known.moves + 1 };
      },
      left: (known, { plan }: { plan: string }) => {
        const { [plan]: count = 0, ...others } = known.viewers;
        return { ...known, viewers: count > 1 ? { ...others, [plan]: count - 1 } : others };
      },
      /** `reason` null: it can be used again. */
      repoLooked: (known, { project, reason }: { project: string; reason: string | null }) => {
        if ((known.troubles.get(project) ?? null) === reason) return known;
        const troubles = new Map(known.troubles);
        if (reason === null) troubles.delete(project);
        else troubles.set(project, reason);
        return { ...known, troubles, moves: known.moves + 1 };
      },
      /** `trouble` null: it works again. */
      troubleReported: (known, { what, trouble }: { what: string; trouble: ReportedTrouble | null }) => {
        const { [what]: _before, ...others } = known.serviceTroubles;
        return { ...known, serviceTroubles: trouble === null ? others : { ...others, [what]: trouble } };
      },
      configured: (known, { settings: inForce }: { settings: DaemonConfig }) => {
        return { ...known, settings: inForce, moves: known.moves + 1 };
      },
    },
  });
}

/** The name of a plan in `viewers`. */
export function viewedPlan(project: string, plan: string): string {
  return `${project}/${plan}`;
}

/** Agents of that plan may start until the returned function is called. */
export function watchPlan(state: EngineState, project: string, plan: string): () => void {
  const viewed = { plan: viewedPlan(project, plan) };
  state.trigger.viewed(viewed);
  let isOpen = true;
  return () => {
    if (isOpen) state.trigger.left(viewed);
    isOpen = false;
  };
}

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
