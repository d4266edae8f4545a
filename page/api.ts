/** The client of the control API, for the person of this page. */

import type { AccountEntry } from '../runtime/api/contract/accounts.ts';
import type { ForgeEntry } from '../runtime/api/contract/forges.ts';
import type { HostEntry } from '../runtime/api/contract/hosts.ts';
import type { LandingEntry } from '../runtime/api/contract/landings.ts';
import type {
  MachineEntry,
  MachineExplanation,
  MachineTreeEntry,
  MachineTreeReplay,
  MachineTreeShow,
  MachineVerdict,
} from '../runtime/api/contract/machines.ts';
import type { NotificationEntry } from '../runtime/api/contract/notifications.ts';
import type {
  ActPreview,
  DocumentCheck,
  Explanation,
  FileDiff,
  HistoryEntry,
  PlanChanges,
  PlanComments,
  PlanEntry,
  PlanReplay,
  PlanShow,
  PlanStates,
  PromptShow,
} from '../runtime/api/contract/plans.ts';
import type { RepoShow, StatusAnswer } from '../runtime/api/contract/repos.ts';
import type { InstanceEntry, QueuePause, QueueStats, RunLog } from '../runtime/api/contract/runs.ts';
import type { SignalAnswer, SignalEntry } from '../runtime/api/contract/signals.ts';
import type { WorkEntry } from '../runtime/api/contract/work.ts';
import type { Chart } from '../runtime/base/charts/chart.ts';
import { bearer, type Session } from './session.ts';

/** A refusal of the API. */
export class ApiError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** The daemon did not answer: the change may have been made. */
class LostAnswer extends ApiError {
  constructor() {
    super('unavailable', 'the daemon does not answer', goesOn);
  }
}

export interface Named {
  readonly project: string;
  readonly plan: string;
}

interface CallOptions {
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly isFresh?: boolean;
  /** The key of a change. Each retry sends the same key, so the change is made once. */
  readonly key?: string;
}

/** A daemon that restarts answers again within seconds, and it knows the keys of the requests to its predecessor. */
const repeatLimitMs = 15_000;
const repeatMs = 500;

const goesOn = 'this page continues by itself when it is back';

/** The changes to read: of one task, after one line of the journal (`since`), or as they were after a line (`to`); null: without that limit. */
interface ChangesQuery {
  readonly task: string | null;
  readonly since: number | null;
  readonly to: number | null;
}

export type Api = ReturnType<typeof createApi>;
type Requests = ReturnType<typeof createRequests>;

/** `onLocked`: called when the token is no longer valid. Every function throws `ApiError`. */
export function createApi(session: Session, onLocked: () => void) {
  const requests = createRequests(session, onLocked);
  return { ...fleetCalls(requests), ...planCalls(requests), ...agentCalls(requests), ...machineCalls(requests) };
}

/** The requests of all calls: with the token of the session, a change with its key. */
function createRequests(session: Session, onLocked: () => void) {
  const freshIn = new Map<string, number>();

  async function call(method: string, path: string, { body, signal, key, isFresh = false }: CallOptions = {}) {
    const token = session.token();
    // A person's input must reach the daemon, and shown data must come from it, not from a program that took its port.
    if (token === null) throw new LostAnswer();
    let answer: Response;
    try {
      answer = await fetch(path, {
        method,
        headers: {
          ...bearer(token),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
          // Without this header the daemon may send a recent answer that it made for another page.
          ...(isFresh ? { 'cache-control': 'no-cache' } : {}),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal ?? session.untilDoubt(),
      });
    } catch (cause) {
      if (signal?.aborted === true) throw cause;
      throw new LostAnswer();
    }
    // The session may have changed during the request: then its answer belongs to the earlier session.
    if (session.token() !== token) throw new LostAnswer();
    if (answer.status === 401) onLocked();
    return answer;
  }

  /** The answer's JSON. A verdict is returned for every status. If the answer to a change is lost, the daemon is asked again with the same key. */
  async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const given = body === undefined ? {} : { body };
    if (method === 'GET' || session.token() === null) return answered<T>(await call(method, path, given));
    const key = newKey();
    const untilMs = performance.now() + repeatLimitMs;
    for (;;) {
      try {
        return await answered<T>(await call(method, path, { ...given, key }));
      } catch (thrown) {
        if (!(thrown instanceof LostAnswer) || performance.now() > untilMs) throw thrown;
      }
      await new Promise((resolve) => setTimeout(resolve, repeatMs));
    }
  }

  async function look<T>(path: string, isFresh: boolean): Promise<T> {
    const answer = await call('GET', path, { isFresh });
    freshIn.set(path, Number(answer.headers.get('x-fresh-in-ms') ?? 0));
    return answered<T>(answer);
  }

  async function answered<T>(answer: Response): Promise<T> {
    const value: unknown = answer.status === 204 ? null : await answer.json().catch(answer.ok ? lost : () => null);
    if (answer.ok || isVerdict(value)) return value as T; // both ends are of one version
    throw errorOf(answer.status, value);
  }

  async function text(path: string): Promise<string> {
    const answer = await call('GET', path);
    if (answer.ok) return answer.text().catch(lost);
    throw await refusalIn(answer);
  }

  return {
    /** How long the fleet's answers stay valid. */
    freshInMs: () => Math.max(0, ...freshIn.values()),
    ...{ call, ask, look, text },
  };
}

function fleetCalls({ freshInMs, call, ask, look }: Requests) {
  return {
    freshInMs,
    repos: (isFresh: boolean) => look<StatusAnswer['repos']>('/v1/repos', isFresh),
    plans: (isFresh: boolean) => look<PlanEntry[]>('/v1/plans', isFresh),
    liveAgents: (isFresh: boolean) => look<InstanceEntry[]>('/v1/instances?live=1', isFresh),
    queue: (isFresh: boolean) => look<QueueStats>('/v1/queue/stats', isFresh),
    forges: (isFresh: boolean) => look<ForgeEntry[]>('/v1/forges', isFresh),
    accounts: (isFresh: boolean) => look<AccountEntry[]>('/v1/accounts', isFresh),
    hosts: (isFresh: boolean) => look<HostEntry[]>('/v1/hosts', isFresh),
    notifications: (isFresh: boolean) => look<NotificationEntry[]>('/v1/notifications', isFresh),
    /** The runs between two times. */
    work: (from: Date, to: Date) =>
      ask<WorkEntry>('GET', `/v1/work?${new URLSearchParams({ from: from.toISOString(), to: to.toISOString() })}`),
    ping: () => ask<{ version: string; warnings: string[] }>('GET', '/v1/ping'),
    /** Reads a document as a plan; registers nothing. */
    check: (content: string) => ask<DocumentCheck>('POST', '/v1/check', { content }),
    repo: (project: string) => ask<RepoShow>('GET', ofRepo(project, '')),
    landings: (project: string) => ask<LandingEntry[]>('GET', `/v1/landings?${new URLSearchParams({ project })}`),
    landingWord: (
      project: string,
      word: 'pause' | 'resume' | 'first' | 'remove',
      of: { branch: string } | { plan: string },
    ) => ask<unknown>('POST', ofRepo(project, `/landing/${word}`), of),
    repoWord: (project: string, word: 'pause' | 'resume') => ask<unknown>('POST', ofRepo(project, `/${word}`), {}),
    /** Pauses or resumes the named part of the queue, or all of it. */
    queueWord: (word: 'pause' | 'resume', { project, plan, title }: Partial<QueuePause> = {}) =>
      ask<unknown>('POST', `/v1/queue/${word}`, {
        ...(project == null ? {} : { project }),
        ...(plan == null ? {} : { plan }),
        ...(title == null ? {} : { title }),
      }),
    readNotifications: () => ask<unknown>('POST', '/v1/notifications/clear', {}),
    events: (since: number | null, signal: AbortSignal) =>
      call('GET', `/v1/events?calm=1${since === null ? '' : `&since=${since}`}`, { signal }),
  };
}

function planCalls({ ask }: Requests) {
  return {
    plan: (named: Named) => ask<PlanShow>('GET', ofPlan(named, '')),
    register: ({ project, plan }: Named, content: string) =>
      ask<PlanShow>('POST', ofRepo(project, '/plans'), { plan, content }),
    edit: (named: Named, content: string) => ask<SignalAnswer>('PUT', ofPlan(named, '/content'), { content }),
    explain: (named: Named) => ask<Explanation>('GET', ofPlan(named, '/explain')),
    states: (named: Named, at: number | null) =>
      ask<PlanStates>('GET', ofPlan(named, `/states${at === null ? '' : `?at=${at}`}`)),
    history: (named: Named, after: number) => ask<HistoryEntry[]>('GET', ofPlan(named, `/history?after=${after}`)),
    /** The files without their texts; with `to`: the files after that line of the journal. */
    changes: (named: Named, which: ChangesQuery, after: number) =>
      ask<PlanChanges>('GET', ofPlan(named, `/diff/files?${queryOf({ ...which, after })}`)),
    fileDiff: (named: Named, which: ChangesQuery, query: { path: string; after: number; context?: number }) =>
      ask<FileDiff>('GET', ofPlan(named, `/diff/file?${queryOf({ ...which, ...query })}`)),
    comments: (named: Named) => ask<PlanComments>('GET', ofPlan(named, '/comments')),
    prompt: (named: Named, query: Record<string, string>) =>
      ask<PromptShow>('GET', ofPlan(named, `/prompt?${new URLSearchParams(query)}`)),
    /** The plan as it was after that line of its journal. */
    replay: (named: Named, to: number) => ask<PlanReplay>('GET', ofPlan(named, `/replay?to=${to}`)),
    send: ({ project, plan }: Named, type: string, payload: unknown = {}) =>
      ask<SignalAnswer>('POST', ofRepo(project, '/signals'), { plan, type, payload }),
    /** The effects that the signal would have; changes nothing. */
    preview: ({ project, plan }: Named, type: string, payload: unknown = {}) =>
      ask<ActPreview>('POST', ofRepo(project, '/preview'), { plan, type, payload }),
  };
}

function agentCalls({ ask, text }: Requests) {
  return {
    agents: ({ project, plan }: Named) =>
      ask<InstanceEntry[]>('GET', `/v1/instances?${new URLSearchParams({ project, plan })}`),
    /** The logs of the checks that judged an agent's runs. */
    checks: (project: string, title: string) => ask<RunLog[]>('GET', ofAgent(project, title, '/logs?check=1')),
    signal: (project: string, id: number) => ask<SignalEntry>('GET', ofRepo(project, `/signals/${id}`)),
    log: (project: string, title: string) => text(ofAgent(project, title, '/capture')),
    /** The answer to an agent that asks for permission; `permission` names the question. */
    permit: (project: string, title: string, word: 'allow' | 'deny', body: { permission: string; message?: string }) =>
      ask<SignalAnswer>('POST', ofAgent(project, title, `/${word}`), body),
  };
}

function machineCalls({ ask, look }: Requests) {
  return {
    chart: (machine: string) => fetch(`/charts/${machine}.json`),
    /** The trees of user-defined machines; null: the engine has no such machines. */
    async trees(isFresh: boolean): Promise<MachineTreeEntry[] | null> {
      const own = (await look<MachineEntry[]>('/v1/machines', isFresh)).filter((machine) => machine.own);
      if (own.length === 0) return null;
      return (
        await Promise.all(own.map(({ name }) => look<MachineTreeEntry[]>(ofMachine(name, '/trees'), isFresh)))
      ).flat();
    },
    machineTree: (machine: string, id: string) => ask<MachineTreeShow>('GET', ofTree(machine, id, '')),
    /** The tree as it was after that line of its journal. */
    machineReplay: (machine: string, id: string, to: number) =>
      ask<MachineTreeReplay>('GET', ofTree(machine, id, `/replay?to=${to}`)),
    machineExplanation: (machine: string, id: string) =>
      ask<MachineExplanation>('GET', ofTree(machine, id, '/explain')),
    machineChart: (machine: string) => ask<Chart>('GET', ofMachine(machine, '?format=layout')),
    machineHistory: (machine: string, id: string, after: number) =>
      ask<HistoryEntry[]>('GET', ofTree(machine, id, `/history?after=${after}`)),
    sendMachine: (machine: string, id: string, type: string, payload: unknown) =>
      ask<MachineVerdict>('POST', ofTree(machine, id, '/signals'), { type, payload }),
  };
}

function ofRepo(project: string, rest: string): string {
  return `/v1/repos/${encodeURIComponent(project)}${rest}`;
}

function ofPlan({ project, plan }: Named, rest: string): string {
  return ofRepo(project, `/plans/${encodeURIComponent(plan)}${rest}`);
}

function ofAgent(project: string, title: string, rest: string): string {
  return ofRepo(project, `/instances/${encodeURIComponent(title)}${rest}`);
}

function ofMachine(machine: string, rest: string): string {
  return `/v1/machines/${encodeURIComponent(machine)}${rest}`;
}

function ofTree(machine: string, id: string, rest: string): string {
  return ofMachine(machine, `/trees/${encodeURIComponent(id)}${rest}`);
}

/** A field that is null is left out. */
function queryOf(given: Readonly<Record<string, string | number | null>>): string {
  const known = Object.entries(given).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]]));
  return new URLSearchParams(known).toString();
}

/** `randomUUID` exists over HTTPS and on localhost only, and the page may come from another machine over HTTP. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function isVerdict(value: unknown): value is SignalAnswer {
  return typeof value === 'object' && value !== null && 'signal' in value && 'plan' in value;
}

/** The connection broke off within an answer. */
function lost(): never {
  throw new LostAnswer();
}

/** The refusal in an answer that is not read otherwise. */
export async function refusalIn(answer: Response): Promise<ApiError> {
  return errorOf(answer.status, await answer.json().catch(() => null));
}

function errorOf(status: number, value: unknown): ApiError {
  const { error, code, hint } = (value ?? {}) as Record<string, unknown>; // checked field by field
  if (typeof error === 'string' && typeof code === 'string') return new ApiError(code, error, String(hint ?? ''));
  return new ApiError('internal', `an answer with status ${status}`, 'see the log of the engine: stator daemon logs');
}
