/** Repos and the engine, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { roles } from '../../../machines/vocabulary/ids.ts';
import { accountEntry } from './accounts.ts';
import { forgeEntry } from './forges.ts';
import { instanceEntry } from './runs.ts';
import { count, lines, status, time } from './shared-shapes.ts';

export const repoEntry = z
  .object({
    project: z.string(),
    path: z.string(),
    /** The host that it belongs to, if several share the store. */
    host: z.string().optional(),
    active_plans: count,
    /** `registered` for a moment, then `active`, `paused` or `degraded`; `moving` until its new host has it. */
    state: z.string(),
    /** Why it is degraded, or where it moves; null: neither. */
    reason: z.string().nullable(),
  })
  .meta({ id: 'Repo' });
/** A registered repo: where it is, its status, and whether it can be used. */
export interface RepoEntry extends z.infer<typeof repoEntry> {}

export const pingAnswer = z
  .object({
    version: z.string(),
    /** The digest of its code, which differs between two builds of one version; null: it was not built. */
    build: z.string().nullable(),
    state: z.literal('running'),
    /** The `owner.db` that this engine has locked, as `<device>:<inode>`; null: it owns no home. */
    lock: z.string().nullable(),
    /** Security warnings, one line each, such as agents that run without walls; not with `warnings=0`. */
    warnings: lines.optional(),
  })
  .meta({ id: 'Ping' });

export const statusAnswer = z
  .object({
    running: z.boolean(),
    /** Seconds. */
    uptime: count,
    pid: z.int(),
    repo_count: count,
    repos: z.array(repoEntry),
    instances: z.array(instanceEntry),
    /** Why the engine handles nothing yet, such as a store that is locked; null: it works. */
    waiting: z.string().nullable(),
    /** Parts of the configuration that could not be applied, one line each, such as a missing repo of daemon.toml. */
    problems: lines,
    /** Keys of daemon.toml that have no effect, and why, one line each. */
    notes: lines,
    /** Security warnings, one line each, such as agents that run without walls. */
    warnings: lines,
    forges: z.array(forgeEntry),
    /** The accounts that are rate limited now. */
    accounts: z.array(accountEntry),
  })
  .meta({ id: 'Status' });
/** The engine, its repos and their agents. `uptime` is in seconds; `waiting` says why a daemon handles nothing yet. */
export type StatusAnswer = z.infer<typeof statusAnswer>;

export const repoAdded = z
  .object({
    /** `known`: it was already registered. */
    status: z.enum(['added', 'known']),
    path: z.string(),
    project: z.string(),
    /** What the repo's own configuration may start, one line each. */
    enables: lines,
    /** What the changed file would enable, one line each; the trusted version stays in force until a person agrees. */
    untrusted: lines,
    /** The changes since it was trusted, each line with `- ` or `+ ` before it; for a new repo, all that it enables. */
    changes: lines,
    /** SHA-256 in hex of the files in force. */
    digest: z.string(),
    /** What this call has trusted, in brief; null: nothing new. */
    trusted_now: z.string().nullable(),
    /** Configured keys that have no effect, one line each. */
    notes: lines,
  })
  .meta({ id: 'RepoAdded' });
/** A repo that was registered or already known, with what its files enable and what was trusted. */
export type RepoAdded = z.infer<typeof repoAdded>;

export const repoRemoved = z
  .object({
    status: z.literal('removed'),
    project: z.string(),
    path: z.string(),
    /** Notes, one line each, such as that daemon.toml lists it, or that its plans stay stored. */
    notes: lines,
  })
  .meta({ id: 'RepoRemoved' });
/** A repo that is no longer registered. */
export interface RepoRemoved extends z.infer<typeof repoRemoved> {}

export const repoMoved = z
  .object({
    /** `moving`: the other host continues it once it has a clone. `moved`: it continues in its new folder. `there`: it was already there. */
    status: z.enum(['moving', 'moved', 'there']),
    project: z.string(),
    /** Hosts, or folders of this host. */
    from: z.string(),
    to: z.string(),
    /** The plans under way that move with it. */
    active_plans: count,
  })
  .meta({ id: 'RepoMoved' });
/** A repo that was given to another host, or whose folder was moved. */
export interface RepoMoved extends z.infer<typeof repoMoved> {}

export const repoTrusted = z
  .object({
    status: z.literal('trusted'),
    project: z.string(),
    path: z.string(),
    /** What the configuration could start before, and what it can start from now on, one line each. */
    before: lines,
    enables: lines,
    /** The lines that are new and those that are gone, with `+ ` and `- ` before them. */
    changes: lines,
    digest: z.string(),
    notes: lines,
  })
  .meta({ id: 'RepoTrusted' });
/** The digest of a repo's files that was trusted. */
export interface RepoTrusted extends z.infer<typeof repoTrusted> {}

/** How a repo is trusted over the control API. */
export const trustWays = ['run', 'plan register', 'repo add', 'daemon add', 'init', 'api'] as const;

export const trustEntry = z
  .object({
    project: z.string(),
    path: z.string(),
    /** `changed`: a part of it is not in force, or does not start, until a person agrees. */
    state: z.enum(['trusted', 'changed', 'revoked']),
    /** The digest of the files in force; null: they no longer parse. */
    digest: z.string().nullable(),
    since: time,
    /** A verb (`run`, `repo trust`), `daemon.toml`, `init`, `api` or `program`. */
    by: z.string(),
    revoked_at: time.nullable(),
  })
  .meta({ id: 'Trust' });
/** What was trusted of a repo, when, and how. */
export interface TrustEntry extends z.infer<typeof trustEntry> {}

export const trustShow = trustEntry
  .extend({
    enables: lines,
    untrusted: lines,
    changes: lines,
    /** The digest of the present files; null: they cannot be used. */
    digest_now: z.string().nullable(),
    /** Why none of its work starts now, or why its files cannot be used; null: all is well. */
    problem: z.string().nullable(),
  })
  .meta({ id: 'TrustShow' });
/** What was trusted of a repo, and how its present files differ from that. */
export interface TrustShow extends z.infer<typeof trustShow> {}

export const trustLooked = z
  .object({
    project: z.string(),
    path: z.string(),
    state: z.enum(['new', 'trusted', 'changed', 'revoked']),
    /** The digest of the present files; `trust` of `POST /v1/repos` accepts it. */
    digest: z.string(),
    trusted_digest: z.string().nullable(),
    enables: lines,
    /** The agents that are used if the repo's files name none, one line each. */
    agents: lines,
    changes: lines,
    /** Whether it may act without a person's consent. */
    may_act: z.boolean(),
  })
  .meta({ id: 'TrustLooked' });
/** What registering a repo would trust. */
export interface TrustLooked extends z.infer<typeof trustLooked> {}

export const trustRevoked = z
  .object({ status: z.literal('revoked'), project: z.string(), path: z.string(), revoked_at: time, notes: lines })
  .meta({ id: 'TrustRevoked' });
/** A repo that is no longer trusted. */
export interface TrustRevoked extends z.infer<typeof trustRevoked> {}

export const repoSwitched = z
  .object({ status: z.enum(['paused', 'resumed']), project: z.string() })
  .meta({ id: 'RepoSwitched' });
/** A repo that was paused or resumed. */
export interface RepoSwitched extends z.infer<typeof repoSwitched> {}

export const repoShow = repoEntry
  .extend({
    added_at: time,
    /** Whether daemon.toml lists it. */
    listed: z.boolean(),
    /** The configuration in force; `origin` is a file with its line, or `default`. */
    config: z.array(z.object({ key: z.string(), value: z.unknown(), origin: z.string() })),
    enables: lines,
    /** What the changed file could start; none of it is in force. */
    untrusted: lines,
    /** The changes since it was trusted, with `- ` or `+ ` before each line. */
    changes: lines,
    /** Since when it is trusted, and how it was trusted. */
    trust: trustEntry.nullable(),
    /** Why the present file cannot be used; the trusted version stays in force. */
    problem: z.string().nullable(),
    notes: lines,
    plans: z.array(
      z.object({ plan: z.string(), status, phase: z.string().nullable(), blocked: z.boolean(), paused: z.boolean() }),
    ),
  })
  .meta({ id: 'RepoShow' });
/** A registered repo with its configuration: each key, its value, and where that comes from. */
export interface RepoShow extends z.infer<typeof repoShow> {}

export const repoPast = z
  .object({
    project: z.string(),
    /** Roles without a known run are missing. */
    roles: z.array(
      z.object({
        role: z.enum(roles),
        /** The newest first. Runs whose end the agent did not cause are left out. */
        runs: z.array(z.object({ duration_ms: count, failed: z.boolean(), cost_usd: z.number().nullable() })),
      }),
    ),
    /** Tasks whose work conflicted with that of other tasks of their wave, and the files: the newest 100, with at most 100 files each. */
    conflicts: z.array(z.object({ plan: z.string(), wave: count, task: count, files: lines, at: time })),
  })
  .meta({ id: 'RepoPast' });
/** The duration, the ends and the cost of a repo's earlier agents, as far as their programs reported them, and the conflicts of its tasks. */
export interface RepoPast extends z.infer<typeof repoPast> {}

export const reloadAnswer = z
  .object({
    status: z.literal('reloaded'),
    /** What could not be applied and why, one line each; everything else is in force. */
    problems: lines,
    /** Whether a file has a mistake; otherwise only something else is missing, such as trust. */
    is_mistaken: z.boolean(),
  })
  .meta({ id: 'Reloaded' });
/** What a new reading of the configuration changed. */
export interface ReloadAnswer extends z.infer<typeof reloadAnswer> {}
