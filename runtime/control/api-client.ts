/** The control API as functions: over a socket, or over an app in this very process. */
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { EngineError, errorFromDocument, isErrorDocument } from '../../machines/errors.ts';
import type {
  Explanation,
  FactEntry,
  HistoryEntry,
  InstanceEntry,
  PlanEntry,
  PlanShow,
  QueueEntry,
  RepoAdded,
  RepoEntry,
  SignalAnswer,
  SignalEntry,
  StatusAnswer,
} from './shapes.ts';

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

export interface Client {
  /** `no engine runs` where this client is an engine of its own for a moment; null where it speaks to one. */
  readonly note: string | null;
  status(): Promise<StatusAnswer>;
  repos(): Promise<RepoEntry[]>;
  /** Registers a repo by any path inside it. 409 `untrusted` where its config starts programs and `trust` is false. */
  addRepo(path: string, options: { trust: boolean }): Promise<RepoAdded>;
  plans(project?: string): Promise<PlanEntry[]>;
  plan(project: string, plan: string): Promise<PlanShow>;
  registerPlan(request: {
    project: string;
    plan: string;
    content: string;
    branch?: string;
    topic?: string;
  }): Promise<PlanShow>;
  updateContent(project: string, plan: string, content: string): Promise<SignalAnswer>;
  deletePlan(project: string, plan: string): Promise<void>;
  history(project: string, plan: string, options?: { after?: number }): Promise<HistoryEntry[]>;
  explain(project: string, plan: string): Promise<Explanation>;
  send(request: SendRequest): Promise<SignalAnswer>;
  signals(filter: { project?: string; plan?: string; status?: string }): Promise<SignalEntry[]>;
  signal(id: number): Promise<SignalEntry>;
  retrySignal(id: number): Promise<SignalAnswer>;
  instances(filter: { project?: string; plan?: string }): Promise<InstanceEntry[]>;
  /** The end of an instance's log, at most 64 KiB, safe to print. */
  capture(project: string, title: string): Promise<string>;
  killInstance(project: string, title: string): Promise<SignalAnswer>;
  queue(): Promise<QueueEntry[]>;
  /** A machine's definition: the same that runs. */
  machine(name: string, format: 'mermaid' | 'json'): Promise<string>;
  /** Facts from `since` on, then live. While it is open with `watch`, the owner starts that plan's agents. */
  events(options: {
    since?: number;
    project?: string;
    plan?: string;
    watch?: boolean;
    signal: AbortSignal;
  }): AsyncIterable<FactEntry>;
  close(): Promise<void>;
}

/** One request to whoever answers; `path` with its query. */
export type Call = (
  method: string,
  path: string,
  options?: { body?: unknown; signal?: AbortSignal },
) => Promise<Response>;

const gone = 'it may have stopped just now; ask again';

/** Calls over a unix socket. Throws `unavailable` where nobody answers. */
export function callSocket(socketPath: string, token: string | undefined): Call {
  return (method, path, { body, signal } = {}) =>
    new Promise((resolve, reject) => {
      const headers = {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...authorization(token),
      };
      const request = httpRequest(
        { socketPath, method, path, headers, ...(signal === undefined ? {} : { signal }) },
        (answer) => {
          const status = answer.statusCode ?? 500;
          const isEmpty = status === 204 || status === 304;
          // The stream is node's own; the two types of web streams differ in name only.
          resolve(new Response(isEmpty ? null : (Readable.toWeb(answer) as ReadableStream), { status }));
        },
      );
      request.on('error', (cause) =>
        reject(new EngineError('unavailable', `the engine at ${socketPath} does not answer`, gone, { cause })),
      );
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

/** Calls an app in this process. */
export function callApp(
  app: { fetch(request: Request): Response | Promise<Response> },
  token: string | undefined,
): Call {
  return async (method, path, { body, signal } = {}) => {
    const headers = { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...authorization(token) };
    const init = {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    };
    return app.fetch(new Request(`http://stator${path}`, init));
  };
}

/** Only whoever has no token at all speaks as a person: one that no header can carry, or an empty one, is still sent, and nobody's. */
function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${/^[\x21-\x7e]+$/.test(token) ? token : ''}` };
}

function queryOf(values: Record<string, string | number | boolean | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== false);
  const words = Object.fromEntries(given.map(([key, value]) => [key, value === true ? '1' : String(value)]));
  return given.length === 0 ? '' : `?${new URLSearchParams(words)}`;
}

export function createClient(call: Call, options: { note: string | null; close(): Promise<void> }): Client {
  /** The answer's JSON; `accept` names statuses that are no success and yet an answer. */
  async function json<T>(method: string, path: string, body?: unknown, accept: readonly number[] = []): Promise<T> {
    const answer = await call(method, path, body === undefined ? {} : { body });
    if (!answer.ok && !accept.includes(answer.status)) throw await errorOf(answer);
    const value: unknown = await answer.json();
    if (!answer.ok && isErrorDocument(value)) throw errorFromDocument(value);
    return value as T; // both ends are of one version and share the shapes
  }

  const plansOf = (project: string) => `/v1/repos/${encodeURIComponent(project)}/plans`;
  const planAt = (project: string, plan: string) => `${plansOf(project)}/${encodeURIComponent(plan)}`;
  const instanceAt = (project: string, title: string) =>
    `/v1/repos/${encodeURIComponent(project)}/instances/${encodeURIComponent(title)}`;

  return {
    note: options.note,
    status: () => json('GET', '/v1/status'),
    repos: () => json('GET', '/v1/repos'),
    addRepo: (path, { trust }) => json('POST', '/v1/repos', { path, trust }),
    plans: (project) => json('GET', `/v1/plans${queryOf({ project })}`),
    plan: (project, plan) => json('GET', planAt(project, plan)),
    registerPlan: ({ project, ...body }) => json('POST', plansOf(project), body),
    // A refusal is an answer with status 409, not a failure.
    updateContent: (project, plan, content) => json('PUT', `${planAt(project, plan)}/content`, { content }, [409]),
    deletePlan: async (project, plan) => void (await json('DELETE', planAt(project, plan))),
    history: (project, plan, { after } = {}) => json('GET', `${planAt(project, plan)}/history${queryOf({ after })}`),
    explain: (project, plan) => json('GET', `${planAt(project, plan)}/explain`),
    send: ({ project, plan, type, payload, dedupeKey, waitMs }) =>
      json(
        'POST',
        `/v1/repos/${encodeURIComponent(project)}/signals`,
        { plan, type, payload, dedupe_key: dedupeKey, wait_ms: waitMs },
        [409],
      ),
    signals: ({ project, plan, status }) => json('GET', `/v1/signals${queryOf({ project, plan, status })}`),
    signal: (id) => json('GET', `/v1/signals/${id}`),
    retrySignal: (id) => json('POST', `/v1/signals/${id}/retry`),
    instances: ({ project, plan }) => json('GET', `/v1/instances${queryOf({ project, plan })}`),
    async capture(project, title) {
      const answer = await call('GET', `${instanceAt(project, title)}/capture`);
      if (!answer.ok) throw await errorOf(answer);
      return answer.text();
    },
    killInstance: (project, title) => json('POST', `${instanceAt(project, title)}/kill`, undefined, [409]),
    queue: () => json('GET', '/v1/queue'),
    async machine(name, format) {
      const answer = await call('GET', `/v1/machines/${encodeURIComponent(name)}${queryOf({ format })}`);
      if (!answer.ok) throw await errorOf(answer);
      return answer.text();
    },
    async *events({ since, project, plan, watch, signal }) {
      const answer = await call('GET', `/v1/events${queryOf({ since, project, plan, watch })}`, { signal });
      if (!answer.ok || answer.body === null) throw await errorOf(answer);
      yield* factsOf(answer.body, signal);
    },
    close: options.close,
  };
}

async function errorOf(answer: Response): Promise<EngineError> {
  const text = await answer.text();
  const value = jsonOf(text);
  if (isErrorDocument(value)) return errorFromDocument(value);
  return new EngineError(
    'internal',
    `an answer with status ${answer.status}: ${text.slice(0, 200)}`,
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
