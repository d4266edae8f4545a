/** Who plays a role now: its own profile, or while the account of that one is limited, the first that stands in for it and is free. */
import { type Role, roles } from '../../../machines/vocabulary/ids.ts';
import type { AgentProfile, RepoConfig } from '../../base/config/config.ts';
import type { Cast, Casting } from '../../core/outbox/casting.ts';
import { isSameLimit } from '../../core/store/account-limit.ts';
import type { Change, Store } from '../../core/store/port.ts';
import type { AccountLimitRow, RunRow } from '../../core/store/rows.ts';
import { accountOf } from './account.ts';

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

/** The limited accounts at one moment. */
export async function lookAtAccounts({ store, projects, env, nowMs }: AccountParts): Promise<Casting> {
  const now = nowMs();
  const rows = (await store.accountLimits()).filter(({ until }) => until > now);
  const limits = new Map(rows.map((row) => [row.account, row]));
  const known = new Map<string, Cast | null>();

  function cast(project: string, role: Role): Cast | null {
    // Also null where the configuration is broken, which lets nothing start.
    if (projects.budgetOf(project) === null) return null;
    const { path: repo, config } = projects.get(project);
    const own = config.profiles[role];
    const all = [own, ...own.fallbacks].map((profile) => {
      const account = accountOf(profile, { repo, env });
      return { profile, account, limit: account === null ? null : (limits.get(account) ?? null) };
    });
    const free = all.find(({ limit }) => limit === null);
    const soonest = all.toSorted((a, b) => (a.limit?.until ?? 0) - (b.limit?.until ?? 0))[0];
    return free ?? soonest ?? null;
  }

  function castOf(project: string, role: Role): Cast | null {
    const key = `${project}/${role}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = cast(project, role);
    known.set(key, made);
    return made;
  }

  return {
    nowMs: now,
    limits,
    castOf,
    held() {
      if (limits.size === 0) return [];
      return projects
        .list()
        .flatMap(({ project }) =>
          roles.filter((role) => (castOf(project, role)?.limit ?? null) !== null).map((role) => `${project}/${role}`),
        );
    },
  };
}

/** The profiles with which the roles of a repo would start now. */
export function castProfiles(
  casting: Casting,
  project: string,
  profiles: RepoConfig['profiles'],
): RepoConfig['profiles'] {
  const cast = roles.map((role) => [role, casting.castOf(project, role)?.profile ?? profiles[role]]);
  return Object.fromEntries(cast) as RepoConfig['profiles']; // one for each role
}

/** The profile that a run is started with, as it was decided with its slot. What the configuration no longer has is that of the role. */
export function profileOf(
  profiles: RepoConfig['profiles'],
  { role, run }: { readonly role: Role; readonly run: Pick<RunRow, 'profile'> | null },
): AgentProfile {
  const own = profiles[role];
  return own.fallbacks.find(({ name }) => name === (run?.profile ?? null)) ?? own;
}

/** A limit that one run reported is looked at again after this long. */
const probeMs = 300_000;

/**
 * Until when a limit holds back the agents of its account. The word of one run is tried out after minutes, whatever reset it named, since everybody waits for it;
 * what a second run is told, which began after that, counts as it was told.
 */
export function heldUntil(
  { until, at, startedAt }: { readonly until: number; readonly at: number; readonly startedAt: number | null },
  known: AccountLimitRow | null,
): number {
  const isSecond = known !== null && startedAt !== null && startedAt > known.since && isSameLimit(known, at);
  return isSecond ? until : Math.min(until, at + probeMs);
}

/** Noted before the slot is given back, so nobody gets it for the same account. Said again after a crash it is told once. */
export function accountLimited(
  {
    account,
    until,
    told,
    at,
  }: { readonly account: string; readonly until: number; readonly told: number; readonly at: number },
  { project, plan, title }: Pick<RunRow, 'project' | 'plan' | 'title'>,
): Change {
  const again = until < told ? `, and it is tried again at ${new Date(until).toISOString()}` : '';
  const message = `the account ${account} is rate limited until ${new Date(told).toISOString()}: ${title} of ${project}/${plan} reported this${again}; its agents wait, or use their fallback profile`;
  const notice = { type: 'account_limited', project, plan, message: message.slice(0, 1_000), at } as const;
  return { do: 'account.limit', account, until, at, notice };
}
