/** Which agent plays a role: the tables of all files, nearest first, folded into one profile. */
import {
  type PlanDocument,
  type PlanProblem,
  type PlanTask,
  shellBlocks,
} from '../../../machines/document/plan-document.ts';
import { isJudge, isWorker, type Role } from '../../../machines/vocabulary/ids.ts';
import { taskAgent, taskFacts } from '../../../machines/vocabulary/task-agent.ts';
import { registriesWord } from '../platform/host-rules.ts';
import { chosenAcp, isAcpPreset, loadsKnownSettings } from './acp/agents.ts';
import { builtIn, type Origin } from './document.ts';
import { didYouMeanOr, nearest } from './nearest.ts';
import {
  type AgentTable,
  type AgentTables,
  agentKeyNames,
  agentTableNames,
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
  /** The profile of the first attempt, the second, and so on; the last one is used for all further attempts. Empty: this profile is used for all of them. */
  readonly steps: readonly AgentProfile[];
  /** For a coder, which of its choices does small tasks; null: none. */
  readonly small: string | null;
  /** For a coder, the profiles that a task may name. They have no choices themselves. */
  readonly choices: readonly AgentProfile[];
  /** The share of its service's limit that is kept back, between 0 and 1; null: none. */
  readonly reserve: number | null;
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
  /** null: no limit; missing: not configured, so the usual limit applies. The same holds for the next two. */
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

/** The table `[agents]` of one file. */
export interface AgentLayer {
  readonly tables: AgentTables;
  originOf(table: string, key: keyof AgentTable): Origin;
}

export interface ResolvedProfile {
  readonly profile: AgentProfile;
  /** By the key's name in the files. */
  readonly origins: Readonly<Record<keyof AgentTable, Origin>>;
}

const usualAttempts = 3;

/** Roles that are off by default; a table of their own, even an empty one, turns them on. */
export const offUnlessNamed: ReadonlySet<Role> = new Set(['architect', 'verifier']);

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
  const replaced = (name: string) => {
    const own = layers.flatMap((layer) => sourcesOf(layer, name, true));
    return fold(role, [...own, ...usual.map((source) => ({ ...source, isOwn: false }))], name).profile;
  };
  const fallbacks = fallbackNames(role, layers).names.map(replaced);
  const steps = stepNames(role, layers).names.map((name) => {
    if (name === role) return { ...profile, fallbacks };
    const own = hasFallback(name, layers) ? fallbackNames(role, layers, name).names.map(replaced) : fallbacks;
    return { ...replaced(name), fallbacks: own.filter((other) => other.name !== name) };
  });
  const choices =
    role !== 'coder'
      ? []
      : furtherNames(layers).map((name) => {
          const own = hasFallback(name, layers) ? fallbackNames(role, layers, name).names.map(replaced) : [];
          return { ...replaced(name), fallbacks: own };
        });
  const small = role === 'coder' ? smallName(role, layers).name : null;
  return { profile: { ...profile, fallbacks, steps, choices, small }, origins };
}

/** Tables that belong to no role. */
function furtherNames(layers: readonly AgentLayer[]): string[] {
  const all = new Set(layers.flatMap(({ tables }) => Object.keys(tables)));
  return [...all].filter((name) => !(agentTableNames as readonly string[]).includes(name));
}

/** The sandbox of the checks: that of the coder, except for what `[agents.check]` sets. If it asks for one that is not possible, the message names the origins. */
export function resolveCheck(layers: readonly AgentLayer[]): ResolvedProfile {
  const usual = layers.flatMap((layer) => [...sourcesOf(layer, 'coder', true), ...sourcesOf(layer, 'default', false)]);
  const own = layers.flatMap((layer) => sourcesOf(layer, 'check', true));
  return fold('coder', [...own, ...usual], null);
}

/** The profiles that replace that of a role, in their order, up to the first fault in them, and where that is written. */
export interface Replacements {
  readonly names: readonly string[];
  readonly problem: { readonly origin: Origin; readonly message: string } | null;
}

/** The tables that replace that of the role while its account is limited; `from`: those that replace another profile of the role. */
export function fallbackNames(role: Role, layers: readonly AgentLayer[], from: string = role): Replacements {
  const names: string[] = [];
  let next = from === role ? ofRole(role, layers, 'fallback') : ofTable(from, layers, 'fallback');
  for (;;) {
    const { value: name = null, origin } = next;
    if (name === null) return { names, problem: null };
    const problem = (message: string) => ({ names, problem: { origin, message } });
    if (name === from || names.includes(name)) {
      const way = [from, ...names, name].join(' → ');
      return problem(
        `fallback = "${name}" leads back to where it began (${way}); name another profile, or "" for none`,
      );
    }
    const missing = missingTable(name, layers);
    if (missing !== null) return problem(`fallback = "${name}": ${missing}`);
    names.push(name);
    next = ofTable(name, layers, 'fallback');
  }
}

/** The tables of `escalate`. The role's own name is its own table. */
export function stepNames(role: Role, layers: readonly AgentLayer[]): Replacements {
  const { value: names = [], origin } = ofRole(role, layers, 'escalate');
  const problem = (message: string) => ({ names: [], problem: { origin, message } });
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    return problem(`escalate names "${twice}" twice; the last profile plays all further attempts`);
  for (const name of names) {
    const missing = name === role ? null : missingTable(name, layers);
    if (missing !== null) return problem(`escalate names "${name}": ${missing}`);
    const { problem: inner } = hasFallback(name, layers) ? fallbackNames(role, layers, name) : { problem: null };
    if (inner !== null) return { names: [], problem: inner };
  }
  const attempts = ofRole(role, layers, 'attempts').value ?? usualAttempts;
  if (names.length > attempts) {
    return problem(
      `escalate names ${names.length} profiles for ${attempts} attempts; leave some out, or raise attempts`,
    );
  }
  return { names, problem: null };
}

/** The table for small tasks. Only a coder has tasks, and a table that it names has no table for them of its own. */
export function smallName(
  table: string,
  layers: readonly AgentLayer[],
): { readonly name: string | null; readonly problem: Replacements['problem'] } {
  const { value, origin } = table === 'coder' ? ofRole(table, layers, 'small') : ofTable(table, layers, 'small');
  const problem = (message: string) => ({ name: null, problem: { origin, message } });
  if (value === undefined || value === null) return { name: null, problem: null };
  if (table !== 'coder')
    return problem(`small = "${value}" under [agents.${table}]: only the coder has tasks; put it under [agents.coder]`);
  if (!furtherNames(layers).includes(value))
    return problem(
      `small = "${value}": ${missingTable(value, layers) ?? `[agents.${value}] is the table of a role; name a table of its own, such as "fast"`}`,
    );
  return { name: value, problem: null };
}

function ofTable<Key extends keyof AgentTable>(table: string, layers: readonly AgentLayer[], key: Key) {
  const sources = layers.flatMap((layer) => sourcesOf(layer, table, true));
  return pick(sources, key);
}

/** Nearest first, and in each layer the role's own table before `[agents.default]`, as `resolveProfile` has it. */
function ofRole<Key extends keyof AgentTable>(role: Role, layers: readonly AgentLayer[], key: Key) {
  const own = ofTable(role, layers, key);
  return own.value === undefined ? ofTable('default', layers, key) : own;
}

function hasFallback(table: string, layers: readonly AgentLayer[]): boolean {
  return ofTable(table, layers, 'fallback').value !== undefined;
}

/** null: the table exists. */
function missingTable(name: string, layers: readonly AgentLayer[]): string | null {
  const all = [...new Set(layers.flatMap(({ tables }) => Object.keys(tables)))];
  if (all.includes(name)) return null;
  const meant = nearest(name, all);
  return `there is no table [agents.${name}]; ${meant === null ? `write a table [agents.${name}]` : `did you mean "${meant}"?`}`;
}

/** `name`: the table that replaces the role's own, and comes first; its account is no other table's. */
function fold(role: Role, sources: readonly Source[], name: string | null): ResolvedProfile {
  const preset = pick(sources, 'preset').value;
  const samePreset = sources.filter((_, index) => {
    const inForce = sources.slice(index).find((source) => source.table.preset !== undefined)?.table.preset;
    return inForce === undefined || inForce === preset;
  });
  const isNamed = !offUnlessNamed.has(role) || sources.some((source) => source.isOwn);
  // The tables in which a key is looked up, if not in all.
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
    steps: [],
    choices: [],
    small: null,
    account: value('account') ?? null,
    enabled: isNamed && (value('enabled') ?? true),
    preset: (acp ? chosenAcp(named) : null) ?? named,
    acp,
    program: value('program') ?? null,
    flags: value('flags') ?? [],
    model: value('model') ?? null,
    mode: value('mode') ?? null,
    mcp: value('mcp') ?? {},
    reserve: value('reserve') ?? null,
    timeoutMs: value('timeout') ?? 3_600_000,
    idleTimeoutMs: value('idle_timeout') ?? null,
    attempts: value('attempts') ?? usualAttempts,
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

/**
 * Who may play an attempt of a role, the first choice first: the step of that attempt and its fallbacks, and then the other steps, the later ones first. For each
 * attempt these are the same profiles, so a role can start as long as the account of one of them is free.
 */
export function playersOf(own: AgentProfile, attempt: number, agent?: string): AgentProfile[] {
  if (agent !== undefined) return playersFrom(own, attempt, agent);
  const steps = own.steps.length === 0 ? [own] : own.steps;
  const at = Math.min(Math.max(attempt, 1), steps.length) - 1;
  const ordered = [...steps.slice(at), ...steps.slice(0, at).toReversed()].flatMap((step) => [step, ...step.fallbacks]);
  return eachOnce(ordered);
}

/**
 * Who may play an attempt of a task that names its agent: for each attempt the same profiles. A name in `escalate` begins the list there. Another one plays the
 * first attempt, and all of them if there is no such list; the agents of the role replace it while its account is limited, and it replaces them in later
 * attempts. An unknown name counts as none.
 */
function playersFrom(own: AgentProfile, attempt: number, agent: string): AgentProfile[] {
  const at = own.steps.findIndex(({ name, role }) => (name ?? role) === agent);
  if (at !== -1) return playersOf(own, attempt + at);
  const others = playersOf(own, attempt);
  const named = own.choices.find(({ name }) => name === agent);
  if (named === undefined) return others;
  const first = [named, ...named.fallbacks];
  return eachOnce(attempt > 1 && own.steps.length > 0 ? [...others, ...first] : [...first, ...others]);
}

function eachOnce(ordered: readonly AgentProfile[]): AgentProfile[] {
  const names = ordered.map(({ name }) => name);
  return ordered.filter(({ name }, index) => names.indexOf(name) === index);
}

/** All who may ever play that role. */
export function allPlayersOf(own: AgentProfile): AgentProfile[] {
  return eachOnce([...playersOf(own, 1), ...own.choices.flatMap((choice) => [choice, ...choice.fallbacks])]);
}

/** All profiles that may play a role. */
export function everyProfile(profiles: Readonly<Record<Role, AgentProfile>>): AgentProfile[] {
  return Object.values(profiles).flatMap(allPlayersOf);
}

/** The setting by which an agent with this profile must not start without walls; null: there is none. */
export function wallsSetting({ sandbox, network }: Pick<AgentProfile, 'sandbox' | 'network'>): string | null {
  if (sandbox === 'bwrap') return 'sandbox = "bwrap"';
  return network === 'full' ? null : `network = "${network}"`;
}

/** The tasks that name an agent that does not exist, with the nearest name. */
export function unknownAgents({ waves }: Pick<PlanDocument, 'waves'>, coder: AgentProfile): PlanProblem[] {
  const names = [coder.role, ...coder.choices.flatMap(({ name }) => name ?? [])];
  return waves.flatMap(({ tasks }) =>
    tasks.flatMap(({ agent, line, number }) => {
      if (agent === null || names.includes(agent)) return [];
      const help = didYouMeanOr(agent, names, `the configuration has: ${names.join(', ')}`);
      return [
        {
          line,
          message: `task ${number} names the agent "${agent}", and there is no table [agents.${agent}]; ${help}`,
        },
      ];
    }),
  );
}

/** The open tasks whose first agent has the preset `sh` and that hold no fenced `sh` block: nothing could be run for them. */
export function tasksWithoutBlocks(
  { waves }: Pick<PlanDocument, 'waves'>,
  own: AgentProfile,
  isDone: (wave: number, task: PlanTask) => boolean,
): { readonly wave: number; readonly task: PlanTask }[] {
  const presetOf = (task: PlanTask) => {
    const found = taskAgent(taskFacts(task), own.small);
    return (found === null ? null : playersOf(own, 1, found.agent)[0])?.preset ?? own.preset;
  };
  return waves.flatMap(({ number: wave, tasks }) =>
    tasks
      .filter((task) => presetOf(task) === 'sh' && !isDone(wave, task) && shellBlocks(task.body).length === 0)
      .map((task) => ({ wave, task })),
  );
}

/** An agent that cannot play a role is off if the role resolves to it. */
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
