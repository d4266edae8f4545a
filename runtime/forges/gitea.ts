/** The REST interface that Gitea and Forgejo share: https://docs.gitea.com/api and https://forgejo.org/docs/latest/user/api-usage/ */
import { z } from 'zod';
import { createCommonCalls } from './common-calls.ts';
import type { Check, Feedback, Forge, ForgeParts, Issue } from './forge.ts';
import { createForgeCall } from './forge-call.ts';
import { createPages } from './forge-pages.ts';
import { comment, commentOf, issue, link, longText, number, person, pull, pullOf, word } from './forge-shapes.ts';
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
  const readPages = createPages(ask, { sizeName: 'limit', size: page });

  return {
    server,
    repo: parts.repo,
    ...createCommonCalls(ask, parts.repo),
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
    async findPullRequest(head) {
      const found = await readPages(
        'GET /repos/{owner}/{repo}/pulls',
        { ...at, state: 'open', sort: 'recentupdate' },
        pull,
        maxPages,
      );
      // A fork's branch may have the same name.
      const isOwn = ({ head: { ref, repo }, base }: z.infer<typeof pull>) =>
        ref === head && (repo?.full_name ?? '') === (base.repo?.full_name ?? '');
      const own = found.filter(isOwn).sort((one, other) => other.number - one.number)[0];
      return own === undefined ? null : pullOf(own, null);
    },
    async feedback(wanted): Promise<Feedback[]> {
      const reviews = await readPages(
        'GET /repos/{owner}/{repo}/pulls/{number}/reviews',
        { ...at, number: wanted },
        review,
        maxPages,
      );
      const all: Feedback[] = [];
      const counted = reviews.filter(
        (one) => one.official === true && one.dismissed !== true && one.state !== 'PENDING',
      );
      for (const { id, user, body, state, html_url: url, comments_count: count } of counted) {
        if (state === 'REQUEST_CHANGES')
          all.push({ id: `review:${id}`, kind: 'changes', author: user, text: body, path: null, line: null, url });
        if (count === 0 || all.length >= feedbackLimit) continue;
        const comments = await readPages(
          'GET /repos/{owner}/{repo}/pulls/{number}/reviews/{id}/comments',
          { ...at, number: wanted, id },
          reviewComment,
          maxPages,
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
