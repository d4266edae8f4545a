/** GitLab's REST interface: https://docs.gitlab.com/api/rest/ ; a merge request is what other forges call a pull request. */
import { z } from 'zod';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { Check, Feedback, Forge, ForgeParts, Issue, PullRequest } from './forge.ts';
import { createForgeCall } from './forge-call.ts';
import { createPages } from './forge-pages.ts';
import { link, longText, number, person, word } from './forge-shapes.ts';
import { newestComments } from './newest-comments.ts';

const page = 100;

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
  squash_commit_sha: word.nullish(),
  source_project_id: number.nullish(),
  target_project_id: number.nullish(),
});
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
/** The least that may push: https://docs.gitlab.com/api/members/ */
const developer = 30;
const status = z.object({ name: word, status: word, description: longText, target_url: link });

export function createGitLab(parts: ForgeParts): Forge {
  const { server, token } = parts;
  const ask = createForgeCall(parts, {
    baseUrl: `${server.url}/api/v4`,
    headers: { accept: 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
  });
  const at = { id: `${parts.repo.owner}/${parts.repo.name}` };
  const readPages = createPages(ask, { sizeName: 'per_page', size: page });

  /** False of strangers, whom the forge does not find among the members. */
  async function mayWrite(user: number): Promise<boolean> {
    try {
      const answer = await ask({
        route: 'GET /projects/{id}/members/all/{user}',
        parameters: { ...at, user },
        shape: member,
      });
      return (answer?.value.access_level ?? 0) >= developer;
    } catch (thrown) {
      if (thrown instanceof EngineError && thrown.code === 'not_found') return false;
      throw thrown;
    }
  }

  /** Whoever asks for changes is told as one piece of feedback for each time that he said so. */
  async function changesAsked(wanted: number, url: string): Promise<Feedback[]> {
    const reviewers = await readPages(
      'GET /projects/{id}/merge_requests/{iid}/reviewers',
      { ...at, iid: wanted },
      reviewer,
    );
    return reviewers
      .filter(({ state }) => state === 'requested_changes')
      .map(({ user, updated_at: updated, created_at: created }) => ({
        id: `review:${user}:${updated ?? created ?? ''}`,
        kind: 'changes' as const,
        author: user,
        text: '',
        path: null,
        line: null,
        url,
      }));
  }

  return {
    server,
    repo: parts.repo,
    async login() {
      const answer = await ask({ route: 'GET /user', parameters: {}, shape: person });
      return answer?.value ?? 'somebody';
    },
    async issue(wanted): Promise<Issue> {
      const answer = await ask({
        route: 'GET /projects/{id}/issues/{iid}',
        parameters: { ...at, iid: wanted },
        shape: issue,
      });
      if (answer === null) throw new Error('an issue was asked for without an etag');
      const { iid, title, description: body, state, author, web_url: url } = answer.value;
      const said = await newestComments(async (size) => {
        const answered = await ask({
          route: 'GET /projects/{id}/issues/{iid}/notes',
          parameters: { ...at, iid: wanted, sort: 'desc', order_by: 'created_at', per_page: size, page: 1 },
          shape: z.array(note),
        });
        return (answered?.value ?? [])
          .filter(({ system }) => system !== true)
          .map((one) => ({ author: one.author, body: one.body, at: one.created_at }))
          .reverse();
      });
      return { number: iid, title, body, author, url, state: state === 'opened' ? 'open' : 'closed', ...said };
    },
    async comment(wanted, text) {
      const route = 'POST /projects/{id}/issues/{iid}/notes';
      const answer = await ask({
        route,
        parameters: { ...at, iid: wanted, body: text },
        shape: z.object({ id: number }),
      });
      return answer === null ? '' : `${server.url}/${at.id}/-/issues/${wanted}#note_${answer.value.id}`;
    },
    async findPullRequest(head) {
      const found = await readPages(
        'GET /projects/{id}/merge_requests',
        { ...at, source_branch: head, state: 'opened' },
        mergeRequest,
      );
      const own = found.find((one) => one.source_branch === head && one.source_project_id === one.target_project_id);
      return own === undefined ? null : pullOf(own, null);
    },
    async createPullRequest({ head, base, title, body }) {
      const answer = await ask({
        route: 'POST /projects/{id}/merge_requests',
        parameters: { ...at, source_branch: head, target_branch: base, title, description: body },
        shape: mergeRequest,
      });
      if (answer === null) throw new Error('a merge request was made without an answer');
      return pullOf(answer.value, null);
    },
    async pullRequest(wanted, etag) {
      const route = 'GET /projects/{id}/merge_requests/{iid}';
      const answer = await ask({ route, parameters: { ...at, iid: wanted }, shape: mergeRequest, etag });
      return answer === null ? 'unchanged' : pullOf(answer.value, answer.etag);
    },
    async feedback(wanted): Promise<Feedback[]> {
      const url = `${server.url}/${at.id}/-/merge_requests/${wanted}`;
      const asked = await changesAsked(wanted, url);
      const discussions = await readPages(
        'GET /projects/{id}/merge_requests/{iid}/discussions',
        { ...at, iid: wanted },
        discussion,
        2,
      );
      const open = discussions
        .flatMap(({ notes }) => notes)
        .filter((one) => one.system !== true && one.resolvable === true && one.resolved !== true);
      const writers = new Set<number>();
      for (const user of new Set(open.map(({ author }) => author.id))) if (await mayWrite(user)) writers.add(user);
      const comments = open
        .filter(({ author }) => writers.has(author.id))
        .map((one) => ({
          id: `comment:${one.id}`,
          kind: 'comment' as const,
          author: one.author.username,
          text: one.body,
          path: one.position?.new_path ?? null,
          line: one.position?.new_line ?? null,
          url: `${url}#note_${one.id}`,
        }));
      return [...asked, ...comments].slice(0, 2 * page);
    },
    async checks(commit) {
      const statuses = await readPages(
        'GET /projects/{id}/repository/commits/{sha}/statuses',
        { ...at, sha: commit },
        status,
        2,
      );
      return statuses.map(
        ({ name, status: state, description, target_url: url }): Check => ({
          name,
          state: stateOf(state),
          detail: [state, description].filter((text) => text !== '').join(': '),
          url: url || null,
        }),
      );
    },
  };
}

function stateOf(state: string): Check['state'] {
  if (state === 'success' || state === 'skipped' || state === 'manual') return 'passed';
  return state === 'failed' || state === 'canceled' ? 'failed' : 'pending';
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
    mergeCommit: state === 'merged' ? (found.merge_commit_sha ?? found.squash_commit_sha ?? null) : null,
    etag,
  };
}
