/** Both configuration files as strict schemas. No defaults here: a key that is absent must stay absent, so that the next file is used. */

import { isAbsolute, normalize, resolve } from 'node:path';
import { z } from 'zod';
import { landingBatchLimit, landingCheckLimit } from '../../../machines/vocabulary/engine-signals.ts';
import { isHostName } from '../../../machines/vocabulary/host-name.ts';
import { isMachineName, type Role, roles } from '../../../machines/vocabulary/ids.ts';
import { landers } from '../../../machines/vocabulary/landing.ts';
import { mergeMethods, pullMergeModes, stackModes } from '../../../machines/vocabulary/plan-pull.ts';
import { overlaps, type Policy, plannerDraftsLimit } from '../../../machines/vocabulary/policy.ts';
import { isLoopback } from '../platform/home.ts';
import { hostForm, parseHostRule, registriesWord } from '../platform/host-rules.ts';
import { logLevels } from '../platform/log.ts';
import type { ChosenAcpPreset } from './acp/agents.ts';
import { chatsSchema, chatTable, desktopModes, type HookTable, hookKeysOf, hookOf, hookTableSchema } from './hooks.ts';
import { intakeKeysOf, intakesSchema } from './intake.ts';
import { serviceKeys } from './intake-sources/tracker.ts';
import { kasmosDaemonKeys } from './kasmos-daemon.ts';
import { membersSchema, memberTable } from './members.ts';
import { nearest } from './nearest.ts';
import { type OwnProgramPreset, programPresets } from './preset-programs.ts';
import {
  amountOrNone,
  duration,
  durationOrNone,
  flag,
  isBranchName,
  listOf,
  namedTables,
  oneOf,
  placesInWalls,
  sandboxModes,
  shareOrNone,
  sizeOrNone,
  tableName,
  text,
  textOrNone,
  wholeNumber,
  wholeNumberOrNone,
} from './schema-words.ts';
import { hasPassword, isPostgresUrl } from './store-place.ts';
import type { TomlPath } from './toml-place.ts';

/** The presets that files may name. */
export const presets: readonly (OwnProgramPreset | 'sh' | 'command')[] = [...programPresets, 'sh', 'command'];
/** `function` and `custom`: agents of the program that embeds the engine, from `run` and `start`. */
export type Preset = (typeof presets)[number] | ChosenAcpPreset | 'function' | 'custom';

/** All of the network, the hosts of a list by a proxy, or nothing. */
export const networkModes = ['full', 'hosts', 'none'] as const;
/** Earlier names of two of them. */
const olderNetworks: Readonly<Record<string, NetworkMode>> = { on: 'full', off: 'none' };

export type { SandboxMode } from './schema-words.ts';
export type NetworkMode = (typeof networkModes)[number];
/** Whether an agent acts without asking, or asks a person before actions for which its program would ask. */
export const permissionModes = ['skip', 'ask'] as const;
export type PermissionMode = (typeof permissionModes)[number];

const dayMs = 86_400_000;
const runLimit = { maxMs: 30 * dayMs, limits: 'at most 30d' };
const mebibyte = 1024 ** 2;

/** The additions in a commit that need no question by default: a file of at most this many bytes, and at most this many new files in one folder. */
export const confirmDefaults = { fileBytes: 5 * mebibyte, newFiles: 200 } as const;

/** Everything that guards may read under the name it has in the files. */
const flagKeys = {
  auto_advance: flag.optional(),
  auto_advance_waves: flag.optional(),
  auto_review_fix: flag.optional(),
  auto_readiness_review: flag.optional(),
  auto_create_pr: flag.optional(),
  auto_merge: flag.optional(),
  max_review_fix_cycles: wholeNumber(0, 1000).optional(),
  readiness_self_fix_max_lines: wholeNumber(0, 1_000_000).optional(),
  blueprint_skip_threshold: wholeNumber(0, 1000).optional(),
  planner_drafts: wholeNumber(1, plannerDraftsLimit).optional(),
};
export const flagNames = Object.keys(flagKeys) as (keyof typeof flagKeys)[]; // the keys of the table above, nothing else
export type Flags = Readonly<Pick<Policy, keyof typeof flagKeys>>;

const tableNameOrNone = (is: string) =>
  textOrNone({ max: 64, is, where: (name) => name === '' || tableName.test(name) });

const variableNames = listOf(
  text({
    min: 1,
    max: 200,
    is: 'a variable\'s name, such as "GITHUB_TOKEN" (STATOR_ names are the engine\'s own)',
    where: (name) => /^(?!STATOR(?:_|$))[A-Za-z_][A-Za-z0-9_]*$/.test(name),
  }),
  { max: 200, is: "a list of variables' names" },
);
const mcpServer = z.strictObject(
  {
    command: text({ min: 1, max: 4096, is: 'a program' }),
    args: listOf(text({ min: 0, max: 8192, is: 'a text' }), { max: 200, is: 'a list of texts' }).optional(),
    env: variableNames.optional(),
  },
  { error: 'a table with `command`, `args` and `env`' },
);
export type McpServer = Readonly<z.infer<typeof mcpServer>>;

const agentKeys = {
  enabled: flag.optional(),
  preset: oneOf(presets).optional(),
  program: textOrNone({ max: 4096, is: 'a program' }).optional(),
  account: tableNameOrNone('a name such as "work", in small letters, digits, ".", "_" and "-"').optional(),
  fallback: tableNameOrNone('the name of another table of [agents], such as "spare"').optional(),
  reserve: shareOrNone().optional(),
  small: tableNameOrNone('the name of a table of [agents], such as "fast"').optional(),
  escalate: listOf(
    text({
      min: 1,
      max: 64,
      is: 'the name of a table of [agents], such as "strong"',
      where: (name) => tableName.test(name),
    }),
    { max: 10, is: 'a list of tables of [agents], such as ["fast", "strong"]' },
  ).optional(),
  flags: listOf(text({ min: 0, max: 8192, is: 'a text' }), { max: 200, is: 'a list of texts' }).optional(),
  model: textOrNone({ max: 200, is: "a model's name" }).optional(),
  acp: flag.optional(),
  mode: textOrNone({ max: 200, is: "a mode's name" }).optional(),
  mcp: namedTables(mcpServer, {
    max: 50,
    is: 'tables of MCP servers by their names, each with `command`, `args` and `env`',
    called: 'servers',
  }).optional(),
  timeout: duration({ minMs: 1, ...runLimit }).optional(),
  idle_timeout: z
    .union([z.literal('').transform(() => null), duration({ minMs: 1, ...runLimit })], {
      error: 'a duration such as "10m", at most 30d, or "" for none',
    })
    .optional(),
  attempts: wholeNumber(1, 100).optional(),
  max_cost_usd: amountOrNone().optional(),
  env_file: textOrNone({
    max: 4096,
    is: 'a file, absolute or relative to the repo; ~ is not expanded',
    where: hasNoTilde,
  }).optional(),
  sandbox: oneOf(sandboxModes).optional(),
  network: z
    .preprocess(
      (found) => (typeof found === 'string' && Object.hasOwn(olderNetworks, found) ? olderNetworks[found] : found),
      oneOf(networkModes),
    )
    .optional(),
  hosts: listOf(
    text({
      min: 1,
      max: 300,
      is: hostForm,
      where: (host) => host === registriesWord || parseHostRule(host) !== null,
    }),
    { max: 500, is: 'a list of hosts such as "example.com"' },
  ).optional(),
  nice: wholeNumber(0, 19).optional(),
  memory: sizeOrNone({
    minBytes: 64 * mebibyte,
    maxBytes: 64 * mebibyte * mebibyte,
    limits: 'from 64MiB to 64TiB',
  }).optional(),
  processes: wholeNumberOrNone(16, 1_000_000).optional(),
  disk: sizeOrNone({
    minBytes: 64 * mebibyte,
    maxBytes: 64 * mebibyte * mebibyte,
    limits: 'from 64MiB to 64TiB',
  }).optional(),
  terminal: flag.optional(),
  permissions: oneOf(permissionModes).optional(),
  permission_timeout: duration({ minMs: 1_000, maxMs: dayMs, limits: 'from 1s to 24h' }).optional(),
  writable: placesInWalls(),
  readable: placesInWalls(),
  trusted_files: listOf(
    text({
      min: 1,
      max: 4096,
      is: 'a path inside the repo, on one line, or "." for all of it',
      where: (path) => path === '.' || isPathInside(path),
    }),
    { max: 100, is: 'a list of paths inside the repo' },
  ).optional(),
  env: variableNames.optional(),
};
export const agentKeyNames = Object.keys(agentKeys) as (keyof typeof agentKeys)[]; // the keys of the table above, nothing else
const madeAgentTable = z.strictObject(agentKeys, { error: 'a table of agent keys' });
/** A named type: the types of both files refer to it by name and do not repeat it for each role. */
export interface AgentTableSchema extends MadeAgentTable {}
type MadeAgentTable = typeof madeAgentTable;
const agentTableSchema: AgentTableSchema = madeAgentTable;
/** Keys of agents that write: they work in the branch itself. */
const workerKeys = {
  ...agentKeys,
  trusted_files: z
    .undefined({
      error: 'nothing here: it is for who judges, in [agents.reviewer], [agents.verifier] or [agents.default]',
    })
    .optional(),
};
const madeWorkerTable = z.strictObject(workerKeys, { error: 'a table of agent keys' });
/** A named type, for the same reason. */
export interface WorkerTableSchema extends MadeWorkerTable {}
type MadeWorkerTable = typeof madeWorkerTable;
const workerTableSchema: WorkerTableSchema = madeWorkerTable;
const coderTableSchema = z.strictObject(
  {
    ...workerKeys,
    enabled: z.literal(true, { error: 'only true, since without a coder nothing is implemented' }).optional(),
  },
  { error: 'a table of agent keys' },
);

/** The keys of the coder's profile that its checks may set differently: checks are commands, which run in the same sandbox. */
const checkKeyNames = [
  'sandbox',
  'network',
  'hosts',
  'nice',
  'memory',
  'processes',
  'disk',
  'writable',
  'readable',
  'env',
] as const satisfies readonly (keyof typeof agentKeys)[];
const checkTableSchema = z.strictObject(
  Object.fromEntries(checkKeyNames.map((name) => [name, agentKeys[name]])) as Pick<
    typeof agentKeys,
    (typeof checkKeyNames)[number]
  >, // each name with the schema of that very name
  { error: `a table with ${checkKeyNames.join(', ')}` },
);

/** One `[agents.<role>]`, or another profile that a `fallback` or `escalate` names, as checked: durations in milliseconds, null for `""`. */
export type AgentTable = Readonly<Omit<z.infer<typeof agentTableSchema>, 'preset'> & { preset?: Preset | undefined }>;
/** The same keys as a program writes them: `{ preset: 'command', program: './agent', timeout: '90s' }`. */
export type AgentSettings = Readonly<z.input<typeof agentTableSchema>>;
/** `check`: the commands of `**Check:**`. */
export type AgentTableName = Role | 'default' | 'check';
/** By role, `default`, or the name of a further profile. */
export type AgentTables = { readonly [name: string]: AgentTable | undefined };

export const agentTableNames: readonly AgentTableName[] = ['default', ...roles, 'check'];
const roleTables = {
  default: agentTableSchema.optional(),
  planner: workerTableSchema.optional(),
  architect: workerTableSchema.optional(),
  coder: coderTableSchema.optional(),
  reviewer: agentTableSchema.optional(),
  fixer: workerTableSchema.optional(),
  verifier: agentTableSchema.optional(),
  session: workerTableSchema.optional(),
  check: checkTableSchema.optional(),
} satisfies Record<AgentTableName, unknown>;
const madeAgentTables = z
  .object(roleTables, { error: 'tables such as [agents.coder]' })
  .catchall(agentTableSchema)
  // Reported with the other problems of the file, not after them.
  .superRefine(refuseUnnamed, { when: () => true });
/** A named type, for the same reason: both files have one. */
export interface AgentTablesSchema extends MadeAgentTables {}
type MadeAgentTables = typeof madeAgentTables;
export const agentTablesSchema: AgentTablesSchema = madeAgentTables;

const amountKeys = {
  usd: amountOrNone().optional(),
  tokens: amountOrNone().optional(),
  agent_minutes: amountOrNone().optional(),
};
const amountsSchema = z.strictObject(amountKeys, { error: 'a table with usd, tokens and agent_minutes' });
export const budgetSchema = z.strictObject(
  {
    ...amountKeys,
    hard_percent: wholeNumber(100, 1000).optional(),
    day: amountsSchema.optional(),
    attempt: amountsSchema.optional(),
  },
  { error: 'a table with usd, tokens, agent_minutes, hard_percent, and tables day and attempt' },
);
export type BudgetTable = Readonly<z.infer<typeof budgetSchema>>;

/** Who merges a pull request, and how, and what has one of its own. */
export const pullRequestsSchema = z.strictObject(
  {
    merge: oneOf(pullMergeModes).optional(),
    method: oneOf(['', ...mergeMethods]).optional(),
    stack: oneOf(stackModes).optional(),
  },
  { error: 'a table with merge, method and stack' },
);
export type PullRequestsTable = Readonly<z.infer<typeof pullRequestsSchema>>;

/** Which commits of stator are signed; `''`: as git is configured, where it needs no question. */
export const signModes = ['', 'never', 'landing', 'always'] as const;
export type SignMode = (typeof signModes)[number];

/** Keys of both files. */
const sharedKeys = {
  ...flagKeys,
  sign: oneOf(signModes).optional(),
  base_fetch: flag.optional(),
  budget: budgetSchema.optional(),
  pull_requests: pullRequestsSchema.optional(),
  max_active_plans: wholeNumber(0, 1000).optional(),
  agents: agentTablesSchema.optional(),
};

/** `host:port`, an IPv6 address in brackets, and a valid port. */
const bindForm =
  /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$/;

const httpSchema = z
  .strictObject(
    {
      bind: textOrNone({
        max: 300,
        is: '"host:port", such as "127.0.0.1:7433"',
        where: (bind) => bind === '' || bindForm.test(bind),
      }).optional(),
      hosts: listOf(
        text({
          min: 1,
          max: 255,
          is: 'a host name, with or without its port',
          where: (name) => /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/i.test(name),
        }),
        { max: 20, is: 'a list of host names such as "stator.lan"' },
      ).optional(),
      allow_remote: flag.optional(),
    },
    { error: 'a table with bind, hosts and allow_remote' },
  )
  .superRefine(({ bind = null, allow_remote: allowRemote = false }, context) => {
    if (bind === null || allowRemote || !bindForm.test(bind) || isLoopback(bind.slice(0, bind.lastIndexOf(':'))))
      return;
    const message =
      'an address of this machine alone, such as "127.0.0.1:7433": other machines would reach this one, and what is sent is not encrypted; allow_remote = true beside it says that this is wanted';
    context.addIssue({ code: 'custom', path: ['bind'], message, input: bind });
  });

const notificationsSchema = z.strictObject(
  { desktop: oneOf(desktopModes).optional(), terminal: flag.optional() },
  { error: 'a table with desktop and terminal' },
);

const storeUrl = textOrNone({
  max: 4096,
  is: '"env:NAME", the variable that holds the URL of a database of PostgreSQL; or that URL without a password, such as "postgresql://db.lan/stator"',
  where: (found) =>
    found === '' || /^env:[A-Za-z_][A-Za-z0-9_]*$/.test(found) || (isPostgresUrl(found) && !hasPassword(found)),
});
export const storeTable = z.strictObject(
  { url: storeUrl.optional(), backups: wholeNumber(0, 100).optional() },
  { error: 'a table with url and backups, or "env:NAME"' },
);
/** `store = "env:NAME"` is short for its `url`. */
const storeSchema = z.preprocess((found, context) => {
  if (typeof found !== 'string') return found;
  for (const { message } of storeUrl.safeParse(found).error?.issues ?? [])
    context.addIssue({ code: 'custom', message, input: found });
  return { url: found };
}, storeTable);

/** How many agents run at once. */
export const agentLimits = {
  max_agents: wholeNumber(1, 1000),
  max_agents_per_repo: wholeNumber(0, 1000),
  max_coordinators: wholeNumber(1, 1000),
};

export const hostTable = z.strictObject(
  {
    name: text({
      min: 0,
      max: 63,
      is: 'a name of letters, digits, ".", "_" and "-", or ""',
      where: (name) => name === '' || isHostName(name),
    }).optional(),
    labels: listOf(text({ min: 1, max: 63, is: 'a label of letters, digits, ".", "_" and "-"', where: isHostName }), {
      max: 20,
      is: 'a list of labels such as "gpu"',
    }).optional(),
    clones: textOrNone({
      max: 4096,
      is: 'an absolute path, or ""',
      where: (path) => path === '' || isAbsolute(path),
    }).optional(),
  },
  { error: 'a table with name, labels and clones' },
);

const daemonKeys = {
  repos: listOf(
    text({ min: 1, max: 4096, is: 'an absolute path', where: isAbsolute }).transform((path) => resolve(path)),
    { max: 1000, is: 'a list of absolute paths' },
  ).optional(),
  socket_path: text({
    min: 0,
    max: 4096,
    is: 'an absolute path, or ""',
    where: (path) => path === '' || isAbsolute(path),
  }).optional(),
  max_agents: agentLimits.max_agents.optional(),
  max_agents_per_repo: agentLimits.max_agents_per_repo.optional(),
  max_coordinators: agentLimits.max_coordinators.optional(),
  log_level: oneOf(logLevels).optional(),
  retention: duration({ minMs: dayMs, maxMs: 3650 * dayMs, limits: 'between 1d and 3650d' }).optional(),
  machines: z
    .record(
      z.string().refine(isMachineName, { error: 'a lower-case word that no machine of stator has' }),
      text({ min: 1, max: 4096, is: 'a file' }),
      { error: 'a table of names and files, such as release = "./release.mjs"' },
    )
    .optional(),
  http: httpSchema.optional(),
  notifications: notificationsSchema.optional(),
  store: storeSchema.optional(),
  host: hostTable.optional(),
  intake: intakesSchema.optional(),
  chats: chatsSchema.optional(),
};
export const daemonFileSchema = z.strictObject({ ...sharedKeys, ...daemonKeys });
export type DaemonFile = z.infer<typeof daemonFileSchema>;

const worktreeSchema = z.strictObject(
  {
    setup: textOrNone({ max: 8192, is: 'a shell command' }).optional(),
    copy: listOf(text({ min: 1, max: 4096, is: 'a path inside the repo, on one line', where: isPathInside }), {
      max: 100,
      is: 'a list of paths inside the repo',
    }).optional(),
    dir: text({
      min: 1,
      max: 4096,
      is: 'a folder inside the repo, relative to it, such as ".worktrees", or an absolute path, and not in .git, on one line',
      where: (dir) =>
        isOneLine(dir) &&
        (isAbsolute(dir)
          ? !/\/\.git(?:\/|$)/i.test(normalize(dir)) && normalize(dir) !== '/'
          : hasNoTilde(dir) && isInside(dir) && !/^\.git(?:\/|$)/i.test(normalize(dir))),
    }).optional(),
  },
  { error: 'a table with setup, copy and dir' },
);

/** How a plan gets into its target branch. */
const landingStrategies = ['merge', 'rebase'] as const;
export type LandingStrategy = (typeof landingStrategies)[number];
/** When a plan that was brought up to date is reviewed again. */
const reviewAgainModes = ['conflicts', 'always', 'never'] as const;
export type ReviewAgain = (typeof reviewAgainModes)[number];

const landingSchema = z.strictObject(
  {
    auto: flag.optional(),
    by: oneOf(landers).optional(),
    check: textOrNone({ max: landingCheckLimit, is: 'a shell command' }).optional(),
    strategy: oneOf(landingStrategies).optional(),
    review_again: oneOf(reviewAgainModes).optional(),
    batch: wholeNumber(1, landingBatchLimit).optional(),
    refresh: durationOrNone({ minMs: 1, maxMs: 3650 * dayMs, limits: 'at most 3650d' }).optional(),
  },
  { error: 'a table with auto, by, check, strategy, review_again, batch and refresh' },
);

const wavesSchema = z.strictObject({ overlap: oneOf(overlaps).optional() }, { error: 'a table with overlap' });

const documentsSchema = z.strictObject({ write_back: flag.optional() }, { error: 'a table with write_back' });

/** The files in which the notes about a repo may be kept. */
const noteFiles = ['.stator/notes.md', 'AGENTS.md'] as const;
export type NoteFile = (typeof noteFiles)[number];
/** Whether a person decides about a note that an agent proposes. */
const noteTakers = ['person', 'rule'] as const;
export type NoteTaker = (typeof noteTakers)[number];

const notesSchema = z.strictObject(
  { file: oneOf(noteFiles).optional(), take: oneOf(noteTakers).optional(), tokens: wholeNumber(0, 20_000).optional() },
  { error: 'a table with file, take and tokens' },
);

const repoKeys = {
  base_branch: text({
    min: 0,
    max: 255,
    is: 'a branch such as "main" or "origin/main", or ""',
    where: isBranchName,
  }).optional(),
  isolation: oneOf(['task', 'plan']).optional(),
  require_change: flag.optional(),
  confirm_deletions: flag.optional(),
  confirm_secrets: flag.optional(),
  confirm_file_size: sizeOrNone({
    minBytes: mebibyte,
    maxBytes: mebibyte * mebibyte,
    limits: 'from 1MiB to 1TiB',
  }).optional(),
  confirm_new_files: wholeNumberOrNone(1, 1_000_000).optional(),
  close_issues: flag.optional(),
  cleanup_age: duration({ minMs: 0, maxMs: 3650 * dayMs, limits: 'at most 3650d' }).optional(),
  priority: wholeNumber(-1000, 1000).optional(),
  worktree: worktreeSchema.optional(),
  landing: landingSchema.optional(),
  members: membersSchema.optional(),
  waves: wavesSchema.optional(),
  documents: documentsSchema.optional(),
  notes: notesSchema.optional(),
  hooks: listOf(hookTableSchema, { max: 100, is: 'tables that begin with [[hooks]]' })
    .superRefine(refuseDuplicateHooks)
    .optional(),
};
export const repoFileSchema = z.strictObject({ ...sharedKeys, ...repoKeys });
export type RepoFile = z.infer<typeof repoFileSchema>;

/** The schema of a file, for checking it and for naming the valid keys if one is unknown. */
export interface FileForm<Checked> {
  readonly schema: z.ZodType<Checked>;
  /** The file in which a key belongs that is unknown in this one, as the end of a sentence; null: none. */
  keysOf(path: TomlPath, table: unknown): readonly string[];
  /** Where a key that is unknown in this file has its place, as the end of a sentence; null where it has none. */
  elsewhere(key: string): string | null;
  /** Top-level keys that are taken and have no effect, and why. */
  readonly ignored: Readonly<Record<string, string>>;
  /** The list of tables in which a wrong one is left out alone, and its noun; null: every mistake counts for the whole file. */
  readonly apart: { readonly key: string; readonly noun: string } | null;
}

export const daemonForm: FileForm<DaemonFile> = {
  schema: daemonFileSchema,
  keysOf: (path, table) => keysAt(Object.keys(daemonFileSchema.shape), path, table),
  elsewhere: (key) => (Object.hasOwn(repoKeys, key) ? "belongs only in a repo's .stator/config.toml" : null),
  ignored: kasmosDaemonKeys,
  apart: null,
};

export const repoForm: FileForm<RepoFile> = {
  schema: repoFileSchema,
  keysOf: (path, table) => keysAt(Object.keys(repoFileSchema.shape), path, table),
  elsewhere: (key) => (Object.hasOwn(daemonKeys, key) ? 'belongs only in daemon.toml' : null),
  ignored: {},
  apart: { key: 'hooks', noun: 'hook' },
};

function keysAt(top: readonly string[], path: TomlPath, table: unknown): readonly string[] {
  if (path.length === 0) return top;
  if (path[0] === 'agents' && path.length === 1) return agentTableNames;
  if (path[0] === 'agents' && path[2] === 'mcp') return Object.keys(mcpServer.shape);
  if (path[0] === 'agents') return path[1] === 'check' ? checkKeyNames : agentKeyNames;
  if (path[0] === 'landing') return Object.keys(landingSchema.shape);
  if (path[0] === 'members') return Object.keys(memberTable.shape);
  if (path[0] === 'waves') return Object.keys(wavesSchema.shape);
  if (path[0] === 'documents') return Object.keys(documentsSchema.shape);
  if (path[0] === 'notes') return Object.keys(notesSchema.shape);
  if (path[0] === 'worktree') return Object.keys(worktreeSchema.shape);
  if (path[0] === 'budget') return Object.keys(path.length === 1 ? budgetSchema.shape : amountKeys);
  if (path[0] === 'pull_requests') return Object.keys(pullRequestsSchema.shape);
  if (path[0] === 'http') return Object.keys(httpSchema.shape);
  if (path[0] === 'host') return Object.keys(hostTable.shape);
  if (path[0] === 'store') return Object.keys(storeTable.shape);
  if (path[0] === 'notifications') return Object.keys(notificationsSchema.shape);
  const fields: Readonly<Record<string, unknown>> = typeof table === 'object' && table !== null ? { ...table } : {};
  if (path[0] === 'intake' && path[2] === 'move') return serviceKeys.move.unwrap().keyType.options;
  if (path[0] === 'intake') return intakeKeysOf(fields.source);
  if (path[0] === 'chats') return Object.keys(chatTable.shape);
  return hookKeysOf(fields.type);
}

/** A delivery belongs to a hook by its name, so no two hooks may share one. */
function refuseDuplicateHooks(tables: readonly HookTable[], context: z.RefinementCtx): void {
  const seen = new Map<string, number>();
  for (const [index, table] of tables.entries()) {
    const name = hookOf(table).name;
    const first = seen.get(name);
    if (first === undefined) seen.set(name, index + 1);
    else {
      const message = `a name that no other hook of the file has; hook ${first} ${table.name === undefined ? 'does exactly the same' : 'has it too'}`;
      context.addIssue({ code: 'custom', path: [index, 'name'], message });
    }
  }
}

/** Another table than that of a role is a profile, which a task or another table may name; one that is near to a role, and that no table names, is a role that is mistyped. */
function refuseUnnamed(tables: unknown, context: z.RefinementCtx): void {
  if (typeof tables !== 'object' || tables === null) return;
  const named = new Set(
    Object.values(tables).flatMap((table: unknown) => {
      if (typeof table !== 'object' || table === null) return [];
      const { fallback = null, small = null, escalate = [] } = table as Readonly<Record<string, unknown>>; // looked at by name alone
      return [fallback, small, ...(Array.isArray(escalate) ? (escalate as unknown[]) : [])];
    }),
  );
  const keys = Object.keys(tables).filter(
    (name) => !Object.hasOwn(roleTables, name) && !named.has(name) && nearest(name, agentTableNames) !== null,
  );
  if (keys.length > 0) context.addIssue({ code: 'unrecognized_keys', keys, input: { ...tables } });
}

/** A shell would expand it, a configuration does not: taken literally it would name a folder called `~`. */
function hasNoTilde(path: string): boolean {
  return !path.startsWith('~');
}

/** A path with a newline would be two lines in git's exclude file. */
function isOneLine(path: string): boolean {
  return !/[\x00-\x1f\x7f]/.test(path);
}

function isPathInside(path: string): boolean {
  return isOneLine(path) && isInside(path);
}

function isInside(path: string): boolean {
  const plain = normalize(path).replace(/\/$/, '');
  return !isAbsolute(path) && plain !== '.' && plain !== '..' && !plain.startsWith('../');
}
