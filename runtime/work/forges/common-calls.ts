/** Requests that are the same for GitHub and Gitea. */
import { z } from 'zod';
import type { Comment, Forge } from './forge.ts';
import type { Ask } from './forge-call.ts';
import type { ForgeConnection } from './forge-connection.ts';
import { orDefault } from './forge-nothing.ts';
import { commented, issue, person, pull, pullOf, word } from './forge-shapes.ts';
import { type CommentSize, newestComments } from './newest-comments.ts';

/** The calls about merging, which differ at each forge. */
export type MergeCalls = Pick<Forge, 'mergeObstacle' | 'merge' | 'mergeWhenGreen' | 'cancelMerge'>;

export type CommonCalls = Pick<
  Forge,
  'login' | 'issue' | 'comment' | 'createPullRequest' | 'retarget' | 'editBody' | 'pullRequest' | 'commits'
>;

/** The newest comments of an issue, `size` of them or more, the oldest first. */
type ReadComments = (
  connection: ForgeConnection,
  of: z.infer<typeof issue>,
  size: CommentSize,
) => Promise<readonly Comment[]>;

export function createCommonCalls(connection: ForgeConnection, readComments: ReadComments): CommonCalls {
  const { ask, askSince, readPages, at } = connection;
  return {
    login: () => loginOf(ask),
    async issue(number) {
      const route = 'GET /repos/{owner}/{repo}/issues/{number}';
      const found = await ask({ route, parameters: { ...at, number }, shape: issue });
      const { user, html_url: url, state, comments: count, updated_at: _updated, ...text } = found;
      const said = await newestComments(async (size) => (count === 0 ? [] : readComments(connection, found, size)));
      return { ...text, author: user, url, state: state === 'open' ? 'open' : 'closed', ...said };
    },
    async commits(wanted) {
      const route = 'GET /repos/{owner}/{repo}/pulls/{number}/commits';
      const found = await orDefault(readPages(route, { ...at, number: wanted }, z.object({ sha: word })), []);
      return found.map(({ sha }) => sha);
    },
    async comment(number, body) {
      const route = 'POST /repos/{owner}/{repo}/issues/{number}/comments';
      return (await ask({ route, parameters: { ...at, number, body }, shape: commented })).html_url;
    },
    async createPullRequest(wanted) {
      const route = 'POST /repos/{owner}/{repo}/pulls';
      return pullOf(await ask({ route, parameters: { ...at, ...wanted }, shape: pull }), null);
    },
    async retarget(number, base) {
      const route = 'PATCH /repos/{owner}/{repo}/pulls/{number}';
      await ask({ route, parameters: { ...at, number, base }, shape: z.unknown() });
    },
    async editBody(number, edit) {
      const parameters = { ...at, number };
      const shape = z.object({ body: z.string().nullish() });
      const body = (await ask({ route: 'GET /repos/{owner}/{repo}/pulls/{number}', parameters, shape })).body ?? '';
      const edited = edit(body);
      if (edited === body) return;
      const route = 'PATCH /repos/{owner}/{repo}/pulls/{number}';
      await ask({ route, parameters: { ...parameters, body: edited }, shape: z.unknown() });
    },
    async pullRequest(number, etag) {
      const route = 'GET /repos/{owner}/{repo}/pulls/{number}';
      const answer = await askSince({ route, parameters: { ...at, number }, shape: pull }, etag);
      return answer === null ? 'unchanged' : pullOf(answer.value, answer.etag);
    },
  };
}

/** GitLab has the same route. */
export function loginOf(ask: Ask): Promise<string> {
  return ask({ route: 'GET /user', parameters: {}, shape: person });
}
