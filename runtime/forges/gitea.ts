/** The REST interface that Gitea and Forgejo share: https://docs.gitea.com/api and https://forgejo.org/docs/latest/user/api-usage/ */
import { z } from 'zod';
import type { Check, Feedback, Forge, ForgeParts, Issue } from './forge.ts';
import { createForgeCall } from './forge-call.ts';
import {
  comment,
  commented,
  commentOf,
  issue,
  link,
  longText,
  number,
  person,
  pull,
  pullOf,
  word,
} from './forge-shapes.ts';
import { type CommentSize, newestComments } from './newest-comments.ts';

/** What Gitea gives at most, unless it was set up otherwise. */
const page = 50;
const maxPages = 4;
const feedbackLimit = 200;

const review = z.object({
  id: number,
  user: person,
  body: longText,
  state: word,
  html_url: link,
  comments_count: number.nullish(),
  /** Of somebody who may write to the repository. */
  official: z.boolean().nullish(),
  dismissed: z.boolean().nullish(),
});
const reviewComment = z.object({
  id: number,
  user: person,
  body: longText,
  path: longText,
  position: number.nullish(),
  html_url: link,
});
const status = z.object({ context: word, status: word, description: longText, target_url: link });

export function createGitea(parts: ForgeParts): Forge {
  const { server, token } = parts;
  const ask = createForgeCall(parts, {
    baseUrl: `${server.url}/api/v1`,
    headers: { accept: 'application/json', ...(token === null ? {} : { authorization: `token ${token}` }) },
  });
  const at = { owner: parts.repo.owner, repo: parts.repo.name };

  async function list<Item>(
    route: string,
    parameters: Record<string, string | number>,
    item: z.ZodType<Item>,
  ): Promise<Item[]> {
    const all: Item[] = [];
    for (let index = 1; index <= maxPages; index += 1) {
      const answer = await ask({
        route,
        parameters: { ...at, ...parameters, limit: page, page: index },
        // An empty list is null in some versions.
        shape: z.array(item).nullable(),
      });
      const items = answer?.value ?? [];
      all.push(...items);
      if (items.length < page) break;
    }
    return all;
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
        route: 'GET /repos/{owner}/{repo}/issues/{number}',
        parameters: { ...at, number: wanted },
        shape: issue,
      });
      if (answer === null) throw new Error('an issue was asked for without an etag');
      const { user, html_url: url, state, comments: count, updated_at: updated, ...text } = answer.value;
      const said = await newestComments(async (size) => {
        if (count === 0) return [];
        const route = 'GET /repos/{owner}/{repo}/issues/{number}/comments';
        const since = sinceOf(size, updated ?? null);
        const parameters = { ...at, number: wanted, ...(since === null ? {} : { since }) };
        const some = await ask({ route, parameters, shape: z.array(comment).nullable() });
        return (some?.value ?? []).map(commentOf);
      });
      return { ...text, author: user, url, state: state === 'open' ? 'open' : 'closed', ...said };
    },
    async comment(wanted, text) {
      const route = 'POST /repos/{owner}/{repo}/issues/{number}/comments';
      const answer = await ask({ route, parameters: { ...at, number: wanted, body: text }, shape: commented });
      return answer?.value.html_url ?? '';
    },
    async findPullRequest(head) {
      const found = await list('GET /repos/{owner}/{repo}/pulls', { state: 'open', sort: 'recentupdate' }, pull);
      // A fork's branch may have the same name.
      const isOwn = ({ head: { ref, repo }, base }: z.infer<typeof pull>) =>
        ref === head && (repo?.full_name ?? '') === (base.repo?.full_name ?? '');
      const own = found.filter(isOwn).sort((one, other) => other.number - one.number)[0];
      return own === undefined ? null : pullOf(own, null);
    },
    async createPullRequest(wanted) {
      const answer = await ask({
        route: 'POST /repos/{owner}/{repo}/pulls',
        parameters: { ...at, ...wanted },
        shape: pull,
      });
      if (answer === null) throw new Error('a pull request was made without an answer');
      return pullOf(answer.value, null);
    },
    async pullRequest(wanted, etag) {
      const answer = await ask({
        route: 'GET /repos/{owner}/{repo}/pulls/{number}',
        parameters: { ...at, number: wanted },
        shape: pull,
        etag,
      });
      return answer === null ? 'unchanged' : pullOf(answer.value, answer.etag);
    },
    async feedback(wanted): Promise<Feedback[]> {
      const reviews = await list('GET /repos/{owner}/{repo}/pulls/{number}/reviews', { number: wanted }, review);
      const all: Feedback[] = [];
      const counted = reviews.filter(
        (one) => one.official === true && one.dismissed !== true && one.state !== 'PENDING',
      );
      for (const { id, user, body, state, html_url: url, comments_count: count } of counted) {
        if (state === 'REQUEST_CHANGES')
          all.push({ id: `review:${id}`, kind: 'changes', author: user, text: body, path: null, line: null, url });
        if (count === 0 || all.length >= feedbackLimit) continue;
        const comments = await list(
          'GET /repos/{owner}/{repo}/pulls/{number}/reviews/{id}/comments',
          { number: wanted, id },
          reviewComment,
        );
        for (const one of comments) {
          const { path, position } = one;
          all.push({
            id: `comment:${one.id}`,
            kind: 'comment',
            author: one.user,
            text: one.body,
            path: path || null,
            line: position ?? null,
            url: one.html_url,
          });
        }
      }
      return all.slice(0, feedbackLimit);
    },
    async checks(commit) {
      const answer = await ask({
        route: 'GET /repos/{owner}/{repo}/commits/{ref}/status',
        parameters: { ...at, ref: commit },
        shape: z.object({ statuses: z.array(status).nullish() }),
      });
      return (answer?.value.statuses ?? []).slice(0, feedbackLimit).map(
        ({ context, status: state, description, target_url: url }): Check => ({
          name: context,
          state: state === 'pending' ? 'pending' : state === 'success' || state === 'warning' ? 'passed' : 'failed',
          detail: description,
          url: url || null,
        }),
      );
    },
  };
}

const dayMs = 24 * 60 * 60_000;
/** It gives all comments at once, whatever number is asked for: fewer are those of the issue's last days. */
const windowMs: Readonly<Record<CommentSize, number | null>> = { 100: null, 20: 30 * dayMs, 3: dayMs };

function sinceOf(size: CommentSize, updated: string | null): string | null {
  const back = windowMs[size];
  if (back === null) return null;
  const at = Date.parse(updated ?? '');
  return new Date(Math.max(0, (Number.isNaN(at) ? Date.now() : at) - back)).toISOString();
}
