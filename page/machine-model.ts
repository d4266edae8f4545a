/** The data of a shown tree of a user-defined machine, and the actions of its person. */
import type { MachineExplanation, MachineTreeShow } from '../runtime/api/contract/machines.ts';
import type { HistoryEntry } from '../runtime/api/contract/plans.ts';
import type { Session } from './session.ts';

export interface MachineModel {
  readonly machine: string;
  readonly id: string;
  readonly tree: MachineTreeShow | null;
  readonly explained: MachineExplanation | null;
  readonly journal: readonly HistoryEntry[];
  /** The selected line of the journal; null: the present state. */
  readonly at: number | null;
  /** The tree after the selected line; null: the present state is shown, or the past one is not loaded yet. */
  readonly past: MachineTreeShow | null;
  /** Why there is no such tree. */
  readonly missing: string | null;
  readonly isBusy: boolean;
}

export interface MachineActions {
  readonly may: Session['may'];
  /** The element of the chart, which is drawn without Preact. */
  readonly chart: HTMLElement;
  /** `payload`: JSON as it was typed; '': none. `taken`: called when the signal was accepted. */
  send(type: string, payload: string, taken: () => void): void;
  /** null: shows the present. */
  goTo(seq: number | null): void;
}
