/**
 * A tracker of issues on loopback, with the documented routes of GitHub, Gitea, GitLab, Linear and Jira, over a state that a test reads and changes.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jiraService } from './tracker-jira.ts';
import { linearService } from './tracker-linear.ts';

export type ForgeKind = 'github' | 'gitea' | 'gitlab';
/** `jira`: Jira Cloud. `jira-server`: Jira Data Center. */
export type TrackerKind = ForgeKind | 'linear' | 'jira' | 'jira-server';

export interface FakeComment {
  readonly id: number;
  readonly author: string;
  body: string;
  atMs: number;
}

export interface FakeTracked {
  readonly id: number;
  readonly number: number;
  title: string;
  body: string;
  author: string;
  isOpen: boolean;
  labels: string[];
  assignees: string[];
  isPull: boolean;
  /** The workflow status, if the tracker has one. */
  status: string;
  /** The prefix of its name in Jira and Linear, which is its key without the number. */
  team: string;
  createdMs: number;
  updatedMs: number;
  readonly comments: FakeComment[];
  /** The edits of its title and its text. */
  readonly edits: { readonly by: string; readonly what: 'title' | 'body' }[];
}

/** The routes of a service that is no forge. */
export interface Service {
  isAllowed(authorization: string | undefined): boolean;
  /** The recorded form of a request: `POST /graphql Issues`. */
  lineOf(asked: Asked): string;
  answer(asked: Asked): Reply;
}

/** A failure in place of the answer. `lost`: the request is carried out, and the connection breaks before the answer. */
export type TrackerTrouble =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  | 'reset'
  | 'lost'
  | null;

export interface TrackerState {
  /** The issues of the repository, by number. */
  readonly issues: Map<number, FakeTracked>;
  /** The accounts with write access. */
  readonly writers: Set<string>;
  readonly labels: Map<string, number>;
  owner: string;
  name: string;
  /** Its pages have the reverse order. */
  isReversed: boolean;
}

export interface TrackerServer {
  readonly kind: TrackerKind;
  readonly url: string;
  readonly state: TrackerState;
  /** Every request: `GET /repos/ada/demo/issues`, without the query, and with ` 304` if nothing had changed. */
  readonly asked: string[];
  trouble: (asked: string) => TrackerTrouble;
  /** The largest page of Gitea, as its administrator set it. */
  pageSize: number;
  /** Adds an issue as a person would. */
  add(given: Partial<FakeTracked> & { readonly title: string }): FakeTracked;
  say(issue: FakeTracked, author: string, body: string): FakeComment;
  edit(
    issue: FakeTracked,
    change: Partial<Pick<FakeTracked, 'title' | 'body' | 'isOpen' | 'labels' | 'status'>>,
    by?: string,
  ): void;
  stop(): Promise<void>;
}

export const trackerToken = 'secret-token';
const prefixes: Readonly<Record<TrackerKind, string>> = {
  ...{ github: '/api/v3', gitea: '/api/v1', gitlab: '/api/v4' },
  ...{ linear: '', jira: '/rest/api/3', 'jira-server': '/rest/api/2' },
};

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
}
export interface Reply {
  readonly status: number;
  readonly body: unknown;
}
const missing: Reply = { status: 404, body: { message: 'Not Found' } };
const iso = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

export async function startTracker(kind: TrackerKind): Promise<TrackerServer> {
  const state: TrackerState = {
    ...{ issues: new Map(), writers: new Set(['ada', 'bot']), labels: new Map([['stator', 1]]) },
    ...{ owner: 'ada', name: 'demo', isReversed: false },
  };
  const asked: string[] = [];
  // The trackers' clocks have whole seconds.
  let nowMs = Date.parse('2026-11-01T00:00:00Z');
  const tick = () => {
    nowMs += 1000;
    return nowMs;
  };
  let lastId = 70_000;
  const nextId = () => {
    lastId += 7;
    return lastId;
  };
  const server = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port

  const tracker: TrackerServer = {
    ...{ kind, url, state, asked, trouble: () => null, pageSize: 50 },
    add(given) {
      const at = tick();
      const number = Math.max(0, ...state.issues.keys()) + 1;
      const issue: FakeTracked = {
        ...{ id: nextId(), number, body: '', author: 'ada', isOpen: true, labels: [], assignees: [], isPull: false },
        ...{ status: 'Todo', team: 'ENG', createdMs: at, updatedMs: at, comments: [], edits: [] },
        ...given,
      };
      state.issues.set(issue.number, issue);
      return issue;
    },
    say(issue, author, body) {
      const at = tick();
      const said = { id: nextId(), author, body, atMs: at };
      issue.comments.push(said);
      issue.updatedMs = at;
      return said;
    },
    edit(issue, change, by = issue.author) {
      for (const what of ['title', 'body'] as const) if (change[what] !== undefined) issue.edits.push({ by, what });
      Object.assign(issue, change, { updatedMs: tick() });
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };

  const service =
    kind === 'linear'
      ? linearService(tracker)
      : kind === 'jira' || kind === 'jira-server'
        ? jiraService(tracker)
        : null;

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const { pathname, searchParams: query } = new URL(request.url ?? '/', url);
    const path = decodeURIComponent(pathname.replace(prefixes[kind], ''));
    const method = request.method ?? 'GET';
    const body = parts.length === 0 ? {} : JSON.parse(Buffer.concat(parts).toString('utf8'));
    const wanted = { method, path, query, body };
    const line = service?.lineOf(wanted) ?? `${method} ${path}`;
    const at = asked.push(line) - 1;
    const trouble = tracker.trouble(line);
    if (trouble === 'reset') return void request.socket.destroy();
    if (trouble !== null && trouble !== 'lost')
      return send(response, trouble.status, trouble.body ?? { message: 'no' }, trouble.headers);
    const { authorization } = request.headers;
    const own = kind === 'gitea' ? `token ${trackerToken}` : `Bearer ${trackerToken}`;
    const isAllowed = service === null ? authorization === own : service.isAllowed(authorization);
    if (!isAllowed) return send(response, 401, { message: '401 Unauthorized' });
    const reply = pathname.startsWith(prefixes[kind]) ? (service?.answer ?? answer)(wanted) : missing;
    if (trouble === 'lost') return void request.socket.destroy();
    // Gitea and the services have no etags.
    if (kind === 'gitea' || service !== null || reply.status !== 200) return send(response, reply.status, reply.body);
    const etag = `W/"${createHash('sha256').update(JSON.stringify(reply.body)).digest('hex').slice(0, 20)}"`;
    if (request.headers['if-none-match'] !== etag) return send(response, 200, reply.body, { etag });
    asked[at] = `${line} 304`;
    response.writeHead(304, { etag }).end();
  }

  function answer(wanted: Asked): Reply {
    const { path } = wanted;
    const root = kind === 'gitlab' ? `/projects/${state.owner}/${state.name}` : `/repos/${state.owner}/${state.name}`;
    if (path === root) return { status: 200, body: {} };
    if (!path.startsWith(`${root}/`)) return missing;
    const [noun = '', id = '', part = '', deep = ''] = path.slice(root.length + 1).split('/');
    if (noun === 'collaborators')
      return { status: 200, body: { permission: state.writers.has(id) ? 'write' : 'read' } };
    if (noun === 'members') {
      const isWriter = [...state.writers].some((name) => String(accountId(name)) === part);
      return isWriter ? { status: 200, body: { id: Number(part), access_level: 30 } } : missing;
    }
    if (noun === 'labels') return labels(wanted);
    if (noun !== 'issues') return missing;
    if (id === '') return list(wanted.query);
    const issue = state.issues.get(Number(id));
    if (issue === undefined) return missing;
    if (part === 'comments' || part === 'notes') return talk(issue, wanted);
    if (part === 'labels') return relabel(issue, wanted, deep);
    if (wanted.method === 'PUT') return relabelAtGitLab(issue, wanted.body);
    return { status: 200, body: shown(issue) };
  }

  function labels({ method, body }: Asked): Reply {
    if (method === 'POST') state.labels.set(String(body.name), state.labels.size + 1);
    const all = [...state.labels].map(([name, id]) => ({ id, name }));
    return method === 'POST' ? { status: 201, body: all.at(-1) } : { status: 200, body: all };
  }

  function nameOf(label: unknown): string {
    return [...state.labels].find(([, id]) => String(id) === String(label))?.[0] ?? String(label);
  }

  function relabel(issue: FakeTracked, { method, body }: Asked, label: string): Reply {
    const given = (body.labels as unknown[] | undefined) ?? [];
    const name = kind === 'gitea' ? nameOf(label) : label;
    if (method === 'DELETE' && !issue.labels.includes(name)) return missing;
    const others = issue.labels.filter((each) => each !== name);
    tracker.edit(issue, {
      labels: [...new Set([...others, ...given.map((each) => (kind === 'gitea' ? nameOf(each) : String(each)))])],
    });
    return { status: 200, body: issue.labels.map((each) => ({ name: each })) };
  }

  function relabelAtGitLab(issue: FakeTracked, body: Record<string, unknown>): Reply {
    const taken = String(body.remove_labels ?? '').split(',');
    const others = issue.labels.filter((each) => !taken.includes(each));
    tracker.edit(issue, { labels: [...new Set([...others, String(body.add_labels)])] });
    return { status: 200, body: shown(issue) };
  }

  function list(query: URLSearchParams): Reply {
    const wanted = (query.get('labels') ?? '').split(',').filter((label) => label !== '');
    const assignee = query.get('assignee') ?? query.get('assigned_by') ?? query.get('assignee_username');
    const isOpen = { open: true, opened: true, closed: false }[query.get('state') ?? ''];
    const found = [...state.issues.values()]
      .filter((issue) => isOpen === undefined || issue.isOpen === isOpen)
      .filter(({ labels: has }) => wanted.every((label) => has.includes(label)))
      .filter(({ assignees }) => assignee === null || assignees.includes(assignee))
      .filter(({ isPull }) => !isPull || kind === 'github')
      .sort((a, b) => (state.isReversed ? -1 : 1) * (a.createdMs - b.createdMs));
    return paged(found.map(shown), query, kind === 'gitea' ? tracker.pageSize : 100);
  }

  function talk(issue: FakeTracked, { method, query, body }: Asked): Reply {
    if (method === 'POST') return { status: 201, body: said(tracker.say(issue, 'bot', String(body.body)), issue) };
    const sinceMs = Date.parse(query.get('since') ?? '1970-01-01T00:00:00Z');
    const found = issue.comments.filter(({ atMs }) => atMs >= sinceMs);
    if (kind === 'gitea') return { status: 200, body: found.map((each) => said(each, issue)) };
    const newestFirst = kind === 'gitlab';
    const sorted = found.sort((a, b) => (newestFirst ? b.atMs - a.atMs : a.atMs - b.atMs));
    return paged(
      sorted.map((each) => said(each, issue)),
      query,
      100,
    );
  }

  const person = (name: string) => ({
    id: accountId(name),
    ...(kind === 'gitlab' ? { username: name } : { login: name }),
  });

  function shown(issue: FakeTracked): Record<string, unknown> {
    const { id, number, title, body, author, isOpen, createdMs, updatedMs } = issue;
    const times = { created_at: iso(createdMs), updated_at: iso(updatedMs) };
    const page = `${url}/${state.owner}/${state.name}/issues/${number}`;
    const assignees = issue.assignees.map(person);
    if (kind === 'gitlab')
      return {
        ...{ id, iid: number, project_id: 7, title, description: body, author: person(author), assignees, ...times },
        ...{ state: isOpen ? 'opened' : 'closed', labels: issue.labels, web_url: page },
      };
    return {
      ...{ id, number, title, body, user: person(author), assignees, ...times, comments: issue.comments.length },
      ...{ state: isOpen ? 'open' : 'closed', labels: issue.labels.map((name) => ({ name })), html_url: page },
      ...(issue.isPull ? { pull_request: { url: page } } : {}),
    };
  }

  function said({ id, author, body, atMs }: FakeComment, { number }: FakeTracked): Record<string, unknown> {
    const times = { created_at: iso(atMs), updated_at: iso(atMs) };
    if (kind === 'gitlab') return { id, author: person(author), body, system: false, ...times };
    const page = `${url}/${state.owner}/${state.name}/issues/${number}#issuecomment-${id}`;
    return { id, user: person(author), body, html_url: page, ...times };
  }

  return tracker;
}

function paged(items: readonly unknown[], query: URLSearchParams, most: number): Reply {
  const size = Math.min(most, Number(query.get('per_page') ?? query.get('limit') ?? 30));
  const page = Number(query.get('page') ?? 1);
  return { status: 200, body: items.slice((page - 1) * size, page * size) };
}

function accountId(name: string): number {
  return [...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 100_003;
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  if (status === 204) return void response.writeHead(204, headers).end();
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    .end(JSON.stringify(body));
}
