/** The accounts that are rate limited now, and the agents that wait for each. */
import { accountStateText, percentOf } from '../../../machines/vocabulary/account-text.ts';
import type { Role } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { ProfileChoices } from '../../core/outbox/profile-choices.ts';
import type { AccountLimitRow, RunRow } from '../../core/store/rows.ts';
import { lookAtAccounts } from '../../work/agents/accounts.ts';
import type { AccountEntry } from '../contract/accounts.ts';
import { timeOrNull, timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

export type ChoiceParts = Pick<ViewDependencies, 'store' | 'projects' | 'env' | 'clock'>;

/** The accounts at one moment, and the agents that the tasks of queued runs name, by the key of the run: read only while an account is limited. */
export interface QueueChoices extends ProfileChoices {
  readonly named: ReadonlyMap<string, string>;
}

export async function currentChoices(parts: ChoiceParts): Promise<QueueChoices> {
  const profileChoices = await lookAtAccounts({ ...parts, nowMs: () => parts.clock.nowMs() });
  const waiters = profileChoices.limits.size === 0 ? [] : await parts.store.slotWaiters({ isNamed: true });
  const named = waiters.flatMap(({ key, agent }) => (agent === null ? [] : [[key, agent] as const]));
  return { ...profileChoices, named: new Map(named) };
}

/** The limit that keeps a queued agent from a slot, whatever its attempt; null: there is none. */
export function limitOf(
  { choiceOf, limits, named }: QueueChoices,
  { key, project, role }: Pick<RunRow, 'key' | 'project' | 'role'>,
): AccountLimitRow | null {
  return limits.size === 0 ? null : (choiceOf(project, role as Role, 1, named.get(key))?.limit ?? null); // the stored text is a role
}

/** Why an agent waits for an account, and what a person can do. */
export function limitText({ account, until, used }: AccountLimitRow, title: string): string {
  return `the ${accountStateText(account, percentOf(used))} until ${timeText(until)}; try at once with: stator agent restart ${shellWord(title)}`;
}

export function createAccountViews(parts: ChoiceParts) {
  return {
    /** The accounts that take no new agents, and those whose programs report what is left. */
    async accounts(): Promise<AccountEntry[]> {
      const profileChoices = await currentChoices(parts);
      const now = parts.clock.nowMs();
      const quotas = (await parts.store.accountQuotas()).filter(({ until }) => until > now);
      const live =
        profileChoices.limits.size === 0
          ? []
          : await parts.store.runs({ by: 'latest', live: true, limit: Number.MAX_SAFE_INTEGER });
      const accountOf = (run: RunRow) => {
        if (run.state === 'queued') return limitOf(profileChoices, run)?.account;
        return run.state === 'waiting' && run.reason === 'rate-limited' ? run.account : null;
      };
      const names = [...new Set([...profileChoices.limits.keys(), ...quotas.map(({ account }) => account)])];
      return names.map((account) => {
        const { since, until, used = null } = profileChoices.limits.get(account) ?? {};
        return {
          account,
          since: timeOrNull(since ?? null),
          until: timeOrNull(until ?? null),
          used_percent: percentOf(used),
          left: quotas
            .filter((quota) => quota.account === account)
            .map((quota) => ({
              span: quota.span,
              percent: 100 - Math.round(quota.used * 100),
              until: timeText(quota.until),
              at: timeText(quota.at),
            })),
          waiting: live
            .filter((run) => accountOf(run) === account)
            .map(({ project, plan, title }) => ({ project, plan, title }))
            .toReversed(),
        };
      });
    },
  };
}
