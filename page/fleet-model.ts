/** The data of the fleet, how it is shown, and what a person may do there. */
import type { AccountEntry } from '../runtime/api/contract/accounts.ts';
import type { ForgeEntry } from '../runtime/api/contract/forges.ts';
import type { HostEntry } from '../runtime/api/contract/hosts.ts';
import type { MachineTreeEntry } from '../runtime/api/contract/machines.ts';
import type { NotificationEntry } from '../runtime/api/contract/notifications.ts';
import type { PlanEntry } from '../runtime/api/contract/plans.ts';
import type { RepoEntry } from '../runtime/api/contract/repos.ts';
import type { InstanceEntry, QueuePause, QueueStats } from '../runtime/api/contract/runs.ts';
import type { ActState, Offer } from './acts.ts';
import type { Named } from './api.ts';
import type { Group } from './needs.ts';
import type { Session } from './session.ts';
import type { Slot } from './slots.ts';

export interface Fleet {
  readonly plans: readonly PlanEntry[];
  readonly agents: readonly InstanceEntry[];
  readonly slots: readonly Slot[];
  readonly queue: QueueStats | null;
  readonly repos: readonly RepoEntry[];
  /** The hosts that share the store; none where it belongs to one machine. */
  readonly hosts: readonly HostEntry[];
  readonly warnings: readonly string[];
  readonly forges: readonly ForgeEntry[];
  /** The accounts that are rate limited now. */
  readonly accounts: readonly AccountEntry[];
  /** Unread notifications, the newest first. */
  readonly notifications: readonly NotificationEntry[];
  /** The trees of user-defined machines; null: the engine carries none. */
  readonly trees: readonly MachineTreeEntry[] | null;
  /** false: nothing has been read yet. */
  readonly isKnown: boolean;
}

export interface FleetView extends ActState {
  /** Whether everything that needs a person is shown, and not only the first rows. */
  readonly isWholeNeeds: boolean;
  /** Whether the order of these needs is fixed, so that a click reaches the plan that was under the pointer. */
  readonly isSteady: boolean;
  readonly filter: string;
  readonly project: string | null;
  readonly group: Group | null;
  readonly isWhole: boolean;
  /** The position of each plan when a person last sorted them: rows do not move by themselves. */
  readonly order: ReadonlyMap<string, number>;
}

export interface FleetActions {
  readonly may: Session['may'];
  readonly maySend: Session['maySend'];
  /** Asks for confirmation first if that is needed. `taken`: called when it is done. */
  act(named: Named, offer: Offer, taken?: () => void): void;
  answerSure(isYes: boolean): void;
  show(change: Partial<FleetView>): void;
  /** Sorts the rows by their present state. */
  sort(): void;
  /** Pauses or resumes one pause's part of the queue, or all of it. */
  switchQueue(word: 'pause' | 'resume', pause?: QueuePause): void;
  /** Whether the browser notifies of new needs on the desktop. */
  desktop(): 'on' | 'off' | 'missing';
  turnDesktop(isOn: boolean): void;
  readNotifications(): void;
}
