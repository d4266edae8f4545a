/** `stator import kugetsu`: its servers, settings, sessions with their messages, unread notifications, and its queue. */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, IssueEntry } from '../../runtime/api/client/client.ts';
import type { ServerList } from '../../runtime/work/forges/server-list.ts';
import { type Call, defineVerb } from '../command.ts';
import { askGit, refuseAgent } from '../place.ts';
import { serverList } from '../server.ts';
import { withClient } from '../session.ts';
import {
  type KugetsuContext,
  type KugetsuFolder,
  type KugetsuItem,
  type KugetsuSession,
  readKugetsuFolder,
} from './kugetsu-folder.ts';
import { daemonStep } from './settings.ts';
import { carryOut, importArgs, type Step, stepOf } from './steps.ts';

type ImportIssue = Parameters<Client['importIssue']>[0];

export default defineVerb({
  summary: 'Bring the sessions, queue, contexts, notifications and servers of kugetsu. It is only read.',
  args: {
    path: { type: 'positional', required: false, description: 'its folder; default ~/.kugetsu' },
    ...importArgs,
  },
  more: 'Register the repos first: an issue belongs to the repo that has its remote. Pending tasks wait in the queue of stator, and start when an engine has a free slot; sessions wait for stator issue continue. What stator already has stays as it is, so the command may be repeated. Exit code 1: something could not be read, or was refused.',
  examples: ['stator import kugetsu --dry-run', 'stator import kugetsu --yes'],
  async run({ path, 'dry-run': dryRun = false, yes = false }, call) {
    refuseAgent(call, 'import');
    const folder = path === undefined ? join(call.env.HOME ?? '', '.kugetsu') : resolve(call.cwd, path);
    const source = readKugetsuFolder(folder);
    return withClient(call, dryRun ? 'read' : 'write', async (client) => {
      const steps = await stepsOf(call, client, folder, source);
      return carryOut(call, steps, { from: 'kugetsu', path: folder, dryRun, yes });
    });
  },
});

/** The repo to import into; `project` if a person named one. */
interface Here {
  readonly call: Call;
  readonly client: Client;
  readonly known: readonly IssueEntry[];
  readonly project: string | undefined;
}

async function stepsOf(call: Call, client: Client, folder: string, source: KugetsuFolder): Promise<Step[]> {
  const { sessions, items, broken } = source;
  const own = sessions.filter(({ type }) => type === 'forked');
  const here: Here = { call, client, known: await client.issues(), project: call.project };
  const servers = serverSteps(serverList(call), source);
  return [
    ...broken.map(({ place, why }) => stepOf('file', place, 'broken', why)),
    ...servers,
    ...(await settingSteps(call, client, folder, source)),
    ...(await Promise.all(own.map((session) => sessionStep(here, session, source)))),
    ...(await Promise.all(items.filter(({ state }) => state === 'pending').map((item) => itemStep(here, item, own)))),
    ...leftovers(folder, source),
  ];
}

function serverSteps(list: ServerList, { servers, settings }: KugetsuFolder): Step[] {
  const there = list.list();
  const steps = servers.map(({ name, url: given }): Step => {
    const url = /^https?:\/\//.test(given) ? given : `https://${given || name}`;
    const same = there.find((server) => hostOf(server.url) === hostOf(url));
    if (same !== undefined) return stepOf('server', name, 'there', same.url);
    // kugetsu treats every host except GitHub's as a Gitea.
    const bring = async () => {
      await list.add({ name, url, kind: 'gitea', allowPrivate: false });
      return {};
    };
    return { ...stepOf('server', name, 'comes', `gitea at ${url}`), bring };
  });
  const main = settings.get('DEFAULT_GIT_SERVER')?.value ?? '';
  const isMain = there.some((server) => server.default && (server.name === main || hostOf(server.url) === main));
  if (main === '' || isMain || !(servers.some(({ name }) => name === main) || there.some(({ name }) => name === main)))
    return steps;
  if (list.isChosen()) {
    const what = 'another is the default of owner/repo#12, and stays so';
    return [...steps, { ...stepOf('server', main, 'left', what), next: `stator server default ${shellWord(main)}` }];
  }
  const bring = async () => {
    list.choose(main);
    return {};
  };
  return [...steps, { ...stepOf('server', main, 'comes', 'the default of owner/repo#12'), bring }];
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

/** Why a variable has no counterpart. */
const without: Readonly<Record<string, string>> = {
  KUGETSU_TEMP_DIR: 'each run has a temporary folder of its own',
  KUGETSU_VERBOSITY: 'every command takes --quiet and --verbose',
  QUEUE_DAEMON_INTERVAL_MINUTES: 'what happens is seen at once',
  QUEUE_DAEMON_BATCH_SIZE: 'as many start as slots are free',
  AGENT_CHECK_INTERVAL_MINUTES: 'what happens is seen at once',
  WORKTREE_CHECK_PR_STATUS: 'stator issue destroy --even-if-pr-open goes over an open pull request',
  ENABLE_CONTEXT_DUMP: 'the last 20 messages of an issue are always kept',
  GITEA_TOKEN: 'a token is not kept: stator server add --token env:GITEA_TOKEN reads it from the environment',
};
/** The settings of a repo, which belong in the repo's own file. */
const repoKeys: Readonly<Record<string, (value: string) => string>> = {
  QUEUE_CLEANUP_AGE_DAYS: (value) => `cleanup_age = "${value}d"`,
  KUGETSU_BASE_BRANCH: (value) => `base_branch = ${JSON.stringify(value)}`,
};

async function settingSteps(call: Call, client: Client, folder: string, { settings }: KugetsuFolder): Promise<Step[]> {
  const agents = Number(settings.get('MAX_CONCURRENT_AGENTS')?.value ?? 'none');
  const hours = Number(settings.get('TASK_TIMEOUT_HOURS')?.value ?? 'none');
  const ours = {
    ...(Number.isFinite(agents) ? { max_agents: agents } : {}),
    ...(Number.isFinite(hours) ? { agents: { default: { timeout: `${Math.round(hours * 60)}m` } } } : {}),
  };
  const own = new Set(['MAX_CONCURRENT_AGENTS', 'TASK_TIMEOUT_HOURS', 'DEFAULT_GIT_SERVER', 'GIT_SERVERS']);
  const notes = [...settings]
    .filter(([name]) => !own.has(name))
    .map(([name, { value, line }]) => {
      const inRepo = repoKeys[name]?.(value);
      const why =
        inRepo === undefined
          ? (without[name] ?? 'stator has no such setting')
          : `say it in .stator/config.toml of the repo: ${inRepo}`;
      return stepOf('setting', `${join(folder, 'config')}, line ${line}: ${name}`, 'no_equal', why);
    });
  return [...(await daemonStep(call, client, ours)), ...notes];
}

/** kugetsu's names for a role and a type, in stator's terms. */
const types: Readonly<Record<string, NonNullable<ImportIssue['notifications']>[number]['type']>> = {
  task_queued: 'task_queued',
  task_assigned: 'task_queued',
  task_dequeued: 'task_dequeued',
  task_started: 'task_started',
  task_completed: 'task_completed',
  task_complete: 'task_completed',
  task_error: 'task_error',
  task_blocked: 'task_error',
};
const messageLimit = 24_576;
const saidLimit = 20;

/** Whether the worktree exists, and whether it has a branch checked out, as git reports it. */
function worktreeWords({ env }: Pick<Call, 'env'>, worktree: string): string[] {
  if (!existsSync(worktree)) return [`its worktree ${worktree} is not there any more`];
  const branch = branchIn({ env }, worktree);
  return branch === null ? [] : [`its worktree ${worktree} holds its branch ${branch}; first: ${detach(worktree)}`];
}

/** The branch that is checked out in a worktree; null: the worktree does not exist, or has no branch. */
function branchIn({ env }: Pick<Call, 'env'>, worktree: string): string | null {
  if (!existsSync(worktree)) return null;
  return askGit({ cwd: worktree, env }, ['symbolic-ref', '--short', '--quiet', 'HEAD']);
}

const detach = (worktree: string) => `git -C ${shellWord(worktree)} switch --detach`;

async function sessionStep(
  { call, client, known, project }: Here,
  session: KugetsuSession,
  { contexts, notifications }: KugetsuFolder,
): Promise<Step> {
  const { issue_ref: reference, worktree_path: worktree, state } = session;
  const piece = { ...stepOf('session', reference ?? '', 'comes', state ?? ''), next: null };
  if (!reference) return { ...piece, state: 'broken', what: 'it names no issue' };
  const place = await placeOf(client, reference, project);
  if (place instanceof EngineError) return { ...piece, state: 'left', what: place.message, next: place.hint };
  const isDone = state === 'completed';
  const entry = known.find((one) => one.project === place.project && one.plan === place.plan);
  // kugetsu may have been interrupted before it marked a finished task as done.
  if (entry !== undefined && !(isDone && entry.status === 'ready'))
    return { ...piece, state: 'there', what: place.plan };
  const context = contexts.find(({ issue_ref: of }) => of === reference);
  const unread = notifications.filter(
    ({ issue_ref: of, read, type }) => of === reference && read !== true && types[type] !== undefined,
  );
  const given = messagesOf(context);
  const what = [
    `${state ?? 'idle'}${given.length === 0 ? '' : `, with ${counted(given.length, 'message')}`}${unread.length === 0 ? '' : `, ${counted(unread.length, 'unread notification')}`}`,
    ...(worktree ? worktreeWords(call, worktree) : []),
  ].join('\n');
  return {
    ...piece,
    what,
    next: isDone ? null : `stator issue continue ${shellWord(reference)}`,
    async bring() {
      const { status } = await client.importIssue({
        reference,
        project: place.project,
        done: isDone,
        ...(session.pr_url ? { pull_request: session.pr_url } : {}),
        created_at: timeOf(session.created_at),
        messages: given,
        notifications: unread.slice(-100).map((one) => ({
          type: types[one.type] ?? 'task_queued',
          message: (one.message || `${one.type} ${reference}`).slice(0, 1_000),
          at: timeOf(one.time ?? one.timestamp ?? one.created_at),
        })),
      });
      return { state: status === 'imported' ? 'brought' : 'there' };
    },
  };
}

function messagesOf(context: KugetsuContext | undefined): NonNullable<ImportIssue['messages']> {
  const said = (context?.conversation_history ?? []).filter(({ content }) => content.trim() !== '');
  return said.slice(-saidLimit).map(({ role, content, time, timestamp }) => ({
    by: role === 'user' || role === 'human' ? 'person' : 'agent',
    content: content.slice(0, messageLimit),
    at: timeOf(time ?? timestamp ?? context?.updated_at),
  }));
}

/** A pending task. If its session has already received it, it is not sent again. */
async function itemStep(
  { call, client, known, project }: Here,
  { issue_ref: reference, message: given, pending_since: since }: KugetsuItem,
  sessions: readonly KugetsuSession[],
): Promise<Step> {
  const piece = stepOf('task', reference, 'comes', given.split('\n')[0] ?? '');
  const place = await placeOf(client, reference, project);
  if (place instanceof EngineError) return { ...piece, state: 'left', what: place.message, next: place.hint };
  const message = given.slice(0, messageLimit);
  const wasSent = async () => {
    const entry = (await client.issues()).find((one) => one.project === place.project && one.plan === place.plan);
    if (entry === undefined || entry.status === 'ready') return false;
    const { messages } = await client.issueContext({ reference, project: place.project });
    return messages.some(
      ({ by, content, at }) => by === 'person' && content === message && Date.parse(at) >= (msOf(since) ?? 0),
    );
  };
  if (known.length > 0 && (await wasSent())) return { ...piece, state: 'there', next: null };
  const held = sessions.find((one) => one.issue_ref === reference)?.worktree_path;
  return {
    ...piece,
    next: held && branchIn(call, held) !== null ? detach(held) : null,
    async bring() {
      if (await wasSent()) return { state: 'there' };
      const { notes } = await client.enqueueIssue({ reference, project: place.project, message });
      return { what: [piece.what, ...notes].join('\n') };
    },
  };
}

/** The repo and plan of the reference. The error says why there is none. */
async function placeOf(
  client: Client,
  reference: string,
  project: string | undefined,
): Promise<{ readonly project: string; readonly plan: string } | EngineError> {
  try {
    return await client.issueContext({ reference, project });
  } catch (thrown) {
    if (thrown instanceof EngineError && ['not_found', 'conflict', 'usage'].includes(thrown.code)) return thrown;
    throw thrown;
  }
}

function leftovers(folder: string, { sessions, items, notifications, others }: KugetsuFolder): Step[] {
  const of = (name: string) => join(folder, name);
  const why: Readonly<Record<string, string>> = {
    'repos.json': 'an issue belongs to the registered repo that has its remote: stator repo add <clone>',
    env: 'an agent is given its variables by env_file of [agents.<role>]',
    'pm-agent.md': 'there is no agent between you and the queue; stator delegate finds the issue in a message',
    'queue.json': 'the queue of an older version: give what is left with stator issue start <ref> "<message>" --queue',
  };
  const bases = sessions.filter(({ type }) => type !== 'forked').length;
  const ended = items.filter(({ state }) => state === 'completed' || state === 'error').length;
  const started = items.filter(({ state }) => state === 'notified').length;
  const orphans = notifications.filter(
    ({ issue_ref: reference, type }) => !reference || types[type] === undefined,
  ).length;
  const read = notifications.filter((one) => one.read === true).length;
  const counts: readonly (readonly [number, string, string])[] = [
    [bases, 'base session', 'an agent needs no session to be forked from'],
    [ended, 'ended task', 'it is over; its session is brought'],
    [started, 'started task', 'its session is brought: stator issue continue <ref>'],
    [read, 'read notification', 'it was read'],
    [orphans, 'notification', 'it is of no issue'],
  ];
  return [
    ...counts.flatMap(([count, name, text]) =>
      count === 0 ? [] : [stepOf('', counted(count, name), 'no_equal', text)],
    ),
    ...others.map((name) => stepOf('file', of(name), 'no_equal', why[name] ?? '')),
  ];
}

/** A time in ISO 8601; an unknown time becomes the present. */
function timeOf(time: Parameters<typeof msOf>[0]): string {
  return new Date(msOf(time) ?? Date.now()).toISOString();
}

/** null: the time is unknown. */
function msOf(time: string | number | null | undefined): number | null {
  const ms = typeof time === 'number' ? (time < 1e12 ? time * 1_000 : time) : Date.parse(time ?? '');
  return Number.isFinite(ms) ? ms : null;
}
