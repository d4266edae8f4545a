/**
 * The configuration: daemon.toml and a repo's own file, checked, folded with their defaults into one frozen object each, and the origin of every value.
 * Nothing here watches or remembers a file: to reload, the caller calls again and compares.
 */
import { dirname, join, resolve } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type Role, roles } from '../../../machines/vocabulary/ids.ts';
import type { MergeMethod } from '../../../machines/vocabulary/plan-pull.ts';
import { defaultPolicy, type Overlap, type Policy } from '../../../machines/vocabulary/policy.ts';
import type { LogLevel } from '../platform/log.ts';
import { type BudgetConfig, budgetsOf } from './budget.ts';
import type { ChatHookConfig } from './channels/chat.ts';
import { builtIn, checkDocument, type Origin, type Origins, originOf, problemsError, problemsOf } from './document.ts';
import { readConfigText } from './file.ts';
import { chatsOf, type DesktopMode, type HookConfig, hookOf, ownersHooks } from './hooks.ts';
import { type IntakeConfig, intakesOf } from './intake.ts';
import { type KasmosHooks, kasmosHooks } from './kasmos.ts';
import { type MemberConfig, membersOf } from './members.ts';
import { givenAgents, type OwnAgent, settingsOf } from './own-agents.ts';
import { checkOwnHooks, functionHooks, type OwnHooks } from './own-hooks.ts';
import { type PolicyParts, policyOf, unusedNotes } from './policy.ts';
import { type AgentLayer, type AgentProfile, resolveCheck, resolveProfile } from './profiles.ts';
import {
  type AgentTable,
  type AgentTableName,
  type AgentTables,
  agentTablesSchema,
  type BudgetTable,
  confirmDefaults,
  daemonForm,
  type Flags,
  flagNames,
  type LandingStrategy,
  type NoteFile,
  type NoteTaker,
  type PullRequestsTable,
  type RepoFile,
  type ReviewAgain,
  repoForm,
  type SignMode,
} from './schema.ts';
import { type FoundBesides, trustView } from './trust.ts';
import { refuseReplacements, refuseUnfitChecks, refuseUnfitKeys } from './unfit-profiles.ts';

export { hookEvents } from '../../../machines/vocabulary/hook-event.ts';
export { homeFolder } from '../platform/home.ts';
export type { BudgetConfig } from './budget.ts';
export { hookTypes } from './channels/channels.ts';
export type { ChatHookConfig, ChatServiceName } from './channels/chat.ts';
export type { Origin } from './document.ts';
export { withoutHookSecrets } from './hook-secrets.ts';
export type { CommandHookConfig, FunctionHookConfig, HookConfig, NotifyHookConfig, WebhookConfig } from './hooks.ts';
export { missingVariables, opensOf, refusedAddress, refusedAddresses, targetOf, unheardEvents } from './hooks.ts';
export { type IntakeConfig, type IntakeOf, type IntakeSourceName, intakeFrom } from './intake.ts';
export { type ScheduleTimes, scheduleProblem, scheduleTimes } from './intake-sources/schedule.ts';
export { folderName, inLandOrder, type MemberConfig, unknownRepos } from './members.ts';
export type {
  AgentCall,
  AgentCommand,
  AgentFunction,
  AgentPreset,
  AgentStart,
  AgentWork,
  OwnAgent,
  OwnAgents,
} from './own-agents.ts';
export { checkOwnHooks, type HookMessage, machineHooks, type OwnHook, type OwnHooks } from './own-hooks.ts';
export {
  type AgentProfile,
  allPlayersOf,
  everyProfile,
  playersOf,
  tasksWithoutBlocks,
  unknownAgents,
  unplayable,
  wallsSetting,
} from './profiles.ts';
export type {
  AgentSettings,
  Flags,
  McpServer,
  NoteFile,
  Preset,
  ReviewAgain,
  SandboxMode,
  SignMode,
} from './schema.ts';
export { agentLimits } from './schema.ts';
export { socketElsewhere, socketPath } from './socket-path.ts';
export { isStoreThere, type StorePlace, storePlace, targetPlace } from './store-place.ts';
export { digestedBytes, digestedLimitBytes, type FoundBesides, fileDigest } from './trust.ts';
export { printable } from './wording.ts';

/** The control API on TCP. */
export interface HttpConfig {
  /** `host:port`; null: the API is not served on TCP. */
  readonly bind: string | null;
  /** Further host names under which it may be called. */
  readonly hosts: readonly string[];
}

export interface DaemonConfig {
  /** The path of the file, which may not exist. */
  readonly file: string;
  /** Absolute paths, each once. */
  readonly repos: readonly string[];
  /** `''`: chosen by `socketPath`. */
  readonly socketPath: string;
  readonly maxAgents: number;
  /** 0: no limit of its own. */
  readonly maxAgentsPerRepo: number;
  readonly maxCoordinators: number;
  readonly logLevel: LogLevel;
  /** User-defined machines: from their names to absolute paths. */
  readonly machines: Readonly<Record<string, string>>;
  /** How long ended things are kept. */
  readonly retentionMs: number;
  /** `host:port`, or null: no TCP. */
  readonly http: HttpConfig;
  /** What a person's own desktop shows, and whether the terminal of `run` and `monitor` rings. */
  readonly notifications: { readonly desktop: DesktopMode; readonly terminal: boolean };
  /** The database of PostgreSQL that the store is in, `env:NAME` or a URL; null: it is a file of the home. */
  readonly storeUrl: string | null;
  /** This machine among those that share a store; `''`: the system's host name. */
  readonly host: { readonly name: string; readonly labels: readonly string[]; readonly clones: string | null };
  /** How many daily copies of the store are kept; 0: none are made. */
  readonly backups: number;
  readonly intakes: readonly IntakeConfig[];
  /** Where questions go, and answers come from. */
  readonly chats: readonly ChatHookConfig[];
  readonly flags: Flags;
  readonly maxActivePlans: number;
  readonly agents: AgentTables;
  readonly budget: BudgetTable | undefined;
  readonly pullRequests: PullRequestsTable | undefined;
  readonly baseFetch: boolean;
  readonly sign: SignMode;
  /** Configured keys that have no effect, as sentences. */
  readonly notes: readonly string[];
  readonly origins: Origins;
}

export interface RepoConfig {
  readonly flags: Flags;
  /** Plans that implement at once; 0: no limit. */
  readonly maxActivePlans: number;
  readonly priority: number;
  /** `''`: the remote's default branch, else the current one. */
  readonly baseBranch: string;
  /** The base is fetched from its remote before a plan begins from it. */
  readonly baseFetch: boolean;
  readonly sign: SignMode;
  readonly isolation: 'task' | 'plan';
  readonly overlap: Overlap;
  readonly requireChange: boolean;
  /** A commit that deletes more than half of the files waits for a person's yes. */
  readonly confirmDeletions: boolean;
  /** Additions in a commit that need a person's yes: keys and tokens, a file over a number of bytes, a folder with more new files. null: none. */
  readonly confirmAdditions: {
    readonly secrets: boolean;
    readonly fileBytes: number | null;
    readonly newFiles: number | null;
  };
  /** The request of an issue's session closes that issue when it is merged. */
  readonly closeIssues: boolean;
  /** How a pull request is merged without a person; null: as the forge has it by default. `policy` says whether it is. */
  readonly mergeMethod: MergeMethod | null;
  readonly cleanupAgeMs: number;
  /** `copy` and `dir` as configured, relative to the repo; `dir` may be absolute. */
  readonly worktree: { readonly setup: string | null; readonly copy: readonly string[]; readonly dir: string };
  /** The command that must succeed on a merge before its branch moves to it. `policy` says whether plans get in line automatically. */
  readonly landing: {
    readonly check: string | null;
    readonly strategy: LandingStrategy;
    readonly reviewAgain: ReviewAgain;
    /** How many plans are tried together. */
    readonly batch: number;
  };
  /** The repos whose files are in folders of this one, in the order in which they land; empty: it is a repo of its own. */
  readonly members: readonly MemberConfig[];
  /** Tasks that are done are marked so in the plan's own file, on its branch. */
  readonly documents: { readonly writeBack: boolean };
  /** How notes about the repo are handled. `tokens`: the most that an agent gets; 0: none. */
  readonly noteRules: { readonly file: NoteFile; readonly take: NoteTaker; readonly tokens: number };
  readonly profiles: Readonly<Record<Role, AgentProfile>>;
  /** The sandbox and the limits of the checks: those of the coder, except for what `[agents.check]` sets. */
  readonly checks: AgentProfile;
  readonly budget: BudgetConfig;
  readonly hooks: readonly HookConfig[];
  /** Hooks with a mistake, which receive nothing, each with its place and the reason; the rest of the file counts. */
  readonly hooksOff: readonly string[];
  /** The part that guards read, derived from the rest. */
  readonly policy: Policy;
  /** Configured keys that are not used, as sentences. */
  readonly notes: readonly string[];
  /** The programs that the repo's own files may start, and the gates they weaken, one line for people each; empty: there is nothing to trust. */
  readonly enables: readonly string[];
  /** The source that chooses the program here: the repo's files, daemon.toml (or the embedding program), or none, and then the built-in agent is used. */
  readonly agentsOf: 'repo' | 'user' | 'nobody';
  /** The tables of `[agents]` of the repo's own file. */
  readonly ownAgents: readonly AgentTable[];
  /** SHA-256 (hex) of that, to pin it. */
  readonly digest: string;
  readonly origins: Origins;
}

/** The texts of a repo's files, as they are pinned: null if there is none. JSON, so that a host can keep it in a row. */
export interface RepoConfigSource {
  readonly file: string;
  readonly text: string | null;
  readonly kasmosFile: string;
  readonly kasmosText: string | null;
  /** Why the other program's file could not be read, where it could not. */
  readonly kasmosProblem: string | null;
  /** The files that they refer to. Missing until they are read. */
  readonly found?: FoundBesides;
  /** The commit of the user's checkout when a person said yes: command hooks run in its files. Absent until then. */
  readonly commit?: string;
}

export interface RepoOverrides {
  /** Functions of the program that embeds the engine: hooks of each repo. */
  readonly hooks?: OwnHooks;
  /** Settings of the embedding program; they override every file. The keys are those of the files. */
  readonly agents?: { readonly [name in AgentTableName]?: OwnAgent } & { readonly [profile: string]: OwnAgent };
}

/** The configuration of the daemon; no file: the defaults. `file` is another file that must exist. Throws `bad_config` with all its problems. */
export function loadDaemonConfig(home: string, file?: string): DaemonConfig {
  const path = resolve(file ?? join(home, 'daemon.toml'));
  const text = readConfigText(path);
  if (text === null && file !== undefined) {
    throw new EngineError('bad_config', `${path} does not exist`, 'name a file that exists, or leave --config out');
  }
  return parseDaemonConfig(path, text ?? '');
}

/** The same for a text that is to become that file. Throws `bad_config`. */
export function parseDaemonConfig(path: string, text: string): DaemonConfig {
  const { values, origins, notes } = checkDocument(daemonForm, path, text);
  return deepFreeze({
    file: path,
    repos: [...new Set(values.repos ?? [])],
    socketPath: values.socket_path ?? '',
    maxAgents: values.max_agents ?? 3,
    maxAgentsPerRepo: values.max_agents_per_repo ?? 0,
    maxCoordinators: values.max_coordinators ?? 2,
    logLevel: values.log_level ?? 'info',
    machines: Object.fromEntries(
      Object.entries(values.machines ?? {}).map(([name, given]) => [name, resolve(dirname(path), given)]),
    ),
    retentionMs: values.retention ?? 90 * 86_400_000,
    http: { bind: values.http?.bind ?? null, hosts: values.http?.hosts ?? [] },
    notifications: {
      desktop: values.notifications?.desktop ?? 'off',
      terminal: values.notifications?.terminal ?? true,
    },
    storeUrl: values.store?.url ?? null,
    host: { name: values.host?.name ?? '', labels: values.host?.labels ?? [], clones: values.host?.clones ?? null },
    backups: values.store?.backups ?? 3,
    intakes: intakesOf(values.intake ?? {}),
    chats: chatsOf(values.chats ?? {}),
    flags: flagsOf(values, defaultPolicy),
    maxActivePlans: values.max_active_plans ?? 0,
    agents: values.agents ?? {},
    budget: values.budget,
    pullRequests: values.pull_requests,
    baseFetch: values.base_fetch ?? false,
    sign: values.sign ?? '',
    notes,
    origins,
  });
}

/** The configuration of the repo at `repoPath` as its files are now. Throws `bad_config`. */
export function loadRepoConfig(repoPath: string, daemon: DaemonConfig): RepoConfig {
  return parseRepoConfig(readRepoConfigSource(repoPath), daemon);
}

/** The texts of the repo's files, unchecked. Throws `bad_config` where its own file cannot be read; the other program's only leaves a note. */
export function readRepoConfigSource(repoPath: string): RepoConfigSource {
  const file = join(repoPath, '.stator', 'config.toml');
  const kasmosFile = join(repoPath, '.kasmos', 'config.toml');
  const source = { file, text: readConfigText(file), kasmosFile, kasmosText: null, kasmosProblem: null };
  try {
    return { ...source, kasmosText: readConfigText(kasmosFile) };
  } catch (thrown) {
    if (thrown instanceof EngineError) return { ...source, kasmosProblem: `hooks are off: ${thrown.message}` };
    throw thrown;
  }
}

/** A file that only stator writes. */
export function writtenSource(file: string, text: string): RepoConfigSource {
  const found = { prompts: {}, programs: {}, places: {}, envFiles: {} };
  return { file, text, kasmosFile: '', kasmosText: null, kasmosProblem: null, found };
}

/** The configuration from those texts, under today's daemon.toml; a pinned source does not depend on the repo's present files. */
export function parseRepoConfig(
  source: RepoConfigSource,
  daemon: DaemonConfig,
  overrides: RepoOverrides = {},
): RepoConfig {
  const { values, origins, notes } = checkDocument(repoForm, source.file, source.text ?? '');
  const tables = values.agents ?? {};
  const files = [layerOf(tables, origins), layerOf(daemon.agents, daemon.origins)];
  const given = givenTables(overrides);
  const agents = resolveRoles([{ tables: given, originOf: () => builtIn }, ...files]);
  const flags = flagsOf(values, daemon.flags);
  const kasmos = kasmosOf(source);
  const { hooks, origins: hookOrigins } = allHooks(values, kasmos);
  // These belong to the person, so they are no part of what the repo starts, or of what is trusted.
  const besides = ownersHooks({ desktop: daemon.notifications.desktop, chats: daemon.chats }, hooks);
  const besidesOrigins = Object.fromEntries(
    besides.map(({ type }, index) => [
      `hooks.${hooks.length + index}`,
      originOf(daemon, type === 'chat' ? `chats.${daemon.chats[index]?.name}.service` : 'notifications.desktop'),
    ]),
  );
  const worktree = {
    setup: values.worktree?.setup ?? null,
    copy: values.worktree?.copy ?? [],
    dir: values.worktree?.dir ?? '.worktrees',
  };
  const limits = {
    requireChange: values.require_change ?? true,
    confirmDeletions: values.confirm_deletions ?? true,
    confirmAdditions: {
      secrets: values.confirm_secrets ?? true,
      fileBytes: orDefault(values.confirm_file_size, confirmDefaults.fileBytes),
      newFiles: orDefault(values.confirm_new_files, confirmDefaults.newFiles),
    },
    isolation: values.isolation ?? 'task',
    overlap: values.waves?.overlap ?? 'wave',
    maxActivePlans: values.max_active_plans ?? daemon.maxActivePlans,
    priority: values.priority ?? 0,
    cleanupAgeMs: values.cleanup_age ?? 7 * 86_400_000,
    pullMerge: values.pull_requests?.merge ?? daemon.pullRequests?.merge ?? 'manual',
    pullStack: values.pull_requests?.stack ?? daemon.pullRequests?.stack ?? 'none',
    landingAuto: values.landing?.auto ?? false,
    landingBy: values.landing?.by ?? 'git',
    landingRefreshMs: values.landing?.refresh ?? null,
  };
  const members = membersOf(values.members ?? {});
  if (members.length > 0) checkRequestsOfMembers(source.file, limits);
  checkStack(source.file, limits);
  const profileOf = (role: Role) => resolveProfile(role, files).profile;
  return deepFreeze({
    flags,
    ...limits,
    closeIssues: values.close_issues ?? true,
    mergeMethod: (values.pull_requests?.method ?? daemon.pullRequests?.method) || null,
    baseBranch: values.base_branch ?? '',
    baseFetch: values.base_fetch ?? daemon.baseFetch,
    sign: values.sign ?? daemon.sign,
    worktree,
    landing: {
      check: values.landing?.check ?? null,
      strategy: values.landing?.strategy ?? 'merge',
      reviewAgain: values.landing?.review_again ?? 'conflicts',
      batch: values.landing?.batch ?? 1,
    },
    members,
    documents: { writeBack: values.documents?.write_back ?? false },
    noteRules: {
      file: values.notes?.file ?? '.stator/notes.md',
      take: values.notes?.take ?? 'person',
      tokens: values.notes?.tokens ?? 2_000,
    },
    profiles: agents.profiles,
    checks: agents.checks,
    budget: budgetsOf([values.budget, daemon.budget]),
    hooks: [...hooks, ...besides, ...functionHooks(overrides.hooks ?? {}, [...hooks, ...besides])],
    hooksOff: notes,
    policy: policyOf({ flags, profiles: agents.profiles, ...limits }),
    notes: [...notes, ...unusedNotes(agents.profiles, flags), ...kasmos.notes],
    ...trustView({ tables, profileOf, ...worktree, hooks, values, found: source.found ?? null }),
    agentsOf: namesAgent(tables) ? 'repo' : namesAgent(daemon.agents) || namesAgent(given) ? 'user' : 'nobody',
    ownAgents: Object.values(tables).filter((table) => table !== undefined),
    origins: {
      ...inherited(daemon),
      ...origins,
      ...agents.origins,
      ...hookOrigins,
      ...besidesOrigins,
    },
  });
}

/** People merge the requests of a stack, from the lowest up, so what merges without them is refused beside it. Throws `bad_config`. */
function checkStack(
  file: string,
  limits: Pick<PolicyParts, 'pullStack' | 'pullMerge' | 'landingBy' | 'landingRefreshMs'>,
): void {
  if (limits.pullStack === 'none') return;
  const other =
    limits.pullMerge !== 'manual'
      ? '[pull_requests] merge = "when-green"'
      : limits.landingBy !== 'git'
        ? '[landing] by = "forge"'
        : limits.landingRefreshMs !== null
          ? '[landing] refresh'
          : null;
  if (other === null) return;
  throw new EngineError(
    'bad_config',
    `${file}: [pull_requests] stack = "${limits.pullStack}" does not go together with ${other}: people merge the requests of a stack on the forge`,
    'leave one of the two out, in that file or in daemon.toml; stack = "none" turns a stack off',
  );
}

/** The requests of members belong together, so nothing merges or stacks one by itself. Throws `bad_config`. */
function checkRequestsOfMembers(file: string, { pullStack, pullMerge }: Pick<PolicyParts, 'pullStack' | 'pullMerge'>) {
  if (pullStack === 'none' && pullMerge === 'manual') return;
  const set = pullStack === 'none' ? `merge = "${pullMerge}"` : `stack = "${pullStack}"`;
  const off = pullStack === 'none' ? 'merge = "manual"' : 'stack = "none"';
  throw new EngineError(
    'bad_config',
    `${file}: [pull_requests] ${set} does not go together with [members]: a plan has one request for each member, and they are merged together`,
    `write ${off} into [pull_requests] of that file; to have the forges merge them, write by = "forge" into [landing]`,
  );
}

/** Whether these tables choose the program. */
function namesAgent({ default: all, coder }: AgentTables): boolean {
  return [all, coder].some((table) => (table?.preset ?? table?.program ?? null) !== null);
}

/** The flags of `own`, completed from `fallback`. */
function flagsOf(own: { readonly [name in keyof Flags]?: Flags[name] | undefined }, fallback: Flags): Flags {
  const set = flagNames.map((name) => [name, own[name] ?? fallback[name]]);
  return Object.fromEntries(set) as Flags; // each name of Flags, with the value of that very name
}

function layerOf(tables: AgentTables, origins: Origins): AgentLayer {
  return { tables, originOf: (table, key) => originOf({ origins }, `agents.${table}.${key}`) };
}

/**
 * An embedding program's tables are checked like a file's, since its types may not have been checked. Throws `bad_config` for mistakes that are mistakes in a
 * file too, and `bad_request` for mistakes in a function.
 */
export function checkOverrides(overrides: RepoOverrides): void {
  givenTables(overrides);
  checkOwnHooks(overrides.hooks ?? {});
}

function givenTables({ agents: given = {} }: RepoOverrides): AgentTables {
  const own = givenAgents(given).map(([name, agent]) => [name, settingsOf(name, agent)] as const);
  const agents = Object.fromEntries(own.map(([name, { settings }]) => [name, settings]));
  const parsed = agentTablesSchema.safeParse(agents);
  if (parsed.success) return { ...parsed.data, ...ofFunctions(own, parsed.data) };
  const place = { form: repoForm, raw: { agents }, places: { line: () => null } };
  const problems = parsed.error.issues.flatMap((issue) =>
    problemsOf({ ...issue, path: ['agents', ...issue.path] }, place),
  );
  throw problemsError('the agents given to the engine', problems);
}

/** A function is called in the engine's own process, so it has no walls around it. */
function ofFunctions(
  own: readonly (readonly [string, ReturnType<typeof settingsOf>])[],
  tables: AgentTables,
): AgentTables {
  const found = own.flatMap(([name, { preset }]): [string, AgentTable][] => {
    if (preset === null) return [];
    return [[name, { ...tables[name], preset, program: name, ...(preset === 'function' ? { sandbox: 'off' } : {}) }]];
  });
  return Object.fromEntries(found);
}

interface ResolvedRoles {
  readonly profiles: Record<Role, AgentProfile>;
  readonly checks: AgentProfile;
  readonly origins: Origins;
}

function resolveRoles(layers: readonly AgentLayer[]): ResolvedRoles {
  refuseReplacements(layers);
  const resolved = roles.map((role) => resolveProfile(role, layers));
  const profiles = Object.fromEntries(resolved.map(({ profile }) => [profile.role, profile]));
  const origins = resolved.flatMap(({ profile, origins: own }) =>
    Object.entries(own).map(([key, origin]) => [`agents.${profile.role}.${key}`, origin] as const),
  );
  refuseUnfitKeys(resolved, Object.fromEntries(origins));
  const checks = resolveCheck(layers);
  refuseUnfitChecks(checks);
  const { coder } = profiles;
  if (coder?.enabled === false) {
    const { file, line } = originOf({ origins: Object.fromEntries(origins) }, 'agents.coder.enabled');
    throw problemsError(file ?? 'the agents given to the engine', [
      {
        line,
        message: 'this turns the coder off, and without one nothing is implemented; set [agents.coder] enabled = true',
      },
    ]);
  }
  // One for each of `roles`.
  return {
    profiles: profiles as Record<Role, AgentProfile>,
    checks: checks.profile,
    origins: Object.fromEntries(origins),
  };
}

function kasmosOf({ kasmosFile, kasmosText, kasmosProblem }: RepoConfigSource): KasmosHooks {
  if (kasmosText !== null) return kasmosHooks(kasmosFile, kasmosText);
  return { hooks: [], notes: kasmosProblem === null ? [] : [kasmosProblem] };
}

/** The repo's own hooks first; a hook that both files have fires once. */
function allHooks(values: RepoFile, kasmos: KasmosHooks): { hooks: HookConfig[]; origins: Origins } {
  const hooks = (values.hooks ?? []).map(hookOf);
  const names = new Set(hooks.map(({ name }) => name));
  const origins: Record<string, Origin> = {};
  for (const { hook, origin } of kasmos.hooks) {
    if (names.has(hook.name)) continue;
    names.add(hook.name);
    origins[`hooks.${hooks.length}`] = origin;
    hooks.push(hook);
  }
  return { hooks, origins };
}

/** The origins of the values that a repo takes from daemon.toml unchanged; those of its agents are found for each role. */
function inherited(daemon: DaemonConfig): Origins {
  const ofBoth: ReadonlySet<string> = new Set([...flagNames, 'max_active_plans', 'base_fetch', 'sign']);
  const tables = /^(?:budget|pull_requests|agents)\./;
  return Object.fromEntries(Object.entries(daemon.origins).filter(([key]) => ofBoth.has(key) || tables.test(key)));
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part);
  return Object.freeze(value);
}

/** null: there is no limit, which a file says by `""`. */
function orDefault(said: number | 'auto' | null | undefined, byDefault: number): number | null {
  return said === undefined || said === 'auto' ? byDefault : said;
}
