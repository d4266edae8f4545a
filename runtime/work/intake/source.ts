/** The present items of a source. */
import type { Faults } from '../../base/platform/faults.ts';
import type { Change, Store } from '../../core/store/port.ts';
import type { IntakeThreadRow } from '../../core/store/rows.ts';
import type { Issue } from '../forges/forge.ts';
import type { Projects } from '../repos/registry.ts';
import type { Room } from './room.ts';

export interface SourceParts {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly store: Pick<
    Store,
    | 'intakeItem'
    | 'intakeMarks'
    | 'intakeThreads'
    | 'intakeAllowances'
    | 'intakeDeliveries'
    | 'commit'
    | 'plan'
    | 'births'
  >;
  readonly projects: Pick<Projects, 'all' | 'get'>;
  nowMs(): number;
  /** Milliseconds between two requests for a list. Default: as its table says. */
  readonly pollMs?: number;
}

/** `document`: a plan. `message`: the work for one agent, beside an issue that it is about. */
export type Work =
  | { readonly kind: 'document'; readonly content: string }
  | { readonly kind: 'message'; readonly message: string; readonly issue?: Issue };

/** An item that belongs to this engine alone. */
export interface Claim {
  /** The key of the item, which is unique within the intake for ever. */
  readonly item: string;
  readonly work: Work;
  /** The account that wrote the item, on one line; missing: the source knows none. */
  readonly author?: string;
  /** Written in the commit that makes the item a plan; the commit is lost if one of them does not apply. */
  readonly with: readonly Change[];
  /** To be called when its row is stored. May be called again after a crash. */
  taken(): Promise<void>;
}

/** `item`: it can become a plan. `asks`: if a person permits it. `later`: not yet. `left`: its present state does not allow it. */
export type Found =
  | {
      readonly kind: 'item';
      readonly title: string;
      /** The name that its plan gets, or begins with. */
      readonly plan: string;
      /** Reads the item's present content. Throws an `EngineError` for a document or a template that cannot be read. */
      work(): Promise<Work>;
      /** null: it no longer exists, or has changed. */
      claim(): Promise<Claim | null>;
    }
  | {
      readonly kind: 'asks';
      readonly title: string;
      readonly plan: string;
      readonly reason: string;
      work(): Promise<Work>;
      readonly item: string;
      /** SHA-256 of the text that is allowed. */
      readonly digest: string;
    }
  /** Its reason may need files, and is computed only when it is shown. */
  | {
      readonly kind: 'later';
      readonly title: string;
      readonly plan: string;
      reason(): Promise<string>;
      work(): Promise<Work>;
    }
  | { readonly kind: 'left'; readonly title: string; readonly reason: string };

export interface MessageToAgents {
  readonly body: string;
  readonly dedupeKey: string;
}

export interface FollowActs {
  readonly faults: Faults | undefined;
  /** false: no agent of the plan accepts it now. */
  send(of: Pick<IntakeThreadRow, 'project' | 'plan'>, message: MessageToAgents): Promise<boolean>;
}

/** Reports the states of the items to their tracker, and passes edits and comments on to their agents. Throws the first `EngineError`, after all were tried. */
export type Follow = (acts: FollowActs) => Promise<void>;

export interface Source {
  /** true: its plans are started one after the other; default: as soon as they are registered. */
  readonly isInTurn?: boolean;
  /** Stores decisions that concern no item: called before each round of the watch. */
  settle?(room: Room): Promise<void>;
  /** Called in each round of the watch, also without new items. */
  readonly follow?: Follow;
  /** The next reading asks the tracker even before its time, unless the tracker has asked for a pause. */
  lookAtOnce?(): void;
  /** The oldest first, at most `lookLimit`. Changes nothing. Throws an `EngineError` if the source cannot be read. */
  look(room: Room): Promise<readonly Found[]>;
}

/** The most items of one round; the others are found when these have become plans. */
export const lookLimit = 100;
