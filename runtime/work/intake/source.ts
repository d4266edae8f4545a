/** What a source of items has now. */
import type { Change, Store } from '../../core/store/port.ts';
import type { Projects } from '../repos/registry.ts';
import type { Room } from './room.ts';

export interface SourceParts {
  readonly store: Pick<Store, 'intakeItem' | 'intakeMarks' | 'commit'>;
  readonly projects: Pick<Projects, 'all'>;
  nowMs(): number;
}

/** `document`: a plan. `message`: what one agent is to do. */
export type Work =
  | { readonly kind: 'document'; readonly content: string }
  | { readonly kind: 'message'; readonly message: string };

/** An item that is this engine's alone. */
export interface Claim {
  /** The key of the item: no other item of the intake ever has it. */
  readonly item: string;
  readonly work: Work;
  /** Written in the commit that makes it a plan, which is lost where one of them is. */
  readonly with: readonly Change[];
  /** To be called when its row is stored. May be called again after a crash. */
  taken(): Promise<void>;
}

/** `item`: it can become a plan. `later`: not yet. `left`: it does not, as it is. */
export type Found =
  | {
      readonly kind: 'item';
      readonly title: string;
      /** The name that its plan gets, or begins with. */
      readonly plan: string;
      /** null: it is not there any more, or has changed. */
      claim(): Promise<Claim | null>;
    }
  /** Its reason may need a look at files, and is asked for by who shows it. */
  | { readonly kind: 'later'; readonly title: string; readonly plan: string; reason(): Promise<string> }
  | { readonly kind: 'left'; readonly title: string; readonly reason: string };

export interface Source {
  /** true: its plans are started one after the other; default: as soon as they are there. */
  readonly isInTurn?: boolean;
  /** Stores what is decided without an item: called before each look of the watch. */
  settle?(room: Room): Promise<void>;
  /** The oldest first, at most `lookLimit`. Changes nothing. Throws an `EngineError` if the source cannot be looked at. */
  look(room: Room): Promise<readonly Found[]>;
}

/** The most items that one look finds; the others are found when these are gone. */
export const lookLimit = 100;
