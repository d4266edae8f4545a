/** The control API as functions: over a socket, or over an app in this very process. */
import { EngineError, errorFromDocument, isErrorDocument } from '../../../machines/vocabulary/errors.ts';
import type { AccountEntry } from '../contract/accounts.ts';
import type {
  CleaningOverride,
  CleaningReport,
  LeftoverKind,
  PlanDeleted,
  PlanLeftovers,
  RepairReport,
} from '../contract/cleaning.ts';
import type { ForgeEntry } from '../contract/forges.ts';
import type { DeliveryEntry, DeliveryShow, HookEntry, HookSwitched, HookTested } from '../contract/hooks.ts';
import type {
  IssueCommented,
  IssueContext,
  IssueDestroyed,
  IssueEntry,
  IssueStarted,
  IssuesPruned,
} from '../contract/issues.ts';
import type {
  MachineEntry,
  MachineExplanation,
  MachineTreeDeleted,
  MachineTreeEntry,
  MachineTreeShow,
  MachineVerdict,
} from '../contract/machines.ts';
import type { NotificationEntry, NotificationsRead } from '../contract/notifications.ts';
import type { PermissionState } from '../contract/permissions.ts';
import type {
  ActPreview,
  Explanation,
  FactEntry,
  HistoryEntry,
  PlanDiff,
  PlanEntry,
  PlanPushed,
  PlanReplay,
  PlanShow,
  PromptShow,
  Verification,
} from '../contract/plans.ts';
import type {
  ReloadAnswer,
  RepoAdded,
  RepoEntry,
  RepoRemoved,
  RepoShow,
  RepoSwitched,
  RepoTrusted,
  StatusAnswer,
  TrustEntry,
  TrustLooked,
  TrustRevoked,
  TrustShow,
} from '../contract/repos.ts';
import type { InstanceEntry, QueueCleared, QueueEntry, QueueStats, QueueSwitched, RunLog } from '../contract/runs.ts';
import type { SignalAnswer, SignalEntry } from '../contract/signals.ts';
import { type Answered, type Call, gone } from './call.ts';
import { type KnownOptions, refuseUnknownOptions } from './known-options.ts';
import type { AnswerOf, ApiKey, Given } from './request-types.ts';

export type * from '../contract/accounts.ts';
export type * from '../contract/cleaning.ts';
export type * from '../contract/forges.ts';
export type * from '../contract/hooks.ts';
export type * from '../contract/issues.ts';
export type * from '../contract/machines.ts';
export type * from '../contract/notifications.ts';
export type * from '../contract/plans.ts';
export type * from '../contract/repos.ts';
export type * from '../contract/runs.ts';
export type * from '../contract/shared-shapes.ts';
export type * from '../contract/signals.ts';

/** A signal for a plan. `type` is one of docs/signals.md, `payload` what its schema takes: at most 64 KiB. */
export interface SendRequest {
  project: string;
  plan: string;
  type: string;
  payload?: unknown;
  /** The same key again answers with the first one's id and outcome. */
  dedupeKey?: string;
  /** How long to wait for the verdict; 0 does not wait. */
  waitMs?: number;
}

/** How a repo is registered. */
export interface AddRepoRequest {
  /** true: as it is found; a digest: as it is found, where that is its digest. */
  trust: boolean | string;
  /** By which way somebody says yes. Default `api`. */
  way?: 'run' | 'plan register' | 'repo add' | 'daemon add' | 'init' | 'api' | undefined;
  mustBeNew?: boolean;
}

/** An issue by a reference, or a session by its name; `project` where several repos have that remote. */
export interface IssueAsked {
  readonly reference: string;
  readonly project?: string;
}

/** Of which repo, and of which plan of it; nothing said: of all. */
export interface QueueFilter {
  readonly project?: string;
  readonly plan?: string;
}

/** A repo, a plan of it, or one agent of that repo; nothing said: all of the queue. */
export interface QueuePart extends QueueFilter {
  readonly title?: string;
}

/** What speaks against taking a session away. */
export type IssueDanger = 'pull_request' | 'uncommitted' | 'unpushed' | 'running';

/** A message to a tree of a machine of one's own. */
export interface MachineMessage {
  type: string;
  payload?: unknown;
  /** The same key again answers with the first one's id and outcome. */
  dedupeKey?: string | undefined;
  /** How long to wait for the verdict; 0 does not wait. */
  waitMs?: number | undefined;
}

/** How a machine is drawn: `both` themes follow the reader's system. */
export interface MachineDrawing {
  readonly theme?: 'light' | 'dark' | 'both';
  readonly project?: string;
  readonly plan?: string;
}

/** The control API as functions. Each is a route of docs/control-api.md; each throws an `EngineError` with the code that the route answers, `unavailable` where the engine is gone. */
export interface Client {
  /** `no engine runs` where this client is an engine of its own for a moment; null where it speaks to one. */
  readonly note: string | null;
  /** Whether it speaks to a daemon, which stays until it is stopped and comes back when it is started anew. */
  readonly stays: boolean;
  /** The engine, its repos and their agents. */
  status(): Promise<StatusAnswer>;
  /** What is not as safe as its user may think, one line each. */
  warnings(): Promise<readonly string[]>;
  /** The registered repos. */
  repos(): Promise<RepoEntry[]>;
  /**
   * Registers a repo by any path inside it, or brings one up to date that is; with `mustBeNew` that is 409 `conflict`. 409 `untrusted` where its
   * files enable something and `trust` is false, or another digest than theirs.
   */
  addRepo(path: string, options: AddRepoRequest): Promise<RepoAdded>;
  /** What registering would trust. Changes nothing. */
  lookAtTrust(path: string, way: AddRepoRequest['way']): Promise<TrustLooked>;
  /** What was trusted of each repo. */
  trust(): Promise<TrustEntry[]>;
  /** What was trusted of a repo, and what differs from it. Throws `repo_not_found`. */
  trustOf(project: string): Promise<TrustShow>;
  /** Nothing new of it starts. */
  revokeTrust(project: string): Promise<TrustRevoked>;
  /** One repo with its configuration. Throws `repo_not_found`. */
  repo(project: string): Promise<RepoShow>;
  /** By its name or its path. 409 while its agents run, without `stop`. */
  removeRepo(name: string, options?: { stop?: boolean }): Promise<RepoRemoved>;
  /** Only as the files are where `digest` is theirs; without it as they are now. */
  trustRepo(project: string, digest?: string): Promise<RepoTrusted>;
  /** Nothing new of it starts until it is resumed. Throws `repo_not_found`. */
  pauseRepo(project: string): Promise<RepoSwitched>;
  /** Lets a paused repo go on. Throws `repo_not_found`. */
  resumeRepo(project: string): Promise<RepoSwitched>;
  /** Reads the configuration again. What cannot be used stands in `problems`, and what was in force stays in force. */
  reload(): Promise<ReloadAnswer>;
  /** The plans of all repos, or of one; none where that is not registered. */
  plans(project?: string): Promise<PlanEntry[]>;
  /** One plan with its waves and tasks. Throws `plan_not_found`. */
  plan(project: string, plan: string): Promise<PlanShow>;
  /** Registers a plan from its document, at most 1 MiB. Throws `bad_plan`, `conflict` where the name is taken. */
  registerPlan(request: {
    project: string;
    plan: string;
    content: string;
    branch?: string;
    topic?: string;
    file?: string;
  }): Promise<PlanShow>;
  /** With `file` it is the text of the plan's file. Throws `conflict` where the plan has another one. */
  updateContent(project: string, plan: string, content: string, options?: { file?: string }): Promise<SignalAnswer>;
  /** Binds a plan to its file; that text of it is no edit. Throws `conflict`. */
  takeFile(project: string, plan: string, taken: { file: string; content: string }): Promise<PlanShow>;
  /** `clear`: what goes with it. Throws `refused` where something of that would be lost that no override names. */
  deletePlan(
    project: string,
    plan: string,
    options?: { clear?: LeftoverKind | undefined; overrides?: readonly CleaningOverride[] },
  ): Promise<PlanDeleted>;
  /** What would go with a plan that is deleted; nothing is changed. */
  planLeftovers(project: string, plan: string): Promise<PlanLeftovers>;
  /** Its branch, to the remote that git would take or to that one. Throws `refused`, `git_failed`. */
  pushPlan(project: string, plan: string, options: { remote?: string }): Promise<PlanPushed>;
  /** What happened to a plan, the oldest first; `after`: only what has a higher `seq`. Throws `plan_not_found`. */
  history(project: string, plan: string, options?: { after?: number }): Promise<HistoryEntry[]>;
  /** Why a plan stands where it does, and what can be done. Throws `plan_not_found`. */
  explain(project: string, plan: string): Promise<Explanation>;
  /** A plan as it was after line `to` of its journal, or at the time `at` (ISO 8601). Throws `plan_not_found`, `not_found`, `snapshot_unknown`. */
  planReplay(project: string, plan: string, moment?: { to?: number; at?: string }): Promise<PlanReplay>;
  /** Whether what is stored of a plan is what its journal leads to. Throws `plan_not_found`. */
  verifyPlan(project: string, plan: string): Promise<Verification>;
  /** The same of every tree of the store. */
  verify(): Promise<Verification>;
  /** What that signal of a person would do; changes nothing. */
  previewAct(act: { project: string; plan: string; type: string; payload?: unknown }): Promise<ActPreview>;
  /** What an agent would be told now: of that task (`w1-t2`), that role, or who is at work or would start next. */
  prompt(project: string, plan: string, whom?: { task?: string; role?: string }): Promise<PromptShow>;
  /** What the plan, or that task of it (`w1-t2`), has changed. Throws `conflict` where there is no commit yet. */
  planDiff(project: string, plan: string, options?: { task?: string }): Promise<PlanDiff>;
  /** Sends a signal to a plan, and waits for its verdict. A refusal is in the answer. Throws `unknown_signal`, `bad_payload`, `plan_not_found`. */
  send(request: SendRequest): Promise<SignalAnswer>;
  /** Up to 1,000 signals, the newest first. */
  signals(filter: { project?: string; plan?: string; status?: string }): Promise<SignalEntry[]>;
  /** One signal by its id. Throws `not_found`. */
  signal(id: number): Promise<SignalEntry>;
  /** Handles a signal again that was set aside. Throws `not_found`, `conflict`. */
  retrySignal(id: number): Promise<SignalAnswer>;
  /** Agents, each once over all of its attempts. */
  instances(filter: { project?: string; plan?: string }): Promise<InstanceEntry[]>;
  /** The end of an instance's log, at most 64 KiB, safe to print. */
  capture(project: string, title: string): Promise<string>;
  /** The log of its newest run; `attempt`: of every run of that one, the oldest first; `check`: of the checks that judged them instead. Throws `not_found`. */
  runLogs(project: string, title: string, of?: { attempt?: number; check?: boolean }): Promise<RunLog[]>;
  /** Ends an agent's run at once; that spends an attempt. Throws `not_found`. */
  killInstance(project: string, title: string): Promise<SignalAnswer>;
  /** Pauses, resumes, restarts or ends an agent. Throws `not_found`. */
  instanceWord(project: string, title: string, word: 'pause' | 'resume' | 'restart' | 'kill'): Promise<SignalAnswer>;
  /** A person's answer to a question of an agent. Throws `not_found`. */
  answerPermission(
    project: string,
    title: string,
    answer: { answer: 'allow' | 'deny'; permission?: string; message?: string | undefined },
  ): Promise<SignalAnswer>;
  /** A run's own question, and what became of it within some seconds. Throws `not_allowed`. */
  askPermission(
    project: string,
    plan: string,
    question: { id: string; tool: string; detail: string },
  ): Promise<PermissionState>;
  /** Takes back what a run asked to be allowed. Throws `not_found`. */
  withdrawPermission(project: string, plan: string, id: string): Promise<void>;
  /** Leaves a message for the agent's next turn. Throws `not_found`. */
  sendToInstance(project: string, title: string, message: string): Promise<SignalAnswer>;
  /** Who waits for a slot, in the order of their turn. */
  queue(filter?: QueueFilter): Promise<QueueEntry[]>;
  /** How full the queue is, of all repos or of one. */
  queueStats(filter?: QueueFilter): Promise<QueueStats>;
  /** No agent of that starts until it is resumed; nothing said: none anywhere. Throws `repo_not_found`, `plan_not_found`, `not_found`. */
  pauseQueue(part?: QueuePart): Promise<QueueSwitched>;
  /** Ends that one pause; with `all` every one. */
  resumeQueue(part?: QueuePart & { all?: boolean }): Promise<QueueSwitched>;
  /** Takes ended agents off the list. */
  clearQueue(): Promise<QueueCleared>;
  /** The hooks in force. */
  hooks(project?: string): Promise<HookEntry[]>;
  /** What hooks were told, the newest first. */
  deliveries(filter?: {
    project?: string;
    plan?: string;
    hook?: string;
    state?: string;
    limit?: number;
  }): Promise<DeliveryEntry[]>;
  /** One delivery with its tries. Throws `not_found`. */
  delivery(id: string): Promise<DeliveryShow>;
  /** Throws `conflict` while it is pending. */
  redeliver(id: string): Promise<DeliveryEntry>;
  /** Switches a hook on or off. Throws `not_found`. */
  switchHook(project: string, hook: string, word: 'enable' | 'disable'): Promise<HookSwitched>;
  /** One event of no plan, now and once. */
  testHook(project: string, hook: string): Promise<HookTested>;
  /** The sessions of issues, the oldest first. */
  issues(project?: string): Promise<IssueEntry[]>;
  /** What a session is about: the issue, what was said, and where its work is. Throws `not_found`. */
  issueContext(reference: string, project?: string): Promise<IssueContext>;
  /** Throws `limit_reached`, with nothing made, where no slot is free and it was not to wait. Without a daemon it is `queued`. */
  startIssue(request: IssueAsked & { message: string; pull_request?: string; queue?: boolean }): Promise<IssueStarted>;
  /** Goes on with a session, in its conversation; begins one where there is none. Throws as `startIssue`, and `refused` where it asks and there is no answer. */
  continueIssue(request: IssueAsked & { message?: string; queue?: boolean }): Promise<IssueStarted>;
  /** As `continueIssue`; it waits for its slot, and this does not. */
  enqueueIssue(request: IssueAsked & { message: string }): Promise<IssueStarted>;
  /** As `enqueueIssue`, of the issue that the message names; of none, in that project. */
  delegate(request: { message: string; project?: string }): Promise<IssueStarted>;
  /** Notes the address of a session's pull request. Throws `not_found`. */
  setPullRequest(request: IssueAsked & { url: string }): Promise<IssueEntry>;
  /** Writes on the issue of a session. Throws `no_forge`, `no_token`, `forge_unreachable`. */
  commentOnIssue(request: IssueAsked & { text: string }): Promise<IssueCommented>;
  /** Throws `refused` with each reason against it that is not overridden. */
  destroyIssue(request: IssueAsked & { overrides?: IssueDanger[]; force?: boolean }): Promise<IssueDestroyed>;
  /** `older_than_ms` left out: as long as the setting `retention` has it. */
  gc(request: {
    dry: boolean;
    older_than_ms?: number;
    overrides: readonly CleaningOverride[];
  }): Promise<CleaningReport>;
  /** Takes away what nobody owns any more; `dry`: it only says what it would do. */
  repair(request: { dry: boolean }): Promise<RepairReport>;
  /** Takes away the sessions that are over; `dry`: it only says which. */
  pruneIssues(request: { project?: string; dry?: boolean }): Promise<IssuesPruned>;
  /** How the forge of each repo was found when it was asked last. */
  forges(): Promise<ForgeEntry[]>;
  /** Those that are limited now. */
  accounts(): Promise<AccountEntry[]>;
  /** The newest first: what nobody has read, or with `all` what was read too. */
  notifications(filter?: { project?: string; all?: boolean }): Promise<NotificationEntry[]>;
  /** What was told up to now is read. */
  readNotifications(): Promise<NotificationsRead>;
  /** The machines that this engine carries: its own and yours. */
  machines(): Promise<MachineEntry[]>;
  /** A machine's definition: the same that runs. `theme`, and a plan whose current states are lit, go with `svg`. */
  machine(name: string, format: 'mermaid' | 'json' | 'svg', drawing?: MachineDrawing): Promise<string>;
  /** The trees of a machine of one's own. */
  machineTrees(machine: string, after?: string): Promise<MachineTreeEntry[]>;
  /** One tree of a machine of your own with its context. Throws `machine_unknown`, `not_found`. */
  machineTree(machine: string, id: string): Promise<MachineTreeShow>;
  /** Begins one; one that is there stays as it is. Throws `refused` where it could not be begun. */
  startMachine(machine: string, id: string, input?: unknown): Promise<MachineVerdict>;
  /** Throws `refused` where its states do not take it. */
  sendMachine(machine: string, id: string, message: MachineMessage): Promise<MachineVerdict>;
  /** Takes it away. Throws `conflict` where it has not ended; with `force` all that it waits for is given up. */
  deleteMachineTree(machine: string, id: string, options?: { force?: boolean }): Promise<MachineTreeDeleted>;
  /** What happened to a tree, the oldest first; `after`: only what has a higher `seq`. Throws `not_found`. */
  machineHistory(machine: string, id: string, options?: { after?: number }): Promise<HistoryEntry[]>;
  /** Why a tree stands where it does. Throws `machine_unknown`, `not_found`. */
  machineExplanation(machine: string, id: string): Promise<MachineExplanation>;
  /** Facts from `since` on, then live. While it is open with `watch`, the owner starts that plan's agents. */
  events(options: {
    since?: number;
    project?: string;
    plan?: string;
    /** A tree of a machine of one's own, `<machine>:<id>`. */
    tree?: string;
    watch?: boolean;
    signal: AbortSignal;
  }): AsyncIterable<FactEntry>;
  /** Lets go of what was opened for this client. May be called twice. */
  close(): Promise<void>;
}

/** An engine that takes a signal and says nothing for so long, beyond the wait for the verdict, is stopped or hangs; git may be asked first. */
const sendLimitMs = 30_000;

const sendOptions: KnownOptions<SendRequest> = {
  project: true,
  plan: true,
  type: true,
  payload: true,
  dedupeKey: true,
  waitMs: true,
};

function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>> = {}): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== false);
  const words = Object.fromEntries(given.map(([key, value]) => [key, value === true ? '1' : String(value)]));
  return given.length === 0 ? '' : `?${new URLSearchParams(words)}`;
}

/** The path of a route with its names and its query. */
function pathOf<Key extends ApiKey>(key: Key, { params, query }: Given<Key>): string {
  const names: Readonly<Record<string, string | number>> = params ?? {};
  const path = key.slice(key.indexOf(' ') + 1);
  return `${path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(names[name] ?? ''))}${queryOf(query)}`;
}

/** A client over a call of the control API. */
export function createClient(
  call: Call,
  options: {
    note: string | null;
    stays?: boolean;
    /** The engine is another build of stator: what it answers is looked at before it is believed. */
    isOtherBuild?: boolean;
    close(): Promise<void>;
  },
): Client {
  async function request<Key extends ApiKey>(key: Key, given: Given<Key>, signal?: AbortSignal): Promise<Answered> {
    const { body } = given;
    return call(key.slice(0, key.indexOf(' ')), pathOf(key, given), {
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** The answer's JSON. A refusal with a verdict is an answer as well, though its status is 409; an error is thrown. */
  async function ask<Key extends ApiKey>(key: Key, given: Given<Key>, signal?: AbortSignal): Promise<AnswerOf<Key>> {
    const answer = await request(key, given, signal);
    const text = await answer.text();
    const value = jsonOf(text);
    if (!answer.ok && !isVerdict(value)) throw errorOf(answer.status, text);
    if (options.isOtherBuild === true) (await import('./fitting.ts')).mustFit(key, answer.status, value);
    return value as AnswerOf<Key>; // both ends are of one build and share the schemas, or it was looked at
  }

  async function text<Key extends ApiKey>(key: Key, given: Given<Key>): Promise<string> {
    const answer = await request(key, given);
    const said = await answer.text();
    if (!answer.ok) throw errorOf(answer.status, said);
    return said;
  }

  async function instanceWord(project: string, title: string, word: 'pause' | 'resume' | 'restart' | 'kill') {
    const params = { project, title };
    return verdictOf(await ask(`POST /v1/repos/:project/instances/:title/${word}`, { params }));
  }

  return {
    note: options.note,
    stays: options.stays ?? false,
    status: () => ask('GET /v1/status', {}),
    warnings: async () => (await ask('GET /v1/ping', {})).warnings,
    repos: () => ask('GET /v1/repos', {}),
    addRepo: (path, { trust, way, mustBeNew = false }) =>
      ask('POST /v1/repos', { body: { path, trust, way, existing: mustBeNew ? undefined : 'ok' } }),
    lookAtTrust: (path, way) => ask('POST /v1/trust/look', { body: { path, way } }),
    trust: () => ask('GET /v1/trust', {}),
    trustOf: (project) => ask('GET /v1/trust/:project', { params: { project } }),
    revokeTrust: (project) => ask('DELETE /v1/trust/:project', { params: { project } }),
    repo: (project) => ask('GET /v1/repos/:project', { params: { project } }),
    removeRepo: (name, { stop } = {}) =>
      ask('DELETE /v1/repos/:project', { params: { project: name }, query: { stop } }),
    trustRepo: (project, digest) => ask('POST /v1/repos/:project/trust', { params: { project }, query: { digest } }),
    pauseRepo: (project) => ask('POST /v1/repos/:project/pause', { params: { project } }),
    resumeRepo: (project) => ask('POST /v1/repos/:project/resume', { params: { project } }),
    reload: () => ask('POST /v1/reload', {}),
    plans: (project) => ask('GET /v1/plans', { query: { project } }),
    plan: (project, plan) => ask('GET /v1/repos/:project/plans/:plan', { params: { project, plan } }),
    registerPlan: ({ project, ...body }) => ask('POST /v1/repos/:project/plans', { params: { project }, body }),
    updateContent: async (project, plan, content, { file } = {}) =>
      verdictOf(
        await ask('PUT /v1/repos/:project/plans/:plan/content', { params: { project, plan }, body: { content, file } }),
      ),
    takeFile: (project, plan, body) =>
      ask('PUT /v1/repos/:project/plans/:plan/file', { params: { project, plan }, body }),
    deletePlan: (project, plan, { clear, overrides = [] } = {}) => {
      const flags = Object.fromEntries(overrides.map((override) => [override, true]));
      return ask('DELETE /v1/repos/:project/plans/:plan', { params: { project, plan }, query: { clear, ...flags } });
    },
    planLeftovers: (project, plan) =>
      ask('GET /v1/repos/:project/plans/:plan/leftovers', { params: { project, plan } }),
    pushPlan: (project, plan, { remote }) =>
      ask('POST /v1/repos/:project/plans/:plan/push', { params: { project, plan }, body: { remote } }),
    history: (project, plan, { after } = {}) =>
      ask('GET /v1/repos/:project/plans/:plan/history', { params: { project, plan }, query: { after } }),
    explain: (project, plan) => ask('GET /v1/repos/:project/plans/:plan/explain', { params: { project, plan } }),
    planReplay: (project, plan, { to, at } = {}) =>
      ask('GET /v1/repos/:project/plans/:plan/replay', { params: { project, plan }, query: { to, at } }),
    verifyPlan: (project, plan) => ask('GET /v1/repos/:project/plans/:plan/verify', { params: { project, plan } }),
    verify: () => ask('GET /v1/verify', {}),
    previewAct: ({ project, ...body }) => ask('POST /v1/repos/:project/preview', { params: { project }, body }),
    prompt: (project, plan, { task, role } = {}) =>
      ask('GET /v1/repos/:project/plans/:plan/prompt', { params: { project, plan }, query: { task, role } }),
    planDiff: (project, plan, { task } = {}) =>
      ask('GET /v1/repos/:project/plans/:plan/diff', { params: { project, plan }, query: { task } }),
    send: async (request) => {
      refuseUnknownOptions('send', request, sendOptions);
      const { project, plan, type, payload, dedupeKey, waitMs } = request;
      const body = { plan, type, payload, dedupe_key: dedupeKey, wait_ms: waitMs };
      const limit = AbortSignal.timeout((waitMs ?? 0) + sendLimitMs);
      return verdictOf(await ask('POST /v1/repos/:project/signals', { params: { project }, body }, limit));
    },
    signals: ({ project, plan, status }) => ask('GET /v1/signals', { query: { project, plan, status } }),
    signal: (id) => ask('GET /v1/signals/:id', { params: { id } }),
    retrySignal: (id) => ask('POST /v1/signals/:id/retry', { params: { id } }),
    instances: ({ project, plan }) => ask('GET /v1/instances', { query: { project, plan } }),
    capture: (project, title) =>
      text('GET /v1/repos/:project/instances/:title/capture', { params: { project, title } }),
    runLogs: (project, title, { attempt, check } = {}) =>
      ask('GET /v1/repos/:project/instances/:title/logs', {
        params: { project, title },
        query: { attempt, ...(check === true ? { check: '1' } : {}) },
      }),
    killInstance: (project, title) => instanceWord(project, title, 'kill'),
    instanceWord,
    answerPermission: async (project, title, { answer, permission, message }) => {
      const params = { project, title };
      if (answer === 'allow')
        return verdictOf(await ask('POST /v1/repos/:project/instances/:title/allow', { params, body: { permission } }));
      return verdictOf(
        await ask('POST /v1/repos/:project/instances/:title/deny', { params, body: { permission, message } }),
      );
    },
    askPermission: (project, plan, body) =>
      ask('POST /v1/repos/:project/plans/:plan/permissions', { params: { project, plan }, body }),
    withdrawPermission: async (project, plan, id) => {
      await text('DELETE /v1/repos/:project/plans/:plan/permissions/:id', { params: { project, plan, id } });
    },
    async sendToInstance(project, title, message) {
      const instances = await ask('GET /v1/repos/:project/instances', { params: { project } });
      const found = instances.find((each) => each.title === title);
      if (found === undefined)
        throw new EngineError('not_found', `instance not found: "${title}"`, 'see them with: stator instance list');
      // The route of the instance answers nothing where it is done; whoever asks here wants the verdict.
      const body = { plan: found.plan, type: 'agent_send', payload: { title, body: message } };
      return verdictOf(await ask('POST /v1/repos/:project/signals', { params: { project }, body }));
    },
    queue: ({ project, plan } = {}) => ask('GET /v1/queue', { query: { project, plan } }),
    queueStats: ({ project, plan } = {}) => ask('GET /v1/queue/stats', { query: { project, plan } }),
    pauseQueue: (body = {}) => ask('POST /v1/queue/pause', { body }),
    resumeQueue: (body = {}) => ask('POST /v1/queue/resume', { body }),
    clearQueue: () => ask('POST /v1/queue/clear', {}),
    hooks: (project) => ask('GET /v1/hooks', { query: { project } }),
    deliveries: (filter = {}) => ask('GET /v1/hooks/deliveries', { query: filter }),
    delivery: (id) => ask('GET /v1/hooks/deliveries/:id', { params: { id } }),
    redeliver: (id) => ask('POST /v1/hooks/deliveries/:id/redeliver', { params: { id } }),
    switchHook: (project, hook, word) =>
      ask(`POST /v1/repos/:project/hooks/:hook/${word}`, { params: { project, hook } }),
    testHook: (project, hook) => ask('POST /v1/repos/:project/hooks/:hook/test', { params: { project, hook } }),
    issues: (project) => ask('GET /v1/issues', { query: { project } }),
    issueContext: (reference, project) => ask('GET /v1/issues/context', { query: { reference, project } }),
    startIssue: (body) => ask('POST /v1/issues/start', { body }),
    continueIssue: (body) => ask('POST /v1/issues/continue', { body }),
    enqueueIssue: (body) => ask('POST /v1/issues/enqueue', { body }),
    delegate: (body) => ask('POST /v1/delegate', { body }),
    setPullRequest: (body) => ask('POST /v1/issues/set-pr', { body }),
    commentOnIssue: (body) => ask('POST /v1/issues/comment', { body }),
    destroyIssue: (body) => ask('POST /v1/issues/destroy', { body }),
    gc: ({ overrides, ...body }) => ask('POST /v1/gc', { body: { ...body, overrides: [...overrides] } }),
    repair: (body) => ask('POST /v1/repair', { body }),
    pruneIssues: (body) => ask('POST /v1/issues/prune', { body }),
    forges: () => ask('GET /v1/forges', {}),
    accounts: () => ask('GET /v1/accounts', {}),
    notifications: ({ project, all = false } = {}) =>
      ask('GET /v1/notifications', { query: { project, all: all ? 'true' : undefined } }),
    readNotifications: () => ask('POST /v1/notifications/clear', {}),
    machines: () => ask('GET /v1/machines', {}),
    machine: (name, format, drawing = {}) =>
      text('GET /v1/machines/:name', { params: { name }, query: { format, ...drawing } }),
    machineTrees: (name, after) => ask('GET /v1/machines/:name/trees', { params: { name }, query: { after } }),
    machineTree: (name, id) => ask('GET /v1/machines/:name/trees/:id', { params: { name, id } }),
    startMachine: (name, id, input) => ask('POST /v1/machines/:name/trees', { params: { name }, body: { id, input } }),
    sendMachine: (name, id, { type, payload, dedupeKey, waitMs }) =>
      ask('POST /v1/machines/:name/trees/:id/signals', {
        params: { name, id },
        body: { type, payload, dedupe_key: dedupeKey, wait_ms: waitMs },
      }),
    deleteMachineTree: (name, id, { force } = {}) =>
      ask('DELETE /v1/machines/:name/trees/:id', { params: { name, id }, query: { force } }),
    machineHistory: (name, id, { after } = {}) =>
      ask('GET /v1/machines/:name/trees/:id/history', { params: { name, id }, query: { after } }),
    machineExplanation: (name, id) => ask('GET /v1/machines/:name/trees/:id/explain', { params: { name, id } }),
    async *events({ since, project, plan, tree, watch, signal }) {
      const answer = await request('GET /v1/events', { query: { since, project, plan, tree, watch } }, signal);
      if (!answer.ok || answer.body === null) throw errorOf(answer.status, await answer.text());
      yield* factsOf(answer.body, signal);
    },
    close: options.close,
  };
}

/** What carries one is an answer, whatever its status. */
function isVerdict(value: unknown): value is SignalAnswer {
  return typeof value === 'object' && value !== null && 'signal' in value && 'plan' in value;
}

/** Without what a route adds to it: the words of an error, or kasmos's yes. */
function verdictOf({ signal, plan }: SignalAnswer): SignalAnswer {
  return { signal, plan };
}

function errorOf(status: number, text: string): EngineError {
  const value = jsonOf(text);
  if (isErrorDocument(value)) return errorFromDocument(value);
  return new EngineError(
    'internal',
    `an answer with status ${status}: ${text.slice(0, 200)}`,
    'see the log of the engine',
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // no JSON: then it is no document of ours
  }
}

/** The facts of an event stream, as they come; ends when the stream does or the caller aborts. */
async function* factsOf(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<FactEntry> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  const cancel = () => void reader.cancel().catch(() => {}); // the other end may be gone already
  signal.addEventListener('abort', cancel, { once: true });
  let rest = '';
  try {
    while (!signal.aborted) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const line = block.split('\n').find((candidate) => candidate.startsWith('data: '));
        if (line !== undefined) yield JSON.parse(line.slice(6)) as FactEntry; // written from one
      }
    }
  } catch (thrown) {
    if (!signal.aborted) throw new EngineError('unavailable', 'the engine went away', gone, { cause: thrown });
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}
