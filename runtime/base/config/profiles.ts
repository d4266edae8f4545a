/** Which agent plays a role: the tables of all places, nearest first, folded into one profile. */
import { isWorker, type Role } from '../../../machines/vocabulary/role.ts';
import type { Origin } from './document.ts';
import { nearest } from './nearest.ts';
import type { AgentTable, AgentTables, NetworkMode, PermissionMode, Preset, SandboxMode } from './schema.ts';

/** What is known of the agent of a role. Paths are as configured: `envFile` relative to the repo unless absolute. */
export interface AgentProfile {
  readonly role: Role;
  /** The table that it was begun from, where it stands in for the role's own; null: it is the role's own. */
  readonly name: string | null;
  /** As configured; whether the role is really on also depends on its preset: `policy.roles`. */
  readonly enabled: boolean;
  readonly preset: Preset;
  /** null: the preset's own program; none at all for `command`, which is an error when the role is first needed. */
  readonly program: string | null;
  readonly flags: readonly string[];
  readonly model: string | null;
  /** As a person names the account that it works with; null: it is known by its login or key. */
  readonly account: string | null;
  /** Who works instead while its account is limited, the next one first. They have none of their own. */
  readonly fallbacks: readonly AgentProfile[];
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number | null;
  readonly attempts: number;
  /** US dollars of one run; null: no limit of its own. */
  readonly maxCostUsd: number | null;
  readonly envFile: string | null;
  readonly sandbox: SandboxMode;
  readonly network: NetworkMode;
  /** How far behind others on the processor, 0 to 19; 0: as the engine itself. */
  readonly nice: number;
  /** null: no limit; absent: nobody set one, so the usual one counts. The same of the next two. */
  readonly memoryBytes?: number | null;
  /** Processes and threads. */
  readonly processes?: number | null;
  readonly diskBytes?: number | null;
  readonly permissions: PermissionMode;
  /** For how long a person is waited for; then what was asked for is denied. */
  readonly permissionTimeoutMs: number;
  /** As configured: absolute, or from `~/` on. */
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  /** Of a judge: what of the repository it has as it was trusted, by paths from its root. */
  readonly trustedFiles: readonly string[];
  /** Names of variables that are handed on from the engine's own environment. */
  readonly env: readonly string[];
}

/** The `[agents]` of one place. */
export interface AgentLayer {
  readonly tables: AgentTables;
  originOf(table: string, key: keyof AgentTable): Origin;
}

export interface ResolvedProfile {
  readonly profile: AgentProfile;
  /** By the key's name in the files. */
  readonly origins: Readonly<Record<keyof AgentTable, Origin>>;
}

export const builtIn: Origin = { file: null, line: null };

/** Roles that no one gets without asking. */
const offUnlessNamed: ReadonlySet<Role> = new Set(['architect', 'verifier']);

interface Source {
  readonly table: AgentTable;
  readonly isOwn: boolean;
  originOf(key: keyof AgentTable): Origin;
}

/**
 * The profile of `role`. `layers` stand nearest first; in each the role's own table comes before `[agents.default]`. `program`, `flags` and `model` were
 * written for a preset, so they are inherited only from where the same preset is in force, or where none was named.
 */
export function resolveProfile(role: Role, layers: readonly AgentLayer[]): ResolvedProfile {
  const usual = layers.flatMap((layer) => [...sourcesOf(layer, role, true), ...sourcesOf(layer, 'default', false)]);
  const { profile, origins } = fold(role, usual, null);
  const fallbacks = fallbackNames(role, layers).names.map((name) => {
    const own = layers.flatMap((layer) => sourcesOf(layer, name, true));
    return fold(role, [...own, ...usual.map((source) => ({ ...source, isOwn: false }))], name).profile;
  });
  return { profile: { ...profile, fallbacks }, origins };
}

/** What is wrong with how profiles stand in for one another, and where it is written. */
export interface FallbackProblem {
  readonly origin: Origin;
  readonly message: string;
}

/** Whose tables stand in for that of the role, in their order, up to what is wrong with them. */
export function fallbackNames(
  role: Role,
  layers: readonly AgentLayer[],
): { readonly names: readonly string[]; readonly problem: FallbackProblem | null } {
  const named = (table: string) =>
    pick(
      layers.flatMap((layer) => sourcesOf(layer, table, true)),
      'fallback',
    );
  const names: string[] = [];
  const all = [...new Set(layers.flatMap(({ tables }) => Object.keys(tables)))];
  let next = named(role).value === undefined ? named('default') : named(role);
  for (;;) {
    const { value: name = null, origin } = next;
    if (name === null) return { names, problem: null };
    const problem = (message: string) => ({ names, problem: { origin, message } });
    if (name === role || names.includes(name)) {
      const way = [role, ...names, name].join(' → ');
      return problem(
        `fallback = "${name}" leads back to where it began (${way}); name another profile, or "" for none`,
      );
    }
    if (!all.includes(name)) {
      const meant = nearest(name, all);
      const help = meant === null ? `write a table [agents.${name}]` : `did you mean "${meant}"?`;
      return problem(`fallback = "${name}": there is no table [agents.${name}]; ${help}`);
    }
    names.push(name);
    next = named(name);
  }
}

/** `name`: the table that stands in for the role's own, and comes first; its account is no other table's. */
function fold(role: Role, sources: readonly Source[], name: string | null): ResolvedProfile {
  const preset = pick(sources, 'preset');
  const samePreset = sources.filter((_, index) => {
    const inForce = sources.slice(index).find((source) => source.table.preset !== undefined)?.table.preset;
    return inForce === undefined || inForce === preset.value;
  });
  const isNamed = !offUnlessNamed.has(role) || sources.some((source) => source.isOwn);
  const found = {
    enabled: pick(sources, 'enabled'),
    preset,
    program: pick(samePreset, 'program'),
    flags: pick(samePreset, 'flags'),
    model: pick(samePreset, 'model'),
    account: pick(name === null ? samePreset : sources.filter(({ isOwn }) => isOwn), 'account'),
    fallback: pick(sources, 'fallback'),
    timeout: pick(sources, 'timeout'),
    idle_timeout: pick(sources, 'idle_timeout'),
    attempts: pick(sources, 'attempts'),
    max_cost_usd: pick(sources, 'max_cost_usd'),
    env_file: pick(sources, 'env_file'),
    sandbox: pick(sources, 'sandbox'),
    network: pick(sources, 'network'),
    nice: pick(sources, 'nice'),
    memory: pick(sources, 'memory'),
    processes: pick(sources, 'processes'),
    disk: pick(sources, 'disk'),
    permissions: pick(sources, 'permissions'),
    permission_timeout: pick(sources, 'permission_timeout'),
    writable: pick(sources, 'writable'),
    readable: pick(sources, 'readable'),
    trusted_files: pick(sources, 'trusted_files'),
    env: pick(sources, 'env'),
  };
  const profile: AgentProfile = {
    role,
    name,
    fallbacks: [],
    account: found.account.value ?? null,
    enabled: isNamed && (found.enabled.value ?? true),
    preset: preset.value ?? 'claude',
    program: found.program.value ?? null,
    flags: found.flags.value ?? [],
    model: found.model.value ?? null,
    timeoutMs: found.timeout.value ?? 3_600_000,
    idleTimeoutMs: found.idle_timeout.value ?? null,
    attempts: found.attempts.value ?? 3,
    maxCostUsd: found.max_cost_usd.value ?? null,
    envFile: found.env_file.value ?? null,
    sandbox: found.sandbox.value ?? 'auto',
    network: found.network.value ?? 'on',
    nice: found.nice.value ?? 0,
    ...(isChosen(found.memory.value) ? {} : { memoryBytes: found.memory.value }),
    ...(isChosen(found.processes.value) ? {} : { processes: found.processes.value }),
    ...(isChosen(found.disk.value) ? {} : { diskBytes: found.disk.value }),
    permissions: found.permissions.value ?? 'skip',
    permissionTimeoutMs: found.permission_timeout.value ?? 3_600_000,
    writable: found.writable.value ?? [],
    readable: found.readable.value ?? [],
    trustedFiles: found.trusted_files.value ?? [],
    env: found.env.value ?? [],
  };
  return { profile, origins: mapOrigins(found) };
}

/** Whoever may play a role: its own profiles first, then those that stand in for them. */
export function everyProfile(profiles: Readonly<Record<Role, AgentProfile>>): AgentProfile[] {
  const own = Object.values(profiles);
  return [...own, ...own.flatMap(({ fallbacks }) => fallbacks)];
}

/** `sh` runs the blocks of a task, so only who works on tasks can use it: every other role that resolves to it is off. */
export function canPlay(profile: AgentProfile): boolean {
  return profile.preset !== 'sh' || (isWorker(profile.role) && profile.role !== 'fixer');
}

function sourcesOf(layer: AgentLayer, name: string, isOwn: boolean): Source[] {
  const table = layer.tables[name];
  return table === undefined ? [] : [{ table, isOwn, originOf: (key) => layer.originOf(name, key) }];
}

interface Picked<Value> {
  readonly value: Value | undefined;
  readonly origin: Origin;
}

function pick<Key extends keyof AgentTable>(sources: readonly Source[], key: Key): Picked<AgentTable[Key]> {
  const source = sources.find(({ table }) => table[key] !== undefined);
  return { value: source?.table[key], origin: source?.originOf(key) ?? builtIn };
}

function mapOrigins(found: Record<keyof AgentTable, Picked<unknown>>): Record<keyof AgentTable, Origin> {
  return {
    enabled: found.enabled.origin,
    preset: found.preset.origin,
    program: found.program.origin,
    flags: found.flags.origin,
    model: found.model.origin,
    account: found.account.origin,
    fallback: found.fallback.origin,
    timeout: found.timeout.origin,
    idle_timeout: found.idle_timeout.origin,
    attempts: found.attempts.origin,
    max_cost_usd: found.max_cost_usd.origin,
    env_file: found.env_file.origin,
    sandbox: found.sandbox.origin,
    network: found.network.origin,
    nice: found.nice.origin,
    memory: found.memory.origin,
    processes: found.processes.origin,
    disk: found.disk.origin,
    permissions: found.permissions.origin,
    permission_timeout: found.permission_timeout.origin,
    writable: found.writable.origin,
    readable: found.readable.origin,
    trusted_files: found.trusted_files.origin,
    env: found.env.origin,
  };
}

/** The engine chooses the limit by the machine. */
function isChosen(limit: number | 'auto' | null | undefined): limit is 'auto' | undefined {
  return limit === undefined || limit === 'auto';
}
