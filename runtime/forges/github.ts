/** GitHub's REST interface, also of GitHub Enterprise: https://docs.github.com/rest */
import { z } from 'zod';
import { createCommonCalls } from './common-calls.ts';
import type { Check, Comment, Feedback, Forge, ForgeParts, Issue } from './forge.ts';
import { createForgeCall } from './forge-call.ts';
import { createPages } from './forge-pages.ts';
import { comment, commentOf, issue, link, longText, number, person, pull, pullOf, word } from './forge-shapes.ts';
import { newestComments } from './newest-comments.ts';

const page = 100;

/** What somebody is to the repository; who is none of these may not write to it. */
const association = word.nullish().transform((is) => ['OWNER', 'MEMBER', 'COLLABORATOR'].includes(is ?? ''));
const review = z.object({
  id: number,
  user: person,
  body: longText,
  state: word,
  html_url: link,
  author_association: association,
});
const reviewComment = z.object({
  id: number,
  user: person,
  body: longText,
  path: word,
  line: number.nullish(),
  html_url: link,
  author_association: association,
});
const checkRun = z.object({
  name: word,
  status: word,
  conclusion: word.nullish(),
  html_url: link,
  output: z.object({ title: longText, summary: longText }).nullish(),
});
const status = z.object({ context: word, state: word, description: longText, target_url: link });

/** Conclusions that stand in nobody's way. */
const passed = new Set(['success', 'neutral', 'skipped']);

export function createGitHub(parts: ForgeParts): Forge {
  const { server, token } = parts;
  const { owner, name: repo } = parts.repo;
  const { host } = new URL(server.url);
  // The cloud's forges have a host for it, others a place on their own.
  const isCloud = host === 'github.com' || host.endsWith('.ghe.com');
  const ask = createForgeCall(parts, {
    baseUrl: isCloud ? `https://api.${host}` : `${server.url}/api/v3`,
    headers: {
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
  });
  const at = { owner, repo };
  const readPages = createPages(ask, { sizeName: 'per_page', size: page });

  async function checkRuns(commit: string): Promise<Check[]> {
    const answer = await ask({
      route: 'GET /repos/{owner}/{repo}/commits/{ref}/check-runs',
      parameters: { ...at, ref: commit, per_page: page, filter: 'latest' },
      shape: z.object({ check_runs: z.array(checkRun) }),
    });
    return (answer?.value.check_runs ?? []).map(({ name, status: stage, conclusion, html_url: url, output }) => ({
      name,
      state: stage !== 'completed' ? 'pending' : passed.has(conclusion ?? '') ? 'passed' : 'failed',
      detail: [conclusion ?? stage, output?.title ?? '', output?.summary ?? '']
        .filter((text) => text !== '')
        .join('\n'),
      url: url || null,
    }));
  }

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
      const { user, html_url: url, state, comments: count, updated_at: _updated, ...text } = answer.value;
      const said = await newestComments(async (size) => {
        const last = Math.max(1, Math.ceil(count / size));
        // The newest ones are on the last page, which may hold a few alone.
        const pages = last === 1 ? [1] : [last - 1, last];
        const comments: Comment[] = [];
        for (const index of count === 0 ? [] : pages) {
          const route = 'GET /repos/{owner}/{repo}/issues/{number}/comments';
          const parameters = { ...at, number: wanted, per_page: size, page: index };
          const some = await ask({ route, parameters, shape: z.array(comment) });
          comments.push(...(some?.value ?? []).map(commentOf));
        }
        return comments;
      });
      return { ...text, author: user, url, state: state === 'open' ? 'open' : 'closed', ...said };
    },
    async findPullRequest(head) {
      const parameters = { ...at, head: `${owner}:${head}`, state: 'open' };
      const found = await readPages('GET /repos/{owner}/{repo}/pulls', parameters, pull);
      const own = found.find((one) => one.head.ref === head);
      return own === undefined ? null : pullOf(own, null);
    },
    async feedback(wanted): Promise<Feedback[]> {
      const parameters = { ...at, number: wanted };
      const reviews = await readPages('GET /repos/{owner}/{repo}/pulls/{number}/reviews', parameters, review, 2);
      const comments = await readPages(
        'GET /repos/{owner}/{repo}/pulls/{number}/comments',
        parameters,
        reviewComment,
        2,
      );
      return [
        ...reviews
          .filter(({ state, author_association: mayWrite }) => mayWrite && state === 'CHANGES_REQUESTED')
          .map(({ id, user, body, html_url: url }) => ({
            id: `review:${id}`,
            kind: 'changes' as const,
            author: user,
            text: body,
            path: null,
            line: null,
            url,
          })),
        ...comments
          .filter(({ author_association: mayWrite }) => mayWrite)
          .map(({ id, user, body, path, line, html_url: url }) => ({
            id: `comment:${id}`,
            kind: 'comment' as const,
            author: user,
            text: body,
            path,
            line: line ?? null,
            url,
          })),
      ].slice(0, 2 * page);
    },
    async checks(commit) {
      const runs = await checkRuns(commit);
      const statuses = await ask({
        route: 'GET /repos/{owner}/{repo}/commits/{ref}/status',
        parameters: { ...at, ref: commit, per_page: page },
        shape: z.object({ statuses: z.array(status) }),
      });
      const others = (statuses?.value.statuses ?? []).map(
        ({ context, state, description, target_url: url }): Check => ({
          name: context,
          state: state === 'pending' ? 'pending' : state === 'success' ? 'passed' : 'failed',
          detail: description,
          url: url || null,
        }),
      );
      return [...runs, ...others].slice(0, 2 * page);
    },
  };
}
