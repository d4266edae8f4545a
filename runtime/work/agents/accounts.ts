/**
 * Accounts and their rate limits: which profile an attempt begins with (the first whose account is free, else the one whose limit ends first), and what a
 * reported limit changes in the store.
 */
import { noticeText } from '../../../actors/notices.ts';
import { accountStateText, percentOf } from '../../../machines/vocabulary/account-text.ts';
import { type Role, roles } from '../../../machines/vocabulary/ids.ts';
import { type AgentProfile, allPlayersOf, playersOf, type RepoConfig } from '../../base/config/config.ts';
import type { ProfileChoice, ProfileChoices } from '../../core/outbox/profile-choices.ts';
import { isSameLimit } from '../../core/store/account-limit.ts';
import type { Change, Store } from '../../core/store/port.ts';
import type { AccountLimitRow, RunRow } from '../../core/store/rows.ts';
import { accountOf } from './account.ts';
import type { Quota } from './reports/report.ts';

export interface AccountParts {
  readonly store: Pick<Store, 'accountLimits'>;
  readonly projects: {
    list(): readonly { readonly project: string }[];
    get(project: string): { readonly path: string; readonly config: Pick<RepoConfig, 'profiles'> };
    budgetOf(project: string): unknown;
  };
  readonly env: NodeJS.ProcessEnv;
  readonly nowMs: () => number;
}

/** The rate limited accounts at one moment. */
export async function lookAtAccounts({ store, projects, env, nowMs }: AccountParts): Promise<ProfileChoices> {
  const now = nowMs();
  const rows = (await store.accountLimits()).filter(({ until }) => until > now);
  const limits = new Map(rows.map((row) => [row.account, row]));
  const known = new Map<string, ProfileChoice | null>();

  function choose(project: string, role: Role, attempt: number, agent?: string): ProfileChoice | null {
    // Also null if the configuration is broken, and then nothing starts.
    if (projects.budgetOf(project) === null) return null;
    const { path: repo, config } = projects.get(project);
    const all = playersOf(config.profiles[role], attempt, agent).map((profile) => {
      const account = accountOf(profile, { repo, env });
      return { profile, account, limit: account === null ? null : (limits.get(account) ?? null) };
    });
    const free = all.find(({ limit }) => limit === null);
    const soonest = all.toSorted((a, b) => (a.limit?.until ?? 0) - (b.limit?.until ?? 0))[0];
    return free ?? soonest ?? null;
  }

  function choiceOf(project: string, role: Role, attempt: number, agent?: string): ProfileChoice | null {
    const key = JSON.stringify([project, role, attempt, agent]);
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = choose(project, role, attempt, agent);
    known.set(key, made);
    return made;
  }

  return {
    nowMs: now,
    limits,
    choiceOf,
    held(waiters) {
      const names = waiters.flatMap(({ project, role, agent }) => {
        const { limit = null } = choiceOf(project, role as Role, 1, agent ?? undefined) ?? {}; // the payload of a run has a role
        return limit === null ? [] : [[project, role, ...(agent === null ? [] : [agent])].join('/')];
      });
      return [...new Set(names)];
    },
  };
}

/** The profiles with which the first attempts of a repo's roles would start now. */
export function chosenProfiles(
  profileChoices: ProfileChoices,
  project: string,
  profiles: RepoConfig['profiles'],
): RepoConfig['profiles'] {
  const chosen = roles.map((role) => [role, profileChoices.choiceOf(project, role, 1)?.profile ?? profiles[role]]);
  return Object.fromEntries(chosen) as RepoConfig['profiles']; // one for each role
}

/** The profile of a run, chosen together with its slot. A profile that the configuration no longer has is replaced by the role's own. */
export function profileOf(
  profiles: RepoConfig['profiles'],
  { role, run }: { readonly role: Role; readonly run: Pick<RunRow, 'profile'> | null },
): AgentProfile {
  const own = profiles[role];
  return allPlayersOf(own).find(({ name }) => name === (run?.profile ?? null)) ?? own;
}

/** A limit that only one run has reported is tried again after this time. */
const probeMs = 300_000;

/**
 * Until when a limit stops the agents of its account. The report of a single run is tested after some minutes, whatever reset it names, because all agents
 * wait for it. The report of a run that began after the first report is believed.
 */
export function heldUntil(
  { until, at, startedAt }: { readonly until: number; readonly at: number; readonly startedAt: number | null },
  known: AccountLimitRow | null,
): number {
  const isSecond = known !== null && startedAt !== null && startedAt > known.since && isSameLimit(known, at);
  return isSecond ? until : Math.min(until, at + probeMs);
}

const longestHoldMs = 7 * 86_400_000;

/** Until when an account is kept back after a run of this profile; null: enough of that limit is left. */
export function reservedUntil(
  { reserve }: Pick<AgentProfile, 'reserve'>,
  quota: Pick<Quota, 'used' | 'untilMs'>,
  at: number,
): number | null {
  if (reserve === null) return null;
  // Rounded: 0.8 + 0.2 may differ from 1 in floating point.
  if (Math.round((quota.used + reserve) * 1000) <= 1000) return null;
  const until = quota.untilMs ?? at + probeMs;
  return until <= at ? null : Math.min(until, at + longestHoldMs);
}

/** The changes that store a program's report about its account; `isReserved`: less than the profile's reserve is left, so new agents wait. */
export function quotaChanges(
  run: Pick<RunRow, 'account' | 'project' | 'plan' | 'title' | 'started_at'>,
  {
    quotas,
    profile,
    known,
    at,
  }: {
    readonly quotas: readonly Quota[];
    readonly profile: Pick<AgentProfile, 'reserve'>;
    readonly known: readonly AccountLimitRow[];
    readonly at: number;
  },
): { readonly changes: readonly Change[]; readonly isReserved: boolean } {
  const { account } = run;
  if (account === null) return { changes: [], isReserved: false };
  const noted = quotas.flatMap(({ span, used, untilMs: until }): Change[] =>
    until === null || until <= at ? [] : [{ do: 'account.note', account, span, used, until, at }],
  );
  // A new agent must wait for the span that ends last.
  const before = known.find((limit) => limit.account === account) ?? null;
  const held = quotas
    .flatMap(({ used, isUnproven = false, ...quota }) => {
      const reportedUntil = reservedUntil(profile, { used, ...quota }, at);
      if (reportedUntil === null) return [];
      const until = isUnproven
        ? heldUntil({ until: reportedUntil, at, startedAt: run.started_at }, before)
        : reportedUntil;
      return [{ used, reportedUntil, until }];
    })
    .toSorted((one, other) => other.reportedUntil - one.reportedUntil)[0];
  if (held === undefined) return { changes: noted, isReserved: false };
  const limited = accountLimited({ account, ...held, at }, run);
  return { changes: [...noted, limited], isReserved: true };
}

/** Stored before the slot is released, so that no agent of the same account gets it. After a crash it is stored again, but people are notified once. */
export function accountLimited(
  {
    account,
    until,
    reportedUntil,
    used,
    at,
  }: Omit<AccountLimitRow, 'since'> & { readonly reportedUntil: number; readonly at: number },
  { project, plan, title }: Pick<RunRow, 'project' | 'plan' | 'title'>,
): Change {
  const again = until < reportedUntil ? `, and it is tried again at ${new Date(until).toISOString()}` : '';
  const message = `the ${accountStateText(account, percentOf(used))} until ${new Date(reportedUntil).toISOString()}: ${title} of ${project}/${plan} reported this${again}; its agents wait, or use their fallback profile`;
  const notice = { type: 'account_limited', project, plan, message: noticeText(message), at } as const;
  return { do: 'account.limit', account, until, used, at, notice };
}
