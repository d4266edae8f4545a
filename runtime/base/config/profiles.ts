/** Which agent plays a role: the tables of all places, nearest first, folded into one profile. */
import { isJudge, isWorker, type Role } from '../../../machines/vocabulary/ids.ts';
import { registriesWord } from '../platform/host-rules.ts';
import { isAcpPreset, loadsKnownSettings, optedAcp } from './acp/agents.ts';
import type { Origin } from './document.ts';
import { nearest } from './nearest.ts';
import {
  type AgentTable,
  type AgentTables,
  agentKeyNames,
  type McpServer,
  type NetworkMode,
  type PermissionMode,
  type Preset,
  type SandboxMode,
} from './schema.ts';

/** The settings of the agent of a role. Paths are as configured: `envFile` relative to the repo unless absolute. */
export interface AgentProfile {
  readonly role: Role;
  /** The table that replaces the role's own table; null: it is the role's own. */
  readonly name: string | null;
  /** As configured; whether the role is really on also depends on its preset: `policy.roles`. */
  readonly enabled: boolean;
  readonly preset: Preset;
  /** null: the preset's own program; none at all for `command`, which is an error when the role is first needed. */
  readonly program: string | null;
  readonly flags: readonly string[];
  readonly model: string | null;
  /** As configured: whether its program, which has a stream of its own as well, is spoken to by the Agent Client Protocol. The preset then says so, where it can be. */
  readonly acp: boolean;
  /** The mode in which an agent of the Agent Client Protocol works, by its own name; null: that of its preset. */
  readonly mode: string | null;
  /** The same: the servers that it is given, by their names. */
  readonly mcp: Readonly<Record<string, McpServer>>;
  /** As a person names the account that it works with; null: it is identified by its login or key. */
  readonly account: string | null;
  /** The agents that work instead while its account is limited, the next one first. They have none of their own. */
  readonly fallbacks: readonly AgentProfile[];
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number | null;
  readonly attempts: number;
  /** US dollars of one run; null: no limit of its own. */
  readonly maxCostUsd: number | null;
  readonly envFile: string | null;
  readonly sandbox: SandboxMode;
  readonly network: NetworkMode;
  /** With `network = "hosts"`, beside what its preset needs: as configured. */
  readonly hosts: readonly string[];
  /** How far behind others on the processor, 0 to 19; 0: as the engine itself. */
  readonly nice: number;
  /** null: no limit; absent: none was set, so the usual one counts. The same of the next two. */
  readonly memoryBytes?: number | null;
  readonly processes?: number | null;
  readonly diskBytes?: number | null;
  /** Whether its program runs in a terminal, into which people may type. */
  readonly terminal: boolean;
  readonly permissions: PermissionMode;
  /** How long a question waits for a person; then it is denied. */
  readonly permissionTimeoutMs: number;
  /** As configured: absolute, or from `~/` on. */
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  /** For a judge: the files of the repository that it gets in their trusted version, by paths from its root. */
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
 * The profile of `role`. `layers` are ordered, the nearest first; in each the role's own table comes before `[agents.default]`. `program`, `flags` and `model` were
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

/** The sandbox of the checks: that of the coder, except for what `[agents.check]` sets. If it asks for one that is not possible, the message names the origins. */
export function resolveCheck(layers: readonly AgentLayer[]): ResolvedProfile {
  const usual = layers.flatMap((layer) => [...sourcesOf(layer, 'coder', true), ...sourcesOf(layer, 'default', false)]);
  const own = layers.flatMap((layer) => sourcesOf(layer, 'check', true));
  return fold('coder', [...own, ...usual], null);
}

/** A fault in the fallbacks of profiles, and where it is written. */
export interface FallbackProblem {
  readonly origin: Origin;
  readonly message: string;
}

/** The tables that replace that of the role, in their order, up to the first fault in them. */
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

/** `name`: the table that replaces the role's own, and comes first; its account is no other table's. */
function fold(role: Role, sources: readonly Source[], name: string | null): ResolvedProfile {
  const preset = pick(sources, 'preset').value;
  const samePreset = sources.filter((_, index) => {
    const inForce = sources.slice(index).find((source) => source.table.preset !== undefined)?.table.preset;
    return inForce === undefined || inForce === preset;
  });
  const isNamed = !offUnlessNamed.has(role) || sources.some((source) => source.isOwn);
  // Where a key is looked for, if not everywhere.
  const ownSources: { readonly [key in keyof AgentTable]?: readonly Source[] } = {
    program: samePreset,
    flags: samePreset,
    model: samePreset,
    acp: samePreset,
    mode: samePreset,
    mcp: samePreset,
    terminal: samePreset,
    account: name === null ? samePreset : sources.filter(({ isOwn }) => isOwn),
  };
  const found = <Key extends keyof AgentTable>(key: Key) => pick(ownSources[key] ?? sources, key);
  const value = <Key extends keyof AgentTable>(key: Key) => found(key).value;
  const memory = value('memory');
  const processes = value('processes');
  const disk = value('disk');
  const acp = value('acp') ?? false;
  const named = preset ?? 'claude';
  const profile: AgentProfile = {
    role,
    name,
    fallbacks: [],
    account: value('account') ?? null,
    enabled: isNamed && (value('enabled') ?? true),
    preset: (acp ? optedAcp(named) : null) ?? named,
    acp,
    program: value('program') ?? null,
    flags: value('flags') ?? [],
    model: value('model') ?? null,
    mode: value('mode') ?? null,
    mcp: value('mcp') ?? {},
    timeoutMs: value('timeout') ?? 3_600_000,
    idleTimeoutMs: value('idle_timeout') ?? null,
    attempts: value('attempts') ?? 3,
    maxCostUsd: value('max_cost_usd') ?? null,
    envFile: value('env_file') ?? null,
    sandbox: value('sandbox') ?? 'auto',
    network: value('network') ?? 'full',
    hosts: value('hosts') ?? [registriesWord],
    nice: value('nice') ?? 0,
    ...(isChosen(memory) ? {} : { memoryBytes: memory }),
    ...(isChosen(processes) ? {} : { processes }),
    ...(isChosen(disk) ? {} : { diskBytes: disk }),
    terminal: value('terminal') ?? false,
    permissions: value('permissions') ?? 'skip',
    permissionTimeoutMs: value('permission_timeout') ?? 3_600_000,
    writable: value('writable') ?? [],
    readable: value('readable') ?? [],
    trustedFiles: value('trusted_files') ?? [],
    env: value('env') ?? [],
  };
  const origins = Object.fromEntries(agentKeyNames.map((key) => [key, found(key).origin]));
  return { profile, origins: origins as ResolvedProfile['origins'] }; // each key of a table, by the list
}

/** All profiles that may play a role: its own first, then their fallbacks. */
export function everyProfile(profiles: Readonly<Record<Role, AgentProfile>>): AgentProfile[] {
  const own = Object.values(profiles);
  return [...own, ...own.flatMap(({ fallbacks }) => fallbacks)];
}

/** An agent that cannot play a role is off where the role resolves to it. */
export function canPlay(profile: AgentProfile): boolean {
  return unplayable(profile) === null;
}

/**
 * Why a preset cannot play a role; null: it can. `sh` runs the blocks of a task, so only who works on tasks can use it. An agent by the Agent Client Protocol judges
 * if all files that it would load from the branch are known; these are then removed.
 */
export function unplayable({ preset, role }: Pick<AgentProfile, 'preset' | 'role'>): string | null {
  if (preset === 'sh' && (!isWorker(role) || role === 'fixer'))
    return `preset "sh" runs the blocks of a task, and a ${role} has none`;
  if (isAcpPreset(preset) && isJudge(role) && !loadsKnownSettings(preset))
    return `preset "${preset}" may load settings of the branch, and a ${role} judges that`;
  return null;
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

/** The engine chooses the limit by the machine. */
function isChosen(limit: number | 'auto' | null | undefined): limit is 'auto' | undefined {
  return limit === undefined || limit === 'auto';
}
