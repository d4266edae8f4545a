/** What a source of items has now. */
import type { PlanReading } from '../../../machines/document/read-plan.ts';
import type { IntakeConfig } from '../../base/config/config.ts';
import type { Store } from '../../core/store/port.ts';
import type { Projects } from '../repos/registry.ts';

export interface SourceParts {
  readonly store: Pick<Store, 'intakeItem'>;
  readonly projects: Pick<Projects, 'all'>;
  nowMs(): number;
}

/** The document of an item, read. */
export type ItemReading = Pick<PlanReading, 'content' | 'document' | 'family'>;

/** An item that is this engine's alone. */
export interface Claim {
  /** The key of the item: no other item of the intake ever has it. */
  readonly item: string;
  readonly reading: ItemReading;
  /** To be called when its row is stored. May be called again after a crash. */
  taken(): Promise<void>;
}

/** `item`: it can become a plan. `left`: it stays where it is, for that reason. */
export type Found =
  | {
      readonly kind: 'item';
      readonly title: string;
      /** The name that its plan gets, or begins with. */
      readonly plan: string;
      /** null: it is not there any more, or has changed. */
      claim(): Promise<Claim | null>;
    }
  | { readonly kind: 'left'; readonly title: string; readonly reason: string };

export interface Source {
  /** The oldest first, at most `lookLimit`. Changes nothing. Throws an `EngineError` if the source cannot be looked at. */
  look(): Promise<readonly Found[]>;
}

export type SourceOf<Config extends IntakeConfig> = (config: Config, parts: SourceParts) => Source;

/** The most items that one look finds; the others are found when these are gone. */
export const lookLimit = 100;
