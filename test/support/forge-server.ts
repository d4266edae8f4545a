/** A forge on loopback with the REST API of GitHub, Gitea or GitLab as documented, over a state that a test reads and changes. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Server } from '../../runtime/work/forges/forge.ts';
import type { ForgeKind } from '../../runtime/work/forges/kinds/kinds.ts';
import { outputOf, runSmall } from './small-shell.ts';

export interface FakeComment {
  readonly id: number;
  readonly author: string;
  readonly body: string;
  readonly at: string;
}

export interface FakeIssue {
  title: string;
  body: string;
  author: string;
  state: 'open' | 'closed';
  comments: FakeComment[];
}

export interface FakeReview {
  readonly id: number;
  readonly author: string;
  readonly body: string;
  asksForChanges: boolean;
  /** The verdict, if it is neither a request for changes nor a comment. */
  is?: 'approved' | 'dismissed';
  /** The commit that it is about; undefined: the forge does not say. */
  readonly commit?: string;
}

export interface FakePull {
  readonly number: number;
  head: string;
  headCommit: string;
  base: string;
  title: string;
  body: string;
  state: 'open' | 'merged' | 'closed';
  /** From a fork, whose branch may have the same name as one of the repository. */
  isOfFork: boolean;
  reviews: FakeReview[];
  comments: { id: number; author: string; body: string; path: string; line: number; review?: number }[];
  /** Comments on the request as a whole. */
  talk: { id: number; author: string; body: string }[];
  /** The requested reviewers. */
  awaited: string[];
  /** The requested automatic merge, with its method; null: none. */
  auto: { method: string; head: string } | null;
  /** The API call that merged it; null: none. */
  mergedBy: { method: string; head: string } | null;
  /** The merge commit; undefined: a commit that no repository has. */
  mergeCommit?: string;
  /** Whether it conflicts with its target branch. */
  conflicts: boolean;
  /** Its commits, the oldest first; null: only its head. */
  commits: readonly string[] | null;
}

/** The repository's merge settings. */
export interface FakeMerging {
  readonly methods: readonly ('merge' | 'squash' | 'rebase')[];
  readonly first: 'merge' | 'squash' | 'rebase';
  /** Whether the forge supports automatic merges. */
  readonly hasAuto: boolean;
  /** The number of approvals that a branch requires. */
  readonly approvals: number;
  /** The message with which every merge is refused; null: merges are accepted. */
  readonly refuses: string | null;
  /** After a merge its branch is deleted, and requests for that branch are retargeted or closed. */
  readonly deletes?: 'retargets' | 'closes';
  /** Whether a request's branch must contain the commits of its target. */
  readonly upToDate?: boolean;
  /** A branch into which merging is forbidden. */
  readonly frozen?: string;
}

export interface FakeStatus {
  readonly name: string;
  readonly state: 'pending' | 'success' | 'failure';
  readonly description: string;
  /** A check run of GitHub with this conclusion, not a status. */
  readonly conclusion?: string;
  /** Its annotations in the code, or its output. */
  readonly log?: string;
  /** A GitLab job that may fail. */
  readonly mayFail?: boolean;
}

export interface ForgeState {
  readonly issues: Map<number, FakeIssue>;
  readonly pulls: Map<number, FakePull>;
  /** By commit. */
  readonly statuses: Map<string, FakeStatus[]>;
  /** The accepted token; null: any. */
  token: string | null;
  login: string;
  /** The checks that a branch requires; empty: the forge names none. */
  required: string[];
  merging: FakeMerging;
  /** Returns the head of a pushed branch. */
  headOf: ((branch: string) => string | null) | null;
  /** The bare repository from which git fetches, and in which API calls merge; null: none. */
  bare: string | null;
  /** Accounts without write access to the repository. */
  readonly strangers: Set<string>;
  owner: string;
  name: string;
}

/**
 * A failure in place of the answer. `lost`: the request is carried out, and the connection breaks before the answer. `until`: it is carried out after
 * that.
 */
export type Trouble =
  | {
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: unknown;
      readonly raw?: string;
    }
  | { readonly until: Promise<void> }
  | 'reset'
  | 'silent'
  | 'lost'
  | null;

export interface ForgeServer {
  readonly kind: ForgeKind;
  readonly url: string;
  /** The server's entry as a person would add it. */
  readonly server: Server;
  readonly state: ForgeState;
  /** Every request: `POST /repos/ada/demo/pulls`, without the API's path prefix and the query. */
  readonly asked: string[];
  readonly authorizations: (string | undefined)[];
  /** Called for each request before it is carried out. */
  trouble: (asked: string) => Trouble;
  stop(): Promise<void>;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
}
type Reply = { status: number; body: unknown };

const prefixes: Readonly<Record<ForgeKind, string>> = {
  github: '/api/v3',
  gitea: '/api/v1',
  forgejo: '/api/v1',
  gitlab: '/api/v4',
};

export async function startForge(kind: ForgeKind, given: Partial<ForgeState> = {}): Promise<ForgeServer> {
  const state: ForgeState = {
    issues: new Map(),
    pulls: new Map(),
    statuses: new Map(),
    token: 'secret-token',
    required: [],
    merging: { methods: ['merge', 'squash', 'rebase'], first: 'squash', hasAuto: true, approvals: 0, refuses: null },
    headOf: null,
    bare: null,
    login: 'ada',
    strangers: new Set(),
    owner: 'ada',
    name: 'demo',
    ...given,
  };
  const forge = {
    asked: [] as string[],
    authorizations: [] as (string | undefined)[],
    trouble: (() => null) as ForgeServer['trouble'],
  };
  const web = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`; // it listens on a port

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    if (state.bare !== null && pathname.includes('.git/')) return sendFile(response, state.bare, pathname);
    const asked: Asked = {
      method: request.method ?? 'GET',
      path: pathname.replace(prefixes[kind], '').replace('/api/graphql', '/graphql'),
      query: searchParams,
      body: parts.length === 0 ? {} : JSON.parse(Buffer.concat(parts).toString('utf8')),
    };
    const line = `${asked.method} ${asked.path}`;
    forge.asked.push(line);
    forge.authorizations.push(request.headers.authorization);
    const trouble = forge.trouble(line);
    if (trouble === 'silent') return;
    if (trouble === 'reset') return void request.socket.destroy();
    if (trouble !== null && trouble !== 'lost' && 'until' in trouble) await trouble.until;
    else if (trouble !== null && trouble !== 'lost') {
      const { status, headers, raw, body = { message: 'no' } } = trouble;
      if (raw === undefined) return send(response, status, body, headers);
      return void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(raw);
    }
    const version = versionOf(kind, pathname, asked.path);
    if (version !== null) return send(response, version.status, version.body, version.headers);
    const wanted = kind === 'gitea' || kind === 'forgejo' ? `token ${state.token}` : `Bearer ${state.token}`;
    if (state.token !== null && request.headers.authorization !== wanted)
      return send(response, 401, { message: '401 Unauthorized' });
    settle(state);
    if (pathname === '/api/graphql' && kind === 'github') return sendReply(answerGraph(state, asked.body));
    if (!pathname.startsWith(prefixes[kind])) return send(response, 404, { message: 'Not Found' });
    const reply = kind === 'gitlab' ? answerGitLab(state, asked, url) : answerGitHub(state, asked, url, kind);
    if (trouble === 'lost') return void request.socket.destroy();
    sendReply(reply);

    function sendReply({ status, body }: Reply): void {
      const text = JSON.stringify(body);
      const etag = `W/"${createHash('sha256').update(text).digest('hex').slice(0, 20)}"`;
      if (asked.method === 'GET' && request.headers['if-none-match'] === etag)
        return void response.writeHead(304, { etag }).end();
      send(response, status, body, { etag });
    }
  }

  return Object.assign(forge, {
    kind,
    url,
    state,
    server: { name: 'here', url, kind, allowPrivate: true },
    stop: () =>
      new Promise<void>((resolve) => {
        web.closeAllConnections();
        web.close(() => resolve());
      }),
  });
}

/** The public version answer of each kind; null: another request. */
function versionOf(
  kind: ForgeKind,
  whole: string,
  path: string,
): { status: number; body: unknown; headers?: Record<string, string> } | null {
  if (whole === '/api/forgejo/v1/version' && kind === 'forgejo')
    return { status: 200, body: { version: '11.0.3+gitea-1.22.0' } };
  if (!whole.startsWith(prefixes[kind])) return null;
  if (path === '/version' && kind === 'gitlab') return { status: 401, body: { message: '401 Unauthorized' } };
  if (path === '/version' && kind !== 'github') return { status: 200, body: { version: '1.24.6' } };
  if (path === '/meta' && kind === 'github')
    return {
      status: 200,
      body: { verifiable_password_authentication: false },
      headers: { 'x-github-request-id': '1:2' },
    };
  return null;
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    .end(JSON.stringify(body));
}

/** git's dumb HTTP protocol: https://git-scm.com/docs/gitprotocol-http */
function sendFile(response: ServerResponse, bare: string, path: string): void {
  const file = path.slice(path.indexOf('.git/') + '.git/'.length);
  if (file === 'info/refs') outputOf('git', ['update-server-info'], bare);
  const place = join(bare, file);
  if (!existsSync(place)) return void response.writeHead(404).end();
  response.writeHead(200).end(readFileSync(place));
}

/** Merges as a forge does: the target branch gets one commit, or the request's commits anew. */
function mergeInto(bare: string, pull: FakePull, method: string): string {
  const git = (...args: string[]) => outputOf('git', args, bare).trim();
  const target = git('rev-parse', `refs/heads/${pull.base}`);
  const tree = git('merge-tree', '--write-tree', target, pull.headCommit);
  const parents = method === 'merge' || method === 'keep' ? [target, pull.headCommit] : [target];
  const who = ['-c', 'user.name=forge', '-c', 'user.email=forge@here.test'];
  const onto = parents.flatMap((parent) => ['-p', parent]);
  const commit = git(...who, 'commit-tree', tree, ...onto, '-m', `Merge ${pull.head} (#${pull.number})`);
  git('update-ref', `refs/heads/${pull.base}`, commit, target);
  return commit;
}

const missing: Reply = { status: 404, body: { message: 'Not Found' } };

/** One page of a list, by `page` and `per_page` or `limit`. */
function paged(items: readonly unknown[], query: URLSearchParams): Reply {
  const size = Number(query.get('per_page') ?? query.get('limit') ?? 30);
  const page = Number(query.get('page') ?? 1);
  return { status: 200, body: items.slice((page - 1) * size, page * size) };
}

/** The number of the next issue or pull request. */
function nextNumber(state: ForgeState): number {
  return Math.max(0, ...state.issues.keys(), ...state.pulls.keys()) + 1;
}

/** Adds a request as if a person had made it on the forge's page. */
export function addPull(state: ForgeState, given: Pick<FakePull, 'head' | 'base'> & Partial<FakePull>): FakePull {
  const number = nextNumber(state);
  const made: FakePull = {
    number,
    headCommit: '1'.repeat(40),
    title: given.head,
    body: '',
    state: 'open',
    isOfFork: false,
    reviews: [],
    comments: [],
    talk: [],
    awaited: [],
    auto: null,
    mergedBy: null,
    conflicts: false,
    commits: null,
    ...given,
  };
  state.pulls.set(made.number, made);
  return made;
}

function comment(state: ForgeState, issue: FakeIssue, body: unknown): FakeComment {
  const made = {
    id: 1000 + issue.comments.length,
    author: state.login,
    body: String(body),
    at: new Date(0).toISOString(),
  };
  issue.comments.push(made);
  return made;
}

/** Whether the required checks of its commit have passed. */
function isGreen(state: ForgeState, pull: FakePull): boolean {
  const found = (state.statuses.get(headOf(state, pull)) ?? []).filter(
    ({ name }) => state.required.length === 0 || state.required.includes(name),
  );
  return found.length > 0 && found.every(({ state: is }) => is === 'success');
}

function isBehind(state: ForgeState, pull: FakePull): boolean {
  if (state.merging.upToDate !== true || state.bare === null || pull.state !== 'open') return false;
  return compared(state, state.bare, ['merge-base', '--is-ancestor'], pull) !== 0;
}

/** Whether git finds conflicts, if there is a repository. */
export function conflictsOf(state: ForgeState, pull: FakePull): boolean {
  if (state.bare === null || pull.conflicts || pull.state !== 'open') return pull.conflicts;
  return compared(state, state.bare, ['merge-tree', '--write-tree'], pull) === 1;
}

/** git's answers: the comparison of two commits never changes, and a forge is asked about each request many times a second. */
const answers = new Map<string, number>();

/** The exit code of git for comparing the target branch with the request's commit. */
function compared(
  state: ForgeState,
  bare: string,
  args: readonly string[],
  { base, headCommit }: FakePull,
): number | null {
  const head = state.headOf?.(base) ?? null;
  const key = head === null ? null : [...args, head, headCommit].join(' ');
  const known = key === null ? undefined : answers.get(key);
  if (known !== undefined) return known;
  const { status } = runSmall('git', [...args, head ?? `refs/heads/${base}`, headCommit], bare);
  // Other codes mean that a commit is still missing.
  if (key !== null && (status === 0 || status === 1)) answers.set(key, status);
  return status;
}

function approvalsOf({ reviews }: FakePull): number {
  return reviews.filter(({ is }) => is === 'approved').length;
}

/** The forge's automatic actions, carried out at each request. */
function settle(state: ForgeState): void {
  for (const pull of state.pulls.values()) {
    if (!isGreen(state, pull) || pull.state !== 'open' || pull.auto === null) continue;
    if (approvalsOf(pull) < state.merging.approvals || conflictsOf(state, pull)) continue;
    mergeNow(state, pull, pull.auto.method, pull.auto.head);
  }
}

/** null: it may be merged as that commit. */
function mergeRefusal(state: ForgeState, pull: FakePull, head: unknown): { status: number; message: string } | null {
  if (pull.state !== 'open') return { status: 405, message: 'Pull Request is not mergeable' };
  if (head !== headOf(state, pull)) return { status: 409, message: 'Head branch was modified. Review and try again.' };
  if (conflictsOf(state, pull)) return { status: 405, message: 'Pull Request has merge conflicts' };
  if (isBehind(state, pull)) return { status: 405, message: 'Head branch is out of date' };
  if (approvalsOf(pull) < state.merging.approvals) return { status: 405, message: 'Does not have enough approvals' };
  if (pull.base === state.merging.frozen) return { status: 405, message: `${pull.base} is a protected branch` };
  return state.merging.refuses === null ? null : { status: 405, message: state.merging.refuses };
}

export function mergeNow(state: ForgeState, pull: FakePull, method: unknown, head: unknown): void {
  if (state.bare !== null) pull.mergeCommit = mergeInto(state.bare, pull, String(method));
  pull.state = 'merged';
  pull.mergedBy = { method: String(method), head: String(head) };
  const { deletes } = state.merging;
  if (deletes === undefined || state.bare === null) return;
  for (const other of state.pulls.values()) {
    if (other.base !== pull.head || other.state !== 'open') continue;
    if (deletes === 'retargets') other.base = pull.base;
    else other.state = 'closed';
  }
  outputOf('git', ['update-ref', '-d', `refs/heads/${pull.head}`], state.bare);
}

/** Whether a request may be for that branch. */
function isBase(state: ForgeState, base: unknown): boolean {
  return state.bare === null || (state.headOf?.(String(base)) ?? null) !== null;
}

const noBase: Reply = { status: 422, body: { message: 'Validation Failed: base is invalid' } };

function edited(
  state: ForgeState,
  pull: FakePull,
  { base, body }: { base?: unknown; body?: unknown },
  shown: () => unknown,
): Reply {
  if (base !== undefined) return retarget(state, pull, base, shown);
  pull.body = String(body);
  return { status: 200, body: shown() };
}

function retarget(state: ForgeState, pull: FakePull, base: unknown, shown: () => unknown): Reply {
  if (!isBase(state, base)) return noBase;
  if (pull.state !== 'open') return { status: 422, body: { message: 'Cannot change the base of a closed request' } };
  pull.base = String(base);
  return { status: 200, body: shown() };
}

const graphMethods = { merge: 'MERGE', squash: 'SQUASH', rebase: 'REBASE' } as const;

/** The three operations of GitHub's GraphQL API that stator uses. */
function answerGraph(state: ForgeState, body: Record<string, unknown>): Reply {
  const query = String(body.query);
  const variables = body.variables as { number?: number; input?: Record<string, string> };
  const failed = (type: string, message: string) => ({
    status: 200,
    body: { data: null, errors: [{ type, path: ['enablePullRequestAutoMerge'], message }] },
  });
  const { methods, first, hasAuto } = state.merging;
  if (query.startsWith('query'))
    return {
      status: 200,
      body: {
        data: {
          repository: {
            autoMergeAllowed: hasAuto,
            viewerDefaultMergeMethod: graphMethods[first],
            mergeCommitAllowed: methods.includes('merge'),
            squashMergeAllowed: methods.includes('squash'),
            rebaseMergeAllowed: methods.includes('rebase'),
            pullRequest: { id: `PR_${variables.number}` },
          },
        },
      },
    };
  const pull = state.pulls.get(Number(variables.input?.pullRequestId?.slice('PR_'.length)));
  if (pull === undefined) return failed('NOT_FOUND', 'Could not resolve to a node');
  if (query.includes('disablePullRequestAutoMerge')) {
    if (pull.auto === null) return failed('UNPROCESSABLE', "Can't disable auto-merge for this pull request");
    pull.auto = null;
    return { status: 200, body: { data: { disablePullRequestAutoMerge: { clientMutationId: null } } } };
  }
  const { expectedHeadOid: head = '', mergeMethod: method = '' } = variables.input ?? {};
  if (state.merging.refuses !== null) return failed('FORBIDDEN', state.merging.refuses);
  if (head !== headOf(state, pull)) return failed('UNPROCESSABLE', 'Head sha does not match');
  if (isGreen(state, pull) && approvalsOf(pull) >= state.merging.approvals)
    return failed('UNPROCESSABLE', 'Pull request Pull request is in clean status');
  pull.auto = { method: method.toLowerCase(), head };
  return { status: 200, body: { data: { enablePullRequestAutoMerge: { clientMutationId: null } } } };
}

function openTwin(state: ForgeState, head: unknown): boolean {
  return [...state.pulls.values()].some((pull) => pull.state === 'open' && !pull.isOfFork && pull.head === head);
}

function answerGitHub(state: ForgeState, { method, path, query, body }: Asked, url: string, kind: ForgeKind): Reply {
  if (path === '/user') return { status: 200, body: { login: state.login } };
  const root = `/repos/${state.owner}/${state.name}`;
  if (path === root)
    return {
      status: 200,
      body: {
        allow_merge_commits: state.merging.methods.includes('merge'),
        allow_squash_merge: state.merging.methods.includes('squash'),
        allow_rebase: state.merging.methods.includes('rebase'),
        default_merge_style: state.merging.first,
      },
    };
  if (!path.startsWith(`${root}/`)) return missing;
  const [noun = '', id = '', part = '', ...deep] = path.slice(root.length + 1).split('/');
  const page = `${url}/${state.owner}/${state.name}`;
  const { merging } = state;
  if (noun === 'issues') {
    const said = ({ id: own, author, body: text, at }: FakeComment) => ({
      id: own,
      user: { login: author },
      body: text,
      created_at: at,
      html_url: `${page}/issues/${id}#issuecomment-${own}`,
      ...(kind === 'github' ? { author_association: state.strangers.has(author) ? 'NONE' : 'MEMBER' } : {}),
    });
    const talk = state.pulls.get(Number(id))?.talk.map((one) => said({ ...one, at: '' }));
    if (talk !== undefined && part === 'comments' && method === 'GET') return paged(talk, query);
    const issue = state.issues.get(Number(id));
    if (issue === undefined) return missing;
    if (part === 'comments' && method === 'POST') return { status: 201, body: said(comment(state, issue, body.body)) };
    // Gitea returns all at once.
    const since = query.get('since') ?? '';
    if (part === 'comments')
      return kind === 'github'
        ? paged(issue.comments.map(said), query)
        : { status: 200, body: issue.comments.filter(({ at }) => at >= since).map(said) };
    return {
      status: 200,
      body: {
        number: Number(id),
        updated_at: issue.comments.at(-1)?.at ?? null,
        title: issue.title,
        body: issue.body,
        user: { login: issue.author },
        state: issue.state,
        comments: issue.comments.length,
        html_url: `${page}/issues/${id}`,
      },
    };
  }
  if (noun === 'commits' && part === 'check-runs') {
    const runs = (state.statuses.get(id) ?? []).flatMap(({ name, conclusion, description, log }, index) => {
      const output = { title: description, summary: null, text: null, annotations_count: log === undefined ? 0 : 1 };
      return conclusion === undefined
        ? []
        : [{ id: index + 1, name, status: 'completed', conclusion, html_url: `${url}/ci/${name}`, output }];
    });
    return { status: 200, body: { total_count: runs.length, check_runs: paged(runs, query).body } };
  }
  if (noun === 'check-runs') {
    const all = [...state.statuses.values()].at(-1) ?? [];
    const message = all[Number(id) - 1]?.log ?? '';
    return { status: 200, body: [{ path: 'src/a.ts', start_line: 3, annotation_level: 'failure', message }] };
  }
  if (noun === 'branches') {
    const contexts = state.required;
    return kind === 'github'
      ? { status: 200, body: { name: id, protected: true, protection: { required_status_checks: { contexts } } } }
      : {
          status: 200,
          body: {
            name: id,
            required_approvals: merging.approvals,
            enable_status_check: contexts.length > 0,
            status_check_contexts: contexts,
            user_can_merge: true,
          },
        };
  }
  if (noun === 'rules') return { status: 200, body: [] };
  if (noun === 'collaborators') {
    return { status: 200, body: { permission: state.strangers.has(id) ? 'read' : 'write' } };
  }
  if (noun === 'commits') {
    const own = (state.statuses.get(id) ?? []).filter(({ conclusion }) => conclusion === undefined);
    const statuses = own.map(({ name, state: is, description }) => ({
      context: name,
      ...(kind === 'github' ? { state: is } : { status: is }),
      description,
      target_url: `${url}/ci`,
    }));
    return { status: 200, body: { state: 'pending', statuses: paged(statuses, query).body } };
  }
  if (noun !== 'pulls') return missing;
  const shown = (pull: FakePull) => ({
    number: pull.number,
    html_url: `${page}/pulls/${pull.number}`,
    state: pull.state === 'open' ? 'open' : 'closed',
    title: pull.title,
    body: pull.body,
    merged: pull.state === 'merged',
    merge_commit_sha: pull.state === 'merged' ? commitOf(pull) : null,
    head: {
      ref: pull.head,
      sha: headOf(state, pull),
      repo: { full_name: pull.isOfFork ? 'eve/demo' : `${state.owner}/${state.name}` },
    },
    base: { ref: pull.base, repo: { full_name: `${state.owner}/${state.name}` } },
    draft: false,
    ...(kind === 'github'
      ? {
          auto_merge: pull.auto === null ? null : { merge_method: pull.auto.method },
          mergeable_state: conflictsOf(state, pull)
            ? 'dirty'
            : approvalsOf(pull) < merging.approvals
              ? 'blocked'
              : isBehind(state, pull)
                ? 'behind'
                : 'clean',
        }
      : { mergeable: !conflictsOf(state, pull) }),
    requested_reviewers: pull.awaited.map((login) => ({ login })),
  });
  if (id === '' && method === 'POST') {
    if (openTwin(state, body.head)) {
      const message = `A pull request already exists for ${state.owner}:${body.head}.`;
      return { status: kind === 'github' ? 422 : 409, body: { message } };
    }
    if (!isBase(state, body.base)) return noBase;
    return {
      status: 201,
      body: shown(
        addPull(state, {
          head: String(body.head),
          base: String(body.base),
          title: String(body.title),
          body: String(body.body),
        }),
      ),
    };
  }
  if (id === '') {
    const head = query.get('head')?.split(':');
    const isAll = query.get('state') === 'all';
    const open = [...state.pulls.values()].filter((pull) => isAll || pull.state === 'open').reverse();
    return paged(
      open
        .filter((pull) => head === undefined || (head[1] === pull.head && (head[0] === 'eve') === pull.isOfFork))
        .map(shown),
      query,
    );
  }
  const pull = state.pulls.get(Number(id));
  if (pull === undefined) return missing;
  if (part === '' && method === 'PATCH') return edited(state, pull, body, () => shown(pull));
  const relation = (author: string) => ({ author_association: state.strangers.has(author) ? 'NONE' : 'MEMBER' });
  const codeComment = (one: FakePull['comments'][number]) => ({
    id: one.id,
    user: { login: one.author },
    ...(kind === 'github' ? relation(one.author) : {}),
    body: one.body,
    path: one.path,
    ...(kind === 'github' ? { line: one.line, pull_request_review_id: one.review ?? null } : { position: one.line }),
    html_url: `${page}/pulls/${id}#c${one.id}`,
  });
  if (part === 'reviews' && deep[1] === 'comments') {
    return { status: 200, body: Number(deep[0]) === pull.reviews[0]?.id ? pull.comments.map(codeComment) : null };
  }
  if (part === 'reviews') {
    const isGitHub = kind === 'github';
    const stateOf = ({ asksForChanges, is }: FakeReview) => {
      if (is === 'approved') return 'APPROVED';
      if (is === 'dismissed' && isGitHub) return 'DISMISSED';
      if (asksForChanges) return isGitHub ? 'CHANGES_REQUESTED' : 'REQUEST_CHANGES';
      return isGitHub ? 'COMMENTED' : 'COMMENT';
    };
    const reviews = pull.reviews.map((one, index) => ({
      id: one.id,
      user: { login: one.author },
      body: one.body,
      state: stateOf(one),
      ...(one.commit === undefined ? {} : { commit_id: one.commit }),
      html_url: `${page}/pulls/${id}#r${one.id}`,
      comments_count: index === 0 ? pull.comments.length : 0,
      ...(kind === 'github'
        ? relation(one.author)
        : { official: !state.strangers.has(one.author), dismissed: one.is === 'dismissed' }),
    }));
    return paged(reviews, query);
  }
  if (part === 'comments') return paged(pull.comments.map(codeComment), query);
  if (part === 'commits')
    return paged(
      (pull.commits ?? [headOf(state, pull)]).map((id) => ({ sha: id })),
      query,
    );
  if (part === 'merge') {
    if (method === 'DELETE') {
      if (pull.auto === null) return missing;
      pull.auto = null;
      return { status: 204, body: null };
    }
    const isGitHub = kind === 'github';
    const [how, head] = isGitHub ? [body.merge_method, body.sha] : [body.Do, body.head_commit_id];
    if (body.merge_when_checks_succeed === true && !isGreen(state, pull)) {
      if (pull.auto !== null)
        return {
          status: 409,
          body: { message: 'pull request is already scheduled to auto merge when checks succeed' },
        };
      if (!merging.hasAuto) return { status: 405, body: { message: 'Please try again later' } };
      pull.auto = { method: String(how), head: String(head) };
      return { status: 201, body: null };
    }
    const refusal = mergeRefusal(state, pull, head);
    if (refusal !== null) return { status: refusal.status, body: { message: refusal.message } };
    mergeNow(state, pull, how, head);
    return { status: 200, body: isGitHub ? { sha: commitOf(pull), merged: true, message: 'merged' } : null };
  }
  return { status: 200, body: shown(pull) };
}

const commitOf = ({ mergeCommit = '2'.repeat(40) }: FakePull) => mergeCommit;

/** The head of its branch: the pushed commit, if the test sets one. */
function headOf(state: ForgeState, pull: FakePull): string {
  if (pull.state === 'open') pull.headCommit = state.headOf?.(pull.head) ?? pull.headCommit;
  return pull.headCommit;
}

/** The pipeline of its commit's jobs; null: none. */
function pipelineOf(state: ForgeState, pull: FakePull): { sha: string; status: string } | null {
  const sha = headOf(state, pull);
  const jobs = state.statuses.get(sha) ?? [];
  if (jobs.length === 0) return null;
  const isFailed = jobs.some(({ state: is }) => is === 'failure');
  const isPending = jobs.some(({ state: is }) => is === 'pending');
  return { sha, status: isFailed ? 'failed' : isPending ? 'running' : 'success' };
}

/** In GitLab, account names have numbers, too. */
function userId(name: string): number {
  return [...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 100_003;
}

function answerGitLab(state: ForgeState, { method, path, query, body }: Asked, url: string): Reply {
  if (path === '/user') return { status: 200, body: { username: state.login } };
  const root = `/projects/${encodeURIComponent(`${state.owner}/${state.name}`)}`;
  if (path === root) {
    const squash = state.merging.first === 'squash' ? 'default_on' : 'default_off';
    const isOnTop = !state.merging.methods.includes('merge');
    return {
      status: 200,
      body: {
        merge_method: isOnTop ? 'ff' : 'merge',
        squash_option: state.merging.methods.includes('squash') ? squash : 'never',
      },
    };
  }
  if (!path.startsWith(`${root}/`)) return missing;
  const [noun = '', id = '', part = '', deep = ''] = path.slice(root.length + 1).split('/');
  const page = `${url}/${state.owner}/${state.name}/-`;
  if (noun === 'issues') {
    const issue = state.issues.get(Number(id));
    if (issue === undefined) return missing;
    const said = ({ id: own, author, body: text, at }: FakeComment) => ({
      id: own,
      author: { username: author },
      body: text,
      created_at: at,
      system: false,
    });
    if (part === 'notes' && method === 'POST') return { status: 201, body: said(comment(state, issue, body.body)) };
    if (part === 'notes') {
      const system = {
        id: 1,
        author: { username: 'root' },
        body: 'changed the description',
        created_at: new Date(0).toISOString(),
        system: true,
      };
      return paged([...[...issue.comments].reverse().map(said), system], query);
    }
    return {
      status: 200,
      body: {
        iid: Number(id),
        title: issue.title,
        description: issue.body,
        author: { username: issue.author },
        state: issue.state === 'open' ? 'opened' : 'closed',
        web_url: `${page}/issues/${id}`,
      },
    };
  }
  if (noun === 'repository' && part !== '' && deep === 'statuses') {
    const words = { pending: 'running', success: 'success', failure: 'failed' } as const;
    const statuses = (state.statuses.get(part) ?? []).map(({ name, state: is, description, mayFail }, index) => ({
      id: index + 1,
      name,
      allow_failure: mayFail === true,
      status: words[is],
      description,
      target_url: `${url}/ci`,
    }));
    return paged(statuses, query);
  }
  if (noun === 'jobs' && part === 'trace') {
    const all = [...state.statuses.values()].at(-1) ?? [];
    return { status: 200, body: all[Number(id) - 1]?.log ?? '' };
  }
  if (noun === 'members') {
    const isStranger = [...state.strangers].some((name) => String(userId(name)) === part);
    return isStranger ? missing : { status: 200, body: { id: Number(part), access_level: 30 } };
  }
  if (noun !== 'merge_requests') return missing;
  const shown = (pull: FakePull) => ({
    iid: pull.number,
    web_url: `${page}/merge_requests/${pull.number}`,
    state: pull.state === 'open' ? 'opened' : pull.state,
    source_branch: pull.head,
    target_branch: pull.base,
    description: pull.body,
    sha: headOf(state, pull),
    merge_commit_sha: pull.state === 'merged' ? commitOf(pull) : null,
    source_project_id: pull.isOfFork ? 8 : 7,
    target_project_id: 7,
    draft: false,
    merge_when_pipeline_succeeds: pull.auto !== null,
    detailed_merge_status: conflictsOf(state, pull)
      ? 'conflict'
      : approvalsOf(pull) < state.merging.approvals
        ? 'not_approved'
        : 'mergeable',
    head_pipeline: pipelineOf(state, pull),
    user: { can_merge: true },
  });
  if (id === '' && method === 'POST') {
    if (openTwin(state, body.source_branch)) {
      return {
        status: 409,
        body: { message: ['Another open merge request already exists for this source branch: !1'] },
      };
    }
    if (!isBase(state, body.target_branch)) return noBase;
    const given = {
      head: String(body.source_branch),
      base: String(body.target_branch),
      title: String(body.title),
      body: String(body.description),
    };
    return { status: 201, body: shown(addPull(state, given)) };
  }
  if (id === '') {
    const open = [...state.pulls.values()]
      .filter((pull) => query.get('state') === 'all' || pull.state === 'open')
      .filter((pull) => pull.head === query.get('source_branch'))
      .reverse();
    return paged(open.map(shown), query);
  }
  const pull = state.pulls.get(Number(id));
  if (pull === undefined) return missing;
  if (part === '' && method === 'PUT')
    return edited(state, pull, { base: body.target_branch, body: body.description }, () => shown(pull));
  if (part === 'cancel_merge_when_pipeline_succeeds') {
    if (pull.auto === null) return { status: 406, body: { message: 'not set to merge' } };
    pull.auto = null;
    return { status: 201, body: shown(pull) };
  }
  if (part === 'commits')
    return paged(
      [...(pull.commits ?? [headOf(state, pull)])].reverse().map((id) => ({ id })),
      query,
    );
  if (part === 'merge') {
    const how = body.squash === true ? 'squash' : 'keep';
    const isAuto = body.auto_merge === true;
    if (isAuto && state.merging.hasAuto && pipelineOf(state, pull)?.status === 'running') {
      pull.auto = { method: how, head: String(body.sha) };
      return { status: 200, body: shown(pull) };
    }
    const refusal = isAuto ? { status: 405, message: '405 Method Not Allowed' } : mergeRefusal(state, pull, body.sha);
    if (refusal !== null) return { status: refusal.status, body: { message: refusal.message } };
    mergeNow(state, pull, how, body.sha);
    return { status: 200, body: shown(pull) };
  }
  if (part === 'reviewers') {
    // Each reviewer has one state: the newest.
    const newest = new Map(pull.reviews.map((one) => [one.author, one]));
    const stateOf = ({ asksForChanges, is, author }: FakeReview) => {
      if (pull.awaited.includes(author)) return 'unreviewed';
      if (is === 'approved') return 'approved';
      return asksForChanges && is === undefined ? 'requested_changes' : 'reviewed';
    };
    const reviewers = [...newest.values()].map((one) => ({
      user: { username: one.author },
      state: stateOf(one),
      created_at: `at ${one.id}`,
    }));
    return paged(reviewers, query);
  }
  if (part === 'discussions') {
    const threads = pull.comments.map((one) => ({
      id: `d${one.id}`,
      notes: [
        {
          id: one.id,
          body: one.body,
          author: { id: userId(one.author), username: one.author },
          system: false,
          resolvable: true,
          resolved: false,
          position: { new_path: one.path, new_line: one.line },
        },
      ],
    }));
    const talk = pull.talk.map((one) => ({
      id: `n${one.id}`,
      individual_note: true,
      notes: [
        {
          id: one.id,
          body: one.body,
          author: { id: userId(one.author), username: one.author },
          system: false,
          resolvable: false,
        },
      ],
    }));
    return paged([...threads, ...talk], query);
  }
  return { status: 200, body: shown(pull) };
}
