/**
 * A text for every key of both files: what it is by default and what it does. What is accepted, and in which file, is read off the schemas
 * themselves, so the documents and the file that `stator init` writes cannot differ from what is checked. A key without its text
 * does not compile.
 */
import type { z } from 'zod';
import { channels, hookTypes } from './channels/channels.ts';
import { chat } from './channels/chat.ts';
import { chatTable } from './hooks.ts';
import { intakeShape, intakeWords } from './intake.ts';
import { memberTable } from './members.ts';
import { agentTablesSchema, daemonFileSchema, hostTable, repoFileSchema, storeTable } from './schema.ts';
import { oneOf } from './schema-words.ts';

export interface KeyReference {
  readonly key: string;
  /** As TOML; null where it must be given, or where absence is the default. */
  readonly default: string | null;
  /** The accepted form, as a message about a wrong value says it. */
  readonly accepted: string;
  readonly does: string;
  readonly files: readonly ('daemon.toml' | '.stator/config.toml')[];
}

/** `[default as TOML, what it does]`. */
type Words = readonly [string | null, string];

const daemonShape = daemonFileSchema.shape;
const repoShape = repoFileSchema.shape;
const agentShape = agentTablesSchema.shape.default.unwrap().shape;
const httpShape = daemonShape.http.unwrap().shape;
const notificationsShape = daemonShape.notifications.unwrap().shape;
const pullRequestsShape = daemonShape.pull_requests.unwrap().shape;
const worktreeShape = repoShape.worktree.unwrap().shape;
const landingShape = repoShape.landing.unwrap().shape;
const wavesShape = repoShape.waves.unwrap().shape;
const documentsShape = repoShape.documents.unwrap().shape;
const notesShape = repoShape.notes.unwrap().shape;

const hookShape: Readonly<Record<string, z.ZodType>> = {
  ...Object.assign({}, ...Object.values(channels).map(({ schema }) => schema.shape)),
  type: oneOf(hookTypes),
};

type TableName =
  | 'agents'
  | 'budget'
  | 'chats'
  | 'host'
  | 'http'
  | 'landing'
  | 'members'
  | 'intake'
  | 'notifications'
  | 'pull_requests'
  | 'store'
  | 'waves'
  | 'worktree'
  | 'documents'
  | 'notes'
  | 'hooks';
type TopKey = Exclude<keyof typeof daemonShape | keyof typeof repoShape, TableName>;

const flagWords = {
  auto_advance: ['true', 'implementing starts when the planner has finished'],
  auto_advance_waves: ['true', 'the next wave starts when all tasks of one have succeeded'],
  auto_review_fix: ['true', 'a fixer starts when a review asks for changes'],
  auto_readiness_review: ['true', 'a verifier starts after the review has approved'],
  auto_create_pr: ['true', 'a pull request is made when a plan is done, where a forge is configured'],
  auto_merge: ['false', 'a done plan is merged into the base branch'],
  max_review_fix_cycles: ['3', 'rounds of fixing before a person is asked; 0: no limit'],
  readiness_self_fix_max_lines: ['80', 'how many lines the verifier may correct itself'],
  blueprint_skip_threshold: ['2', 'a plan with at most that many tasks is done by one coder in one go'],
  planner_drafts: [
    '1',
    'planners that each write a draft of a plan at once; an architect, where one is on, or you choose one',
  ],
} as const satisfies Partial<Record<TopKey, Words>>;

const topWords: Readonly<Record<TopKey, Words>> = {
  repos: [
    '[]',
    'repos that are registered when an engine starts; naming one here is trusting its configuration as it is then',
  ],
  socket_path: ['""', 'the control socket; "": in $XDG_RUNTIME_DIR or /tmp'],
  max_agents: ['3', 'workers (coder, fixer) that run at once, over all repos'],
  max_agents_per_repo: ['0', 'the same for each single repo; 0: no limit of its own'],
  max_coordinators: ['2', 'coordinators (planner, architect, reviewer, verifier) that run at once'],
  log_level: ['"info"', 'how much is written to daemon.log'],
  retention: [
    '"90d"',
    'how long what ended is kept before it is cleared away: run folders, worktrees, branches, refs and rows',
  ],
  machines: [
    '{}',
    'machines of your own: a name, and the file whose default export is its definition, such as `release = "./release.mjs"`; they run inside the engine, with all that you may do',
  ],
  max_active_plans: ['0', 'plans of a repo that implement at once; 0: no limit'],
  ...flagWords,
  base_branch: ['""', 'where plans start and are merged; "": the remote\'s default branch, else the current one'],
  base_fetch: [
    'false',
    'the base is fetched from its remote before a plan begins from it, for 10 s at most; where that fails, the plan begins from what is here, and says so',
  ],
  sign: [
    '""',
    'which commits of stator are signed: "landing" those that come to a branch, "always" also those that are only saved as refs, "never" none; "": as commit.gpgSign of git says, where signing needs no question',
  ],
  isolation: ['"task"', 'a worktree for every task, or one that all tasks of a plan share'],
  require_change: ['true', 'a coder that ends well, changed nothing and did not say why has failed'],
  confirm_deletions: [
    'true',
    "work that deletes more than half of the repo's files, and five at least, waits for a person's yes",
  ],
  confirm_secrets: ['true', "work that adds a key, a token or a file such as .env waits for a person's yes"],
  confirm_file_size: [
    '"5MiB"',
    "work that adds a larger file, or ten times as much in one folder, waits for a person's yes",
  ],
  confirm_new_files: ['200', "work that adds more files in one folder waits for a person's yes"],
  close_issues: ['true', "the pull request of an issue's session closes its issue when it is merged"],
  cleanup_age: ['"7d"', "how long a plan's worktree stays after the plan is done or cancelled"],
  priority: ['0', 'higher goes first in the queue'],
};

const agentWords: Readonly<Record<keyof typeof agentShape, Words>> = {
  enabled: ['true', 'false: the role is skipped; architect and verifier are off unless they have a table of their own'],
  preset: ['"claude"', 'how the agent is started'],
  program: ['""', 'what is started instead of the preset\'s own program; "command" needs it'],
  flags: ['[]', 'further arguments of the program'],
  model: ['""', 'the model, for presets that take one'],
  acp: [
    'false',
    'true: opencode or gemini is spoken to by the Agent Client Protocol, and not by its own stream: it asks you, and a cancel ends its turn',
  ],
  mode: [
    '""',
    'for agents of the Agent Client Protocol: the mode that they work in, by their own name for it; "": that of the preset. `acp` needs one where its agent has modes',
  ],
  account: [
    '""',
    'agents with the same name here share the limits of one account; "": known by the login or key, and the address',
  ],
  fallback: [
    '""',
    'the table of [agents] to use while the account of this one is rate limited; "": none, so agents wait',
  ],
  reserve: [
    '""',
    'claude, codex: new agents of the account wait, or use their fallback, while less than this share of a limit is left, such as "20%"; "": none, so they work until the service stops them',
  ],
  small: [
    '""',
    'coder: the table of [agents] that does small tasks: one or two declared files and at most 1500 characters. A task that names its agent keeps it; after a failed attempt `escalate` goes on; "": none',
  ],
  escalate: [
    '[]',
    'the tables of [agents] for the first attempt, the second and so on, such as ["fast", "strong"]; the last one plays all further attempts. The role\'s own name is this table. []: always this one',
  ],
  mcp: [
    '{}',
    'for agents of the Agent Client Protocol: MCP servers of the agent, such as `[agents.coder.mcp.docs]`, each with `command`, `args` and, by their names, variables of its run in `env`; `command = "stator"`, `args = ["mcp"]` is stator itself',
  ],
  timeout: ['"1h"', 'a run that takes longer is a failed attempt'],
  idle_timeout: ['""', 'a run that is silent for longer is a failed attempt; "": never'],
  attempts: ['3', 'runs before its task has failed, or its plan is blocked'],
  max_cost_usd: ['""', 'a run that costs more is stopped, and its plan asks a person; "": no limit'],
  env_file: ['""', 'NAME=value lines for the environment of the agent'],
  sandbox: ['"auto"', 'sandbox of the agent: "auto" where bubblewrap works, "bwrap" or not at all, "off" never'],
  network: [
    '"full"',
    'what it reaches: "full" everything; "hosts" what `hosts` lists, and "none" nothing, both inside of walls only; "on" and "off" are older names of "full" and "none"',
  ],
  hosts: [
    '["registries"]',
    'if the network is "hosts": what it reaches beside the service of its preset. "registries": those of the packages that the repo uses',
  ],
  nice: ['0', 'how far it gives way to other programs that need the CPU; 0: not at all'],
  memory: ['"auto"', 'a run that needs more is ended; "auto": three quarters of the machine; "": no limit'],
  processes: [
    '"auto"',
    'processes and threads of a run at once: a run that has more is ended; "auto": 4096; "": no limit',
  ],
  disk: [
    '"auto"',
    'a run that writes more to its worktree, temp, git folders and `writable` places is ended; "auto": half of what is free when it starts; "": no limit',
  ],
  terminal: [
    'false',
    '`command` and `sh`: true runs the program in a terminal, into which people type (`stator agent attach`); the prompt is in $STATOR_PROMPT_FILE alone',
  ],
  permissions: [
    '"skip"',
    'what its program would ask a person about: "skip" lets it do so, "ask" asks you; of the presets claude and those of the Agent Client Protocol can ask',
  ],
  permission_timeout: ['"1h"', 'a question without an answer is denied after this time'],
  writable: ['[]', 'inside of walls: what it may change beside its worktree, such as ["~/.npm"]'],
  readable: ['[]', 'inside of walls: what it may read beside the system and its programs'],
  trusted_files: [
    '[]',
    'reviewer, verifier: paths of the repository that they get as you trusted them instead of as the branch has them, such as ["scripts", "package.json"]; ["."]: all of it',
  ],
  env: ['[]', 'variables that it is given beside the usual ones, such as ["GITHUB_TOKEN"]'],
};

const budgetShape = daemonShape.budget.unwrap().shape;
type BudgetKey = Exclude<keyof typeof budgetShape, 'day' | 'attempt'>;
const amountOf = (what: string) => `${what} that the agents of a plan may take over its whole life; "": no limit`;
const budgetWords: Readonly<Record<BudgetKey, Words>> = {
  usd: ['""', amountOf('US dollars, as the programs reckon them,')],
  tokens: ['""', amountOf('tokens, read and written,')],
  agent_minutes: ['""', amountOf('minutes of work')],
  hard_percent: [
    '100',
    'what runs is stopped where so much of a limit is used; nothing new starts at the limit itself',
  ],
};

const pullRequestsWords: Readonly<Record<keyof typeof pullRequestsShape, Words>> = {
  merge: [
    '"manual"',
    '"manual": a person merges on the forge; "when-green": merged without one as soon as it is approved and its checks have passed',
  ],
  method: ['""', 'how "when-green" merges; "": as the forge has it by default'],
  stack: [
    '"none"',
    '`"wave"`, `"task"`: each wave, or each task, has a pull request of its own, based on the one below; `"none"`: a plan has one',
  ],
};

const worktreeWords: Readonly<Record<keyof typeof worktreeShape, Words>> = {
  setup: ['""', 'runs in every new worktree before an agent does, such as "npm ci"'],
  copy: ['[]', 'files that git does not have but an agent needs, such as [".env"]'],
  dir: ['".worktrees"', 'where worktrees are made; kept out of git through .git/info/exclude'],
};

const landingWords: Readonly<Record<keyof typeof landingShape, Words>> = {
  auto: ['false', 'a plan that is done gets in the line of its target branch by itself'],
  by: [
    '"git"',
    '"git": stator moves the branch here; "forge": the forge merges the pull request of the plan when that is approved and green, in its turn, after `check`',
  ],
  check: [
    '""',
    'runs on the merge of a plan and its target branch, in a new checkout, before the branch moves to it, such as "npm ci && npm test"; with the sandbox and the limits of [agents.check]',
  ],
  strategy: [
    '"merge"',
    '"merge": a plan comes to the branch as a merge commit; "rebase": as its own commits, made anew on top, or as one commit where they conflict one by one',
  ],
  review_again: [
    '"conflicts"',
    'an approved plan that is brought up to date is reviewed again, "conflicts": if that changed more than what is around its lines; "always": each time; "never": only if a fixer resolved a conflict',
  ],
  batch: [
    '1',
    'so many plans in line are tried together; if the check fails, fewer, until the one that fails is alone',
  ],
  refresh: [
    '""',
    'a plan that is under way for longer is brought up to date with its base between two waves, once in each such time, and `check` runs on that; "": not',
  ],
};

const memberWords: Readonly<Record<keyof typeof memberTable.shape, Words>> = {
  repo: [null, 'the registered repo whose files are in this folder; default: the one that is named like the folder'],
  branch: ['""', 'its branch that is composed, and that lands; "": the one on which its own plans begin'],
};

const wavesWords: Readonly<Record<keyof typeof wavesShape, Words>> = {
  overlap: [
    '"wave"',
    'declared files that overlap are not put side by side: "wave" those of the tasks of one wave, "serial" also those of two plans of the repo',
  ],
};

const documentsWords: Readonly<Record<keyof typeof documentsShape, Words>> = {
  write_back: [
    'false',
    "a task that is done is marked so in the plan's own file, on the plan's branch: `- [x]`, `passes`, `status`, as that file has it",
  ],
};

const notesWords: Readonly<Record<keyof typeof notesShape, Words>> = {
  file: ['".stator/notes.md"', 'the file of the repo that the taken notes are written to'],
  take: [
    '"person"',
    '"person": a person takes or refuses what an agent proposes; "rule": it is taken at once, and the next agents get it unread',
  ],
  tokens: ['2000', 'an agent gets the newest notes up to so many tokens, reckoned as four characters each; 0: none'],
};

const httpWords: Readonly<Record<keyof typeof httpShape, Words>> = {
  bind: [
    '""',
    'the daemon serves the control API and the page over TCP as well, for clients with a token of `stator token show` or `stator token add`; "": not',
  ],
  hosts: [
    '[]',
    'names under which it may be asked beside its own, such as that of a proxy before it, or `"127.0.0.1:9000"` for a tunnel from that port',
  ],
  allow_remote: ['false', 'bind may be an address that other machines reach; what is sent is not encrypted'],
};

const notificationsWords: Readonly<Record<keyof typeof notificationsShape, Words>> = {
  desktop: [
    '"off"',
    'a notification on your desktop: "attention" when an agent, a plan or a wave waits for you, "all" also for each step of an agent through the queue',
  ],
  terminal: [
    'true',
    'the terminal of `stator run` and of the board of `stator monitor` rings, and says so in its title, when you are needed',
  ],
};

const storeWords: Readonly<Record<keyof typeof storeTable.shape, Words>> = {
  url: [
    '""',
    'the store is in this database of PostgreSQL, read from that variable; `store = "env:NAME"` for short; "": in the file `taskstore.db` of the home',
  ],
  backups: [
    '3',
    'daily copies of the store that are kept in `backups/` of the home; 0: none are made; none of one in PostgreSQL',
  ],
};

const hostWords: Readonly<Record<keyof typeof hostTable.shape, Words>> = {
  name: [
    '""',
    'the name of this machine among those that share a store in PostgreSQL, and no other one has it; "": the name that the system gives it',
  ],
  labels: ['[]', 'words about this machine, which plans name in `**Host:**` and `stator host list` shows'],
  clones: [
    '""',
    'a folder for clones, each under the name of its repo: this host takes over the repos of lost hosts, trusted as they were there, and clones what it lacks; "": it takes over none',
  ],
};

const kindsOfHook = Object.values(channels).map(({ is }) => is);
const hookWords: Readonly<Record<string, Words>> = {
  type: [null, `${kindsOfHook.slice(0, -1).join(', ')}, or ${kindsOfHook.at(-1)}`],
  name: [null, 'what its deliveries belong to over reloads; default: made of type, target and events'],
  events: ['[]', 'when it fires; empty: always, but for the notifications'],
  enabled: ['true', 'false: the hook is off'],
  timeout: ['"30s"', 'how long one delivery may take'],
  ...Object.assign({}, ...Object.values(channels).map(({ words }) => words)),
};

export const topKeys: readonly KeyReference[] = entries(topWords, { ...daemonShape, ...repoShape });
export const flagKeyNames: ReadonlySet<string> = new Set(Object.keys(flagWords));
export const agentKeys = entries(agentWords, agentShape, 'agents');
export const documentsKeys = entries(documentsWords, documentsShape, 'documents');
export const notesKeys = entries(notesWords, notesShape, 'notes');
export const landingKeys = entries(landingWords, landingShape, 'landing');
export const memberKeys = entries(memberWords, memberTable.shape, 'members');
export const wavesKeys = entries(wavesWords, wavesShape, 'waves');
export const worktreeKeys = entries(worktreeWords, worktreeShape, 'worktree');
export const budgetKeys = entries(budgetWords, budgetShape, 'budget');
export const pullRequestsKeys = entries(pullRequestsWords, pullRequestsShape, 'pull_requests');
export const httpKeys = entries(httpWords, httpShape, 'http');
export const notificationsKeys = entries(notificationsWords, notificationsShape, 'notifications');
export const storeKeys = entries(storeWords, storeTable.shape, 'store');
export const hostKeys = entries(hostWords, hostTable.shape, 'host');
export const intakeKeys = entries(intakeWords, intakeShape, 'intake');
export const chatKeys = entries(
  {
    ...chat.words,
    events: ['[]', 'what is sent; empty: that an agent or a plan waits for a person, or soon will'],
    enabled: ['true', 'false: nothing is sent and nothing is read'],
    timeout: hookWords.timeout ?? [null, ''],
  } satisfies Record<keyof typeof chatTable.shape, Words>,
  chatTable.shape,
  'chats',
);
export const hookKeys = entries(hookWords, hookShape, 'hooks');

/** `table`: the table that has the keys; default: they are at the top of a file. */
function entries(
  words: Readonly<Record<string, Words>>,
  shape: Readonly<Record<string, z.ZodType>>,
  table?: TableName,
): KeyReference[] {
  return Object.entries(words).map(([key, [fallback, does]]) => {
    const schema = shape[key];
    if (schema === undefined) throw new Error(`the key ${key} is described and not checked`);
    return { key, default: fallback, accepted: acceptedForm(schema), does, files: filesWith(table ?? key) };
  });
}

function filesWith(top: string): KeyReference['files'] {
  return [
    ...(top in daemonShape ? (['daemon.toml'] as const) : []),
    ...(top in repoShape ? (['.stator/config.toml'] as const) : []),
  ];
}

/** The accepted form of a value, from the schema's error for a wrong one. */
function acceptedForm(schema: z.ZodType): string {
  const refused = schema.safeParse(Symbol('no value of a file'));
  return refused.error?.issues[0]?.message ?? 'anything';
}
