/** Which profile would be used for each role now: the outbox must know accounts and their limits before it takes a slot. */
import type { Role } from '../../../machines/vocabulary/ids.ts';
import type { AgentProfile } from '../../base/config/config.ts';
import type { SlotWaiter } from '../store/port.ts';
import type { AccountLimitRow } from '../store/rows.ts';

export interface ProfileChoice {
  readonly profile: AgentProfile;
  /** null: no limit of its program is known. */
  readonly account: string | null;
  /** Why it cannot start: the account whose limit ends first; null: it can. */
  readonly limit: AccountLimitRow | null;
}

export interface ProfileChoices {
  readonly nowMs: number;
  /** The accounts that are rate limited now. */
  readonly limits: ReadonlyMap<string, AccountLimitRow>;
  /** null: the repo is not registered, or its configuration is broken. */
  choiceOf(project: string, role: Role, attempt: number, agent?: string): ProfileChoice | null;
  /** The waiting agents' roles for which none can start now, as `<project>/<role>`; for a task that names its agent, `<project>/<role>/<agent>`. */
  held(waiters: readonly Pick<SlotWaiter, 'project' | 'role' | 'agent'>[]): readonly string[];
}
