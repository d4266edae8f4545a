/** GitLab's REST API: https://docs.gitlab.com/api/rest/ ; a merge request is what other forges call a pull request. */
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { loginOf, type MergeCalls } from './common-calls.ts';
import type {
  Check,
  Feedback,
  Forge,
  ForgeParts,
  Issue,
  MergeObstacle,
  PullRequest,
  ReviewedRequest,
  WantedMerge,
} from './forge.ts';
import { ForgeRefusal } from './forge-call.ts';
import { connectForge, type ForgeConnection } from './forge-connection.ts';
import { orDefault } from './forge-nothing.ts';
import { chosenMethod, chosenPull, commitOr, link, longText, number, person, word } from './forge-shapes.ts';
import { newestComments } from './newest-comments.ts';
import { checkPages, countedChecks } from './required-checks.ts';
import { gitlabRest } from './rest-call.ts';
import { feedbackOf, fixAskedFor, type Review } from './review-words.ts';

const page = 100;
/** The most entries of a list that grows at its end: texts of people. */
const wordPages = 5;

const issue = z.object({ iid: number, title: word, description: longText, state: word, author: person, web_url: link });
const note = z.object({ id: number, body: longText, author: person, created_at: word, system: z.boolean().nullish() });
const mergeRequest = z.object({
  iid: number,
  web_url: link,
  state: word,
  source_branch: word,
  target_branch: word,
  sha: word.nullish(),
  merge_commit_sha: word.nullish(),
  merge_when_pipeline_succeeds: z.boolean().nullish(),
  squash_commit_sha: word.nullish(),
  source_project_id: number.nullish(),
  target_project_id: number.nullish(),
});
const mergeState = mergeRequest.extend({
  draft: z.boolean().nullish(),
  merge_status: word.nullish(),
  detailed_merge_status: word.nullish(),
  head_pipeline: z.object({ sha: word.nullish(), status: word }).nullish(),
  user: z.object({ can_merge: z.boolean().nullish() }).nullish(),
});
const rules = z.object({ merge_method: word.nullish(), squash_option: word.nullish() });
/** https://docs.gitlab.com/api/pipelines/ */
const activePipeline: ReadonlySet<string> = new Set([
  'created',
  'waiting_for_resource',
  'preparing',
  'pending',
  'running',
  'scheduled',
]);
/** Statuses that do not end by themselves: https://docs.gitlab.com/api/merge_requests/#merge-status */
const obstacles: Readonly<Record<string, string>> = {
  conflict: 'it conflicts with',
  cannot_be_merged: 'it conflicts with',
  broken_status: 'it conflicts with',
  need_rebase: 'it must be rebased onto',
};
const discussion = z.object({
  id: word,
  notes: z.array(
    z.object({
      id: number,
      body: longText,
      author: z.object({ id: number, username: word }),
      system: z.boolean().nullish(),
      resolvable: z.boolean().nullish(),
      resolved: z.boolean().nullish(),
      position: z.object({ new_path: word.nullish(), new_line: number.nullish() }).nullish(),
    }),
  ),
});
const reviewer = z.object({ user: person, state: word, updated_at: word.nullish(), created_at: word.nullish() });
const member = z.object({ access_level: number });
/** The lowest access level that may push: https://docs.gitlab.com/api/members/ */
const developer = 30;
const status = z.object({
  id: number.nullish(),
  name: word,
  status: word,
  description: longText,
  target_url: link,
  allow_failure: z.boolean().nullish(),
});
/** The most failed jobs whose logs are fetched, and the stored part of each: its end shows the failure. */
const explained = 5;
const logChars = 6_000;

export function createGitLab(parts: ForgeParts): Forge {
  const { server, repo } = parts;
  const at = { id: `${repo.owner}/${repo.name}` };
  const connection = connectForge(parts, {
    at,
    options: gitlabRest(parts),
    pages: { sizeName: 'per_page', size: page },
  });
  return {
    server,
    repo,
    login: () => loginOf(connection.ask),
    ...createIssueCalls(connection),
    ...createRequestCalls(connection),
    ...createMergeCalls(connection),
    feedback: (of) => readFeedback(connection, of),
    checks: (commit) => readChecks(connection, commit),
  };
}

function createIssueCalls({ ask, at, server }: ForgeConnection): Pick<Forge, 'issue' | 'comment'> {
  return {
    async issue(wanted): Promise<Issue> {
      const found = await ask({
        route: 'GET /projects/{id}/issues/{iid}',
        parameters: { ...at, iid: wanted },
        shape: issue,
      });
      const { iid, title, description: body, state, author, web_url: url } = found;
      const said = await newestComments(async (size) => {
        const notes = await ask({
          route: 'GET /projects/{id}/issues/{iid}/notes',
          parameters: { ...at, iid: wanted, sort: 'desc', order_by: 'created_at', per_page: size, page: 1 },
          shape: z.array(note),
        });
        return notes
          .filter(({ system }) => system !== true)
          .map((one) => ({ author: one.author, body: one.body, at: one.created_at }))
          .reverse();
      });
      return { number: iid, title, body, author, url, state: state === 'opened' ? 'open' : 'closed', ...said };
    },
    async comment(wanted, text) {
      const route = 'POST /projects/{id}/issues/{iid}/notes';
      const { id } = await ask({
        route,
        parameters: { ...at, iid: wanted, body: text },
        shape: z.object({ id: number }),
      });
      return `${server.url}/${at.id}/-/issues/${wanted}#note_${id}`;
    },
  };
}

type RequestCalls = 'commits' | 'retarget' | 'editBody' | 'findPullRequest' | 'createPullRequest' | 'pullRequest';

function createRequestCalls({ ask, askSince, readPages, at }: ForgeConnection): Pick<Forge, RequestCalls> {
  return {
    async commits(wanted) {
      const route = 'GET /projects/{id}/merge_requests/{iid}/commits';
      const found = await orDefault(readPages(route, { ...at, iid: wanted }, z.object({ id: word })), []);
      return found.map(({ id }) => id);
    },
    async retarget(wanted, base) {
      const route = 'PUT /projects/{id}/merge_requests/{iid}';
      await ask({ route, parameters: { ...at, iid: wanted, target_branch: base }, shape: z.unknown() });
    },
    async editBody(wanted, edit) {
      const parameters = { ...at, iid: wanted };
      const shape = z.object({ description: z.string().nullish() });
      const found = await ask({ route: 'GET /projects/{id}/merge_requests/{iid}', parameters, shape });
      const body = found.description ?? '';
      const edited = edit(body);
      if (edited === body) return;
      const route = 'PUT /projects/{id}/merge_requests/{iid}';
      await ask({ route, parameters: { ...parameters, description: edited }, shape: z.unknown() });
    },
    async findPullRequest(head, commit) {
      const found = await readPages(
        'GET /projects/{id}/merge_requests',
        { ...at, source_branch: head, state: commit === undefined ? 'opened' : 'all' },
        mergeRequest,
      );
      const own = found.filter((one) => one.source_branch === head && one.source_project_id === one.target_project_id);
      return chosenPull(
        own.map((one) => pullOf(one, null)),
        commit,
      );
    },
    async createPullRequest({ head, base, title, body }) {
      const made = await ask({
        route: 'POST /projects/{id}/merge_requests',
        parameters: { ...at, source_branch: head, target_branch: base, title, description: body },
        shape: mergeRequest,
      });
      return pullOf(made, null);
    },
    async pullRequest(wanted, etag) {
      const route = 'GET /projects/{id}/merge_requests/{iid}';
      const answer = await askSince({ route, parameters: { ...at, iid: wanted }, shape: mergeRequest }, etag);
      return answer === null ? 'unchanged' : pullOf(answer.value, answer.etag);
    },
  };
}

function createMergeCalls({ ask, at, server, repo }: ForgeConnection): MergeCalls {
  async function lookAt(wanted: number): Promise<z.infer<typeof mergeState>> {
    const route = 'GET /projects/{id}/merge_requests/{iid}';
    return ask({ route, parameters: { ...at, iid: wanted }, shape: mergeState });
  }

  /** The project decides between a merge commit and a fast-forward; a request decides whether its commits are squashed first. */
  async function squashes(wanted: WantedMerge['method']): Promise<boolean> {
    const found = await ask({ route: 'GET /projects/{id}', parameters: at, shape: rules });
    const { merge_method: own = 'merge', squash_option: squash = 'default_off' } = found;
    const kept = squash === 'always' ? {} : own === 'merge' ? { merge: 'keep' } : { rebase: 'keep' };
    const allowed = { ...kept, ...(squash === 'never' ? {} : { squash: 'squash' }) };
    const first = squash === 'default_on' ? 'squash' : null;
    return chosenMethod({ wanted, allowed, first }, repo) === 'squash';
  }

  async function accept({ number: wanted, head, method }: WantedMerge, more: Readonly<Record<string, boolean>>) {
    const parameters = { ...at, iid: wanted, sha: head, squash: await squashes(method), ...more };
    const route = 'PUT /projects/{id}/merge_requests/{iid}/merge';
    return ask({ route, parameters, shape: mergeRequest });
  }

  return {
    async mergeObstacle({ number: wanted, base }): Promise<MergeObstacle> {
      const { draft, user, merge_status: older, detailed_merge_status: newer } = await lookAt(wanted);
      const state = newer ?? older ?? '';
      if (user?.can_merge === false)
        return { kind: 'blocked', detail: `the token that is used may not merge into ${base}` };
      const obstacle = obstacles[state];
      if (obstacle !== undefined) return { kind: 'behind', detail: `${obstacle} ${base}` };
      if (draft === true) return { kind: 'waits', detail: 'it is a draft' };
      if (state === 'mergeable' || state === 'can_be_merged') return { kind: 'none' };
      return { kind: 'waits', detail: `the forge says ${state.replaceAll('_', ' ')}` };
    },
    async merge(wanted) {
      const { state, ...merged } = await accept(wanted, {});
      if (state === 'merged') return commitOr(merged.merge_commit_sha ?? merged.squash_commit_sha ?? merged.sha);
      throw new EngineError(
        'forge_refused',
        `${server.name} took the merge and says ${state}`,
        'see the request there',
      );
    },
    async mergeWhenGreen(wanted) {
      // Without a running pipeline for this commit, some versions of GitLab merge at once, even after a failed one.
      const { head_pipeline: pipeline } = await lookAt(wanted.number);
      if (pipeline == null || pipeline.sha !== wanted.head || !activePipeline.has(pipeline.status)) return false;
      try {
        const found = await accept(wanted, { auto_merge: true, merge_when_pipeline_succeeds: true });
        return found.state === 'merged' || found.merge_when_pipeline_succeeds === true;
      } catch (thrown) {
        // Another condition comes first.
        if (thrown instanceof ForgeRefusal && (thrown.status === 405 || thrown.status === 422)) return false;
        throw thrown;
      }
    },
    async cancelMerge(wanted) {
      const route = 'POST /projects/{id}/merge_requests/{iid}/cancel_merge_when_pipeline_succeeds';
      await orDefault(ask({ route, parameters: { ...at, iid: wanted }, shape: z.unknown() }), null);
    },
  };
}

async function readFeedback(
  connection: ForgeConnection,
  { number: wanted, ...of }: ReviewedRequest,
): Promise<Feedback[]> {
  const { server, at } = connection;
  const url = `${server.url}/${at.id}/-/merge_requests/${wanted}`;
  const discussions = await connection.readPages(
    'GET /projects/{id}/merge_requests/{iid}/discussions',
    { ...at, iid: wanted },
    discussion,
    wordPages,
  );
  const notes = discussions
    .flatMap((one) => one.notes)
    .filter(({ system, resolved, resolvable }) => system !== true && !(resolvable === true && resolved === true));
  const isAsked = (one: (typeof notes)[number]) => one.resolvable === true || fixAskedFor(one.body) !== null;
  const writers = new Set<number>();
  for (const user of new Set(notes.filter(isAsked).map(({ author }) => author.id)))
    if (await mayWrite(connection, user)) writers.add(user);
  const words = notes.map((one) => ({
    isOnCode: one.resolvable === true,
    id: `${one.resolvable === true ? 'comment' : 'talk'}:${one.id}`,
    author: one.author.username,
    mayWrite: writers.has(one.author.id),
    text: one.body,
    url: `${url}#note_${one.id}`,
    review: null,
    path: one.position?.new_path ?? null,
    line: one.position?.new_line ?? null,
  }));
  return feedbackOf(
    {
      reviews: await changesAsked(connection, wanted, url),
      comments: words.filter(({ isOnCode }) => isOnCode),
      talk: words.filter(({ isOnCode }) => !isOnCode),
    },
    of,
  );
}

/** false for strangers, who are not among the members. */
async function mayWrite({ ask, at }: ForgeConnection, user: number): Promise<boolean> {
  try {
    const { access_level: level } = await ask({
      route: 'GET /projects/{id}/members/all/{user}',
      parameters: { ...at, user },
      shape: member,
    });
    return level >= developer;
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'not_found') return false;
    throw thrown;
  }
}

/** A reviewer has one state at a time. Each request for changes is reported once. */
async function changesAsked({ readPages, at }: ForgeConnection, wanted: number, url: string): Promise<Review[]> {
  const reviewers = await readPages(
    'GET /projects/{id}/merge_requests/{iid}/reviewers',
    { ...at, iid: wanted },
    reviewer,
  );
  return reviewers
    .filter(({ state }) => state === 'requested_changes')
    .map(({ user, updated_at: updated, created_at: created }) => ({
      id: `review:${user}:${updated ?? created ?? ''}`,
      author: user,
      mayWrite: true,
      text: '',
      url,
      verdict: 'changes',
      commit: null,
    }));
}

/** Each job states whether it may fail. */
async function readChecks(connection: ForgeConnection, commit: string): Promise<Check[]> {
  const { items: statuses, isWhole } = await connection.readList(
    'GET /projects/{id}/repository/commits/{sha}/statuses',
    { ...connection.at, sha: commit },
    z.array(status),
    checkPages,
  );
  const checks: Check[] = [];
  let asked = 0;
  for (const { id, name, status: said, description, target_url: url, allow_failure: mayFail } of statuses) {
    const state = mayFail === true && said === 'failed' ? 'passed' : stateOf(said);
    const isAsked = state === 'failed' && id != null && asked < explained;
    if (isAsked) asked += 1;
    const log = [description, isAsked ? await logOf(connection, id) : ''].filter((text) => text !== '').join('\n');
    const detail = [said, log].filter((text) => text !== '').join(': ');
    checks.push({ name, state, detail, log, url: url || null });
  }
  return countedChecks(checks, [], isWhole);
}

/** The end of a job's output; empty if the forge does not provide it. */
async function logOf({ ask, at }: ForgeConnection, job: number): Promise<string> {
  const route = 'GET /projects/{id}/jobs/{job}/trace';
  const log = await orDefault(ask({ route, parameters: { ...at, job }, shape: z.string() }), '');
  return stripVTControlCharacters(log).trim().slice(-logChars);
}

function stateOf(state: string): Check['state'] {
  if (state === 'success' || state === 'skipped' || state === 'manual') return 'passed';
  if (state === 'canceled') return 'inconclusive';
  return state === 'failed' ? 'failed' : 'pending';
}

function pullOf(found: z.infer<typeof mergeRequest>, etag: string | null): PullRequest {
  const state = found.state === 'merged' ? 'merged' : found.state === 'closed' ? 'closed' : 'open';
  return {
    number: found.iid,
    url: found.web_url,
    state,
    head: found.source_branch,
    headCommit: found.sha ?? '',
    base: found.target_branch,
    mergeCommit: state === 'merged' ? commitOr(found.merge_commit_sha ?? found.squash_commit_sha ?? found.sha) : null,
    awaited: [],
    isAutoMerged: found.merge_when_pipeline_succeeds ?? null,
    etag,
  };
}
