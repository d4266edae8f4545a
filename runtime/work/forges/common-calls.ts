/** What GitHub and Gitea are asked in the same words. */
import { z } from 'zod';
import type { Forge, ForgeRepo } from './forge.ts';
import type { Ask } from './forge-call.ts';
import { orDefault } from './forge-nothing.ts';
import type { ReadPages } from './forge-pages.ts';
import { commented, pull, pullOf, word } from './forge-shapes.ts';

export type CommonCalls = Pick<Forge, 'comment' | 'createPullRequest' | 'pullRequest' | 'commits'>;

interface Calls {
  readonly ask: Ask;
  readonly readPages: ReadPages;
}

export function createCommonCalls({ ask, readPages }: Calls, { owner, name: repo }: ForgeRepo): CommonCalls {
  const at = { owner, repo };
  return {
    async commits(wanted) {
      const route = 'GET /repos/{owner}/{repo}/pulls/{number}/commits';
      const found = await orDefault(readPages(route, { ...at, number: wanted }, z.object({ sha: word })), []);
      return found.map(({ sha }) => sha);
    },
    async comment(number, body) {
      const route = 'POST /repos/{owner}/{repo}/issues/{number}/comments';
      const answer = await ask({ route, parameters: { ...at, number, body }, shape: commented });
      return answer?.value.html_url ?? '';
    },
    async createPullRequest(wanted) {
      const route = 'POST /repos/{owner}/{repo}/pulls';
      const answer = await ask({ route, parameters: { ...at, ...wanted }, shape: pull });
      if (answer === null) throw new Error('a pull request was made without an answer');
      return pullOf(answer.value, null);
    },
    async pullRequest(number, etag) {
      const route = 'GET /repos/{owner}/{repo}/pulls/{number}';
      const answer = await ask({ route, parameters: { ...at, number }, shape: pull, etag });
      return answer === null ? 'unchanged' : pullOf(answer.value, answer.etag);
    },
  };
}
