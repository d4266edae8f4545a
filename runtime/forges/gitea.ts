/** The REST interface that Gitea and Forgejo share: https://docs.gitea.com/api and https://forgejo.org/docs/latest/user/api-usage/ */
import { z } from 'zod';
import { createCommonCalls } from './common-calls.ts';
import type { Check, Feedback, Forge, ForgeParts, Issue } from './forge.ts';
import { createForgeCall } from './forge-call.ts';
import { orNothing } from './forge-nothing.ts';
import { createPages } from './forge-pages.ts';
import {
  chosenPull,
  comment,
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
import { countedChecks } from './required-checks.ts';
import { type CodeComment, feedbackOf, fixAskedFor, type Review } from './review-words.ts';

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
  /** About an earlier commit than the request's head. */
  stale: z.boolean().nullish(),
  commit_id: word.nullish(),
});
const reviewComment = z.object({
  id: number,
  user: person,
  body: longText,
  path: longText,
  position: number.nullish(),
  html_url: link,
});
const talkWord = z.object({ id: number, user: person, body: longText, html_url: link });
const permission = z.object({ permission: word });
const writers: ReadonlySet<string> = new Set(['write', 'admin', 'owner']);
const requiredIn = z.object({
  enable_status_check: z.boolean().nullish(),
  status_check_contexts: z.array(word).nullish(),
});
const passed: ReadonlySet<string> = new Set(['success', 'warning', 'skipped']);
const status = z.object({ context: word, status: word, description: longText, target_url: link });

export function createGitea(parts: ForgeParts): Forge {
  const { server, token } = parts;
  const ask = createForgeCall(parts, {
    baseUrl: `${server.url}/api/v1`,
    headers: { accept: 'application/json', ...(token === null ? {} : { authorization: `token ${token}` }) },
  });
  const at = { owner: parts.repo.owner, repo: parts.repo.name };
  const readPages = createPages(ask, { sizeName: 'limit', size: page });

  /** By what a review says of its author, else by what the forge says when it is asked; asked once for each. */
  function createMayWrite(reviews: readonly z.infer<typeof review>[]): (login: string) => Promise<boolean> {
    const known = new Map<string, boolean>([[at.owner, true]]);
    for (const { user, official } of reviews) if (official === true) known.set(user, true);
    return async (login) => {
      const before = known.get(login);
      if (before !== undefined) return before;
      const route = 'GET /repos/{owner}/{repo}/collaborators/{login}/permission';
      const answer = await orNothing(ask({ route, parameters: { ...at, login }, shape: permission }), null);
      const isWriter = writers.has(answer?.value.permission ?? '');
      known.set(login, isWriter);
      return isWriter;
    };
  }

  async function requiredFor(branch: string): Promise<string[]> {
    const route = 'GET /repos/{owner}/{repo}/branches/{branch}';
    const answer = await orNothing(ask({ route, parameters: { ...at, branch }, shape: requiredIn }), null);
    return answer?.value.enable_status_check === true ? (answer.value.status_check_contexts ?? []) : [];
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
    async findPullRequest(head, commit) {
      const found = await readPages(
        'GET /repos/{owner}/{repo}/pulls',
        { ...at, state: commit === undefined ? 'open' : 'all', sort: 'recentupdate' },
        pull,
        maxPages,
      );
      // A fork's branch may have the same name.
      const isOwn = ({ head: { ref, repo }, base }: z.infer<typeof pull>) =>
        ref === head && (repo?.full_name ?? '') === (base.repo?.full_name ?? '');
      return chosenPull(
        found.filter(isOwn).map((one) => pullOf(one, null)),
        commit,
      );
    },
    async feedback(of): Promise<Feedback[]> {
      const number = of.number;
      const route = 'GET /repos/{owner}/{repo}/pulls/{number}/reviews';
      const reviews = (await readPages(route, { ...at, number }, review, maxPages)).filter(
        ({ state }) => state !== 'PENDING',
      );
      const mayWrite = createMayWrite(reviews);
      const words: Review[] = [];
      const comments: CodeComment[] = [];
      for (const one of reviews) {
        const verdict = verdictOf(one);
        const isWriter = verdict === 'none' ? await mayWrite(one.user) : one.official === true;
        const url = one.html_url;
        const id = `review:${one.id}`;
        const commit = one.stale === true ? 'stale' : (one.commit_id ?? null);
        words.push({ id, author: one.user, mayWrite: isWriter, text: one.body, url, verdict, commit });
        if (one.comments_count === 0 || comments.length >= feedbackLimit) continue;
        const inside = await readPages(
          `${route}/{id}/comments`,
          { ...at, number, id: one.id },
          reviewComment,
          maxPages,
        );
        for (const { id: own, user: author, body: text, path, position, html_url: place } of inside)
          comments.push({
            id: `comment:${own}`,
            author,
            mayWrite: author === one.user ? isWriter : await mayWrite(author),
            text,
            url: place,
            review: id,
            path: path || null,
            line: position ?? null,
          });
      }
      const talk = [];
      const below = await orNothing(
        readPages('GET /repos/{owner}/{repo}/issues/{number}/comments', { ...at, number }, talkWord, maxPages),
        [],
      );
      for (const { id, user: author, body: text, html_url: url } of below) {
        const isAsking = fixAskedFor(text) !== null;
        talk.push({ id: `talk:${id}`, author, mayWrite: isAsking && (await mayWrite(author)), text, url });
      }
      return feedbackOf({ reviews: words, comments, talk }, of);
    },
    async checks(commit, base) {
      const answer = await ask({
        route: 'GET /repos/{owner}/{repo}/commits/{ref}/status',
        parameters: { ...at, ref: commit },
        shape: z.object({ statuses: z.array(status).nullish() }),
      });
      const all = (answer?.value.statuses ?? []).slice(0, feedbackLimit).map(
        ({ context, status: state, description, target_url: url }): Check => ({
          name: context,
          state: state === 'pending' ? 'pending' : passed.has(state) ? 'passed' : 'failed',
          detail: description,
          log: description,
          url: url || null,
        }),
      );
      return all.every(({ state }) => state === 'passed') ? all : countedChecks(all, await requiredFor(base));
    },
  };
}

/** A review that is asked for again is in the list, as one of the reviewer who is asked. */
function verdictOf({ state, dismissed }: z.infer<typeof review>): Review['verdict'] {
  if (dismissed === true || state === 'REQUEST_REVIEW') return 'withdrawn';
  return state === 'APPROVED' ? 'approved' : state === 'REQUEST_CHANGES' ? 'changes' : 'none';
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
