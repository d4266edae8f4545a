/** What is known of the tree of a user-defined machine that is shown, and what its person may do there. */
import type { MachineExplanation, MachineTreeShow } from '../runtime/api/contract/machines.ts';
import type { HistoryEntry } from '../runtime/api/contract/plans.ts';
import type { Session } from './session.ts';

export interface MachineModel {
  readonly machine: string;
  readonly id: string;
  readonly tree: MachineTreeShow | null;
  readonly explained: MachineExplanation | null;
  readonly journal: readonly HistoryEntry[];
  /** The line after which the chart is shown; null: as it is now. */
  readonly at: number | null;
  /** The tree after that line; null: it is as it is now, or that is not known yet. */
  readonly past: MachineTreeShow | null;
  /** Why there is no such tree. */
  readonly missing: string | null;
  readonly isBusy: boolean;
}

export interface MachineActions {
  readonly may: Session['may'];
  /** The chart, which is drawn by hand. */
  readonly chart: HTMLElement;
  /** `payload`: JSON as it was typed; '': nothing. `taken`: called when it is done. */
  send(type: string, payload: string, taken: () => void): void;
  /** null: shows the present. */
  goTo(seq: number | null): void;
}
